/** A WebSocket client with one socket at a time. */
import type { StopOptions } from "../connection/component-options.js";
import type { Data, WaitOptions } from "../connection/connection.js";
import { NetError } from "../errors.js";
import { WebSocketAgent, type WebSocketAgentOptions } from "./websocket-agent.js";
import type { SendOptions, WebSocketConnection } from "./websocket-connection.js";
import type { WebSocketConnectOptions } from "./websocket-dialer.js";
import type { Message } from "./websocket-handlers.js";

/** Options of a {@link WebSocketClient}. Handlers are given its socket. */
export type WebSocketClientOptions<Context = unknown> = Omit<
  WebSocketAgentOptions<Context>,
  "maxSockets"
>;

/** A WebSocket client with one socket at a time. */
export class WebSocketClient<Context = unknown> implements AsyncDisposable, AsyncIterable<Message> {
  readonly #agent: WebSocketAgent<Context>;
  #socket: WebSocketConnection<Context> | undefined;
  #isConnecting = false;

  /** Throws `INVALID_ARGUMENT`, `ENGINE_UNAVAILABLE`. */
  constructor(options: WebSocketClientOptions<Context> = {}) {
    this.#agent = new WebSocketAgent(options);
  }

  /** See `WebSocketAgent.connect`. Rejects with `INVALID_STATE` while there is a socket. */
  async connect(url: string | URL, options?: WebSocketConnectOptions<Context>): Promise<this> {
    if (this.#isConnecting || (this.#socket !== undefined && this.#socket.state !== "closed")) {
      throw new NetError("INVALID_STATE", "the client has a socket already", {
        operation: "connect",
      });
    }
    this.#isConnecting = true;
    try {
      this.#socket = await this.#agent.connect(url, options);
    } finally {
      this.#isConnecting = false;
    }
    return this;
  }

  /** The present socket, or the last one. Throws `INVALID_STATE` before the first. */
  get socket(): WebSocketConnection<Context> {
    if (this.#socket !== undefined) return this.#socket;
    throw new NetError("INVALID_STATE", "the client was never connected");
  }

  /** Whether messages can be sent. */
  get isOpen(): boolean {
    return this.#socket?.isOpen === true;
  }

  /** See `WebSocketConnection`; so are the others that follow. False, or rejecting, without a socket. */
  send(data: Data, options?: SendOptions): boolean {
    return this.#socket?.send(data, options) ?? false;
  }

  sendStream(source: AsyncIterable<Data> | Iterable<Data>, options?: SendOptions): Promise<void> {
    return this.socket.sendStream(source, options);
  }

  ping(data?: Data): boolean {
    return this.#socket?.ping(data) ?? false;
  }

  read(options?: WaitOptions): Promise<Message> {
    return this.socket.read(options);
  }

  [Symbol.asyncIterator](): AsyncIterator<Message> {
    return this.socket[Symbol.asyncIterator]();
  }

  drained(options?: WaitOptions): Promise<void> {
    return this.socket.drained(options);
  }

  close(code?: number, reason?: string): boolean {
    return this.#socket?.close(code, reason) ?? false;
  }

  abort(): boolean {
    return this.#socket?.abort() ?? false;
  }

  /** See `WebSocketAgent.stop`. */
  stop(options?: StopOptions): Promise<void> {
    return this.#agent.stop(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
