/** One connection for each exchange: the client asks, the server answers and closes. */
import process from "node:process";
import { TcpServer } from "hp-socket";
import { address, receive } from "./protocol.ts";

export function createServer(): TcpServer {
  return new TcpServer({
    receive,
    idleTimeoutMs: 10_000, // nobody keeps a connection without asking
    maxConnections: 1_000,
    onReceive(connection, question) {
      connection.send(answerTo(question.toString()));
      connection.close();
    },
  });
}

/** What the server is for. */
function answerTo(question: string): string {
  return question.toUpperCase();
}

if (import.meta.filename === process.argv[1]) {
  const server = createServer();
  await server.listen(address);
  console.log(`listening on ${address.host} port ${address.port}`);
  process.once("SIGINT", () => void server.stop());
  process.once("SIGTERM", () => void server.stop());
}
