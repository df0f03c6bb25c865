/** Our WebSocket server with the `WebSocket` that Node has since version 22, undici's. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it } from "node:test";
import { availableEngines } from "../support/engine-list.js";
import { webSocketServer } from "../support/websocket-world.js";

/** As much of it as is used here. */
interface GlobalSocket extends EventTarget {
  binaryType: string;
  readonly protocol: string;
  readonly extensions: string;
  send(data: string | Uint8Array): void;
  close(code?: number, reason?: string): void;
}

const Global = (
  globalThis as { WebSocket?: new (url: string, protocols: string[]) => GlobalSocket }
).WebSocket;
const skip = Global === undefined && "this Node has no WebSocket";
if (skip !== false) console.log(`# tests with the WebSocket of Node are skipped: ${skip}`);

for (const engine of availableEngines()) {
  for (const compression of [false, true]) {
    describe(`the WebSocket of Node on ${engine}, compression ${compression}`, { skip }, () => {
      it("talks to a server of ours, and is closed by it", async (test) => {
        const { port } = await webSocketServer(test, {
          engine,
          compression: compression && { minBytes: 0 },
          protocols: ["b"],
          onMessage(socket, data) {
            if (data === "close") socket.close(4_001, "as you wish");
            else socket.send(data);
          },
        });
        const socket = new Global!(`ws://127.0.0.1:${port}/`, ["a", "b"]);
        socket.binaryType = "arraybuffer";
        await once(socket, "open");

        const back: unknown[] = [];
        for (const message of ["text", "ä".repeat(70_000), Buffer.alloc(1_000_000, 3)]) {
          socket.send(message);
          const [event] = (await once(socket, "message")) as [{ data: string | ArrayBuffer }];
          back.push(typeof event.data === "string" ? event.data : Buffer.from(event.data));
        }
        socket.send("close");
        const [end] = (await once(socket, "close")) as [{ code: number; reason: string }];

        assert.deepEqual(back, ["text", "ä".repeat(70_000), Buffer.alloc(1_000_000, 3)]);
        assert.equal(socket.protocol, "b");
        assert.equal(socket.extensions.includes("permessage-deflate"), compression);
        assert.deepEqual([end.code, end.reason], [4_001, "as you wish"]);
      });
    });
  }
}
