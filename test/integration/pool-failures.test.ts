/** Pools whose destinations fail: what could have been served is served, and who is ill is left alone. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Connection, NetError } from "hp-socket";
import { ConnectionPool, type PoolOptions } from "hp-socket/pool";
import { DestinationTable } from "#src/pool/destination-table.js";
import { type PoolWorld, poolWorld } from "../support/pool-world.js";

const BAD = 7_002;

/** How one of three destinations is ill, and how it heals. */
interface Illness {
  readonly name: string;
  begin(world: PoolWorld): Promise<void> | void;
  heal(world: PoolWorld): Promise<void> | void;
}

const ILLNESSES: readonly Illness[] = [
  {
    name: "refuses",
    begin: (world) => world.stop(BAD),
    heal: (world) => world.start(BAD),
  },
  {
    name: "does not answer connects",
    begin: ({ memory, opened }) => {
      memory.engine.network.connectFate = ({ port }) => {
        if (port !== BAD) return "answer";
        opened.set(BAD, (opened.get(BAD) ?? 0) + 1);
        return "blackHole";
      };
    },
    heal: ({ memory }) => {
      memory.engine.network.connectFate = () => "answer";
    },
  },
  {
    name: "resets each connection",
    begin: ({ resetting }) => void resetting.add(BAD),
    heal: ({ resetting }) => void resetting.delete(BAD),
  },
  {
    name: "takes requests and answers none",
    begin: ({ silent }) => void silent.add(BAD),
    heal: ({ silent }) => void silent.delete(BAD),
  },
];

const OPTIONS: Partial<PoolOptions> = {
  ejectAfter: 2,
  ejectMs: 5_000,
  maxConnectionsPerDestination: 4,
  balance: "roundRobin",
  connectTimeoutMs: 1_000,
};

/** Asks in waves, while time passes; answers how often each destination served. */
async function serve(world: PoolWorld, waves: number, passMs: number): Promise<number[]> {
  const counts = new Map<string, number>();
  for (let wave = 0; wave < waves; wave++) {
    const asked = Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        world.pool.request(`w${wave}.${index}`, {
          idempotent: true,
          attemptTimeoutMs: 200,
          timeoutMs: 8_000,
        }),
      ),
    );
    let isOver = false;
    asked.then(
      () => {
        isOver = true;
      },
      () => {
        isOver = true;
      },
    );
    do await world.wait(passMs);
    while (!isOver);
    for (const answer of await asked) {
      const [, port = ""] = answer.toString().split(" from ");
      counts.set(port, (counts.get(port) ?? 0) + 1);
    }
  }
  return ["7001", "7002", "7003"].map((port) => counts.get(port) ?? 0);
}

describe("a pool with one of three destinations ill", () => {
  for (const illness of ILLNESSES) {
    it(`serves all, leaves the one alone that ${illness.name}, and uses it when it is well`, async (test) => {
      const world = await poolWorld(test, OPTIONS);
      await illness.begin(world);

      const [one = 0, bad, three = 0] = await serve(world, 20, 100);
      assert.deepEqual([one + three, bad], [200, 0]);
      assert.deepEqual(world.told, ["eject 7002 5000"]);
      const tries = world.opened.get(BAD) ?? 0;
      assert.ok(tries <= 8, `it was tried ${tries} times`);

      // While it is ejected nobody goes there.
      await serve(world, 10, 10);
      assert.equal(world.opened.get(BAD) ?? 0, tries);

      await illness.heal(world);
      await world.wait(5_100);
      assert.deepEqual(world.told, ["eject 7002 5000", "return 7002"]);
      const [, healed = 0] = await serve(world, 6, 10);
      assert.ok(healed > 10, `it served ${healed} of 60`);
      assert.deepEqual(world.told, ["eject 7002 5000", "return 7002"]);
    });
  }

  it("ejects one that flaps for longer each time, and loses nothing", async (test) => {
    const world = await poolWorld(test, { ...OPTIONS, ejectMs: 1_000, maxEjectMs: 4_000 });
    for (let round = 0; round < 6; round++) {
      await world.stop(BAD);
      const [one = 0, bad = 0, three = 0] = await serve(world, 5, 50);
      assert.equal(one + bad + three, 50);
      await world.start(BAD);
      await world.wait(300);
      await serve(world, 2, 50);
    }
    const ejections = world.told.filter((line) => line.startsWith("eject 7002"));
    assert.deepEqual(ejections.slice(0, 3), [
      "eject 7002 1000",
      "eject 7002 2000",
      "eject 7002 4000",
    ]);
    assert.ok(
      ejections.slice(3).every((line) => line === "eject 7002 4000"),
      `${ejections}`,
    );
  });

  it("forgets what a destination did when it has been well for as long", async (test) => {
    const world = await poolWorld(test, { ...OPTIONS, ejectAfter: 1, ejectMs: 1_000 });
    for (let round = 0; round < 3; round++) {
      await world.stop(BAD);
      await serve(world, 2, 50);
      await world.start(BAD);
      await world.wait(2_500);
      await serve(world, 2, 50);
    }
    const ejections = world.told.filter((line) => line.startsWith("eject"));
    assert.deepEqual(ejections, ["eject 7002 1000", "eject 7002 1000", "eject 7002 1000"]);
  });

  it("tries another destination beside one that keeps a taker waiting", async (test) => {
    const world = await poolWorld(test, { balance: "roundRobin", attemptDelayMs: 100 }, [
      BAD,
      7_003,
    ]);
    world.memory.engine.network.connectFate = ({ port }) => (port === BAD ? "blackHole" : "answer");
    const taking = world.pool.take({ timeoutMs: 1_000 });
    await world.wait(90);
    assert.equal(world.pool.stats.waitingCount, 1);
    await world.wait(20);
    assert.equal((await taking).destination.port, 7_003);
  });

  it("tries another destination when the check of an idle connection fails", async (test) => {
    const options = { balance: "roundRobin", checkAfterMs: 100, checkTimeoutMs: 200 } as const;
    const world = await poolWorld(
      test,
      {
        ...options,
        check: async ({ remoteAddress }) => {
          if (remoteAddress?.port === BAD) await new Promise(() => {});
          return true;
        },
      },
      [BAD, 7_003],
    );
    const leases = await Promise.all(Array.from({ length: 8 }, () => world.pool.take()));
    for (const lease of leases) lease.release();
    await world.wait(150);
    const taken = Promise.all([1, 2].map(() => world.pool.take({ timeoutMs: 300 })));
    await world.wait(290);
    for (const { destination } of await taken) assert.equal(destination.port, 7_003);
  });

  it("serves a taker whose idle connections all fail their check, although another refuses", async (test) => {
    const world = await poolWorld(test, {
      balance: "roundRobin",
      checkAfterMs: 100,
      check: () => false,
    });
    const leases = await Promise.all([1, 2, 3].map(() => world.pool.take()));
    for (const lease of leases) lease.release();
    await world.stop(BAD);
    await world.wait(150);
    const taken = world.pool.take({ timeoutMs: 1_000 });
    await world.wait(200);
    assert.notEqual((await taken).destination.port, BAD);
    assert.equal(world.pool.stats.waitingCount, 0);
  });

  it("repeats a request where it was not answered before, when the others refuse", async (test) => {
    const world = await poolWorld(test, { balance: "roundRobin" });
    for (const port of [BAD, 7_003]) await world.stop(port);
    world.silent.add(7_001);
    const asked = world.pool.request("x", { idempotent: true, attemptTimeoutMs: 100 });
    await world.wait(50);
    world.silent.delete(7_001);
    await world.wait(100);
    assert.equal((await asked).toString(), "x from 7001");
  });

  it("repeats elsewhere, although the connection that did not answer has room", async (test) => {
    const agent = { correlate: (packet: Buffer) => packet.toString().split(" ")[0] };
    const world = await poolWorld(test, { agent, maxRequestsPerConnection: 5 }, [BAD, 7_003]);
    world.silent.add(BAD);
    world.pool.setDestinations([{ port: BAD }]);
    const options = { idempotent: true, attemptTimeoutMs: 100 };
    const asked = ["a", "b", "c"].map((text) => world.pool.request(text, options));
    await world.wait(50);
    world.pool.setDestinations([{ port: BAD }, { port: 7_003 }]);
    const answered: string[] = [];
    for (const one of asked) one.then((answer) => void answered.push(answer.toString()));
    await world.wait(100);
    assert.deepEqual(answered.sort(), ["a from 7003", "b from 7003", "c from 7003"]);
  });

  it("says what the last destination said when none could serve", async (test) => {
    const world = await poolWorld(test, { connectTimeoutMs: 300, attemptDelayMs: 100 });
    for (const port of [7_001, 7_003]) await world.stop(port);
    world.memory.engine.network.connectFate = ({ port }) => (port === BAD ? "blackHole" : "answer");
    const codes: (string | undefined)[] = [];
    world.pool.take().catch((error: NetError) => codes.push(error.code));
    await world.wait(250);
    assert.deepEqual(codes, []);
    await world.wait(200);
    assert.deepEqual(codes, ["CONNECT_TIMEOUT"]);
    assert.equal(world.pool.stats.waitingCount, 0);
  });
});

describe("a pool whose handlers use it", () => {
  it("gives a taker one connection, although onPanic has it take more, and stops in order", async (test) => {
    const leases: Promise<unknown>[] = [];
    const panics: (() => void)[] = [];
    const world = await poolWorld(test, {
      healthCheck: {
        everyMs: 100,
        timeoutMs: 50,
        rise: 2,
        fall: 1,
        send: "ping\r\n",
        expect: "pong",
      },
      maxConnectionsPerDestination: 2,
      onPanic: () => panics.shift()?.(),
    });
    const first = await Promise.all([1, 2, 3, 4].map(() => world.pool.take()));
    for (const lease of first) lease.release();
    await world.wait(200);
    assert.equal(world.pool.stats.ejectedCount, 3);
    panics.push(() => void leases.push(world.pool.take().then((lease) => lease.release())));
    (await world.pool.take()).release();
    await world.turns();
    await Promise.all(leases);
    assert.equal(leases.length, 1);
    const { connectionCount, idleCount, waitingCount } = world.pool.stats;
    assert.deepEqual([idleCount, waitingCount], [connectionCount, 0]);
  });
});

describe("a pool whose connections end as soon as they are made", () => {
  it("tells the taker so, after one attempt at each destination", async (test) => {
    const agent = { onHandshake: (connection: Connection) => void connection.close() };
    const { pool, opened, turns } = await poolWorld(test, { agent }, [7_001, 7_002]);
    const taking = assert.rejects(pool.take(), { code: "CONNECTION_CLOSED" });
    await turns();
    await taking;
    assert.deepEqual([...opened.values()], [1, 1]);
    assert.deepEqual([pool.stats.connectionCount, pool.stats.connectingCount], [0, 0]);
  });

  it("ejects a destination that lets everybody in and closes before it says anything", async (test) => {
    const { pool, closing, told, turns } = await poolWorld(test, { balance: "roundRobin" });
    closing.add(7_002);
    for (let round = 0; round < 12; round++) {
      const lease = await pool.take();
      await turns();
      if (lease.connection.isOpen) await lease.connection.request("x");
      lease.release();
    }
    assert.deepEqual(told, ["eject 7002 5000"]);
  });
});

describe("a pool's checks of destinations", () => {
  const healthCheck = { everyMs: 100, timeoutMs: 50, rise: 2, fall: 2 } as const;

  it("leave one that is down out before anybody meets it, and let it back", async (test) => {
    const world = await poolWorld(test, { ...OPTIONS, healthCheck });
    await world.stop(BAD);
    await world.wait(350);
    assert.deepEqual(world.told, ["down 7002"]);
    assert.equal(world.pool.stats.destinations["127.0.0.1:7002"]?.isDown, true);
    const [, bad] = await serve(world, 5, 10);
    assert.equal(bad, 0);
    await world.start(BAD);
    await world.wait(350);
    assert.deepEqual(world.told, ["down 7002", "up 7002"]);
    const [, healed = 0] = await serve(world, 5, 10);
    assert.ok(healed > 10);
  });

  it("look at the answer", async (test) => {
    const check = { ...healthCheck, send: "ping\r\n", expect: "ping from" };
    const world = await poolWorld(test, { ...OPTIONS, healthCheck: check });
    await world.wait(350);
    assert.deepEqual(world.told, []);
    world.silent.add(BAD);
    await world.wait(500);
    assert.deepEqual(world.told, ["down 7002"]);
    const other = await poolWorld(test, {
      ...OPTIONS,
      healthCheck: { ...check, expect: "pong" },
    });
    await other.wait(500);
    assert.deepEqual(other.told.filter((line) => line !== "panic").sort(), [
      "down 7001",
      "down 7002",
      "down 7003",
    ]);
  });

  it("that find all down are told as a panic, and all are tried", async (test) => {
    const world = await poolWorld(test, {
      ...OPTIONS,
      healthCheck: { ...healthCheck, expect: "x" },
    });
    await world.wait(500);
    for (let round = 0; round < 5; round++) {
      assert.match((await world.pool.request("x")).toString(), /^x from/);
    }
    assert.deepEqual(world.told.filter((line) => line === "panic").length, 1);
  });

  it("count what is down as ejected: the last one that is well is never ejected", async (test) => {
    const world = await poolWorld(test, {
      ...OPTIONS,
      healthCheck,
      ejectAfter: 1,
      maxEjectedPercent: 100,
    });
    for (const port of [7_001, BAD]) await world.stop(port);
    await world.wait(350);
    assert.deepEqual(world.told, ["down 7001", "down 7002"]);
    world.resetting.add(7_003);
    for (let round = 0; round < 4; round++) {
      await assert.rejects(world.pool.request("x", { idempotent: true }));
      await world.turns();
    }
    assert.deepEqual(
      world.told.filter((line) => line.startsWith("eject")),
      [],
    );
    world.resetting.delete(7_003);
    assert.equal((await world.pool.request("x")).toString(), "x from 7003");
  });

  it("end with the pool", async (test) => {
    const world = await poolWorld(test, { healthCheck });
    world.memory.engine.network.connectFate = () => "blackHole";
    await world.wait(120);
    await world.pool.stop({ drainMs: 0 });
    await world.turns();
    assert.equal(world.memory.clock.timerCount, 0);
  });
});

describe("a pool with thousands of takers", () => {
  it("settles each of them, whatever becomes of it, and leaks nothing", async (test) => {
    const world = await poolWorld(test, {
      ...OPTIONS,
      maxWaiting: 1_500,
      checkAfterMs: 1,
      checkTimeoutMs: 20,
      check: ({ id }) => (id % 5 === 0 ? new Promise(() => {}) : id % 3 > 0),
    });
    const ends = new Map<string, number>();
    const count = (end: string): void => {
      ends.set(end, (ends.get(end) ?? 0) + 1);
    };
    const takers = Array.from({ length: 1_500 }, async (_, index) => {
      const controller = new AbortController();
      const { signal } = controller;
      // In every state: before the connection is made, while it waits, while it is checked, when it is lent.
      if (index % 10 === 1) setImmediate(() => controller.abort());
      if (index % 10 === 2) world.memory.clock.setTimer(index % 400, () => controller.abort());
      const timeoutMs = index % 10 === 3 ? 1 + (index % 300) : 0;
      try {
        const lease = await world.pool.take({ signal, timeoutMs });
        if (index % 10 === 4) controller.abort();
        if (index % 20 === 5) lease.connection.abort();
        if (index % 7 === 0) await new Promise(setImmediate);
        lease.release(index % 11 === 0 ? "close" : "reuse");
        count("served");
      } catch (error) {
        count((error as NetError).code);
      }
    });
    let isOver = false;
    const all = Promise.all(takers).then(() => {
      isOver = true;
    });
    await world.stop(BAD);
    for (let round = 0; !isOver && round < 400; round++) await world.wait(50);
    await all;

    assert.deepEqual([...ends.keys()].sort(), ["ABORTED", "POOL_TIMEOUT", "served"]);
    assert.ok((ends.get("served") ?? 0) > 1_050, JSON.stringify([...ends]));
    const { waitingCount, connectingCount, connectionCount } = world.pool.stats;
    assert.deepEqual([waitingCount, connectingCount], [0, 0]);
    assert.ok(connectionCount <= 12);
    // The last signals are aborted, for nobody.
    await world.wait(400);
    await world.pool.stop({ drainMs: 0 });
    await world.turns();
    assert.equal(world.memory.clock.timerCount, 0);
    for (const server of world.servers.values()) assert.equal(server.connectionCount, 0);
  });

  for (const [name, illness] of [
    ["refuses", (world: PoolWorld) => world.stop(BAD)],
    ["does not answer connects", ILLNESSES[1]?.begin],
    ["resets each connection", ILLNESSES[2]?.begin],
  ] as const) {
    it(`looks at each of them a few times, however many wait, when one ${name} and is not ejected`, async (test) => {
      const { order } = DestinationTable.prototype;
      const spy = test.mock.method(DestinationTable.prototype, "order", order);
      const world = await poolWorld(test, { ...OPTIONS, ejectAfter: 1_000, maxEjectedPercent: 0 });
      await illness?.(world);
      const count = 500;
      let served = 0;
      const all = Promise.all(
        Array.from({ length: count }, async () => {
          const lease = await world.pool.take({ timeoutMs: 0 });
          served++;
          await new Promise(setImmediate);
          lease.release();
        }),
      );
      for (let round = 0; served < count && round < 10_000; round++) await world.wait(10);
      await all;
      const looks = spy.mock.callCount();
      assert.ok(looks <= 4 * count, `${looks} looks for ${count} takers`);
    });
  }

  it("refuses them all when it is stopped with leases out, and hangs nowhere", async (test) => {
    const world = await poolWorld(test, { ...OPTIONS, maxConnectionsPerDestination: 2 });
    const leases = await Promise.all(Array.from({ length: 6 }, () => world.pool.take()));
    const codes = new Map<string, number>();
    const takers = Array.from({ length: 1_000 }, () =>
      world.pool.take({ timeoutMs: 0 }).catch(({ code }: NetError) => {
        codes.set(code, (codes.get(code) ?? 0) + 1);
      }),
    );
    await world.turns();
    const stopped = world.pool.stop({ drainMs: 100 });
    await Promise.all(takers);
    assert.deepEqual([...codes], [["STOPPED", 1_000]]);
    leases[0]?.release();
    await world.wait(150);
    await stopped;
    for (const lease of leases) {
      assert.equal(lease.connection.isOpen, false);
      lease.release();
    }
    await world.turns();
    assert.equal(world.memory.clock.timerCount, 0);
    assert.equal(world.pool.stats.connectionCount, 0);
  });
});

describe("limits of a pool", () => {
  it("waitTimeoutMs bounds who has no time of his own, connectTimeoutMs an attempt", async (test) => {
    const world = await poolWorld(
      test,
      { maxConnectionsPerDestination: 1, waitTimeoutMs: 300 },
      [7_001],
    );
    const lease = await world.pool.take();
    const waiting = world.pool.take().catch((error: NetError) => error.message);
    await world.wait(320);
    assert.equal(await waiting, "no connection was free within waitTimeoutMs (300)");
    lease.release("close");
    world.memory.engine.network.connectFate = () => "blackHole";
    const other = await poolWorld(test, { connectTimeoutMs: 200, waitTimeoutMs: 0 }, [7_001]);
    other.memory.engine.network.connectFate = () => "blackHole";
    const failing = other.pool.take().catch((error: NetError) => error.code);
    await other.wait(220);
    assert.equal(await failing, "CONNECT_TIMEOUT");
  });

  it("a request is repeated three times at most", async (test) => {
    const world = await poolWorld(test, { ejectAfter: 1_000 }, [7_001]);
    await assert.rejects(world.pool.request("die", { idempotent: true }), {
      code: "CONNECTION_CLOSED",
    });
    assert.equal(world.opened.get(7_001), 4);
    const hanging = world.pool
      .request("hang", { idempotent: true, attemptTimeoutMs: 10, timeoutMs: 5_000 })
      .catch(({ code }: NetError) => code);
    await world.wait(5_100);
    assert.equal(await hanging, "REQUEST_TIMEOUT");
    assert.equal(world.opened.get(7_001), 8);
  });

  it("a request goes on the last connection's time, not beyond its own", async (test) => {
    const world = await poolWorld(test, {}, [7_001]);
    const startMs = world.memory.clock.now();
    let endMs = 0;
    const hanging = world.pool
      .request("hang", { idempotent: true, attemptTimeoutMs: 400, timeoutMs: 500 })
      .catch(() => {
        endMs = world.memory.clock.now();
      });
    await world.wait(700);
    await hanging;
    assert.ok(endMs - startMs <= 540, `${endMs - startMs} ms`);
  });

  it("an answer to a check that is too long is none", async (test) => {
    const world = await poolWorld(
      test,
      {
        healthCheck: {
          everyMs: 50,
          timeoutMs: 500,
          fall: 1,
          send: `${"a".repeat(70_000)}\r\n`,
          expect: "from",
        },
      },
      [7_001, 7_003],
    );
    await world.wait(300);
    assert.deepEqual(world.told.filter((line) => line !== "panic").sort(), [
      "down 7001",
      "down 7003",
    ]);
  });

  it("can't be given what makes no sense", () => {
    const destinations = [{ port: 1 }];
    for (const healthCheck of [
      null,
      1,
      { everyMs: 1 },
      { timeoutMs: 0 },
      { rise: 0 },
      { fall: 0.5 },
      { send: 5 },
      { expect: {} },
      { path: "/" },
    ]) {
      assert.throws(() => new ConnectionPool({ destinations, healthCheck } as never), {
        code: "INVALID_ARGUMENT",
      });
    }
    const many = Array.from({ length: 10_001 }, (_, port) => ({ port: port + 1 }));
    assert.throws(() => new ConnectionPool({ destinations: many }), { code: "INVALID_ARGUMENT" });
  });

  it("an attempt's time needs a request that may be sent twice", async (test) => {
    const { pool } = await poolWorld(test, {}, [7_001]);
    for (const options of [
      { attemptTimeoutMs: 5 },
      { idempotent: 1 },
      { attemptTimeoutMs: 0, idempotent: true },
      { repeat: 1 },
    ]) {
      await assert.rejects(pool.request("x", options as never), { code: "INVALID_ARGUMENT" });
    }
  });
});
