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
