/** One connection for many exchanges: the client asks, the server answers, and the connection stays. */
import process from "node:process";
import { TcpServer } from "hp-socket";
import { address, receive } from "./protocol.ts";

interface Account {
  total: number;
}

export function createServer(): TcpServer<Buffer, Account> {
  return new TcpServer<Buffer, Account>({
    receive,
    // A client asks or sends heartbeats; who does neither is gone.
    idleTimeoutMs: 60_000,
    heartbeat: { isProbe: (packet) => packet.length === 0, answer: "" },
    context: () => ({ total: 0 }),
    onReceive(connection, amount) {
      connection.context.total += Number(amount.toString());
      connection.send(String(connection.context.total));
    },
  });
}

if (import.meta.filename === process.argv[1]) {
  const server = createServer();
  await server.listen(address);
  console.log(`listening on ${address.host} port ${address.port}`);
  process.once("SIGINT", () => void server.stop());
  process.once("SIGTERM", () => void server.stop());
}
