/** Interoperation with `ws`, both ways, with and without compression. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { EngineName } from "hp-socket";
import { type CompressionOptions, WebSocketClient } from "hp-socket/websocket";
import { availableEngines } from "../support/engine-list.js";
import { until } from "../support/until.js";
import { socketsOf, webSocketServer } from "../support/websocket-world.js";
import { type WsLibrary, wsLibrary } from "../support/ws-library.js";

const library = await wsLibrary();

/** What our side does, and what the other side is told of compression. */
const COMPRESSIONS: readonly (readonly [
  title: string,
  ours: CompressionOptions,
  theirs: boolean | object,
])[] = [
  ["without compression", false, false],
  ["compressed, each message by itself", { minBytes: 0 }, { threshold: 0 }],
  ["compressed with context take-over", { minBytes: 0, keepContext: true }, { threshold: 0 }],
  [
    "compressed in small windows",
    { minBytes: 0, keepContext: true, windowBits: 10 },
    { threshold: 0, serverMaxWindowBits: 10, clientMaxWindowBits: 10 },
  ],
];

const MESSAGES: readonly (string | Buffer)[] = [
  "",
  "a",
  "grüße ".repeat(4_000),
  Buffer.alloc(0),
  Buffer.alloc(70_000, 7),
  JSON.stringify(Array.from({ length: 5_000 }, (_, index) => ({ index }))),
  "a",
];

if (typeof library === "string") console.log(`# not tested: ${library}`);
else {
  for (const engine of availableEngines()) {
    describe(`WebSockets with ws on ${engine}`, () => interoperates(engine, library));
  }
}

function interoperates(engine: EngineName, { WebSocket, WebSocketServer }: WsLibrary): void {
  for (const [title, ours, theirs] of COMPRESSIONS) {
    it(`serves a client of ws, ${title}`, async (test) => {
      const server = await webSocketServer(test, {
        engine,
        protocols: ["p"],
        compression: ours,
        onMessage: (socket, data) => socket.send(data),
      });
      const got: (string | Buffer)[] = [];
      const ends: unknown[] = [];

      const socket = new WebSocket(`ws://127.0.0.1:${server.port}/`, ["p"], {
        perMessageDeflate: theirs,
      });
      socket.on("message", (data, isBinary) => got.push(isBinary ? data : data.toString()));
      socket.on("close", (code, reason) => ends.push(code, reason.toString()));
      socket.on("open", () => {
        for (const message of MESSAGES) socket.send(message);
        for (const fin of [false, false, true]) socket.send("part", { fin });
      });
      await until(() => got.length === MESSAGES.length + 1);
      for (const one of socketsOf(server)) one.close(4_000, "enough");
      await until(() => ends.length === 2);

      assert.deepEqual(got, [...MESSAGES, "partpartpart"]);
      assert.deepEqual(ends, [4_000, "enough"]);
      assert.equal(socket.protocol, "p");
      assert.equal(socket.extensions, ours === false ? "" : "permessage-deflate");
    });

    it(`is a client of a server of ws, ${title}`, async (test) => {
      const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: theirs });
      await new Promise<void>((resolve) => server.on("listening", resolve));
      test.after(() => server.close());
      const ends: unknown[] = [];
      server.on("connection", (socket) => {
        socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
        socket.on("close", (code, reason) => ends.push(code, reason.toString()));
      });
      const client = new WebSocketClient({ engine, compression: ours });
      test.after(() => client.stop({ drainMs: 0 }));

      await client.connect(`ws://127.0.0.1:${server.address().port}/`);
      for (const message of MESSAGES) client.send(message);
      await client.sendStream(["part", "part"]);
      const got = [];
      while (got.length <= MESSAGES.length) got.push(await client.read());
      client.close(4_000, "enough");
      const { isClean } = await client.socket.closed();
      await until(() => ends.length === 2);

      assert.deepEqual(got, [...MESSAGES, "partpart"]);
      assert.deepEqual(ends, [4_000, "enough"]);
      assert.equal(isClean, true);
      assert.equal(client.socket.isCompressed, ours !== false);
    });
  }
}
