/**
 * Clients that wait for a server that does not come back, in a process that has nothing else to do, one after the other:
 * `ENGINE`. For each kind, a line that says whether the process would end while the client is unreferenced, while it is
 * referenced, and once it is unreferenced again.
 */
import process from "node:process";
import { type EngineName, TcpClient, TcpServer } from "hp-socket";
import { ArqClient, ArqServer } from "hp-socket/arq";
import { fatesOf, letGo } from "./process-fate.js";

const engine = process.argv[2] as EngineName;

for (const kind of ["tcp", "arq"]) {
  let isWaiting = (): void => {};
  const waiting = new Promise<void>((resolve) => {
    isWaiting = resolve;
  });
  let isEstablished = (): void => {};
  const established = new Promise<void>((resolve) => {
    isEstablished = resolve;
  });
  const options = {
    engine,
    reconnect: { firstDelayMs: 600_000, maxDelayMs: 600_000 },
    onReceive() {},
    onReconnecting: () => isWaiting(),
  };
  // A server that has not heard the end of the handshake has nobody whom it could tell that it stops.
  const onHandshake = () => isEstablished();
  const server =
    kind === "arq"
      ? new ArqServer({ engine, onHandshake })
      : new TcpServer({ engine, onHandshake });
  const client = kind === "arq" ? new ArqClient(options) : new TcpClient(options);
  const { port } = await server.listen({ host: "127.0.0.1" });
  await client.connect({ host: "127.0.0.1", port });
  await established;
  await server.stop({ drainMs: 0 });
  await waiting;
  console.log(`${kind}: ${await fatesOf(client)}`);
  await client.stop({ drainMs: 0 });
}
letGo();
