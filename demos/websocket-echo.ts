// An echo over WebSocket: text, bytes and compressed messages; what `hp-socket echo --websocket` does.
import assert from "node:assert/strict";
import { WebSocketClient, WebSocketServer } from "hp-socket/websocket";

const server = new WebSocketServer({
  compression: true,
  slowConsumer: "pause", // who does not read his answers is not read from either
  onMessage: (socket, data) => void socket.send(data),
  onClose: (_socket, code, reason) => console.log("server: closed with", code, reason),
});
await server.listen({ host: "127.0.0.1" });

const client = new WebSocketClient({ compression: true });
await client.connect(`ws://127.0.0.1:${server.port}/`);

client.send("text comes back as text");
const text = await client.read({ timeoutMs: 5_000 });
client.send(Buffer.of(1, 2, 3));
const bytes = await client.read();
client.send("again and again ".repeat(10_000));
const long = await client.read();

console.log(text, bytes, `${long.length} characters in ${client.socket.stats.receivedBytes} bytes`);
assert.equal(text, "text comes back as text");
assert.deepEqual(bytes, Buffer.of(1, 2, 3));
assert.equal(long.length, 160_000);
assert.ok(client.socket.stats.receivedBytes < 2_000);

client.close(1000, "done");
assert.equal((await client.socket.closed()).isClean, true);
await client.stop();
await server.stop();
