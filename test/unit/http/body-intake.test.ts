import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { NetError } from "hp-socket";
import { ManualClock } from "hp-socket/testing";
import { BODY_HIGH_WATER_BYTES, BodyIntake, type BodyOwner } from "#src/http/body/body-intake.js";
import { TimingWheel } from "#src/time/timing-wheel.js";

/** Whoever receives the message. */
class Owner implements BodyOwner {
  readonly clock = new ManualClock();
  readonly wheel = new TimingWheel(this.clock);
  readonly events: string[] = [];

  bodyWanted(): void {
    this.events.push("wanted");
  }

  holdBody(hold: boolean): void {
    this.events.push(hold ? "hold" : "go on");
  }
}

function body(contentLength?: number): { owner: Owner; incoming: BodyIntake } {
  const owner = new Owner();
  return { owner, incoming: new BodyIntake(owner, contentLength) };
}

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "nothing",
    (error: NetError) => error.code,
  );

describe("an incoming body", () => {
  it("gives what came before and after the reading began, then undefined", async () => {
    const { incoming } = body();

    incoming.push(Buffer.from("one"), false);
    const first = await incoming.read();
    const second = incoming.read();
    incoming.push(Buffer.from("two"), false);
    const third = incoming.read();
    incoming.end();

    assert.equal(String(first), "one");
    assert.equal(String(await second), "two");
    assert.equal(await third, undefined);
    assert.equal(await incoming.read(), undefined);
    assert.equal(incoming.isComplete, true);
    assert.equal(incoming.receivedBytes, 6);
  });

  it("copies what is only lent, whoever gets it", async () => {
    for (const contentLength of [6, undefined]) {
      const lent = Buffer.alloc(3);
      const collected = body(contentLength).incoming;
      const queued = body().incoming;
      const waited = body().incoming;
      const whole = collected.bytes();
      const waiting = waited.read();

      for (const text of ["one", "two"]) {
        lent.write(text);
        for (const incoming of [collected, queued, waited]) incoming.push(lent, true);
      }
      lent.fill(0);
      collected.end();

      assert.equal(String(await whole), "onetwo");
      assert.equal(String(await queued.read()), "onetwo");
      assert.equal(String(await waiting), "one");
    }
  });

  it("asks once for a body that somebody wants, and not for one that is complete", async () => {
    const { owner, incoming } = body();
    const complete = body();
    complete.incoming.end();

    const reading = incoming.read();
    incoming.push(Buffer.from("x"), false);
    await reading;
    void incoming.read();
    await complete.incoming.bytes();

    assert.deepEqual(owner.events, ["wanted"]);
    assert.deepEqual(complete.owner.events, []);
  });

  it("holds the peer back above its mark, and lets it go on well below", async () => {
    const { owner, incoming } = body();
    const block = Buffer.alloc(BODY_HIGH_WATER_BYTES / 4);

    for (let index = 0; index < 4; index++) incoming.push(block, false);
    assert.deepEqual(owner.events, ["hold"]);
    for (let index = 0; index < 2; index++) await incoming.read();
    assert.deepEqual(owner.events, ["hold", "wanted"]);
    await incoming.read();

    assert.deepEqual(owner.events, ["hold", "wanted", "go on"]);
  });

  it("lets the peer go on when the body is thrown away, and takes no more of it", async () => {
    const { owner, incoming } = body();
    incoming.push(Buffer.alloc(BODY_HIGH_WATER_BYTES), false);

    incoming.discard();
    incoming.push(Buffer.alloc(BODY_HIGH_WATER_BYTES), false);

    assert.deepEqual(owner.events, ["hold", "go on"]);
    assert.equal(incoming.discardedBytes, BODY_HIGH_WATER_BYTES);
    assert.equal(await incoming.read(), undefined);
  });

  it("throws the rest away when a loop over it is left", async () => {
    const { incoming } = body();
    incoming.push(Buffer.from("one"), false);
    incoming.push(Buffer.from("two"), false);

    for await (const _chunk of incoming) break;
    incoming.push(Buffer.from("three"), false);

    assert.equal(incoming.discardedBytes, 5);
  });

  it("rejects with what broke it, once what came before was read", async () => {
    const { NetError: Failure } = await import("hp-socket");
    const { incoming } = body();
    incoming.push(Buffer.from("one"), false);

    incoming.fail(new Failure("HTTP_TRUNCATED"));

    assert.equal(String(await incoming.read()), "one");
    assert.equal(await codeOf(incoming.read()), "HTTP_TRUNCATED");
    assert.equal(await codeOf(incoming.read()), "HTTP_TRUNCATED");
  });

  it("refuses a whole body above maxBytes: announced, already there, or on its way", async () => {
    const announced = body(11);
    const there = body();
    const onItsWay = body();
    const exact = body();
    there.incoming.push(Buffer.alloc(11), false);

    const limit = { maxBytes: 10 };
    const codes = [
      codeOf(announced.incoming.bytes(limit)),
      codeOf(there.incoming.bytes(limit)),
      codeOf(onItsWay.incoming.bytes(limit)),
      codeOf(exact.incoming.bytes(limit)),
    ];
    onItsWay.incoming.push(Buffer.alloc(6), false);
    onItsWay.incoming.push(Buffer.alloc(6), false);
    exact.incoming.push(Buffer.alloc(10), false);
    exact.incoming.end();

    const tooLarge = "HTTP_BODY_TOO_LARGE";
    assert.deepEqual(await Promise.all(codes), [tooLarge, tooLarge, tooLarge, "nothing"]);
    assert.equal(await codeOf(body().incoming.bytes({ maxBytes: -1 })), "INVALID_ARGUMENT");
  });

  it("gives up by timeoutMs and signal", async () => {
    const { owner, incoming } = body();
    const whole = body();
    const controller = new AbortController();

    const late = codeOf(incoming.read({ timeoutMs: 100 }));
    const aborted = codeOf(whole.incoming.bytes({ signal: controller.signal }));
    owner.clock.advance(110);
    controller.abort();

    assert.equal(await late, "READ_TIMEOUT");
    assert.equal(await aborted, "ABORTED");
    incoming.push(Buffer.from("x"), false);
    assert.equal(String(await incoming.read()), "x");
    assert.equal(owner.wheel.count, 0);
  });

  it("has one reader at a time", async () => {
    const { incoming } = body();

    const first = incoming.read();

    assert.equal(await codeOf(incoming.read()), "INVALID_STATE");
    incoming.end();
    assert.equal(await first, undefined);
  });
});
