/** A WebSocket client with one socket at a time. */
import { readStopOptions, type StopOptions } from "../connection/component-options.js";
import type { Data, SendResult, WaitOptions } from "../connection/connection.js";
import { NetError } from "../errors.js";
import { SocketGroup } from "./socket-group.js";
import type { SocketPlace } from "./socket-place.js";
import {
  holdProcess,
  type OutgoingWebSocketOptions,
  type OutgoingWebSockets,
  outgoingWebSockets,
} from "./websocket-agent.js";
import type { SendOptions, WebSocketConnection } from "./websocket-connection.js";
import type { WebSocketConnectOptions } from "./websocket-dialer.js";
import type { Message } from "./websocket-handlers.js";

/** Options of a {@link WebSocketClient}. Handlers are given its socket, those of reconnecting the client. */
export type WebSocketClientOptions<Context = unknown> = Omit<
  OutgoingWebSocketOptions<Context, WebSocketClient<Context>>,
  "maxSockets"
>;

/** A WebSocket client with one socket at a time. */
export class WebSocketClient<Context = unknown> implements AsyncDisposable, AsyncIterable<Message> {
  readonly #parts: OutgoingWebSockets;
  readonly #place: SocketPlace;
  #isConnecting = false;

  /** Throws `INVALID_ARGUMENT`, `ENGINE_UNAVAILABLE`. */
  constructor(options: WebSocketClientOptions<Context> = {}) {
    this.#parts = outgoingWebSockets(options, new SocketGroup<Context>());
    this.#place = this.#parts.places.make(this.#parts.reconnect);
    this.#place.teller.handle = this;
  }

  /** See `WebSocketAgent.connect`. Rejects with `INVALID_STATE` while there is a socket, or one is waited for. */
  async connect(url: string | URL, options: WebSocketConnectOptions<Context> = {}): Promise<this> {
    const last = this.#place.connection;
    const isBusy = this.#isConnecting || this.isReconnecting;
    if (isBusy || (last !== undefined && last.state !== "closed")) {
      throw new NetError("INVALID_STATE", "the client has a socket already", {
        operation: "connect",
      });
    }
    this.#isConnecting = true;
    try {
      await this.#place.connect(url, options);
    } finally {
      this.#isConnecting = false;
    }
    return this;
  }

  /** The present socket, or the last one. Throws `INVALID_STATE` before the first. */
  get socket(): WebSocketConnection<Context> {
    const socket: WebSocketConnection | undefined = this.#place.connection;
    if (socket !== undefined) return socket as WebSocketConnection<Context>;
    throw new NetError("INVALID_STATE", "the client was never connected");
  }

  /** Whether messages can be sent. */
  get isOpen(): boolean {
    return this.#place.isOpen;
  }

  /** Whether the socket was lost, and another attempt waits or is under way. */
  get isReconnecting(): boolean {
    return this.#place.isReconnecting;
  }

  /**
   * See `WebSocketConnection.send`; so are the others that follow. False, or rejecting, without a socket. While one is
   * waited for, what has room in `reconnect.maxKeptBytes` is kept for it, and the answer is `"slow"`.
   */
  send(data: Data, options?: SendOptions): SendResult {
    return this.#place.send(data, options);
  }

  sendStream(source: AsyncIterable<Data> | Iterable<Data>, options?: SendOptions): Promise<void> {
    return this.socket.sendStream(source, options);
  }

  ping(data?: Data): SendResult {
    return this.#place.connection?.ping(data) ?? false;
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

  /** No other socket follows; a wait for one is called off. */
  close(code?: number, reason?: string): boolean {
    return this.#place.slot.callOff() || this.#place.connection?.close(code, reason) === true;
  }

  abort(): boolean {
    return this.#place.abort();
  }

  /** See `WebSocketAgent.stop`. */
  async stop(options: StopOptions = {}): Promise<void> {
    const drainMs = readStopOptions(options);
    this.#parts.places.stop();
    await this.#parts.dialer.stop(drainMs);
  }

  /** Lets the process end while the socket is open, or waited for. */
  unref(): void {
    holdProcess(this.#parts, false);
  }

  /** Takes {@link unref} back. */
  ref(): void {
    holdProcess(this.#parts, true);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
