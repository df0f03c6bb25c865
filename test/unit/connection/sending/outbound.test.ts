import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { StreamConnection } from "#src/connection/stream-connection.js";
import type { NetError } from "#src/errors.js";
import { fixedLength } from "#src/receive/fixed-length.js";
import { CountedMemory } from "../../../support/counted-memory.js";
import { FakeEngine, FakeHost, type FakeStream } from "../../../support/fake-stream.js";

/** Everything that was sent on a stream, as its engine has got it. */
async function sentOn(host: FakeHost, stream: FakeStream): Promise<string> {
  for (let turn = 0; turn < 5; turn++) {
    host.engine.endTurn();
    if (stream.isWriting) stream.complete();
    await Promise.resolve();
  }
  return stream.writes.join("");
}

describe("Outbound: turns and writes", () => {
  it("writes all sends of a turn as one, and the next when that is complete", () => {
    const host = new FakeHost();
    const { connection, stream } = host.open();

    connection.send("a");
    connection.sendAll(["b", Buffer.from("c")]);
    const before = [...stream.writes];
    host.engine.endTurn();
    connection.send("d");
    host.engine.endTurn();
    stream.complete();

    assert.deepEqual(before, []);
    assert.deepEqual(stream.writes, ["abc", "d"]);
  });

  it("writes at once with `direct`, and never two at a time", () => {
    const host = new FakeHost({ sendMode: "direct" });
    const { connection, stream } = host.open();

    connection.send("a");
    connection.send("b");
    connection.send("c");
    const before = [...stream.writes];
    stream.complete();

    assert.deepEqual(before, ["a"]);
    assert.deepEqual(stream.writes, ["a", "bc"]);
  });

  it("gives at most safeWindowBytes to the kernel at a time with `safe`", async () => {
    const host = new FakeHost({ sendMode: "safe", safeWindowBytes: 3 });
    const { connection, stream } = host.open();

    connection.send("abcdefgh");
    await sentOn(host, stream);

    assert.deepEqual(stream.writes, ["abc", "def", "gh"]);
  });

  it("sends nothing of a packet that can't be one", async () => {
    const host = new FakeHost({ receive: fixedLength({ bytes: 2 }) });
    const { connection, stream } = host.open();

    assert.throws(() => connection.send("abc"), { code: "PACKET_INVALID" });
    assert.throws(() => connection.send(Buffer.from("a")), { code: "PACKET_INVALID" });
    connection.send("ok");

    assert.equal(await sentOn(host, stream), "ok");
  });
});

describe("Outbound: a connection ends, and its way out serves another", () => {
  it("carries none of its bytes to the next one", async () => {
    const host = new FakeHost();
    const one = host.open();
    one.connection.send("one");
    one.connection.abort();
    one.stream.sink.streamClosed(undefined);

    const two = host.open();
    two.connection.send("two");

    assert.equal(await sentOn(host, two.stream), "two");
    assert.deepEqual(one.stream.writes, []);
  });

  it("serves one connection at a time, also when it was given up in its own turn", async () => {
    const host = new FakeHost();
    const one = host.open();
    one.connection.send("one");
    one.connection.abort();
    host.engine.endTurn();
    const others = [host.open(), host.open(), host.open()];

    for (const { connection } of others) connection.send(`${connection.id} `);
    const outbounds = new Set(others.map(({ connection }) => connection.outbound));
    const sent = await Promise.all(others.map(({ stream }) => sentOn(host, stream)));

    assert.deepEqual(
      sent,
      others.map(({ connection }) => `${connection.id} `),
    );
    assert.deepEqual([outbounds.size, outbounds.has(undefined)], [3, false]);
    // What is done serves the next.
    assert.ok(others.every(({ connection }) => connection.outbound === undefined));
  });

  it("tells nobody of a drain that is another connection's", () => {
    const events: string[] = [];
    const others: StreamConnection[] = [];
    const host: FakeHost = new FakeHost(
      { highWaterMarkBytes: 1, lowWaterMarkBytes: 1, maxPendingBytes: 1_000 },
      {
        onSend: (connection) => {
          connection.abort();
          const other = host.open().connection;
          others.push(other);
          other.send("a");
        },
        onDrain: ({ id }) => events.push(`drain ${id}`),
      },
    );
    const { connection, stream } = host.open();
    connection.send("x");
    host.engine.endTurn();

    stream.complete();

    assert.equal(others[0]?.pendingBytes, 1);
    assert.deepEqual(events, []);
  });

  it("neither finishes nor leaves another connection's stream", () => {
    const others: { connection: StreamConnection; stream: FakeStream }[] = [];
    const host: FakeHost = new FakeHost(
      { sendMode: "direct" },
      {
        onSend: (connection) => {
          if (others.length > 0) return;
          connection.abort();
          const other = host.open();
          other.connection.send("a");
          others.push(other);
        },
      },
    );
    const { connection, stream } = host.open();
    connection.send("x");
    connection.finish();

    stream.complete();

    assert.deepEqual(stream.calls, ["reset"]);
    assert.deepEqual(others[0]?.stream.calls, []);
    assert.equal(others[0]?.connection.pendingBytes, 1);
  });
});

describe("Outbound: bounds", () => {
  it("answers slow from highWaterMarkBytes on, and tells of lowWaterMarkBytes once", () => {
    let drains = 0;
    const host = new FakeHost(
      { highWaterMarkBytes: 4, lowWaterMarkBytes: 2, maxPendingBytes: 100 },
      { onDrain: () => drains++ },
    );
    const { connection, stream } = host.open();

    const answers = [connection.send("abc"), connection.send("d"), connection.send("e")];
    host.engine.endTurn();
    const before = drains;
    stream.complete();

    assert.deepEqual(answers, [true, "slow", "slow"]);
    assert.deepEqual([before, drains], [0, 1]);
  });

  it("ends a connection with SEND_QUEUE_FULL above maxPendingBytes, and never before", async () => {
    const limits = { highWaterMarkBytes: 1, lowWaterMarkBytes: 0, maxPendingBytes: 4 };
    const host = new FakeHost(limits);
    const { connection, stream } = host.open();
    connection.send("abcd");
    const drained = connection.drained();

    const before = connection.isOpen;
    const answer = connection.send("e");

    assert.deepEqual([before, answer, connection.isOpen], [true, false, false]);
    assert.equal(connection.closeReason?.code, "SEND_QUEUE_FULL");
    assert.deepEqual(stream.calls, ["reset"]);
    await assert.rejects(drained, { code: "CONNECTION_CLOSED" });
  });

  it("drops and counts above maxPendingBytes with `drop`, and tells when there is room again", () => {
    let drains = 0;
    const host = new FakeHost(
      { highWaterMarkBytes: 4, lowWaterMarkBytes: 0, maxPendingBytes: 4, slowConsumer: "drop" },
      { onDrain: () => drains++ },
    );
    const { connection, stream } = host.open();
    connection.send("abc");

    const answer = connection.send("de");
    host.engine.endTurn();
    stream.complete();

    assert.equal(answer, false);
    assert.equal(connection.stats.droppedCount, 1);
    assert.deepEqual([stream.writes, drains], [["abc"], 1]);
  });

  it("stops receiving at highWaterMarkBytes with `pause`, and goes on when it is drained", async () => {
    const limits = { highWaterMarkBytes: 4, lowWaterMarkBytes: 0, maxPendingBytes: 100 };
    const host = new FakeHost({ ...limits, slowConsumer: "pause" });
    const { connection, stream } = host.open();

    connection.send("abcd");
    const at = stream.isPaused;
    host.engine.endTurn();
    stream.complete();
    await Promise.resolve();

    assert.deepEqual([at, stream.isPaused], [true, false]);
  });

  it("takes a single send of any size into an empty queue", async () => {
    const host = new FakeHost({ highWaterMarkBytes: 1, lowWaterMarkBytes: 0, maxPendingBytes: 1 });
    const { connection, stream } = host.open();

    const answer = connection.send(Buffer.alloc(300_000, "a"));

    assert.equal(answer, "slow");
    assert.equal((await sentOn(host, stream)).length, 300_000);
  });
});

describe("Outbound: what goes wrong in a flush", () => {
  it("ends the one whose memory was transferred, and writes the others", () => {
    const host = new FakeHost();
    const bad = host.open();
    const good = host.open();
    const piece = new Uint8Array(10_000);

    bad.connection.send("head");
    bad.connection.send(piece);
    structuredClone(piece.buffer, { transfer: [piece.buffer] });
    good.connection.send("good");
    host.engine.endTurn();

    assert.equal(bad.connection.closeReason?.code, "INVALID_ARGUMENT");
    assert.deepEqual(bad.stream.writes, []);
    assert.deepEqual(good.stream.writes, ["good"]);
  });

  it("lets go of what a writer had begun when it throws, and sends what was there before", async () => {
    const memory = new CountedMemory();
    const host = new FakeHost({}, {}, new FakeEngine(memory));
    const { connection, stream } = host.open();
    connection.send("first");
    connection.send("before");
    const held = memory.holders;

    const broken = { writePiece: () => assert.fail("broken") };
    assert.throws(() => connection.write(broken, 100), /broken/);
    const tooSmall = connection.write({ writePiece: () => -1 }, 5);
    const heldAfter = memory.holders;
    connection.send("behind");

    assert.equal(tooSmall, undefined);
    assert.equal(heldAfter, held);
    assert.equal(await sentOn(host, stream), "firstbeforebehind");
  });

  it("lets go of all that waits when the connection ends", () => {
    const memory = new CountedMemory();
    const host = new FakeHost({}, {}, new FakeEngine(memory));
    const { connection } = host.open();
    for (let count = 0; count < 5; count++) connection.sendAll(["text", Buffer.alloc(10)]);
    connection.send(Buffer.alloc(100_000));
    connection.send("text");
    const before = memory.holders;

    connection.abort();

    assert.ok(before > 0);
    // The first piece and the large one wait by reference: they are released, but were never held.
    assert.equal(memory.holders, -2);
  });
});

describe("Outbound: who waits until all is sent", () => {
  it("wakes them at lowWaterMarkBytes, and rejects them at the end, each once", async () => {
    const host = new FakeHost({ lowWaterMarkBytes: 0 });
    const one = host.open();
    const two = host.open();
    one.connection.send("one");
    two.connection.send("two");
    const first = one.connection.drained();
    const second = two.connection.drained();
    host.engine.endTurn();

    one.stream.complete();
    two.connection.abort();

    await first;
    await assert.rejects(second, { code: "CONNECTION_CLOSED" });
    await assert.rejects(two.connection.drained(), { code: "CONNECTION_CLOSED" });
  });

  it("gives up by time and by signal, and leaves the others waiting", async () => {
    const host = new FakeHost({ lowWaterMarkBytes: 0 });
    const { connection, stream } = host.open();
    const controller = new AbortController();
    connection.send("x");
    const timed = connection.drained({ timeoutMs: 100 });
    const aborted = connection.drained({ signal: controller.signal });
    const patient = connection.drained();
    const codes = [timed, aborted].map((wait) => wait.catch((error: NetError) => error.code));

    host.engine.clock.advance(200);
    controller.abort();
    host.engine.endTurn();
    stream.complete();

    assert.deepEqual(await Promise.all(codes), ["DRAIN_TIMEOUT", "ABORTED"]);
    await patient;
  });

  it("ends in good order when `close` was called before the last write is complete", async () => {
    const host = new FakeHost();
    const { connection, stream } = host.open();
    connection.send("x");
    host.engine.endTurn();

    connection.close();
    const before = [...stream.calls];
    stream.complete();
    stream.sink.streamEnded();

    assert.deepEqual([before, stream.calls], [[], ["finish", "close"]]);
  });
});
