import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { NetError } from "#src/errors.js";
import { PACKET_COST_BYTES } from "#src/packets/inbox.js";
import { delimiter } from "#src/receive/delimiter.js";
import { fixedLength } from "#src/receive/fixed-length.js";
import { pull } from "#src/receive/pull.js";
import { push } from "#src/receive/push.js";
import { FakeHost } from "../../support/fake-stream.js";

const bytes = (text: string): Buffer => Buffer.from(text, "latin1");
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("PacketReceiver: who gets a packet", () => {
  it("gives it to a request first, then to a reader, then to the handler", async () => {
    const handled: string[] = [];
    const host = new FakeHost(
      { receive: fixedLength({ bytes: 1 }) },
      { onReceive: (_, packet) => handled.push(String(packet)) },
    );
    const { connection, stream } = host.open();
    stream.sink.streamReceived(bytes("a"));
    const response = connection.request("?");

    stream.sink.streamReceived(bytes("b"));
    const read = connection.read();
    stream.sink.streamReceived(bytes("c"));

    assert.deepEqual(handled, ["a"]);
    assert.equal(String(await response), "b");
    assert.equal(String(await read), "c");
  });

  it("holds the peer back at maxUnreadBytes, each packet counted with PACKET_COST_BYTES", async () => {
    const maxUnreadBytes = 10 * PACKET_COST_BYTES;
    const host = new FakeHost({ receive: delimiter(), maxUnreadBytes });
    const { connection, stream } = host.open();

    stream.sink.streamReceived(Buffer.alloc(9, "\n"));
    const before = stream.isPaused;
    stream.sink.streamReceived(Buffer.alloc(100, "\n"));
    const at = stream.isPaused;
    for (let count = 0; count < 109; count++) await connection.read();
    await turn();

    assert.equal(before, false);
    assert.equal(at, true);
    assert.equal(stream.isPaused, false);
  });

  it("gives packets of a busy handler to a read that it begins itself", async () => {
    const seen: string[] = [];
    const host = new FakeHost(
      { receive: fixedLength({ bytes: 1 }) },
      {
        onReceive: async (connection, packet) => {
          seen.push(String(packet), String(await connection.read()));
        },
      },
    );
    const { stream } = host.open();

    stream.sink.streamReceived(bytes("ab"));
    await turn();

    assert.deepEqual(seen, ["a", "b"]);
  });

  it("calls a handler of pull again for what came while its promise was open", async () => {
    const counts: number[] = [];
    const settle: (() => void)[] = [];
    const host = new FakeHost(
      { receive: pull() },
      {
        onReceive: (_, unread) => {
          counts.push(unread as unknown as number);
          return new Promise<void>((resolve) => settle.push(resolve));
        },
      },
    );
    const { connection, stream } = host.open();
    stream.sink.streamReceived(bytes("ab"));

    stream.sink.streamReceived(bytes("cd"));
    settle[0]?.();
    await turn();
    const fetched = connection.fetch(4);

    assert.deepEqual(counts, [2, 4]);
    assert.equal(String(fetched), "abcd");
  });
});

/** A handler that waits, for its first packet, for the response of a request of its own. */
function asking(correlate?: (packet: Uint8Array) => unknown, halfOpen = false) {
  const seen: string[] = [];
  const settle: (() => void)[] = [];
  const host = new FakeHost(
    { receive: fixedLength({ bytes: 2 }), correlate, halfOpen, requestTimeoutMs: 1_000 },
    {
      onReceive: async (connection, packet) => {
        seen.push(String(packet));
        if (seen.length > 1) return;
        const response = connection.request("r1").catch((error: NetError) => error.code);
        seen.push(`response ${await response}`);
        await new Promise<void>((resolve) => settle.push(resolve));
        seen.push("settled");
      },
      onEnd: () => seen.push("end"),
    },
  );
  return { seen, settle: () => settle[0]?.(), host, ...host.open() };
}

const byFirstLetter = (packet: Uint8Array): unknown => packet[0];

describe("PacketReceiver: a request in a handler whose promise is open", () => {
  it("gets its response, and the handler is given the next packet when it has settled", async () => {
    const { seen, settle, stream } = asking();

    stream.sink.streamReceived(bytes("a1"));
    await turn();
    stream.sink.streamReceived(bytes("b2c3d4"));
    await turn();
    const whileBusy = [...seen];
    settle();
    await turn();

    assert.deepEqual(whileBusy, ["a1", "response b2"]);
    assert.deepEqual(seen, ["a1", "response b2", "settled", "c3", "d4"]);
  });

  it("gets it past packets that are not the response, which are put aside in order", async () => {
    const { seen, settle, stream } = asking(byFirstLetter);

    stream.sink.streamReceived(bytes("a1b2"));
    await turn();
    stream.sink.streamReceived(bytes("c3r4d5"));
    stream.sink.streamReceived(bytes("e6"));
    await turn();
    const whileBusy = [...seen];
    settle();
    await turn();
    stream.sink.streamReceived(bytes("f7"));

    assert.deepEqual(whileBusy, ["a1", "response r4"]);
    assert.deepEqual(seen, ["a1", "response r4", "settled", "b2", "c3", "d5", "e6", "f7"]);
  });

  it("gives what was put aside to the handler only when no other hold is set", async () => {
    const { seen, settle, stream, connection } = asking(byFirstLetter);
    stream.sink.streamReceived(bytes("a1b2r4"));
    await turn();

    connection.pause();
    settle();
    await turn();
    const whilePaused = [...seen];
    connection.resume();
    await turn();

    assert.deepEqual(whilePaused, ["a1", "response r4", "settled"]);
    assert.deepEqual(seen.slice(3), ["b2"]);
  });

  it("holds the peer back when maxUnreadBytes are put aside", async () => {
    const { seen, settle, stream, host } = asking(byFirstLetter);
    host.settings = { ...host.settings, maxUnreadBytes: 10 * (PACKET_COST_BYTES + 2) };
    stream.sink.streamReceived(bytes("a1"));

    stream.sink.streamReceived(bytes("b2".repeat(9)));
    const before = stream.isPaused;
    stream.sink.streamReceived(bytes("b2r4"));
    const at = stream.isPaused;
    host.engine.clock.advance(1_000);
    await turn();
    settle();
    await turn();

    assert.deepEqual([before, at, stream.isPaused], [false, true, false]);
    assert.deepEqual(seen.slice(0, 3), ["a1", "response REQUEST_TIMEOUT", "settled"]);
    assert.deepEqual(seen.slice(3), [..."b2 ".repeat(10).trim().split(" "), "r4"]);
  });

  it("hears at once that the peer has finished, and the handler may still respond", async () => {
    const { seen, settle, stream, connection } = asking(byFirstLetter);
    stream.sink.streamReceived(bytes("a1b2"));

    stream.sink.streamEnded();
    await turn();
    const whileBusy = [...seen];
    const sent = connection.send("ok");
    settle();
    await turn();

    assert.deepEqual(whileBusy, ["a1", "response CONNECTION_CLOSED"]);
    assert.equal(sent, true);
    assert.deepEqual(seen.slice(2), ["settled", "b2", "end"]);
    assert.equal(connection.state, "closing");
  });

  it("is not sent when the peer has finished", async () => {
    const { stream, connection } = asking(undefined, true);
    stream.sink.streamReceived(bytes(""));
    stream.sink.streamEnded();

    await assert.rejects(connection.request("xx"), { code: "CONNECTION_CLOSED" });

    assert.equal(connection.pendingBytes, 0);
  });
});

describe("PacketReceiver: a handler whose promise is open", () => {
  it("is called by pull for what came meanwhile only when the application does not pause", async () => {
    const counts: unknown[] = [];
    const settle: (() => void)[] = [];
    const host = new FakeHost(
      { receive: pull() },
      {
        onReceive: (_, unread) => {
          counts.push(unread);
          return new Promise<void>((resolve) => settle.push(resolve));
        },
      },
    );
    const { connection, stream } = host.open();
    stream.sink.streamReceived(bytes("ab"));
    connection.read(2).then(() => {});
    stream.sink.streamReceived(bytes("cd"));

    connection.pause();
    settle[0]?.();
    await turn();
    const whilePaused = [...counts];
    connection.resume();
    await turn();

    assert.deepEqual(whilePaused, [2]);
    assert.deepEqual(counts, [2, 2]);
  });

  it("may still respond when it has read, with pull, all that came before the end", async () => {
    const settle: (() => void)[] = [];
    const host = new FakeHost(
      { receive: pull() },
      {
        onReceive: async (connection) => {
          await connection.readUntil("\n");
          await new Promise<void>((resolve) => settle.push(resolve));
          connection.send("response");
        },
      },
    );
    const { connection, stream } = host.open();
    stream.sink.streamReceived(bytes("line"));
    stream.sink.streamReceived(bytes("\n"));
    stream.sink.streamEnded();
    await turn();
    const before = connection.state;

    settle[0]?.();
    await turn();
    host.engine.endTurn();

    assert.equal(before, "open");
    assert.equal(connection.state, "closing");
    assert.deepEqual(stream.writes, ["response"]);
  });

  it("may await the end of its connection", async () => {
    const seen: string[] = [];
    const host = new FakeHost(
      {},
      {
        onReceive: async (connection) => {
          seen.push(String((await connection.closed()).code));
        },
      },
    );
    const { stream } = host.open();
    stream.sink.streamReceived(bytes("x"));
    await turn();

    stream.sink.streamReceived(bytes("y"));
    stream.sink.streamEnded();
    await turn();
    stream.sink.streamClosed(undefined);
    await turn();

    assert.deepEqual(seen, ["CLOSED"]);
    assert.deepEqual(stream.calls, ["close"]);
  });
});

describe("PacketReceiver: exchange of the model", () => {
  it("keeps the order when a handler of pull exchanges it with bytes behind maxUnreadBytes", async () => {
    const packets: string[] = [];
    const host = new FakeHost(
      { receive: pull(), maxUnreadBytes: 4 },
      {
        onReceive: (connection, given) => {
          if (typeof given === "number") connection.receive = push();
          else packets.push(String(given));
        },
      },
    );
    const { stream } = host.open();

    stream.sink.streamReceived(bytes("abcdefgh"));
    await turn();

    assert.equal(packets.join(""), "abcdefgh");
  });

  it("gives unread bytes and the beginning of a packet to the new one, in order", async () => {
    const host = new FakeHost({ receive: push() });
    const { connection, stream } = host.open();
    stream.sink.streamReceived(bytes("one\ntwo"));

    connection.receive = delimiter();
    stream.sink.streamReceived(bytes("\n"));
    const lines = [await connection.read(), await connection.read()].map(String);

    assert.deepEqual(lines, ["one", "two"]);
  });

  it("gives unread bytes to the new one after the peer's end too, and then the end", async () => {
    const host = new FakeHost({ receive: push() });
    const { connection, stream } = host.open();
    stream.sink.streamReceived(bytes("one\ntwo\n"));
    stream.sink.streamEnded();

    connection.receive = delimiter();
    const lines = [await connection.read(), await connection.read()].map(String);
    const third = await connection.read().catch((error: NetError) => error.code);

    assert.deepEqual(lines, ["one", "two"]);
    assert.equal(third, "CONNECTION_CLOSED");
    assert.equal(connection.state, "ending");
  });

  it("tells the application of the end once, whenever the model is exchanged", async () => {
    const events: string[] = [];
    const host = new FakeHost(
      { receive: push(), halfOpen: true },
      {
        onReceive: (_, packet) => events.push(String(packet)),
        onEnd: (connection) => {
          events.push("end");
          connection.receive = delimiter();
        },
      },
    );
    const { connection, stream } = host.open();
    stream.sink.streamReceived(bytes("one"));

    stream.sink.streamEnded();
    await turn();
    connection.receive = push();
    await turn();

    assert.deepEqual(events, ["one", "end"]);
  });

  it("leaves what can still be read to its reader when the connection has ended", async () => {
    const host = new FakeHost({ receive: push() });
    const { connection, stream } = host.open();
    stream.sink.streamReceived(bytes("last"));
    connection.close();

    connection.receive = delimiter();
    const last = await connection.read();

    assert.equal(String(last), "last");
  });

  it("keeps everything when the new model can't make its decoder", async () => {
    const host = new FakeHost({ receive: push() });
    const { connection, stream } = host.open();
    stream.sink.streamReceived(bytes("kept"));
    const broken = { ...push(), createDecoder: () => assert.fail("no decoder") };

    assert.throws(() => {
      connection.receive = broken;
    }, /no decoder/);

    assert.equal(String(await connection.read()), "kept");
  });
});

describe("PacketReceiver: the peer's end", () => {
  it("waits for somebody who may read on, and passes on when he asks for more", async () => {
    const events: string[] = [];
    const host = new FakeHost({}, { onEnd: () => events.push("end") });
    const { connection, stream } = host.open();
    stream.sink.streamReceived(bytes("question"));
    stream.sink.streamEnded();
    const before = [...events];

    const question = await connection.read();
    connection.send("response");
    await turn();
    const more = await connection.read().catch((error: NetError) => error.code);

    assert.deepEqual(before, []);
    assert.equal(String(question), "question");
    assert.equal(more, "CONNECTION_CLOSED");
    assert.deepEqual(events, ["end"]);
  });

  it("passes on after closeTimeoutMs when nobody reads on", () => {
    const events: string[] = [];
    const host = new FakeHost({ closeTimeoutMs: 1_000 }, { onEnd: () => events.push("end") });
    const { stream } = host.open();
    stream.sink.streamReceived(bytes("question"));
    stream.sink.streamEnded();

    host.engine.clock.advance(999);
    const before = [...events];
    host.engine.clock.advance(10);

    assert.deepEqual([before, events], [[], ["end"]]);
  });

  it("is passed on at once to who awaits `closed()`", async () => {
    const events: string[] = [];
    const host = new FakeHost({}, { onEnd: () => events.push("end") });
    const { connection, stream } = host.open();
    stream.sink.streamReceived(bytes("question"));
    stream.sink.streamEnded();

    void connection.closed();
    await turn();

    assert.deepEqual(events, ["end"]);
  });
});
