/**
 * One side of two long connections, each of which is used in one direction: what it accepts comes in, what it connects goes
 * out. Either can be lost and made anew without the other; what is sent meanwhile is kept.
 */
import { type ConnectOptions, type IpAddress, TcpClient, TcpServer } from "hp-socket";
import { receive } from "./protocol.ts";

/** A message of no bytes, sent after 15 seconds of silence, so that the other side knows that we live. */
const HEARTBEAT = { everyMs: 15_000, timeoutMs: 5_000, message: "" };

const isEmpty = (packet: Uint8Array): boolean => packet.length === 0;

export class Station {
  readonly #inbound: TcpServer;
  readonly #outbound: TcpClient;
  /** How often the way out was lost, or could not be made at first. */
  lossCount = 0;

  constructor(onMessage: (message: string) => void) {
    this.#inbound = new TcpServer({
      receive,
      idleTimeoutMs: 60_000,
      // Heartbeats are answered, which is all that ever goes out here.
      heartbeat: { isProbe: isEmpty, answer: "" },
      onReceive: (_connection, message) => onMessage(message.toString()),
    });
    this.#outbound = new TcpClient({
      receive,
      heartbeat: { ...HEARTBEAT, isAnswer: isEmpty },
      reconnect: {
        fromStart: true,
        firstDelayMs: 250,
        maxDelayMs: 30_000,
        maxKeptBytes: 1_000_000,
      },
      // Nothing else may come on a connection that is for sending only.
      onReceive: (client) => void client.abort(),
      onReconnecting: (_client, attempt, delayMs, { code }) => {
        if (attempt === 1) this.lossCount++;
        console.error(`${code}: attempt ${attempt} in ${delayMs} ms`);
      },
    });
  }

  listen(at: { host: string; port?: number }): Promise<IpAddress> {
    return this.#inbound.listen(at) as Promise<IpAddress>;
  }

  /** Resolves when the other side is there, however long that takes. */
  async connect(to: ConnectOptions): Promise<void> {
    await this.#outbound.connect(to);
  }

  /** False: neither sent nor kept. What was sent when the connection was lost may be lost with it. */
  send(message: string): boolean {
    return this.#outbound.send(message) !== false;
  }

  /** Cuts what came in, as a bad line does. */
  cut(): void {
    for (const id of this.#inbound.connectionIds()) this.#inbound.abort(id);
  }

  async stop(): Promise<void> {
    await Promise.all([this.#outbound.stop(), this.#inbound.stop()]);
  }
}
