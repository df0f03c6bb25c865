/**
 * One client in a process of its own, for tests in network namespaces: `ENGINE HOST PORT KIND`. Prints `open`
 * when it is connected, and `closed CODE MILLISECONDS` (since it was told that the way is cut) when that has
 * ended. KIND says what finds the dead peer. A line on its input means that the way is cut.
 */
import process from "node:process";
import { createInterface } from "node:readline";
import { type EngineName, TcpClient, type TcpClientOptions } from "hp-socket";

const [engine = "node", host = "", port = "", kind = ""] = process.argv.slice(2);
const KINDS: Readonly<Record<string, TcpClientOptions>> = {
  heartbeat: { heartbeat: { everyMs: 300, timeoutMs: 300, message: "beat" } },
  idle: { idleTimeoutMs: 700 },
  keepAlive: { keepAlive: { idleMs: 1_000, intervalMs: 1_000, count: 1 } },
  userTimeout: { userTimeoutMs: 700 },
  reconnect: {
    heartbeat: { everyMs: 300, timeoutMs: 300, message: "beat" },
    reconnect: { firstDelayMs: 50, maxDelayMs: 200 },
  },
};
let cutMs = 0;
const client = new TcpClient({
  engine: engine as EngineName,
  keepAlive: false,
  ...KINDS[kind],
  onReceive() {},
  onHandshake: () => console.log("open"),
  onClose: (_, { code }) => console.log(`closed ${code} ${Math.round(performance.now() - cutMs)}`),
});
createInterface({ input: process.stdin }).on("line", () => {
  cutMs = performance.now();
  if (kind === "userTimeout") client.send("is anybody there?");
});
await client.connect({ host, port: Number(port), timeoutMs: 1_000 });
