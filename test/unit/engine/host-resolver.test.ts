import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ResolvedHost } from "#src/engine/engine.js";
import { HostResolver, WAITING_NAMES_MAX } from "#src/engine/host-resolver.js";
import { resolveHost } from "#src/engine/resolve-host.js";

const FOUND: readonly ResolvedHost[] = [{ host: "192.0.2.1", family: "IPv4" }];

interface Response {
  resolve(hosts: readonly ResolvedHost[]): void;
  reject(error: unknown): void;
}

/** A resolver whose system responds when the test says so. */
class ResolverWorld {
  readonly asked: string[] = [];
  readonly #responses = new Map<string, Response>();
  readonly resolver: HostResolver;
  /** What the system was told of who waits. */
  readonly holds: boolean[] = [];

  constructor(runningMax = 2) {
    this.resolver = new HostResolver((host) => {
      this.asked.push(host);
      let resolve!: (hosts: readonly ResolvedHost[]) => void;
      let reject!: (error: unknown) => void;
      const promise = new Promise<readonly ResolvedHost[]>((good, bad) => {
        resolve = good;
        reject = bad;
      });
      this.#responses.set(host, { resolve, reject });
      return { hosts: promise, hold: (isWanted): number => this.holds.push(isWanted) };
    }, runningMax);
  }

  respond(host: string): void {
    this.#responses.get(host)!.resolve(FOUND);
  }

  fail(host: string, error: Error): void {
    this.#responses.get(host)!.reject(error);
  }
}

describe("host resolver", () => {
  test("tells the system when nobody waits for a name that is under way, and when somebody does again", async () => {
    const world = new ResolverWorld();
    const [one, other] = [new AbortController(), new AbortController()];
    const first = world.resolver.resolve("db.test", one.signal);
    const second = world.resolver.resolve("db.test", other.signal);

    one.abort();
    await assert.rejects(first);
    const before = [...world.holds];
    other.abort();
    await assert.rejects(second);
    const third = world.resolver.resolve("db.test");
    world.respond("db.test");

    assert.deepEqual(await third, FOUND);
    assert.deepEqual(before, []);
    assert.deepEqual(world.holds, [false, true]);
    assert.deepEqual(world.asked, ["db.test"]);
  });

  test("looks a name up once for all who ask while it is under way, and anew afterwards", async () => {
    const world = new ResolverWorld();
    const all = ["db.test", "DB.test", "db.test"].map((host) => world.resolver.resolve(host));
    assert.deepEqual(world.asked, ["db.test"]);

    world.respond("db.test");

    assert.deepEqual(await Promise.all(all), [FOUND, FOUND, FOUND]);
    assert.equal(world.resolver.nameCount, 0);
    void world.resolver.resolve("db.test");
    assert.deepEqual(world.asked, ["db.test", "db.test"]);
  });

  test("tells a failure to all who wait, and goes on with the next name", async () => {
    const world = new ResolverWorld(1);
    const lost = [world.resolver.resolve("bad.test"), world.resolver.resolve("bad.test")];
    const next = world.resolver.resolve("good.test");
    assert.deepEqual(world.asked, ["bad.test"]);

    world.fail("bad.test", new Error("no such name"));
    await assert.rejects(lost[0]!, /no such name/);
    await assert.rejects(lost[1]!, /no such name/);

    world.respond("good.test");
    assert.deepEqual(await next, FOUND);
  });

  test("has no more under way than it may, in the order in which they were asked for", async () => {
    const world = new ResolverWorld(2);
    const names = ["a.test", "b.test", "c.test", "d.test"];
    const all = names.map((host) => world.resolver.resolve(host));
    assert.deepEqual(world.asked, ["a.test", "b.test"]);

    world.respond("b.test");
    await all[1];
    assert.deepEqual(world.asked, ["a.test", "b.test", "c.test"]);

    world.respond("a.test");
    world.respond("c.test");
    await all[2];
    world.respond("d.test");
    await Promise.all(all);
    assert.deepEqual(world.asked, names);
  });

  test("lets who gives up go at once, and drops a name that nobody waits for before its turn", async () => {
    const world = new ResolverWorld(1);
    const running = new AbortController();
    const waiting = new AbortController();
    const first = world.resolver.resolve("a.test", running.signal);
    const second = world.resolver.resolve("b.test", waiting.signal);

    running.abort(new Error("too late"));
    waiting.abort(new Error("too late as well"));
    await assert.rejects(first, /too late/);
    await assert.rejects(second, /too late as well/);
    const shared = world.resolver.resolve("a.test");
    world.respond("a.test");

    assert.deepEqual(await shared, FOUND);
    assert.deepEqual(world.asked, ["a.test"]);
    assert.equal(world.resolver.nameCount, 0);
  });

  test("keeps a name that somebody else waits for", async () => {
    const world = new ResolverWorld(1);
    const giveUp = new AbortController();
    void world.resolver.resolve("a.test");
    const left = world.resolver.resolve("b.test", giveUp.signal);
    const kept = world.resolver.resolve("b.test", new AbortController().signal);

    giveUp.abort(new Error("gone"));
    await assert.rejects(left, /gone/);
    world.respond("a.test");
    await new Promise((resolve) => setImmediate(resolve));
    world.respond("b.test");

    assert.deepEqual(await kept, FOUND);
  });

  test("asks nobody for one who has given up before", async () => {
    const world = new ResolverWorld();

    await assert.rejects(world.resolver.resolve("a.test", AbortSignal.abort(new Error("gone"))));

    assert.deepEqual(world.asked, []);
  });

  test("refuses more names than may wait", async () => {
    const world = new ResolverWorld(1);
    for (let count = 0; count <= WAITING_NAMES_MAX; count++) {
      void world.resolver.resolve(`${count}.test`);
    }

    await assert.rejects(world.resolver.resolve("one-more.test"), {
      code: "RESOLVE_FAILED",
      message: /1024 names wait/,
    });
  });
});

describe("resolving by the system", () => {
  const loopback = [
    { host: "127.0.0.1", family: "IPv4" },
    { host: "::1", family: "IPv6" },
  ];

  for (const host of ["localhost", "LocalHost.", "api.localhost", "a.b.localhost."]) {
    test(`knows ${host} without a resolver`, async () => {
      assert.deepEqual(await resolveHost(host), loopback);
    });
  }

  test("responds to a literal with itself, and to a name that is too long at once", async () => {
    assert.deepEqual(await resolveHost("::1"), [{ host: "::1", family: "IPv6" }]);
    await assert.rejects(resolveHost("x".repeat(300)), { code: "HOST_NOT_FOUND" });
  });
});
