/**
 * One client in a process of its own, for tests in network namespaces: `ENGINE HOST PORT KIND`. Prints `open`
 * when it is connected, and `closed CODE MILLISECONDS` (since it was told that the way is cut) when that has
 * ended. KIND says what finds the dead peer. A line on its input means that the way is cut.
 */
import process from "node:process";
import { createInterface } from "node:readline";
import { type EngineName, TcpClient, type TcpClientOptions } from "hp-socket";

const [engine = "node", host = "", port = "", kind = ""] = process.argv.slice(2);
const KEEP_ALIVE = { idleMs: 1_000, intervalMs: 1_000, count: 1 } as const;
const TLS = { verify: "none" } as const;
const KINDS: Readonly<Record<string, TcpClientOptions>> = {
  heartbeat: { heartbeat: { everyMs: 300, timeoutMs: 300, message: "beat" } },
  // Who is silent is closed in good order, for which a dead peer does nothing.
  idle: { idleTimeoutMs: 700, closeTimeoutMs: 700 },
  keepAlive: { keepAlive: KEEP_ALIVE },
  pausedKeepAlive: { keepAlive: KEEP_ALIVE },
  tlsKeepAlive: { keepAlive: KEEP_ALIVE, tls: TLS },
  userTimeout: { userTimeoutMs: 700 },
  tlsUserTimeout: { userTimeoutMs: 700, tls: TLS },
  muchUserTimeout: { userTimeoutMs: 700, maxPendingBytes: 67_108_864 },
  // The peer reads nothing: what is sent fills its buffers, and the kernel asks whether there is room again.
  fullUserTimeout: { userTimeoutMs: 700, maxPendingBytes: 67_108_864 },
  reconnect: {
    heartbeat: { everyMs: 300, timeoutMs: 300, message: "beat" },
    reconnect: { firstDelayMs: 50, maxDelayMs: 200 },
  },
};
/** A server's tickets that are not acknowledged are sent again: through a firewall that drops one direction they are heard. */
const SETTLING_MS = kind === "fullUserTimeout" ? 500 : kind.startsWith("tls") ? 200 : 0;
let cutMs = 0;
const client = new TcpClient({
  engine: engine as EngineName,
  keepAlive: false,
  ...KINDS[kind],
  onReceive() {},
  onHandshake(connection) {
    if (kind === "pausedKeepAlive") connection.pause();
    if (kind === "fullUserTimeout") connection.send(Buffer.alloc(33_554_432));
    setTimeout(() => console.log("open"), SETTLING_MS);
  },
  onClose: (_, { code }) => console.log(`closed ${code} ${Math.round(performance.now() - cutMs)}`),
});
createInterface({ input: process.stdin }).on("line", () => {
  cutMs = performance.now();
  if (kind === "muchUserTimeout") client.send(Buffer.alloc(33_554_432));
  else if (kind.endsWith("serTimeout")) client.send("is anybody there?");
});
await client.connect({ host, port: Number(port), timeoutMs: 1_000 });
