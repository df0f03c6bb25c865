/** One outbound connection (HP §2.6). */
import type { Duplex } from "node:stream";
import { offAbort, onAbort } from "../connection/abort-listeners.js";
import { type CloseReason, reasonOf } from "../connection/close-reason.js";
import {
  type AnyModelRule,
  assertComponentOptions,
  type ChangeableSettings,
  type ComponentOptions,
  type ComponentStats,
  type ContextRule,
  OPTION_NAMES,
  type StopOptions,
  type StopResult,
} from "../connection/component-options.js";
import type {
  Connection,
  ConnectionStats,
  Data,
  DuplexViewOptions,
  SendResult,
  SmallFileOptions,
  WaitOptions,
} from "../connection/connection.js";
import { Events } from "../connection/events.js";
import { handlerError } from "../connection/handlers.js";
import type { ServiceState } from "../connection/service-state.js";
import type { ConnectionSettings } from "../connection/settings.js";
import { StreamComponent, type StreamRole } from "../connection/stream-component.js";
import type { StreamConnection } from "../connection/stream-connection.js";
import { abortError, throwIfAborted } from "../connection/waiter.js";
import type { WebView } from "../connection/web-view.js";
import {
  assertConnectOptions,
  type ConnectOptions,
  type DialOptions,
  dialOptions,
  LOCAL_END_NAMES,
  type LocalEnd,
  localEnd,
} from "../dial/connect-options.js";
import { Dialing } from "../dial/dialing.js";
import { Reconnect } from "../dial/reconnect.js";
import { type ReconnectOptions, reconnectOptions } from "../dial/reconnect-options.js";
import type { Address, KeepAlive, TcpInfo } from "../engine/engine.js";
import type { TlsInfo } from "../engine/tls-options.js";
import { assertFunction, NetError } from "../errors.js";
import type { ReceiveModel } from "../receive/receive-model.js";
import { PacketRole } from "./packet-role.js";
import { type ClientSecurity, schemeOf, secured } from "./secured.js";

/** Options of a {@link TcpClient}. */
export type TcpClientOptions<
  Received extends Buffer | number = Buffer,
  Context = unknown,
> = ComponentOptions<TcpClient<Received, Context>, Received, Context> &
  ContextRule<Context> &
  ClientSecurity &
  LocalEnd &
  ReconnectHandlers<TcpClient<Received, Context>> & {
    /** Connects again when the connection is lost; `true`: with the defaults. Default false. */
    readonly reconnect?: boolean | ReconnectOptions;
  };

/** What a client that reconnects tells. */
export interface ReconnectHandlers<Handle> {
  /**
   * The connection was lost, or an attempt has failed, and attempt number `attempt` in a row begins after
   * `delayMs`. `unsentBytes` were taken by `send` and not by the kernel: they are lost. After `onClose`.
   */
  onReconnecting?(
    handle: Handle,
    attempt: number,
    delayMs: number,
    reason: CloseReason,
    unsentBytes: number,
  ): void;
  /** The connection is there again, after so many attempts. After `onHandshake`. */
  onReconnected?(handle: Handle, attempt: number): void;
  /** No further attempt is made; `lostBytes` that were kept meanwhile are lost. */
  onGiveUp?(handle: Handle, lostBytes: number): void;
}

const RECONNECT_NAMES = ["reconnect", "onReconnecting", "onReconnected", "onGiveUp"] as const;

/**
 * A TCP client: one connection at a time. It has all operations of that connection itself, and is
 * what its handlers are given. When the connection has ended, `connect` can be called again, in
 * `onClose` too.
 */
export class TcpClient<Received extends Buffer | number = Buffer, Context = unknown>
  implements AsyncIterable<Buffer>, AsyncDisposable
{
  readonly #component: StreamComponent;
  readonly #localEnd: LocalEnd;
  readonly #role: ClientRole<TcpClient<Received, Context>, Received, Context>;
  readonly #reconnect: Reconnect | undefined;
  /** The present connection, or the last one. */
  #current: StreamConnection | undefined;
  /** What `connect` was asked for. */
  #asked: ConnectOptions = {};
  /** `connect` waits for a further attempt to be made. */
  #back: { resolve(): void; reject(error: NetError): void } | undefined;

  constructor(options?: TcpClientOptions<Received, Context>);
  constructor(
    options: TcpClientOptions<Buffer | number, Context> &
      AnyModelRule<TcpClient<Received, Context>>,
  );
  constructor(options: TcpClientOptions<Received, Context> = {} as never) {
    const [engine, security] = secured("client", options);
    assertComponentOptions(options, [...LOCAL_END_NAMES, ...RECONNECT_NAMES]);
    for (const name of RECONNECT_NAMES.slice(1)) {
      if (options[name] !== undefined) assertFunction(name, options[name]);
    }
    this.#localEnd = localEnd(options);
    const reconnect = reconnectOptions(options.reconnect);
    const events = new Events<TcpClient<Received, Context>, Received>(options, this);
    this.#role = new ClientRole(events, options.context);
    this.#component = new StreamComponent(this.#role, engine, security, options);
    this.#role.component = this.#component;
    if (reconnect !== undefined) {
      this.#reconnect = new Reconnect(reconnect, engine.clock, {
        reconnecting: (...told) =>
          events.inform("onReconnecting", options.onReconnecting, this, ...told),
        attempt: (targetIndex) => this.#dialAgain(targetIndex),
        reconnected: (attempt) => {
          this.#settleBack(undefined);
          events.inform("onReconnected", options.onReconnected, this, attempt);
        },
        gaveUp: (lostBytes) => {
          this.#role.gaveUp();
          this.#settleBack(this.#lastError());
          events.inform("onGiveUp", options.onGiveUp, this, lostBytes);
        },
      });
      this.#role.reconnect = this.#reconnect;
    }
  }

  /** Where the client is in its life (HP §2.0). */
  get state(): ServiceState {
    return this.#component.state;
  }

  /** Settings in force. Change them with {@link configure}. */
  get settings(): ConnectionSettings {
    return this.#component.settings;
  }

  /** See `TcpServer.configure`. */
  configure(changes: ChangeableSettings): void {
    this.#component.configure(changes, OPTION_NAMES);
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
   * {@link TcpAgent.connect}, and with `INVALID_STATE` while there is a connection.
   */
  async connect(options: ConnectOptions): Promise<this> {
    assertConnectOptions(options);
    throwIfAborted(options, "connect");
    const target = dialOptions(options, this.#localEnd, schemeOf(this.#component.security));
    this.#component.move("start");
    this.#role.isStopAwaited = false;
    this.#asked = options;
    this.#reconnect?.begin();
    try {
      await this.#dial(target);
    } catch (error) {
      if (this.#reconnect?.isAway !== true) throw error;
      await this.#whenBack(options.signal);
    }
    return this;
  }

  #dial(target: DialOptions): Promise<void> {
    const connection = this.#component.admit();
    this.#current = connection;
    const dialing = new Dialing(this.#component, connection, target);
    if (this.#role.prepareConnect(connection)) dialing.start();
    return dialing.promise;
  }

  // — reconnecting —

  /** A further attempt, whose end goes to the role as any connection's does. */
  #dialAgain(targetIndex: number): void {
    const { signal: _, ...asked } = this.#asked;
    const other = this.#reconnect?.options.targets?.[targetIndex - 1];
    const options = other === undefined ? asked : { ...asked, ...other };
    let target: DialOptions;
    try {
      target = dialOptions(options, this.#localEnd, schemeOf(this.#component.security));
    } catch (error) {
      this.#role.attemptFailed(reasonOf(error as NetError, "connect"));
      return;
    }
    this.#dial(target).catch(() => {
      // The role has heard of it.
    });
  }

  #whenBack(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const listener = { signalAborted: () => void this.close() };
      const done = (settle: () => void): void => {
        if (signal !== undefined) offAbort(signal, listener);
        settle();
      };
      this.#back = {
        resolve: () => done(resolve),
        reject: (error) =>
          done(() => reject(signal?.aborted ? abortError("connect", signal.reason) : error)),
      };
      if (signal !== undefined) onAbort(signal, listener);
    });
  }

  #settleBack(error: NetError | undefined): void {
    const back = this.#back;
    this.#back = undefined;
    if (error === undefined) back?.resolve();
    else back?.reject(error);
  }

  #lastError(): NetError {
    const cause = this.#current?.closeReason?.cause;
    return cause ?? new NetError("ABORTED", "connect was given up", { operation: "connect" });
  }

  /** Whether the connection was lost, and another attempt waits or is under way. */
  get isReconnecting(): boolean {
    return this.#reconnect?.isAway ?? false;
  }

  /** Stops: what waits is sent and the connection closed, or cut after `drainMs`. See `TcpServer.stop`. */
  stop(options?: StopOptions): Promise<StopResult> {
    return this.#component.stop(options);
  }

  /** Resolves when the client is stopped, at once if it is (HP §2.3 Wait). */
  async stopped(options: WaitOptions = {}): Promise<void> {
    this.#role.isStopAwaited = true;
    this.#current?.stopReading();
    await this.#component.stopped(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  // — the operations of the connection —

  /** The present connection, or the last one; undefined before the first `connect`. */
  get connection(): Connection<Context> | undefined {
    return this.#current as Connection<Context> | undefined;
  }

  get #connected(): StreamConnection {
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

  /** Whether `pause()` is in force. See {@link Connection.isPaused}. */
  get isPaused(): boolean {
    return this.#current?.isPaused ?? false;
  }

  /** See {@link Connection.receive}. Before the first connection: the model of the settings. */
  get receive(): ReceiveModel {
    return this.#current?.receive ?? this.#component.settings.receive;
  }

  set receive(model: ReceiveModel) {
    if (this.isOpen) this.#connected.receive = model;
    else this.configure({ receive: model });
  }

  /** Sends bytes or text; with a packet model as one packet. See {@link Connection.send}. */
  send(data: Data): SendResult {
    if (this.isReconnecting && !this.isOpen) return this.#reconnect?.keep(data) ?? false;
    return this.#current?.send(data) ?? false;
  }

  /**
   * Sends several pieces as one; with a packet model as one packet.
   * See {@link Connection.sendAll}.
   */
  sendAll(pieces: readonly Data[]): SendResult {
    return this.#current?.sendAll(pieces) ?? false;
  }

  /**
   * Sends a whole file of at most 4,194,303 bytes, head and tail included, as one (HP §2.4). See
   * {@link Connection.sendSmallFile}.
   */
  async sendSmallFile(path: string, options?: SmallFileOptions): Promise<SendResult> {
    return (await this.#current?.sendSmallFile(path, options)) ?? false;
  }

  /**
   * Resolves when `pendingBytes` is at `lowWaterMarkBytes` or below.
   * See {@link Connection.drained}.
   */
  async drained(options?: WaitOptions): Promise<void> {
    await this.#current?.drained(options);
  }

  /**
   * Sends and resolves with the response: the next thing received, or, with `correlate`, the one
   * with the same key. See {@link Connection.request}.
   */
  async request(data: Data, options?: WaitOptions): Promise<Buffer> {
    return this.#connected.request(data, options);
  }

  /** Resolves with the next thing received. See {@link Connection.read}. */
  async read(byteCount: number, options?: WaitOptions): Promise<Buffer>;
  async read(options?: WaitOptions): Promise<Buffer>;
  async read(wish?: number | WaitOptions, options?: WaitOptions): Promise<Buffer> {
    return typeof wish === "number"
      ? this.#connected.read(wish, options)
      : this.#connected.read(wish === undefined ? options : wish);
  }

  /** Resolves with the bytes up to and including `delimiter`. See {@link Connection.readUntil}. */
  async readUntil(delimiter: Data, options?: WaitOptions): Promise<Buffer> {
    return this.#connected.readUntil(delimiter, options);
  }

  [Symbol.asyncIterator](): AsyncIterator<Buffer> {
    return this.#connected[Symbol.asyncIterator]();
  }

  /**
   * Begins TLS on a connection that is plain so far, on a component with `tls: { start: "manual"
   * }`: what was sent goes out as plain text first, then the handshake begins.
   * See {@link Connection.startTls}.
   */
  async startTls(options?: WaitOptions): Promise<TlsInfo> {
    return this.#connected.startTls(options);
  }

  /**
   * What is known of TLS on this connection; undefined while it is plain, and after its end unless
   * it was read before. See {@link Connection.tls}.
   */
  get tls(): TlsInfo | undefined {
    return this.#current?.tls;
  }

  /**
   * Takes `byteCount` unread bytes, or answers undefined when fewer are there.
   * See {@link Connection.fetch}.
   */
  fetch(byteCount: number): Buffer | undefined {
    return this.#current?.fetch(byteCount);
  }

  /** The first `byteCount` unread bytes without taking them; undefined when fewer are there. See {@link Connection.peek}. */
  peek(byteCount: number): Buffer | undefined {
    return this.#current?.peek(byteCount);
  }

  /** Received bytes that nobody has taken yet. See {@link Connection.unreadBytes}. */
  get unreadBytes(): number {
    return this.#current?.unreadBytes ?? 0;
  }

  /** Stops receiving; the kernel holds the peer of a stream back. See {@link Connection.pause}. */
  pause(): boolean {
    return this.#current?.pause() ?? false;
  }

  /** Goes on receiving. See {@link Connection.resume}. */
  resume(): boolean {
    return this.#current?.resume() ?? false;
  }

  /**
   * Sends what waits, then FIN: nothing more can be sent, and receiving goes on until the peer
   * finishes too. See {@link Connection.finish}.
   */
  finish(): boolean {
    return this.#current?.finish() ?? false;
  }

  /**
   * Closes in good order: sends what waits, and over a stream FIN, waits for the peer's FIN for at
   * most `closeTimeoutMs`. See {@link Connection.close}.
   */
  close(): boolean {
    if (this.#reconnect?.cancel() === true) return true;
    return this.#current?.close() ?? false;
  }

  /**
   * Ends the connection at once, a stream with a reset; what waits is not sent.
   * See {@link Connection.abort}.
   */
  abort(): boolean {
    if (this.#reconnect?.cancel() === true) return true;
    return this.#current?.abort() ?? false;
  }

  /**
   * Resolves with the reason when the connection has ended, after `onClose`; at once when it has
   * already. See {@link Connection.closed}.
   */
  closed(options?: WaitOptions): Promise<CloseReason> {
    return this.#connected.closed(options);
  }

  /** Bytes that wait to be sent. See {@link Connection.pendingBytes}. */
  get pendingBytes(): number {
    return this.#current?.pendingBytes ?? 0;
  }

  /** The address of this end; undefined while there is no connection. See {@link Connection.localAddress}. */
  get localAddress(): Address | undefined {
    return this.#current?.localAddress;
  }

  /** The address of the peer; undefined before there is a connection. See {@link Connection.remoteAddress}. */
  get remoteAddress(): Address | undefined {
    return this.#current?.remoteAddress;
  }

  /** Host name as given to `connect`; undefined on a server. See {@link Connection.remoteHost}. */
  get remoteHost(): string | undefined {
    return this.#current?.remoteHost;
  }

  /** See {@link Connection.connectedAt}; 0 before the first connection. */
  get connectedAt(): number {
    return this.#current?.connectedAt ?? 0;
  }

  /** See {@link Connection.silentForMs}; 0 before the first connection. */
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

  /** See {@link Connection.setIdleTimeout}; of the present connection. */
  setIdleTimeout(idleTimeoutMs: number): boolean {
    return this.#current?.setIdleTimeout(idleTimeoutMs) ?? false;
  }

  /** See {@link Connection.setDeadline}; of the present connection. */
  setDeadline(deadlineMs: number, reason?: string): boolean {
    return this.#current?.setDeadline(deadlineMs, reason) ?? false;
  }

  /**
   * The connection as a stream of Node, for `pipeline` and libraries: back-pressure both ways,
   * `end` finishes, `destroy` aborts, and an error of the connection is the stream's.
   * See {@link Connection.toDuplex}.
   */
  toDuplex(options?: DuplexViewOptions): Duplex {
    return this.#connected.toDuplex(options);
  }

  /** The same as streams of the web. See {@link Connection.toWeb}. */
  toWeb(options?: DuplexViewOptions): WebView {
    return this.#connected.toWeb(options);
  }

  /** Sets `TCP_NODELAY`. See {@link Connection.setNoDelay}. */
  setNoDelay(on: boolean): void {
    this.#connected.setNoDelay(on);
  }

  /**
   * Sets the kernel's probes; answers what is in force, without the parts that the platform can't
   * set. See {@link Connection.setKeepAlive}.
   */
  setKeepAlive(keepAlive: KeepAlive | false): KeepAlive | false {
    return this.#connected.setKeepAlive(keepAlive);
  }

  /**
   * What the kernel knows of the connection; undefined where the engine can't ask.
   * See {@link Connection.tcpInfo}.
   */
  tcpInfo(): TcpInfo | undefined {
    return this.#current?.tcpInfo();
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
class ClientRole<Handle, Received extends Buffer | number, Context>
  extends PacketRole<Handle, Received, Context>
  implements StreamRole
{
  /** The client's; set as soon as it is made. */
  component: StreamComponent | undefined = undefined;
  /** Somebody waits for the client to stop. */
  isStopAwaited = false;

  /** Makes lost connections anew; undefined where nobody wants that. */
  reconnect: Reconnect | undefined = undefined;

  override opened(connection: StreamConnection, isOutgoing: boolean): void {
    if (this.component?.state === "starting") this.component.move("ready");
    super.opened(connection, isOutgoing);
  }

  override ready(connection: StreamConnection): void {
    const { reconnect } = this;
    if (reconnect !== undefined) this.greet(connection, reconnect.options.greeting);
    super.ready(connection);
    if (reconnect === undefined || !connection.isOpen) return;
    for (const bytes of reconnect.connected()) connection.send(bytes);
  }

  private greet(connection: StreamConnection, greeting: Data | (() => Data) | undefined): void {
    if (greeting === undefined) return;
    try {
      connection.send(typeof greeting === "function" ? greeting() : greeting);
    } catch (error) {
      this.packetEvents.failed(connection, "greeting", "send", error);
    }
  }

  override closed(connection: StreamConnection, reason: CloseReason): void {
    const unsentBytes = connection.pendingBytes;
    const isOver = !this.isLost(reason);
    // Before `onClose`, in which the next connection may be made.
    if (isOver) this.component?.endedByItself();
    super.closed(connection, reason);
    this.reconnect?.settle(reason, unsentBytes);
  }

  /** There was no connection to make: a proxy could not be chosen. */
  attemptFailed(reason: CloseReason): void {
    if (!this.isLost(reason)) this.component?.endedByItself();
    this.reconnect?.settle(reason, 0);
  }

  /** Whether another attempt follows. */
  private isLost(reason: CloseReason): boolean {
    if (this.component?.state === "stopping") return false;
    try {
      return this.reconnect?.lost(reason) === true;
    } catch (error) {
      process.emitWarning(handlerError("shouldReconnect", "connect", error));
      this.reconnect?.cancel();
      return false;
    }
  }

  /** No further attempt is made: what waited for one is stopped. */
  gaveUp(): void {
    const { component } = this;
    const isOver = component === undefined || component.state === "stopped";
    if (!isOver && component.connectionCount === 0) component.endedByItself();
  }

  override closeListeners(): void {
    this.reconnect?.cancel();
  }

  isEndAwaited(): boolean {
    return this.isStopAwaited;
  }
}
