/**
 * A component with one outgoing connection at a time, made anew where that is asked for. It has all operations of
 * that connection itself, and is what its handlers are given. When the connection has ended, `connect` can be called
 * again, in `onClose` too.
 */
import type { CloseReason } from "../connection/close-reason.js";
import type { Component } from "../connection/component/component.js";
import type {
  ComponentStats,
  StopOptions,
  StopResult,
} from "../connection/component/component-options.js";
import type { ServiceState } from "../connection/component/service-state.js";
import type {
  AnyConnection,
  ConnectionStats,
  Data,
  SendResult,
  WaitOptions,
} from "../connection/connection.js";
import { throwIfAborted } from "../connection/waiting/waiter.js";
import type { Address } from "../engine/engine.js";
import { NetError } from "../errors.js";
import type { Dialer } from "./dialer.js";
import type { Place } from "./place.js";
import type { Placed, Places } from "./places.js";

/** What a client is made of. */
export interface ClientParts<One extends Placed, Destination extends WaitOptions> {
  readonly component: Component<One, One["settings"]>;
  readonly dialer: Dialer<One, Destination>;
  readonly places: Places<One, Destination>;
  /** The one place. */
  readonly place: Place<One, Destination>;
}

/** What clients have in common. */
export abstract class OutgoingClient<
  One extends Placed,
  Handle extends AnyConnection & { send(data: Data, options?: never): SendResult },
  Settings extends One["settings"],
  Destination extends WaitOptions,
> implements AsyncIterable<Buffer>, AsyncDisposable
{
  readonly #parts: ClientParts<One, Destination>;

  /** `make` is given the client, which its handlers are given. */
  constructor(make: (client: unknown) => ClientParts<One, Destination>) {
    this.#parts = make(this);
    this.#parts.place.teller.handle = this;
  }

  get #component(): Component<One, One["settings"]> {
    return this.#parts.component;
  }

  get #current(): One | undefined {
    return this.#parts.place.connection;
  }

  get #connected(): One {
    const current = this.#current;
    if (current !== undefined) return current;
    throw new NetError("INVALID_STATE", "the client was never connected");
  }

  // — the component —

  /** Where the client is in its life (HP §2.0). */
  get state(): ServiceState {
    return this.#component.state;
  }

  /** Settings in force. Change them with `configure`. */
  get settings(): Settings {
    return this.#component.settings as Settings;
  }

  /** What the client has done so far. */
  get stats(): ComponentStats {
    return this.#component.stats;
  }

  /** 1 while there is a connection, or one is being made or closed; else 0. */
  get connectionCount(): number {
    return this.#component.connectionCount;
  }

  /**
   * Makes the connection and resolves when `onConnect` and `onHandshake` were called. Rejects like `connect` of an
   * agent, and with `INVALID_STATE` while there is a connection, or one is waited for.
   */
  async connect(options: Destination): Promise<this> {
    const { dialer, component, place } = this.#parts;
    dialer.assert(options);
    throwIfAborted(options, "connect");
    const attempt = dialer.prepare(options);
    this.#assertFree();
    place.slot.begin();
    component.move("start");
    await place.connect(options, attempt);
    return this;
  }

  /** Throws `INVALID_STATE` while there is a connection, or one is to come. */
  #assertFree(): void {
    const { state } = this.#component;
    if (state === "stopped") return;
    let why = "has a connection already";
    if (state === "stopping") why = "is stopping";
    else if (this.isReconnecting) why = "reconnects by itself already";
    else if (state === "starting") why = "is connecting already";
    const text = `can't connect: the client ${why}`;
    throw new NetError("INVALID_STATE", text, { operation: "connect" });
  }

  /** Whether the connection was lost, and another attempt waits or is under way. */
  get isReconnecting(): boolean {
    return this.#parts.place.isReconnecting;
  }

  /** Stops: what waits is sent and the connection closed, or cut after `drainMs`. See `TcpServer.stop`. */
  stop(options?: StopOptions): Promise<StopResult> {
    return this.#component.stop(options);
  }

  /** Resolves when the client is stopped, at once if it is (HP §2.3 Wait). */
  async stopped(options?: WaitOptions): Promise<void> {
    await this.#component.stopped(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Lets the process end while the connection is open, or waited for. */
  unref(): void {
    this.#component.unref();
    this.#parts.places.holdChanged();
  }

  /** Takes {@link unref} back. */
  ref(): void {
    this.#component.ref();
    this.#parts.places.holdChanged();
  }

  // — the operations of the connection —

  /** The present connection, or the last one; undefined before the first `connect`. */
  get connection(): Handle | undefined {
    return this.#current as AnyConnection | undefined as Handle | undefined;
  }

  /** Id of the present or last connection; 0 before the first. */
  get id(): number {
    return this.#current?.id ?? 0;
  }

  /** The application's own, of the present connection; one that is made anew takes it over. */
  get context(): Handle["context"] {
    return this.#connected.context;
  }

  set context(context: Handle["context"]) {
    this.#connected.context = context;
  }

  /** Whether data can be sent. */
  get isOpen(): boolean {
    return this.#current?.isOpen ?? false;
  }

  /** Whether `pause()` is in force. See {@link AnyConnection.isPaused}. */
  get isPaused(): boolean {
    return this.#current?.isPaused ?? false;
  }

  /**
   * Sends bytes or text. See {@link AnyConnection.send}. While a connection is waited for, what has room in
   * `reconnect.maxKeptBytes` is kept for it, and the answer is `"slow"`.
   */
  send(...[data, options]: Parameters<Handle["send"]>): SendResult {
    return this.#parts.place.send(data, options);
  }

  /** Sends several pieces as one. See {@link AnyConnection.sendAll}. */
  sendAll(pieces: readonly Data[]): SendResult {
    return this.#current?.sendAll(pieces) ?? false;
  }

  /** Resolves when `pendingBytes` is at `lowWaterMarkBytes` or below. See {@link AnyConnection.drained}. */
  async drained(options?: WaitOptions): Promise<void> {
    await this.#current?.drained(options);
  }

  /**
   * Sends and resolves with the response: the next thing received, or, with `correlate`, the one
   * with the same key. See {@link AnyConnection.request}.
   */
  async request(data: Data, options?: WaitOptions): Promise<Buffer> {
    return this.#connected.request(data, options);
  }

  /** Resolves with the next thing received. See {@link AnyConnection.read}. */
  async read(options?: WaitOptions): Promise<Buffer> {
    return this.#connected.read(options);
  }

  [Symbol.asyncIterator](): AsyncIterator<Buffer> {
    return this.#connected[Symbol.asyncIterator]();
  }

  /** Received data that was not taken yet, in bytes. See {@link AnyConnection.unreadBytes}. */
  get unreadBytes(): number {
    return this.#current?.unreadBytes ?? 0;
  }

  /** Stops receiving; the kernel holds the peer of a stream back. See {@link AnyConnection.pause}. */
  pause(): boolean {
    return this.#current?.pause() ?? false;
  }

  /** Goes on receiving. See {@link AnyConnection.resume}. */
  resume(): boolean {
    return this.#current?.resume() ?? false;
  }

  /**
   * Closes in good order: sends what waits, and over a stream FIN, waits for the peer's FIN for at
   * most `closeTimeoutMs`. See {@link AnyConnection.close}. No other connection follows; a wait for one is
   * called off.
   */
  close(): boolean {
    return this.#parts.place.close();
  }

  /**
   * Ends the connection at once, a stream with a reset; what waits is not sent.
   * See {@link AnyConnection.abort}. No other connection follows; a wait for one is called off.
   */
  abort(): boolean {
    return this.#parts.place.abort();
  }

  /**
   * Resolves with the reason when the connection has ended, after `onClose`; at once when it has
   * already. See {@link AnyConnection.closed}.
   */
  closed(options?: WaitOptions): Promise<CloseReason> {
    return this.#connected.closed(options);
  }

  /** Bytes that wait to be sent. See {@link AnyConnection.pendingBytes}. */
  get pendingBytes(): number {
    return this.#current?.pendingBytes ?? 0;
  }

  /** The address of this end; undefined while there is no connection. See {@link AnyConnection.localAddress}. */
  get localAddress(): Address | undefined {
    return this.#current?.localAddress;
  }

  /** The address of the peer; undefined before there is a connection. See {@link AnyConnection.remoteAddress}. */
  get remoteAddress(): Address | undefined {
    return this.#current?.remoteAddress;
  }

  /** Host name as given to `connect`. See {@link AnyConnection.remoteHost}. */
  get remoteHost(): string | undefined {
    return this.#current?.remoteHost;
  }

  /** See {@link AnyConnection.connectedAt}; 0 before the first connection. */
  get connectedAt(): number {
    return this.#current?.connectedAt ?? 0;
  }

  /** See {@link AnyConnection.silentForMs}; 0 before the first connection. */
  get silentForMs(): number {
    return this.#current?.silentForMs ?? 0;
  }

  /** Stats of the present or last connection; `stats` are the client's own. */
  get connectionStats(): ConnectionStats | undefined {
    return this.#current?.stats;
  }

  /** Why the last connection ended; undefined while there is one. */
  get closeReason(): CloseReason | undefined {
    return this.#current?.closeReason;
  }

  /** See {@link AnyConnection.setIdleTimeout}; of the present connection. */
  setIdleTimeout(idleTimeoutMs: number): boolean {
    return this.#current?.setIdleTimeout(idleTimeoutMs) ?? false;
  }

  /** See {@link AnyConnection.setDeadline}; of the present connection. */
  setDeadline(deadlineMs: number, reason?: string): boolean {
    return this.#current?.setDeadline(deadlineMs, reason) ?? false;
  }
}
