/**
 * A client in a process of its own, which waits for a server that does not come back: `ENGINE KIND HOLD`. Connects to
 * a server of its own, stops that, and says `waiting` when the client waits. HOLD: `unref` lets the process end then.
 */
import process from "node:process";
import { type EngineName, TcpClient, TcpServer } from "hp-socket";
import { ArqClient, ArqServer } from "hp-socket/arq";

const [name, kind, hold] = process.argv.slice(2);
const engine = name as EngineName;
const options = {
  engine,
  reconnect: { firstDelayMs: 600_000, maxDelayMs: 600_000 },
  onReceive() {},
  onReconnecting() {
    console.log("waiting");
    if (hold === "unref") client.unref();
  },
};
let established = (): void => {};
const bothAreThere = new Promise<void>((resolve) => {
  established = resolve;
});
// A server that has not heard the end of the handshake has nobody whom it could tell that it stops.
const onHandshake = () => established();
const server =
  kind === "arq" ? new ArqServer({ engine, onHandshake }) : new TcpServer({ engine, onHandshake });
const client = kind === "arq" ? new ArqClient(options) : new TcpClient(options);
const { port } = await server.listen({ host: "127.0.0.1" });
await client.connect({ host: "127.0.0.1", port });
await bothAreThere;
await server.stop({ drainMs: 0 });
