/**
 * A process that is stopped in its tracks by a test: `ENGINE KIND [PORT]`. `server`: an echo server with a heartbeat and an idle
 * time-out; `relay`: a relay to the port. Every deadline is shorter than the stop. Prints `READY PORT`, and `closed CODE` for each
 * connection that ends.
 */
import process from "node:process";
import { type EngineName, TcpServer } from "hp-socket";
import { Relay } from "hp-socket/proxy";

const [engine = "node", kind = "", port = ""] = process.argv.slice(2);

async function serve(): Promise<number | undefined> {
  const server = new TcpServer({
    engine: engine as EngineName,
    idleTimeoutMs: 2_000,
    heartbeat: { everyMs: 500, timeoutMs: 1_000, maxMisses: 1, message: "?" },
    onReceive: (connection, bytes) => void connection.send(bytes),
    onClose: (_, { code }) => console.log(`closed ${code}`),
  });
  await server.listen({ host: "127.0.0.1" });
  return server.port;
}

async function relay(): Promise<number | undefined> {
  const one = new Relay({
    engine: engine as EngineName,
    to: [`127.0.0.1:${port}`],
    tunnelIdleTimeoutMs: 2_000,
    onRelayed: ({ error }) => console.log(`closed ${error?.code ?? "CLOSED"}`),
  });
  await one.listen({ host: "127.0.0.1" });
  return one.port;
}

console.log(`READY ${await (kind === "relay" ? relay() : serve())}`);
