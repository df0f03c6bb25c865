import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HOLD } from "#src/connection/receiver.js";
import { StreamConnection } from "#src/connection/stream-connection.js";
import type { SecurityOwner } from "#src/connection/tls/tls-upgrade.js";
import type { TlsContext } from "#src/engine/tls-options.js";
import { delimiter } from "#src/receive/delimiter.js";
import { FakeHost, FakeStream } from "../../support/fake-stream.js";

const bytes = (text: string): Buffer => Buffer.from(text, "latin1");
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** TLS that begins on demand, and always has room. */
function manualSecurity(): SecurityOwner {
  return {
    context: { role: "client" } as TlsContext,
    startsAtOnce: false,
    underWayCount: 0,
    begun() {},
    over() {},
    makeRoom: () => true,
  };
}

describe("StreamConnection: what is called before it is made", () => {
  const early: readonly [string, (connection: StreamConnection) => unknown][] = [
    ["read", (connection) => connection.read().catch(() => {})],
    ["peek", (connection) => connection.peek(0)],
    ["the receive model", (connection) => Object.assign(connection, { receive: delimiter() })],
    ["a change of settings", (connection) => connection.keepModel()],
  ];
  for (const [what, call] of early) {
    it(`receives after ${what} was asked for while it was being made`, async () => {
      const host = new FakeHost();
      const connection = new StreamConnection(host);
      call(connection);
      const stream = new FakeStream();
      connection.stream = stream;
      stream.sink = connection;

      connection.open(true);
      stream.sink.streamReceived(bytes("line\n"));
      await turn();

      assert.ok(connection.receivedBytes === 5 && connection.inbound?.isAbandoned === false);
    });
  }

  it("holds its stream back when it is there, where a hold was set before", async () => {
    const host = new FakeHost();
    const connection = new StreamConnection(host);
    connection.hold(HOLD.body);
    const stream = new FakeStream();
    connection.stream = stream;
    stream.sink = connection;

    connection.open(true);
    const whileHeld = stream.isPaused;
    connection.release(HOLD.body);
    await turn();

    assert.deepEqual([whileHeld, stream.isPaused], [true, false]);
  });

  it("settles a read that was begun before, with the first bytes", async () => {
    const host = new FakeHost();
    const connection = new StreamConnection(host);
    const read = connection.read();
    const stream = new FakeStream();
    connection.stream = stream;
    stream.sink = connection;

    connection.open(true);
    stream.sink.streamReceived(bytes("first"));

    assert.equal(String(await read), "first");
  });

  it("rejects a read that was begun before, when it is never made", async () => {
    const host = new FakeHost();
    const connection = new StreamConnection(host);
    const read = connection.read();

    connection.streamClosed(undefined);

    await assert.rejects(read, { code: "CONNECTION_CLOSED" });
  });
});

describe("StreamConnection: mistakes in a call", () => {
  it("has no effect when startTls is given a time that can't be", async () => {
    const host = new FakeHost();
    host.security = manualSecurity();
    const { connection, stream } = host.open();

    await assert.rejects(connection.startTls({ timeoutMs: -1 }), { code: "INVALID_ARGUMENT" });
    const sent = connection.send("still plain");

    assert.equal(sent, true);
    assert.equal(stream.isPaused, false);
    const again = connection.startTls();
    again.catch(() => {});
    assert.equal(connection.isOpen, false);
  });

  it("refuses a signal that is none before anything is begun", async () => {
    const host = new FakeHost();
    host.security = manualSecurity();
    const { connection } = host.open();
    const options = { signal: {} as AbortSignal };

    await assert.rejects(connection.read(options), { code: "INVALID_ARGUMENT" });
    await assert.rejects(connection.request("?", options), { code: "INVALID_ARGUMENT" });
    await assert.rejects(connection.drained(options), { code: "INVALID_ARGUMENT" });
    await assert.rejects(connection.startTls(options), { code: "INVALID_ARGUMENT" });

    assert.equal(host.service.wheel.count, 0);
    assert.equal(connection.isOpen, true);
  });
});

describe("StreamConnection: what an idle one keeps", () => {
  const host = (handlers: ConstructorParameters<typeof FakeHost>[1] = {}): FakeHost =>
    new FakeHost({}, handlers);

  it("has no way in, and no receiver, behind bytes that were taken; counts and times stay", () => {
    const idle = host({ onReceive() {} });
    const { connection, stream } = idle.open();
    const openedMs = connection.receivedMs;
    idle.engine.clock.advance(7);

    stream.sink.streamReceived(bytes("taken"));

    assert.deepEqual(
      [connection.inbound, connection.receivedBytes, connection.receivedMs],
      [undefined, 5, openedMs + 7],
    );
  });

  it("keeps them while bytes are unread, a handler is busy, a packet is cut, or it is held", () => {
    const unread = host().open();
    const busy = host({ onReceive: () => new Promise(() => {}) }).open();
    const cutHost = new FakeHost({ receive: delimiter() }, { onReceive() {} });
    const cut = cutHost.open();
    const held = host({ onReceive: (connection) => void connection.pause() }).open();

    for (const { stream } of [unread, busy, cut, held]) stream.sink.streamReceived(bytes("some"));

    for (const { connection } of [unread, busy, cut, held]) assert.ok(connection.inbound);
    assert.equal(unread.connection.unreadBytes, 4);
  });

  it("lets them go when the promise of the handler is settled", async () => {
    const { connection, stream } = host({ onReceive: async () => {} }).open();

    stream.sink.streamReceived(bytes("some"));
    const whileBusy = connection.inbound;
    await turn();

    assert.ok(whileBusy !== undefined && connection.inbound === undefined);
  });

  it("gives the way in to whoever receives next, and nothing of one connection to another", () => {
    const got: [number, string][] = [];
    const one = host({
      onReceive: (connection, data) => void got.push([connection.id, String(data)]),
    });
    const first = one.open();
    const second = one.open();

    first.stream.sink.streamReceived(bytes("a"));
    second.stream.sink.streamReceived(bytes("b"));
    first.stream.sink.streamReceived(bytes("c"));

    const [a, b] = [first.connection.id, second.connection.id];
    assert.deepEqual(got, [
      [a, "a"],
      [b, "b"],
      [a, "c"],
    ]);
  });
});
