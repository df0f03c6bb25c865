/** permessage-deflate on sockets: what is agreed on, contexts, bombs. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { deflateRawSync } from "node:zlib";
import type { EngineName } from "hp-socket";
import { type CompressionOptions, WebSocketClient } from "hp-socket/websocket";
import { OPCODE } from "#src/protocol/websocket/opcode.js";
import { isUsable } from "#src/websocket/deflate/zlib-context.js";
import { availableEngines } from "../support/engine-list.js";
import { until } from "../support/until.js";
import { framePeer, socketsOf, webSocketServer } from "../support/websocket-world.js";
import { ZlibInflater } from "../support/websocket-zlib.js";

const MIB = 1_048_576;

for (const engine of availableEngines()) {
  describe(`permessage-deflate on ${engine}`, () => compression(engine));
}

/** What a peer sends that has deflated without context. */
function compressed(text: string | Buffer): Buffer {
  const bytes = deflateRawSync(text, { finishFlush: 2 });
  return bytes.subarray(0, bytes.length - 4);
}

/** More than 100 times its size. */
const BOMB = compressed(Buffer.alloc(30 * MIB));

function compression(engine: EngineName): void {
  it("can drive contexts in this Node", () => {
    assert.equal(isUsable(), true);
  });

  const AGREEMENTS: readonly (readonly [CompressionOptions, string, string | undefined])[] = [
    [false, "permessage-deflate", undefined],
    [true, "x-other", undefined],
    [
      true,
      "permessage-deflate; client_max_window_bits",
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    ],
    [{ keepContext: true }, "permessage-deflate", "permessage-deflate"],
    [
      { keepContext: true, windowBits: 10 },
      "permessage-deflate; client_max_window_bits",
      "permessage-deflate; server_max_window_bits=10; client_max_window_bits=10",
    ],
    [
      { keepContext: true, maxContexts: 0 },
      "permessage-deflate",
      "permessage-deflate; client_no_context_takeover",
    ],
  ];
  for (const [options, offer, agreement] of AGREEMENTS) {
    it(`agrees on ${agreement ?? "nothing"} with ${JSON.stringify(options)}`, async (test) => {
      const server = await webSocketServer(test, { engine, compression: options });

      const peer = await framePeer(test, server.port, {
        fields: [`Sec-WebSocket-Extensions: ${offer}`],
      });

      assert.equal(peer.status, 101);
      assert.equal(peer.field("sec-websocket-extensions"), agreement);
    });
  }

  it("compresses what is long enough, or what it is told to, fragments included", async (test) => {
    const server = await webSocketServer(test, {
      engine,
      compression: { minBytes: 10 },
      onOpen(socket) {
        socket.send("short");
        socket.send("long enough");
        socket.send("x", { compress: true });
        socket.send("not this one", { compress: false });
        socket.send("part", { isLast: false, compress: true });
        socket.send("part", { isLast: true });
      },
    });

    const peer = await framePeer(test, server.port, {
      fields: ["Sec-WebSocket-Extensions: permessage-deflate"],
      inflater: new ZlibInflater(),
    });
    await peer.saw("text partpart");

    assert.deepEqual(peer.events, [
      "begin text",
      "text short",
      "begin text compressed",
      "text long enough",
      "begin text compressed",
      "text x",
      "begin text",
      "text not this one",
      "begin text compressed",
      "text partpart",
    ]);
  });

  it("inflates over many turns, in order, and the handler's promise still holds", async (test) => {
    const seen: number[] = [];
    const server = await webSocketServer(test, {
      engine,
      compression: true,
      maxInflatedBytesPerTurn: 1_024,
      async onMessage(_socket, data) {
        await new Promise((resolve) => setImmediate(resolve));
        seen.push(data.length);
      },
    });
    const peer = await framePeer(test, server.port, {
      fields: ["Sec-WebSocket-Extensions: permessage-deflate"],
    });

    peer.send({ rsv: 4, payload: compressed("a".repeat(100_000)) }, "plain");
    peer.send({ rsv: 4, payload: compressed("b".repeat(50_000)) });
    peer.close();
    await until(() => seen.length === 3);

    assert.deepEqual(seen, [100_000, 5, 50_000]);
  });

  it("handles another connection's message between the turns of one that inflates", async (test) => {
    const seen: number[] = [];
    const server = await webSocketServer(test, {
      engine,
      compression: true,
      maxMessageBytes: 64 * MIB,
      onMessage: (_socket, data) => void seen.push(data.length),
    });
    const fields = ["Sec-WebSocket-Extensions: permessage-deflate"];
    const large = await framePeer(test, server.port, { fields });
    const small = await framePeer(test, server.port, { fields });
    const payload = compressed(Buffer.alloc(12 * MIB, "many "));

    large.send({ rsv: 4, opcode: OPCODE.binary, payload });
    const [receiver] = socketsOf(server);
    await until(() => (receiver?.stats.receivedBytes ?? 0) > payload.length);
    // All of it has come: were it inflated at once, it would be there.
    small.send({ rsv: 4, payload: compressed("deflated") }, "plain");
    await until(() => seen.length === 3);

    assert.deepEqual(seen, [8, 5, 12 * MIB]);
  });

  it("ends a bomb with 1009, and lets others have their turns meanwhile", async (test) => {
    const codes: string[] = [];
    const server = await webSocketServer(test, {
      engine,
      compression: true,
      maxMessageBytes: 64 * 1_048_576,
      maxInflateRatio: 100,
      onMessage: (socket, data) => socket.send(data),
      onClose: (_socket, _code, _reason, { code }) => codes.push(code),
    });
    const fields = ["Sec-WebSocket-Extensions: permessage-deflate"];
    const bomber = await framePeer(test, server.port, { fields });
    const other = await framePeer(test, server.port);

    bomber.send({ rsv: 4, payload: BOMB });
    other.send("alive");
    await other.saw("text alive");
    await bomber.ended();
    await until(() => codes.length === 1);

    assert.match(bomber.events[0] ?? "", /^close 1009 .*maxInflateRatio/);
    assert.deepEqual(codes, ["WEBSOCKET_TOO_LONG"]);
  });

  it("ends a peer whose message is no deflate with 1007, and others go on with the same contexts", async (test) => {
    const server = await webSocketServer(test, {
      engine,
      compression: { minBytes: 0 },
      onMessage: (socket, data) => socket.send(data),
    });
    const fields = ["Sec-WebSocket-Extensions: permessage-deflate"];
    const bad = await framePeer(test, server.port, { fields });

    bad.send({ rsv: 4, payload: Buffer.from("ffffffff", "hex") });
    await bad.ended();
    const good = await framePeer(test, server.port, { fields, inflater: new ZlibInflater() });
    good.send({ rsv: 4, payload: compressed("good") });
    await good.saw("text good");

    assert.match(bad.events[0] ?? "", /^close 1007 /);
  });

  it("serves peers with and without compression at once, whoever comes first", async (test) => {
    const server = await webSocketServer(test, {
      engine,
      compression: { minBytes: 0 },
      onMessage: (socket, data) => socket.send(data),
    });
    const fields = ["Sec-WebSocket-Extensions: permessage-deflate"];
    const plain = await framePeer(test, server.port);
    plain.send("first");
    await plain.saw("text first");

    const compressing = await framePeer(test, server.port, {
      fields,
      inflater: new ZlibInflater(),
    });
    for (const word of ["one", "two"]) {
      compressing.send({ rsv: 4, payload: compressed(word) }, `and ${word}`);
      plain.send(word, { payload: `cut ${word}`.slice(0, 4), fin: false });
      plain.send({ opcode: 0, payload: word });
      await compressing.saw(`text and ${word}`);
      await plain.saw(`text cut ${word}`);
    }

    assert.ok(compressing.events.includes("text two"));
    assert.deepEqual([plain.isClosed, compressing.isClosed], [false, false]);
  });

  it("keeps contexts of both directions where that is agreed on, between our own ends", async (test) => {
    const server = await webSocketServer(test, {
      engine,
      compression: { keepContext: true, minBytes: 0 },
      onMessage: (socket, data) => socket.send(data),
    });
    const client = new WebSocketClient({
      engine,
      compression: { keepContext: true, minBytes: 0, windowBits: 9 },
    });
    test.after(() => client.stop({ drainMs: 0 }));
    await client.connect(`ws://127.0.0.1:${server.port}/`);
    const text = JSON.stringify({ name: "a message that comes again and again", number: 1 });

    const sizes: number[] = [];
    for (let count = 0; count < 3; count++) {
      const before = client.socket.stats.sentBytes;
      client.send(text);
      assert.equal(await client.read(), text);
      sizes.push(client.socket.stats.sentBytes - before);
    }

    const [first = 0, , third = 0] = sizes;
    assert.ok(third < first / 2, `${sizes}`);
  });
}
