/** One outbound connection (HP §2.6). */
import type { CloseReason } from "../connection/close-reason.js";
import { Component, type ComponentOptions } from "../connection/component.js";
import type {
  Connection,
  ConnectionStats,
  Data,
  SmallFileOptions,
  WaitOptions,
} from "../connection/connection.js";
import type { LiveConnection } from "../connection/live-connection.js";
import { throwIfAborted } from "../connection/waiter.js";
import type { Address, KeepAlive, TcpInfo } from "../engine/engine.js";
import type { TlsInfo } from "../engine/tls-options.js";
import { NetError } from "../errors.js";
import type { ReceiveModel } from "../receive/receive-model.js";
import { assertConnectOptions, type ConnectOptions } from "./connect-options.js";
import { Dialing } from "./dialing.js";
import { type ClientSecurity, secured } from "./secured.js";
import { streamOptions } from "./stream-options.js";

/** Options of a {@link TcpClient}. */
export type TcpClientOptions<
  Received extends Buffer | number = Buffer,
  Context = unknown,
> = ComponentOptions<TcpClient<Received, Context>, Received, Context> & ClientSecurity;

/**
 * A TCP client: one connection at a time. It has all operations of that connection itself, and is
 * what its handlers are given. When the connection has ended, `connect` can be called again, in
 * `onClose` too.
 */
export class TcpClient<Received extends Buffer | number = Buffer, Context = unknown>
  extends Component<TcpClient<Received, Context>, Received, Context>
  implements AsyncIterable<Buffer>
{
  /** The present connection, or the last one. */
  private current: LiveConnection | undefined = undefined;
  private held = true;
  /** Somebody waits in {@link stopped}. */
  private isEndAwaited = false;

  constructor(options: TcpClientOptions<Received, Context> = {}) {
    super(options, ...secured("client", options));
  }

  protected handleOf(): TcpClient<Received, Context> {
    return this;
  }

  /**
   * Makes the connection and resolves when `onConnect` and `onHandshake` were called. Rejects like
   * {@link TcpAgent.connect}, and with `INVALID_STATE` while there is a connection.
   */
  async connect(options: ConnectOptions): Promise<this> {
    assertConnectOptions(options);
    throwIfAborted(options, "connect");
    this.move("start");
    const connection = this.admit();
    this.isEndAwaited = false;
    this.current = connection;
    const dialing = new Dialing(connection, options, streamOptions(this.settings, this.security));
    if (!this.held) dialing.unref();
    if (this.allowsConnect(connection)) dialing.start();
    await dialing.promise;
    return this;
  }

  override connectionOpened(connection: LiveConnection, outgoing: boolean): void {
    this.move("ready");
    super.connectionOpened(connection, outgoing);
  }

  protected override connectionGone(): void {
    if (this.state === "stopping") return;
    this.move("stop");
    this.move("finished");
    this.wakeStopped();
  }

  override async stopped(options: WaitOptions = {}): Promise<void> {
    this.isEndAwaited = true;
    this.current?.stopReading();
    await super.stopped(options);
  }

  override awaitsEnd(connection: LiveConnection): boolean {
    return this.isEndAwaited || super.awaitsEnd(connection);
  }

  // — the operations of the connection —

  /** The present connection, or the last one; undefined before the first `connect`. */
  get connection(): Connection<Context> | undefined {
    return this.current as Connection | undefined as Connection<Context> | undefined;
  }

  private get there(): LiveConnection {
    if (this.current !== undefined) return this.current;
    throw new NetError("INVALID_STATE", "the client was never connected");
  }

  /** Id of the present or last connection; 0 before the first. */
  get id(): number {
    return this.current?.id ?? 0;
  }

  /** The application's own, of the present connection. */
  get context(): Context {
    return this.there.context as Context;
  }

  set context(context: Context) {
    this.there.context = context;
  }

  /** Whether data can be sent. */
  get isOpen(): boolean {
    return this.current?.isOpen ?? false;
  }

  /** See {@link Connection.isPaused}. */
  get isPaused(): boolean {
    return this.current?.isPaused ?? false;
  }

  /** See {@link Connection.receive}. Before the first connection: the model of the settings. */
  get receive(): ReceiveModel {
    return this.current?.receive ?? this.settings.receive;
  }

  set receive(model: ReceiveModel) {
    if (this.isOpen) this.there.receive = model;
    else this.configure({ receive: model });
  }

  /** See {@link Connection.send}. */
  send(data: Data): boolean {
    return this.current?.send(data) ?? false;
  }

  /** See {@link Connection.sendAll}. */
  sendAll(pieces: readonly Data[]): boolean {
    return this.current?.sendAll(pieces) ?? false;
  }

  /** See {@link Connection.sendSmallFile}. */
  async sendSmallFile(path: string, options?: SmallFileOptions): Promise<boolean> {
    return (await this.current?.sendSmallFile(path, options)) ?? false;
  }

  /** See {@link Connection.drained}. */
  async drained(options?: WaitOptions): Promise<void> {
    await this.current?.drained(options);
  }

  /** See {@link Connection.request}. */
  async request(data: Data, options?: WaitOptions): Promise<Buffer> {
    return this.there.request(data, options);
  }

  /** See {@link Connection.read}. */
  async read(byteCount: number, options?: WaitOptions): Promise<Buffer>;
  async read(options?: WaitOptions): Promise<Buffer>;
  async read(wish?: number | WaitOptions, options?: WaitOptions): Promise<Buffer> {
    return typeof wish === "number" ? this.there.read(wish, options) : this.there.read(wish);
  }

  /** See {@link Connection.readUntil}. */
  async readUntil(delimiter: Data, options?: WaitOptions): Promise<Buffer> {
    return this.there.readUntil(delimiter, options);
  }

  [Symbol.asyncIterator](): AsyncIterator<Buffer> {
    return this.there[Symbol.asyncIterator]();
  }

  /** See {@link Connection.startTls}. */
  async startTls(options?: WaitOptions): Promise<TlsInfo> {
    return this.there.startTls(options);
  }

  /** See {@link Connection.tls}. */
  get tls(): TlsInfo | undefined {
    return this.current?.tls;
  }

  /** See {@link Connection.fetch}. */
  fetch(byteCount: number): Buffer | undefined {
    return this.current?.fetch(byteCount);
  }

  /** See {@link Connection.peek}. */
  peek(byteCount: number): Buffer | undefined {
    return this.current?.peek(byteCount);
  }

  /** See {@link Connection.unreadBytes}. */
  get unreadBytes(): number {
    return this.current?.unreadBytes ?? 0;
  }

  /** See {@link Connection.pause}. */
  pause(): boolean {
    return this.current?.pause() ?? false;
  }

  /** See {@link Connection.resume}. */
  resume(): boolean {
    return this.current?.resume() ?? false;
  }

  /** See {@link Connection.finish}. */
  finish(): boolean {
    return this.current?.finish() ?? false;
  }

  /** See {@link Connection.close}. */
  close(): boolean {
    return this.current?.close() ?? false;
  }

  /** See {@link Connection.abort}. */
  abort(): boolean {
    return this.current?.abort() ?? false;
  }

  /** See {@link Connection.closed}. */
  closed(): Promise<CloseReason> {
    return this.there.closed();
  }

  /** See {@link Connection.pendingBytes}. */
  get pendingBytes(): number {
    return this.current?.pendingBytes ?? 0;
  }

  /** See {@link Connection.localAddress}. */
  get localAddress(): Address | undefined {
    return this.current?.localAddress;
  }

  /** See {@link Connection.remoteAddress}. */
  get remoteAddress(): Address | undefined {
    return this.current?.remoteAddress;
  }

  /** See {@link Connection.remoteHost}. */
  get remoteHost(): string | undefined {
    return this.current?.remoteHost;
  }

  /** See {@link Connection.connectedAt}; 0 before the first connection. */
  get connectedAt(): number {
    return this.current?.connectedAt ?? 0;
  }

  /** See {@link Connection.silentForMs}; 0 before the first connection. */
  get silentForMs(): number {
    return this.current?.silentForMs ?? 0;
  }

  /** Stats of the present or last connection; `stats` are the client's own. */
  get connectionStats(): ConnectionStats | undefined {
    return this.current?.stats;
  }

  /** Why the last connection ended; undefined while there is one. */
  get closeReason(): CloseReason | undefined {
    return this.current?.closeReason;
  }

  /** See {@link Connection.setNoDelay}. */
  setNoDelay(on: boolean): void {
    this.there.setNoDelay(on);
  }

  /** See {@link Connection.setKeepAlive}. */
  setKeepAlive(keepAlive: KeepAlive | false): KeepAlive | false {
    return this.there.setKeepAlive(keepAlive);
  }

  /** See {@link Connection.tcpInfo}. */
  tcpInfo(): TcpInfo | undefined {
    return this.current?.tcpInfo();
  }

  /** Lets the process end while the connection is open. */
  unref(): void {
    this.held = false;
    this.current?.stream.unref();
  }

  /** Takes {@link unref} back. */
  ref(): void {
    this.held = true;
    this.current?.stream.ref();
  }
}
