// A program that was written for browsers: the standard's WebSocket, of this library.
import assert from "node:assert/strict";
import { WebSocket, WebSocketServer } from "hp-socket/websocket";

const server = new WebSocketServer({
  protocols: ["sums.v1"],
  onMessage(socket, data) {
    const numbers = JSON.parse(String(data)) as number[];
    socket.send(Buffer.from(Float64Array.of(numbers.reduce((sum, one) => sum + one, 0)).buffer));
  },
});
await server.listen({ host: "127.0.0.1" });

const socket = new WebSocket(`ws://127.0.0.1:${server.port}/`, ["sums.v2", "sums.v1"]);
socket.binaryType = "arraybuffer";

const sum = await new Promise<number>((resolve, reject) => {
  socket.onopen = () => {
    console.log("open:", socket.url.replace(/\d+\/$/, "…/"), socket.protocol);
    socket.send(JSON.stringify([1, 2, 3.5]));
  };
  socket.onmessage = ({ data }) => resolve(new Float64Array(data)[0] ?? 0);
  socket.onerror = () => reject(new Error("no WebSocket"));
});
const closed = new Promise((resolve) => socket.addEventListener("close", resolve));
socket.close(3000, "thank you");
await closed;

console.log("sum:", sum, "state:", socket.readyState === WebSocket.CLOSED ? "closed" : "open");
assert.equal(sum, 6.5);
assert.equal(socket.protocol, "sums.v1");
await server.stop();
