/**
 * One UDP client in a process of its own, for tests in network namespaces: `ENGINE HOST PORT`. Prints `open` when it
 * is connected; for each line `COUNT BYTES` of its input it sends so many datagrams, numbered by their first four
 * bytes, and prints as JSON what it was told of them: `failed` by code, and `refused` by code where the network spoke.
 */
import { once } from "node:events";
import process from "node:process";
import { createInterface } from "node:readline";
import type { EngineName } from "hp-socket";
import { UdpClient } from "hp-socket/udp";

const [engine = "node", host = "", port = ""] = process.argv.slice(2);
/** How long the network has for an answer. */
const ANSWER_MS = 150;

let failed: Record<string, number> = {};
let refused: Record<string, number> = {};
let sentCount = 0;
const client = new UdpClient({
  engine: engine as EngineName,
  detectAttempts: 0,
  sendBufferBytes: 20_000,
  maxPendingBytes: 16_777_216,
  maxSocketPendingBytes: 16_777_216,
  onSendError(_, { code }, failedCount) {
    const counts = failedCount > 0 ? failed : refused;
    counts[code] = (counts[code] ?? 0) + Math.max(1, failedCount);
  },
});
await client.connect({ host, port: Number(port), timeoutMs: 1_000 });
console.log("open");
for await (const line of createInterface({ input: process.stdin })) {
  const [count = 0, byteCount = 0] = line.split(" ").map(Number);
  failed = {};
  refused = {};
  for (let index = 0; index < count; index++) {
    const datagram = Buffer.alloc(byteCount);
    datagram.writeUInt32LE(sentCount++);
    client.send(datagram);
    // Some to be sent as a run, and some one by one.
    if (index % 64 === 63) client.send(datagram.subarray(0, 4));
  }
  while (client.pendingBytes > 0) await client.drained({ timeoutMs: 20_000 }).then(passed);
  await new Promise((resolve) => setTimeout(resolve, ANSWER_MS));
  console.log(JSON.stringify({ failed, refused }));
}
await client.stop();
if (process.stdout.writableNeedDrain) await once(process.stdout, "drain");

function passed(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
