// A large upload by fragments: neither side has the whole of it in memory, and the slower one sets the pace.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { WebSocketClient, WebSocketServer } from "hp-socket/websocket";

const CHUNKS = 256;
const chunk = Buffer.alloc(65_536, "up");

const server = new WebSocketServer({
  maxMessageBytes: 1_073_741_824,
  onOpen(socket) {
    socket.context = createHash("sha256");
  },
  async onMessagePiece(socket, bytes) {
    (socket.context as ReturnType<typeof createHash>).update(bytes);
    await setImmediate();
  },
  onMessageEnd(socket) {
    socket.send((socket.context as ReturnType<typeof createHash>).digest("hex"));
  },
});
await server.listen({ host: "127.0.0.1" });

const expected = createHash("sha256");
function* file(): Generator<Buffer> {
  for (let count = 0; count < CHUNKS; count++) {
    expected.update(chunk);
    yield chunk;
  }
}

const client = new WebSocketClient();
await client.connect(`ws://127.0.0.1:${server.port}/`);
await client.sendStream(file());
const digest = await client.read();
console.log(`${(CHUNKS * chunk.length) / 1_048_576} MiB, ${digest}`);
assert.equal(digest, expected.digest("hex"));

await client.stop();
await server.stop();
