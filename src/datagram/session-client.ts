/**
 * A component with one outgoing session at a time. It has all operations of that connection itself, and is what
 * its handlers are given. When the connection has ended, `connect` can be called again, in `onClose` too.
 */
import type { CloseReason } from "../connection/close-reason.js";
import type { ComponentStats, StopOptions, StopResult } from "../connection/component-options.js";
import type {
  AnyConnection,
  ConnectionStats,
  Data,
  SendResult,
  WaitOptions,
} from "../connection/connection.js";
import { Events } from "../connection/events.js";
import type { ServiceState } from "../connection/service-state.js";
import { throwIfAborted } from "../connection/waiter.js";
import type { ProxyChoice } from "../dial/proxy-route.js";
import type { Address, Engine } from "../engine/engine.js";
import { NetError } from "../errors.js";
import {
  assertDatagramConnect,
  type DatagramConnectOptions,
  OUTGOING_OPTION_NAMES,
  type OutgoingOptions,
  relayingProxy,
} from "./datagram-options.js";
import { DatagramRole } from "./datagram-role.js";
import type { DatagramSettings } from "./datagram-settings.js";
import type { MessageConnection } from "./message-connection.js";
import type { Session } from "./session.js";
import { SessionComponent } from "./session-component.js";
import { SessionDialing } from "./session-dialing.js";
import type { SessionProtocol } from "./session-link.js";

/** Base of clients over datagrams; see the head of the file. */
export abstract class SessionClient<Handle, Context>
  implements AsyncIterable<Buffer>, AsyncDisposable
{
  readonly #component: SessionComponent;
  readonly #role: ClientRole<Handle, Context>;
  readonly #closeOnRefused: boolean;
  readonly #proxy: ProxyChoice | undefined;
  readonly #optionNames: readonly string[];
  /** The present connection, or the last one. */
  #current: Session | undefined;

  /** `protocol` is left out where each datagram is a message. The options were checked: `optionNames` are all there are. */
  constructor(
    options: OutgoingOptions<Handle, Context>,
    engine: Engine,
    protocol: SessionProtocol | undefined,
    optionNames: readonly string[] = OUTGOING_OPTION_NAMES,
  ) {
    const handle = this as unknown as Handle;
    this.#role = new ClientRole(new Events(options, handle), options.context);
    this.#component = new SessionComponent(this.#role, engine, protocol, options);
    this.#role.component = this.#component;
    this.#closeOnRefused = options.closeOnRefused ?? false;
    this.#proxy = options.proxy;
    this.#optionNames = optionNames;
  }

  /** Where the client is in its life (HP §2.0). */
  get state(): ServiceState {
    return this.#component.state;
  }

  /** Settings in force. Change them with {@link configure}. */
  get settings(): DatagramSettings {
    return this.#component.settings;
  }

  /** See `UdpServer.configure`. */
  configure(changes: Partial<DatagramSettings>): void {
    this.#component.change(changes, this.#optionNames);
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
   * Makes the connection and resolves when `onConnect` and `onHandshake` were called. Rejects like
   * `UdpAgent.connect`, and with `INVALID_STATE` while there is a connection.
   */
  async connect(options: DatagramConnectOptions): Promise<this> {
    assertDatagramConnect(options);
    throwIfAborted(options, "connect");
    const hop = relayingProxy(options, this.#proxy);
    this.#component.move("start");
    const session = this.#component.admit();
    this.#current = session;
    const dialing = new SessionDialing(this.#component, session, options, {
      hop,
      ports: this.#role,
      closeOnRefused: this.#closeOnRefused,
    });
    if (this.#role.prepareConnect(session)) dialing.start();
    await dialing.promise;
    return this;
  }

  /** Stops: what waits is sent and the connection closed, or cut after `drainMs`. See `TcpServer.stop`. */
  stop(options?: StopOptions): Promise<StopResult> {
    return this.#component.stop(options);
  }

  /** Resolves when the client is stopped, at once if it is (HP §2.3 Wait). */
  stopped(options?: WaitOptions): Promise<void> {
    return this.#component.stopped(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  // — the operations of the connection —

  /** The present connection, or the last one; undefined before the first `connect`. */
  get connection(): MessageConnection<Context> | undefined {
    return this.#current as AnyConnection | undefined as MessageConnection<Context> | undefined;
  }

  get #connected(): Session {
    if (this.#current !== undefined) return this.#current;
    throw new NetError("INVALID_STATE", "the client was never connected");
  }

  /** Id of the present or last connection; 0 before the first. */
  get id(): number {
    return this.#current?.id ?? 0;
  }

  /** The application's own, of the present connection. */
  get context(): Context {
    return this.#connected.context as Context;
  }

  set context(context: Context) {
    this.#connected.context = context;
  }

  /** Whether data can be sent. */
  get isOpen(): boolean {
    return this.#current?.isOpen ?? false;
  }

  /** See `MessageConnection.isPaused`. */
  get isPaused(): boolean {
    return this.#current?.isPaused ?? false;
  }

  /** See `MessageConnection.send`. */
  send(data: Data): SendResult {
    return this.#current?.send(data) ?? false;
  }

  /** See `MessageConnection.sendAll`. */
  sendAll(pieces: readonly Data[]): SendResult {
    return this.#current?.sendAll(pieces) ?? false;
  }

  /** See `MessageConnection.drained`. */
  async drained(options?: WaitOptions): Promise<void> {
    await this.#current?.drained(options);
  }

  /** See `MessageConnection.request`. */
  async request(data: Data, options?: WaitOptions): Promise<Buffer> {
    return this.#connected.request(data, options);
  }

  /** See `MessageConnection.read`. */
  async read(options?: WaitOptions): Promise<Buffer> {
    return this.#connected.read(options);
  }

  [Symbol.asyncIterator](): AsyncIterator<Buffer> {
    return this.#connected[Symbol.asyncIterator]();
  }

  /** See `MessageConnection.unreadBytes`. */
  get unreadBytes(): number {
    return this.#current?.unreadBytes ?? 0;
  }

  /** See `MessageConnection.pause`. */
  pause(): boolean {
    return this.#current?.pause() ?? false;
  }

  /** See `MessageConnection.resume`. */
  resume(): boolean {
    return this.#current?.resume() ?? false;
  }

  /** See `MessageConnection.close`. */
  close(): boolean {
    return this.#current?.close() ?? false;
  }

  /** See `MessageConnection.abort`. */
  abort(): boolean {
    return this.#current?.abort() ?? false;
  }

  /** See `MessageConnection.closed`. */
  closed(): Promise<CloseReason> {
    return this.#connected.closed();
  }

  /** See `MessageConnection.pendingBytes`. */
  get pendingBytes(): number {
    return this.#current?.pendingBytes ?? 0;
  }

  /** See `MessageConnection.localAddress`. */
  get localAddress(): Address | undefined {
    return this.#current?.localAddress;
  }

  /** See `MessageConnection.remoteAddress`. */
  get remoteAddress(): Address | undefined {
    return this.#current?.remoteAddress;
  }

  /** See `MessageConnection.remoteHost`. */
  get remoteHost(): string | undefined {
    return this.#current?.remoteHost;
  }

  /** See `MessageConnection.connectedAt`; 0 before the first connection. */
  get connectedAt(): number {
    return this.#current?.connectedAt ?? 0;
  }

  /** See `MessageConnection.silentForMs`; 0 before the first connection. */
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

  /** See `MessageConnection.setIdleTimeout`; of the present connection. */
  setIdleTimeout(idleTimeoutMs: number): boolean {
    return this.#current?.setIdleTimeout(idleTimeoutMs) ?? false;
  }

  /** See `MessageConnection.setDeadline`; of the present connection. */
  setDeadline(deadlineMs: number, reason?: string): boolean {
    return this.#current?.setDeadline(deadlineMs, reason) ?? false;
  }

  /** Lets the process end while the connection is open. */
  unref(): void {
    this.#component.unref();
  }

  /** Takes {@link unref} back. */
  ref(): void {
    this.#component.ref();
  }
}

/** A client's one connection starts and stops it. */
class ClientRole<Handle, Context> extends DatagramRole<Handle, Context> {
  /** The client's; set as soon as it is made. */
  component: SessionComponent | undefined = undefined;

  override opened(session: Session, isOutgoing: boolean): void {
    this.component?.move("ready");
    super.opened(session, isOutgoing);
  }

  override closed(session: Session, reason: CloseReason): void {
    // Before `onClose`, in which the next connection may be made.
    this.component?.endedByItself();
    super.closed(session, reason);
  }
}
