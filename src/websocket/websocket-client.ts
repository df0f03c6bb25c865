import {
  readStopOptions,
  type StopOptions,
  type StopResult,
} from "../connection/component/component-options.js";
import type { Data, SendResult, WaitOptions } from "../connection/connection.js";
import { NetError } from "../errors.js";
import { OpenSockets } from "./open-sockets.js";
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
  "maxConnections"
>;

/** A WebSocket client with one socket at a time. */
export class WebSocketClient<Context = unknown> implements AsyncDisposable, AsyncIterable<Message> {
  readonly #parts: OutgoingWebSockets;
  readonly #place: SocketPlace;
  #isConnecting = false;

  /** Throws `INVALID_ARGUMENT`, `ENGINE_UNAVAILABLE`. */
  constructor(options: WebSocketClientOptions<Context> = {}) {
    this.#parts = outgoingWebSockets(options, new OpenSockets<Context>());
    this.#place = this.#parts.places.make(this.#parts.reconnect);
    this.#place.teller.handle = this;
  }

  /**
   * Connects to a `ws:` or `wss:` URL, and resolves when the socket is open. Rejects with what connecting rejects with,
   * with `WEBSOCKET_HANDSHAKE` where the server grants no WebSocket, and with `INVALID_STATE` while there is a socket, or
   * one is waited for.
   */
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
   * Sends a message; text as a text message. Returns true when it was taken; `"slow"` when much waits, or when it is kept
   * for the socket that is waited for (`reconnect.maxKeptBytes`); false when it is lost, as without a socket. See
   * {@link WebSocketConnection.send}.
   */
  send(data: Data, options?: SendOptions): SendResult {
    return this.#place.send(data, options);
  }

  /**
   * Sends a message in fragments, one for each chunk, no faster than the peer takes them. Rejects with what the source
   * throws, and with `CONNECTION_CLOSED`. Throws `INVALID_STATE` without a socket.
   */
  sendStream(source: AsyncIterable<Data> | Iterable<Data>, options?: SendOptions): Promise<void> {
    return this.socket.sendStream(source, options);
  }

  /** Sends a ping of at most 125 bytes. Returns as {@link send} does. */
  ping(data?: Data): SendResult {
    return this.#place.connection?.ping(data) ?? false;
  }

  /** Resolves with the next message. Rejects with `CONNECTION_CLOSED` when there will be none, `READ_TIMEOUT`, `ABORTED`. */
  read(options?: WaitOptions): Promise<Message> {
    return this.socket.read(options);
  }

  [Symbol.asyncIterator](): AsyncIterator<Message> {
    return this.socket[Symbol.asyncIterator]();
  }

  /** Resolves when little waits to be sent. Rejects with `DRAIN_TIMEOUT`, `ABORTED`, `CONNECTION_CLOSED`. */
  drained(options?: WaitOptions): Promise<void> {
    return this.socket.drained(options);
  }

  /**
   * Begins the close handshake; no other socket follows, and a wait for one is called off. `code`: 1000 to 1003, 1007 to
   * 1014 or 3000 to 4999. `reason`: at most 123 bytes of UTF-8. False where there is nothing to close.
   */
  close(code?: number, reason?: string): boolean {
    return this.#place.slot.callOff() || this.#place.connection?.close(code, reason) === true;
  }

  /** Ends the connection at once, without a Close frame; no other socket follows. */
  abort(): boolean {
    return this.#place.abort();
  }

  /**
   * Closes the socket with 1001 and waits for the peer's Close frame; what is left after `drainMs` (5 s) is cut. No other
   * socket follows.
   */
  async stop(options: StopOptions = {}): Promise<StopResult> {
    const drainMs = readStopOptions(options);
    this.#parts.places.stop();
    return await this.#parts.dialer.stop(drainMs);
  }

  /** Resolves when the client has been stopped, at once if it has. Rejects with `CLOSE_TIMEOUT`, `ABORTED`. */
  stopped(options?: WaitOptions): Promise<void> {
    return this.#parts.dialer.stopped(options);
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
