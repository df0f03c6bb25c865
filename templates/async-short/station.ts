/**
 * One side: it listens, and sends each message on a connection of its own, which it closes at once. Who sends does not wait;
 * an answer, if there is one, comes later on a connection that the other side makes.
 */
import { type ConnectOptions, type IpAddress, TcpAgent, TcpServer } from "hp-socket";
import { receive } from "./protocol.ts";

export class Station {
  readonly #server: TcpServer;
  readonly #agent = new TcpAgent({ receive });

  constructor(onMessage: (message: string) => unknown) {
    this.#server = new TcpServer({
      receive,
      idleTimeoutMs: 10_000,
      onReceive: (_connection, message) => onMessage(message.toString()),
    });
  }

  listen(at: { host: string; port?: number }): Promise<IpAddress> {
    return this.#server.listen(at) as Promise<IpAddress>;
  }

  /** Resolves when all was sent and the peer has closed as well; rejects with a `NetError`. */
  async post(to: ConnectOptions, message: string): Promise<void> {
    const connection = await this.#agent.connect({ timeoutMs: 5_000, ...to });
    connection.send(message);
    connection.close();
    const { cause } = await connection.closed();
    if (cause !== undefined) throw cause;
  }

  async stop(): Promise<void> {
    await Promise.all([this.#server.stop(), this.#agent.stop()]);
  }
}
