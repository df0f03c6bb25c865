/** A branch: one connection to the center, on which any number of questions are under way, of either side. */
import process from "node:process";
import { type ConnectOptions, TcpClient, type WaitOptions } from "hp-socket";
import { address, correlate, heartbeat, receive, write } from "./protocol.ts";
import { Side } from "./side.ts";

export class Branch {
  readonly client: TcpClient;
  readonly #side: Side<TcpClient>;

  constructor(
    name: string,
    answerTo: (question: string) => string | Promise<string>,
    onNotice?: (notice: string) => void,
  ) {
    const side = new Side<TcpClient>("C", answerTo, onNotice);
    this.#side = side;
    this.client = new TcpClient({
      receive,
      correlate,
      heartbeat,
      requestTimeoutMs: 5_000,
      maxRequestsInFlight: 1_000,
      // Comes back by itself, and says first who it is: the center finds it by that.
      reconnect: {
        firstDelayMs: 250,
        maxDelayMs: 30_000,
        greeting: () => write({ kind: "N", id: "", body: name }),
      },
      onReceive: (client, packet) => side.take(client, packet),
      onReconnecting: (_client, attempt, delayMs, { code }) =>
        console.error(`${code}: attempt ${attempt} in ${delayMs} ms`),
    });
  }

  async connect(to: ConnectOptions): Promise<void> {
    await this.client.connect({ timeoutMs: 5_000, ...to });
  }

  /** What was under way when the connection is lost is rejected: whether it was done, only the center knows. */
  ask(question: string, options?: WaitOptions): Promise<string> {
    return this.#side.ask(this.client, question, options);
  }

  async stop(): Promise<void> {
    await this.client.stop();
  }
}

if (import.meta.filename === process.argv[1]) {
  const branch = new Branch("branch 7", () => "the till is open", console.log);
  await branch.connect(address);
  const answers = await Promise.all(["50", "13", "20"].map((amount) => branch.ask(amount)));
  console.log(answers);
  await branch.stop();
}
