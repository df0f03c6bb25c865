/**
 * One UDP server in a process of its own, for tests in network namespaces: `ENGINE PORT`. Prints `open` when it
 * listens. For each line `COUNT BYTES` of its input it sends so many datagrams to each of its sessions, and prints as
 * JSON what it was told: `failed` by peer and code, `heard` and `dropped` since it began, and its `sessions`.
 */
import process from "node:process";
import { createInterface } from "node:readline";
import type { EngineName } from "hp-socket";
import { UdpServer } from "hp-socket/udp";

const [engine = "node", port = ""] = process.argv.slice(2);

let failed: Record<string, number> = {};
let heard = 0;
const server = new UdpServer({
  engine: engine as EngineName,
  detectAttempts: 0,
  receiveBufferBytes: 20_000,
  maxPendingBytes: 16_777_216,
  onReceive() {
    heard++;
  },
  onSendError({ remoteAddress }, { code }, failedCount) {
    const name = `${remoteAddress?.host} ${code}`;
    failed[name] = (failed[name] ?? 0) + failedCount;
  },
});
await server.listen({ host: "0.0.0.0", port: Number(port) });
console.log("open");
for await (const line of createInterface({ input: process.stdin })) {
  const [count = 0, byteCount = 0] = line.split(" ").map(Number);
  failed = {};
  for (const id of server.connectionIds()) {
    for (let index = 0; index < count; index++) server.send(id, Buffer.alloc(byteCount, "x"));
  }
  for (const id of server.connectionIds()) {
    const connection = server.connection(id);
    while (connection !== undefined && connection.pendingBytes > 0) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  const { droppedCount: dropped } = server.stats;
  console.log(JSON.stringify({ failed, heard, dropped, sessions: server.connectionCount }));
}
await server.stop({ drainMs: 0 });
