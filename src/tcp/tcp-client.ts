/** One outbound connection (HP §2.6). */
import type { Duplex } from "node:stream";
import type { CloseReason } from "../connection/close-reason.js";
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
import type { ServiceState } from "../connection/service-state.js";
import type { ConnectionSettings } from "../connection/settings.js";
import { StreamComponent, type StreamRole } from "../connection/stream-component.js";
import type { StreamConnection } from "../connection/stream-connection.js";
import { throwIfAborted } from "../connection/waiter.js";
import type { WebView } from "../connection/web-view.js";
import {
  assertConnectOptions,
  type ConnectOptions,
  dialOptions,
  LOCAL_END_NAMES,
  type LocalEnd,
  localEnd,
} from "../dial/connect-options.js";
import { Dialing } from "../dial/dialing.js";
import type { Address, KeepAlive, TcpInfo } from "../engine/engine.js";
import type { TlsInfo } from "../engine/tls-options.js";
import { NetError } from "../errors.js";
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
  LocalEnd;

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
  /** The present connection, or the last one. */
  #current: StreamConnection | undefined;

  constructor(options?: TcpClientOptions<Received, Context>);
  constructor(
    options: TcpClientOptions<Buffer | number, Context> &
      AnyModelRule<TcpClient<Received, Context>>,
  );
  constructor(options: TcpClientOptions<Received, Context> = {} as never) {
    const [engine, security] = secured("client", options);
    assertComponentOptions(options, LOCAL_END_NAMES);
    this.#localEnd = localEnd(options);
    this.#role = new ClientRole(new Events(options, this), options.context);
    this.#component = new StreamComponent(this.#role, engine, security, options);
    this.#role.component = this.#component;
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
    const connection = this.#component.admit();
    this.#current = connection;
    const dialing = new Dialing(this.#component, connection, target);
    if (this.#role.prepareConnect(connection)) dialing.start();
    await dialing.promise;
    return this;
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
    return this.#current?.close() ?? false;
  }

  /**
   * Ends the connection at once, a stream with a reset; what waits is not sent.
   * See {@link Connection.abort}.
   */
  abort(): boolean {
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

  override opened(connection: StreamConnection, isOutgoing: boolean): void {
    this.component?.move("ready");
    super.opened(connection, isOutgoing);
  }

  override closed(connection: StreamConnection, reason: CloseReason): void {
    // Before `onClose`, in which the next connection may be made.
    this.component?.endedByItself();
    super.closed(connection, reason);
  }

  isEndAwaited(): boolean {
    return this.isStopAwaited;
  }
}
