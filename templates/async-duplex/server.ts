/** The center of a payment switch: answers its branches, and asks them as well, on the same connections. */
import process from "node:process";
import { type Connection, TcpServer, type WaitOptions } from "hp-socket";
import { address, correlate, heartbeat, receive, write } from "./protocol.ts";
import { Side } from "./side.ts";

export class Center {
  readonly server: TcpServer;
  readonly #side: Side<Connection>;

  constructor(answerTo: (question: string) => string | Promise<string>) {
    // A branch says first who it is: by that name it is found, whichever connection it has. It is believed here: where others
    // can connect, use TLS with certificates, or a secret.
    const side = new Side<Connection>("S", answerTo, (name, connection) => {
      connection.key = name;
    });
    this.#side = side;
    this.server = new TcpServer({
      receive,
      correlate,
      heartbeat,
      requestTimeoutMs: 5_000,
      maxRequestsInFlight: 1_000,
      maxConnections: 10_000,
      onHandshake: (connection) =>
        void connection.send(write({ kind: "N", id: "", body: "welcome" })),
      onReceive: (connection, packet) => side.take(connection, packet),
    });
  }

  /** Asks a branch. */
  async ask(branch: string, question: string, options?: WaitOptions): Promise<string> {
    const connection = this.server.byKey(branch);
    if (connection === undefined) throw new Error(`${branch} is not connected`);
    return this.#side.ask(connection, question, options);
  }

  async stop(): Promise<void> {
    await this.server.stop();
  }
}

if (import.meta.filename === process.argv[1]) {
  const center = new Center((question) => `approved ${question}`);
  await center.server.listen(address);
  console.log(`listening on ${address.host} port ${address.port}`);
  process.once("SIGINT", () => void center.server.stop());
  process.once("SIGTERM", () => void center.server.stop());
}
