/**
 * A peer that does not read must not fill the memory of the server, nor hold up the others. Its send
 * queue is bounded by `maxPendingBytes`; who reaches that is cut off with `SEND_QUEUE_FULL`.
 */
import assert from "node:assert/strict";
import { TcpAgent, TcpServer } from "hp-socket";

const BLOCK = Buffer.alloc(65_536, "tick ");
const BLOCKS = 400;

const server = new TcpServer({
  maxPendingBytes: 1_048_576,
  onClose(connection, { code, cause }) {
    console.log(`server: connection ${connection.id} ended, ${code}`);
    if (code === "SEND_QUEUE_FULL") console.log(`server: ${cause?.message}`);
  },
});
const address = await server.listen({ host: "127.0.0.1" });

let readBytes = 0;
const agent = new TcpAgent({
  onReceive(_connection, bytes) {
    readBytes += bytes.length;
  },
});
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const [sleeper, ...readers] = await Promise.all(
  Array.from({ length: 4 }, () => agent.connect(address)),
);
while (server.connectionCount < 4) await nextTurn();
sleeper?.pause();

// The same to all of them, at the pace of those who read.
let mostPendingBytes = 0;
for (let count = 1; count <= BLOCKS; count++) {
  for (const id of server.connectionIds()) {
    server.send(id, BLOCK);
    mostPendingBytes = Math.max(mostPendingBytes, server.connection(id)?.pendingBytes ?? 0);
  }
  while (readBytes < count * readers.length * BLOCK.length) await nextTurn();
}

console.log(`each of ${readers.length} readers got ${BLOCKS} blocks`);
console.log(`no queue was ever longer than ${mostPendingBytes} bytes`);
assert.equal(readBytes, readers.length * BLOCKS * BLOCK.length);
assert.ok(mostPendingBytes <= server.settings.maxPendingBytes);
assert.equal(server.connectionCount, readers.length, "only the sleeper was cut off");

await agent.stop();
await server.stop();
