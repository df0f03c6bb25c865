/**
 * The one class of connections over streams: an engine's stream on one side, a receiver on the other,
 * and the component above both. Its states are in `connection-state.ts`.
 *
 * Its parts are made when they are needed, so that idle connections don't pay for them: a way in
 * ({@link Inbound}) while something comes, a way out ({@link Outbound}) while something is to be sent, the
 * deadlines with the first one that is set, {@link Ending} when the end begins.
 */
import type { Duplex } from "node:stream";
import type { SendMemory } from "../bytes/send-memory.js";
import type { Address, KeepAlive, StreamSink, StreamSocket, TcpInfo } from "../engine/engine.js";
import type { TlsInfo } from "../engine/tls-options.js";
import { assertBoolean, assertInteger, describe, NetError, type Operation } from "../errors.js";
import type { ProxyHeader } from "../protocol/proxy-header/proxy-header.js";
import type { Encoder, ReceiveModel } from "../receive/receive-model.js";
import { Deadlines } from "../time/deadlines.js";
import type { TimingWheel } from "../time/timing-wheel.js";
import { CarriedBytes } from "./carried-bytes.js";
import { type CloseReason, reasonOf } from "./close-reason.js";
import type {
  Connection,
  ConnectionStats,
  Data,
  DuplexViewOptions,
  SendResult,
  SmallFileOptions,
  WaitOptions,
  WebView,
} from "./connection.js";
import { nextConnectionId } from "./connection-registry.js";
import { type ConnectionState, nextConnectionState } from "./connection-state.js";
import { bytesOf } from "./data.js";
import { idleError } from "./ending/end-errors.js";
import { type Dial, Ending, type EndingConnection } from "./ending/ending.js";
import { UNCONNECTED } from "./ending/unconnected-stream.js";
import type { PacketEvents } from "./events/packet-events.js";
import type { HeartbeatOptions } from "./heartbeat/heartbeat-options.js";
import type { Inbound } from "./inbound.js";
import type { Member } from "./member.js";
import type { MemberHost } from "./member-host.js";
import { assertDeadline, assertIdleTimeout, OwnRules } from "./own-rules.js";
import { PacketHeartbeat } from "./packet-heartbeat.js";
import {
  DUE,
  HOLD,
  type PacketReader,
  type PieceWriter,
  type ProtocolConnection,
  type Receiver,
} from "./receiver.js";
import type { Outbound, SendingConnection } from "./sending/outbound.js";
import { readSmallFile } from "./sending/small-file.js";
import { assertKeepAlive, assertReceiveModel, type ConnectionSettings } from "./settings.js";
import { type SecurityOwner, startTlsError, TlsUpgrade } from "./tls/tls-upgrade.js";
import { chunksOf } from "./views/chunks.js";
import { DuplexView } from "./views/duplex-view.js";
import { webView } from "./views/web-view.js";
import { beginWait } from "./waiting/waiter.js";

/** The component, as its streams see it. */
export interface ConnectionHost extends MemberHost<StreamConnection> {
  readonly settings: ConnectionSettings;
  readonly security: SecurityOwner | undefined;
  /** Who is told of packets. Undefined where the protocol above has no packets of the application's. */
  readonly packetEvents: PacketEvents | undefined;
  /** The receiver of a connection to which bytes come. */
  createReceiver(connection: StreamConnection): Receiver;
  /**
   * Takes a receiver back if it remembers nothing, so that another one of {@link createReceiver} does as well.
   * Returns whether it did.
   */
  takeBackReceiver(connection: StreamConnection, receiver: Receiver): boolean;
}

/** One connection over a stream. */
export class StreamConnection
  implements Connection, SendingConnection, EndingConnection, Member, StreamSink
{
  readonly id: number = nextConnectionId();
  readonly host: ConnectionHost;
  stream: StreamSocket = UNCONNECTED;
  state: ConnectionState = "connecting";
  context: unknown = undefined;
  /** An outgoing connection's attempt, which is over when it is open. */
  dial: Dial | undefined = undefined;
  outbound: Outbound | undefined = undefined;
  sentBytes = 0;
  receivedBytes = 0;
  /** When the last byte came, by the clock; at first, when the connection was opened. */
  receivedMs: number;
  onDue: ((purpose: number) => void) | undefined = undefined;
  inbound: Inbound | undefined = undefined;
  /** The receiver while there is no way in, where it is the connection's own. */
  private idleReceiver: Receiver | undefined = undefined;
  heartbeat: PacketHeartbeat | undefined = undefined;
  /** Undefined while the connection is, and stays, plain. */
  upgrade: TlsUpgrade | undefined = undefined;
  private end: Ending | undefined = undefined;
  private ownDeadlines: Deadlines | undefined = undefined;
  private own: OwnRules | undefined = undefined;
  private openedMs: number;

  constructor(host: ConnectionHost) {
    this.host = host;
    this.openedMs = Math.ceil(host.service.wheel.clock.now());
    this.receivedMs = this.openedMs;
  }

  get settings(): ConnectionSettings {
    return this.host.settings;
  }

  get wheel(): TimingWheel {
    return this.host.service.wheel;
  }

  get memory(): SendMemory {
    return this.host.service.engine.memory;
  }

  // — what is set for it alone —

  private rules(): OwnRules {
    this.own ??= new OwnRules();
    return this.own;
  }

  get key(): unknown {
    return this.own?.key;
  }

  set key(key: unknown) {
    if (this.state === "ending" || this.state === "closed") return;
    if (key === undefined && this.own === undefined) return;
    const rules = this.rules();
    rules.key = this.host.giveKey(this, key, rules.key);
  }

  /** Time of silence after which it ends; 0: none. */
  private get idleTimeoutMs(): number {
    return this.own?.idleTimeoutMs ?? this.settings.idleTimeoutMs;
  }

  setIdleTimeout(idleTimeoutMs: number): boolean {
    assertIdleTimeout(idleTimeoutMs);
    if (this.isLeaving) return false;
    this.rules().idleTimeoutMs = idleTimeoutMs;
    this.settingsChanged();
    return true;
  }

  setDeadline(deadlineMs: number, reason?: string): boolean {
    assertDeadline(deadlineMs, reason);
    if (this.isLeaving) return false;
    this.rules().setDeadline(this, deadlineMs, reason);
    return true;
  }

  /** Whether it closes, or has ended. */
  private get isLeaving(): boolean {
    return this.state === "closing" || this.state === "ending" || this.state === "closed";
  }

  // — how it begins —

  /**
   * The stream is open: an accepted one from the start, an outgoing one when the engine says so. `early`: what came
   * already, where something else has read before.
   */
  open(isOutgoing: boolean, early?: Buffer): void {
    this.state = nextConnectionState(this.state, "opened");
    this.openedMs = Math.ceil(this.wheel.clock.now());
    this.receivedMs = this.openedMs;
    this.inbound?.streamOpened();
    const { security } = this.host;
    if (security?.startsAtOnce === true) this.upgrade = new TlsUpgrade(this, security);
    this.host.connectionOpened(this, isOutgoing);
    if (this.state !== "handshaking") return;
    if (this.upgrade !== undefined) {
      this.upgrade.begin(early);
      return;
    }
    if (security === undefined) this.host.connectionReady(this);
    if (this.state === "handshaking") this.establish();
    if (early !== undefined && early.length > 0 && this.isOpen) this.streamReceived(early);
  }

  private establish(): void {
    this.state = nextConnectionState(this.state, "established");
    this.watchIdle();
    if (this.settings.heartbeat !== undefined) this.heartbeatChanged(this.settings.heartbeat);
    this.dial?.established();
  }

  private heartbeatChanged(options: HeartbeatOptions | undefined): void {
    if (options === this.heartbeat?.options || this.host.packetEvents === undefined) return;
    this.heartbeat?.stop();
    this.heartbeat = options === undefined ? undefined : new PacketHeartbeat(this, options);
  }

  streamOpened(): void {
    if (this.state === "connecting") this.open(true);
  }

  // — TLS —

  async startTls(options: WaitOptions = {}, limit?: string): Promise<TlsInfo> {
    beginWait(options, "startTls", "handshake");
    const { security } = this.host;
    if (security === undefined || this.upgrade !== undefined || this.state !== "open") {
      throw startTlsError(this, security);
    }
    this.upgrade = new TlsUpgrade(this, security);
    this.hold(HOLD.tls);
    return this.upgrade.beginLater(options, limit);
  }

  /** Whether received bytes wait to be taken. */
  get hasUndelivered(): boolean {
    return this.inbound?.hasRest === true || this.packets?.hasUndelivered === true;
  }

  streamSecured(): void {
    const { upgrade } = this;
    if (upgrade?.isShaking !== true) return;
    upgrade.secured();
    this.heard();
    this.host.connectionReady(this);
    if (this.state === "handshaking") this.establish();
    else if (this.state === "open") this.watchIdle();
    // A handler that closes the connection in good order has let it in.
    else if (this.state === "closing") this.dial?.established();
    else return;
    if (this.pendingBytes === 0) this.end?.allSent();
    this.release(HOLD.tls);
    upgrade.resolve();
  }

  get tls(): TlsInfo | undefined {
    return this.stream.tlsInfo();
  }

  // — receiving —

  streamReceived(bytes: Buffer): void {
    this.receivedBytes += bytes.length;
    this.receivedMs = this.host.service.arrivalMs();
    const inbound = this.inbound ?? this.begin();
    if (this.state === "open") inbound.receive(bytes);
    if (inbound.isSpare) this.leaveInbound(inbound);
  }

  /** Does without a way in until the next bytes come, if the receiver can be done without. */
  private leaveInbound(inbound: Inbound): void {
    // A nested call may have left it, so that it serves another connection by now.
    if (this.inbound !== inbound) return;
    const { receiver } = inbound;
    if (receiver.staysWhenIdle === true) this.idleReceiver = receiver;
    else if (!this.host.takeBackReceiver(this, receiver)) return;
    this.inbound = undefined;
    this.host.service.retireInbound(inbound);
  }

  /** Nothing more is delivered. */
  abandonReceiver(): void {
    // A receiver that is idle is told, too: with a way in, as it is told of the end.
    if (this.idleReceiver !== undefined) this.begin();
    this.inbound?.abandon();
  }

  endReceived(): void {
    (this.inbound ?? this.begin()).endReceived();
  }

  /** Makes the way in. */
  begin(receiver: Receiver = this.idleReceiver ?? this.host.createReceiver(this)): Inbound {
    this.idleReceiver = undefined;
    this.inbound = this.host.service.inboundFor(this, receiver);
    if (this.isLeaving) this.inbound.abandon();
    return this.inbound;
  }

  /** The peer was heard, without data of its own: a handshake. */
  private heard(): void {
    this.receivedMs = Math.ceil(this.wheel.clock.now());
  }

  get receiver(): Receiver | undefined {
    return this.inbound?.receiver ?? this.idleReceiver;
  }

  receiveBy(receiver: Receiver, unread?: Buffer): void {
    if (this.inbound === undefined) this.begin(receiver);
    else this.inbound.exchange(receiver, unread);
  }

  isDelivering(receiver: Receiver): boolean {
    const { inbound } = this;
    if (inbound !== undefined) return inbound.isDelivering(receiver);
    return receiver === this.idleReceiver;
  }

  hold(owners: number): void {
    (this.inbound ?? this.begin()).hold(owners);
  }

  release(owners: number): void {
    const { inbound } = this;
    if (inbound === undefined) return;
    inbound.release(owners);
    if (owners === HOLD.handler && inbound.isSpare) this.leaveInbound(inbound);
  }

  isHeld(owners: number): boolean {
    return this.inbound?.isHeld(owners) ?? false;
  }

  get isPaused(): boolean {
    return this.isHeld(HOLD.application);
  }

  pause(): boolean {
    if (this.state !== "open" && this.state !== "handshaking") return false;
    this.hold(HOLD.application);
    return true;
  }

  resume(): boolean {
    if (this.state !== "open" && this.state !== "handshaking") return false;
    this.release(HOLD.application);
    return true;
  }

  // — packets: what the application reads by itself —

  private get packets(): PacketReader | undefined {
    return this.receiver?.packets;
  }

  /** What can be read. Throws `INVALID_STATE` where a protocol has the connection. */
  private reader(): PacketReader {
    const { packets } = (this.inbound ?? this.begin()).receiver;
    if (packets !== undefined) return packets;
    const text = "a stream or a protocol of its own reads from this connection";
    const detail = { operation: "receive", connectionId: this.id } as const;
    throw new NetError("INVALID_STATE", text, detail);
  }

  get receive(): ReceiveModel {
    return this.packets?.model ?? this.settings.receive;
  }

  set receive(model: ReceiveModel) {
    assertReceiveModel(model);
    this.reader().exchangeModel(model);
  }

  /** The component's receive model is about to change: this connection keeps the present one. */
  keepModel(): void {
    if (this.inbound === undefined && this.state !== "closed") this.begin();
  }

  get encoder(): Encoder | undefined {
    const { receiver } = this;
    if (receiver === undefined) return this.settings.receive.encoder;
    return receiver.packets?.model.encoder;
  }

  async read(wish?: number | WaitOptions, options: WaitOptions = {}): Promise<Buffer> {
    if (wish !== undefined && typeof wish !== "object") {
      assertInteger("byteCount", wish, 1, Number.MAX_SAFE_INTEGER);
    }
    const reader = this.reader();
    return typeof wish === "number"
      ? reader.read({ kind: "bytes", byteCount: wish }, options)
      : reader.read({ kind: "chunk" }, wish === undefined ? options : wish);
  }

  async readUntil(delimiter: Data, options: WaitOptions = {}): Promise<Buffer> {
    const mark = bytesOf(delimiter);
    return this.reader().read({ kind: "until", mark }, options);
  }

  [Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    return chunksOf(() => this.read());
  }

  fetch(byteCount: number): Buffer | undefined {
    return this.reader().fetch(byteCount);
  }

  peek(byteCount: number): Buffer | undefined {
    return this.reader().peek(byteCount);
  }

  get unreadBytes(): number {
    return this.packets?.unreadBytes ?? 0;
  }

  async request(data: Data, options: WaitOptions = {}): Promise<Buffer> {
    const bytes = bytesOf(data);
    this.packets?.stopReading();
    if (this.isSendOver) throw this.closedError();
    if (!this.isOpen) {
      throw new NetError("INVALID_STATE", "nothing can be sent until TLS is established", {
        operation: "request",
      });
    }
    // What ends the connection rejects the request by itself.
    return this.reader().request(bytes, options, () => this.send(bytes) !== false || !this.isOpen);
  }

  toDuplex(options: DuplexViewOptions = {}): Duplex {
    if (!this.isOpen) {
      const text = `toDuplex needs an open connection, not one that is ${this.state}`;
      throw new NetError("INVALID_STATE", text, { connectionId: this.id });
    }
    const reader = this.reader();
    const view = new DuplexView(this, options);
    this.receiveBy(view, reader.takeUnread());
    return view.duplex;
  }

  toWeb(options: DuplexViewOptions = {}): WebView {
    return webView(this.toDuplex(options));
  }

  // — sending —

  get isOpen(): boolean {
    return !this.isSendOver && this.upgrade?.isUnderWay !== true;
  }

  /** Whether nothing will be sent any more. */
  private get isSendOver(): boolean {
    return (this.state !== "open" && this.state !== "handshaking") || this.isFinishing;
  }

  private sending(): Outbound {
    this.outbound ??= this.host.service.outboundFor(this);
    return this.outbound;
  }

  send(data: Data): SendResult {
    if (typeof data === "string") return this.isOpen && this.sending().sendText(data);
    const bytes = bytesOf(data);
    return this.isOpen && this.sending().send(bytes);
  }

  sendAll(pieces: readonly Data[]): SendResult {
    if (!Array.isArray(pieces)) {
      throw new NetError("INVALID_ARGUMENT", `pieces must be an array, not ${describe(pieces)}`);
    }
    const all = pieces.map(bytesOf);
    return this.isOpen && this.sending().sendAll(all);
  }

  // — topics —

  subscribe(topic: string): boolean {
    if (this.isSendOver) return false;
    return this.host.topics.table.subscribe(this, topic, this.settings.maxTopics);
  }

  unsubscribe(topic: string): boolean {
    return this.host.topics.table.unsubscribe(this, topic);
  }

  publish(topic: string, data: Data): number {
    return this.host.topics.send(topic, data, this);
  }

  get topics(): string[] {
    return this.host.topics.table.topicsOf(this);
  }

  sendBytes(bytes: Uint8Array): boolean {
    return this.isOpen && this.sending().sendBytes(bytes) === true;
  }

  /** See `BroadcastTarget`. */
  sendShared(piece: Uint8Array): SendResult {
    return this.isOpen && this.sending().sendShared(piece);
  }

  write(writer: PieceWriter, maxBytes: number): boolean | undefined {
    if (!this.isOpen) return false;
    const result = this.sending().write(writer, maxBytes);
    return result === undefined ? undefined : result === true;
  }

  carryTo(target: ProtocolConnection): boolean {
    if (this.state !== "open" || !target.isOpen || target.pendingBytes > 0) return false;
    if (this.inbound?.isOpenAndEmpty === false) return false;
    return this.stream.carryTo?.(target.stream, new CarriedBytes(this, target)) === true;
  }

  carriedIn(byteCount: number): void {
    this.receivedBytes += byteCount;
    this.receivedMs = this.host.service.arrivalMs();
  }

  carriedOut(byteCount: number): void {
    this.sentBytes += byteCount;
  }

  async sendSmallFile(path: string, options: SmallFileOptions = {}): Promise<SendResult> {
    return this.sendAll(await readSmallFile(path, options));
  }

  async drained(options: WaitOptions = {}): Promise<void> {
    beginWait(options, "drained", "send");
    if (this.state === "ending" || this.state === "closed") throw this.closedError();
    await this.outbound?.whenDrained(options);
  }

  get pendingBytes(): number {
    return this.outbound?.pendingBytes ?? 0;
  }

  get sendProgress(): number {
    return this.sentBytes + this.stream.sendProgress();
  }

  streamWritten(byteCount: number): void {
    this.outbound?.written(byteCount);
    if (this.inbound?.isSpare === true) this.leaveInbound(this.inbound);
  }

  bytesSent(byteCount: number): void {
    this.sentBytes += byteCount;
    this.receiverOrEvents("sent", byteCount);
  }

  queueDrained(): void {
    this.receiverOrEvents("drained", 0);
  }

  /** A connection to which nothing comes has no receiver. */
  private receiverOrEvents(what: "sent" | "drained", byteCount: number): void {
    const { receiver } = this;
    if (receiver === undefined) this.host.packetEvents?.[what](this, byteCount);
    else if (what === "drained") receiver.drained();
    else receiver.sent?.(byteCount);
  }

  allSent(): void {
    if (this.upgrade?.isUnderWay === true) this.upgrade.allSent();
    else this.end?.allSent();
  }

  // — how it ends —

  /** How it ends; made when the end begins. */
  private ending(): Ending {
    this.end ??= new Ending(this);
    return this.end;
  }

  streamEnded(): void {
    this.ending().peerEnded();
  }

  streamClosed(error: NetError | undefined): void {
    this.ending().streamClosed(error);
  }

  gone(reason: CloseReason): void {
    try {
      this.receiver?.closed(reason);
    } finally {
      this.host.connectionClosed(this, reason);
    }
  }

  get peerHasEnded(): boolean {
    return this.end?.hasPeerEnded === true;
  }

  /** The application has finished sending, or the connection is closing. */
  get isFinishing(): boolean {
    return this.end?.isFinishing === true;
  }

  endPassedOn(): boolean {
    return this.ending().passedOn();
  }

  finish(): boolean {
    return this.ending().finish();
  }

  close(): boolean {
    return this.ending().close();
  }

  get unsentBytes(): number {
    return this.end?.unsentBytes ?? 0;
  }

  /** Whether `close` or `abort` was called, whatever became of it. */
  get isCloseAsked(): boolean {
    return this.end?.isAsked === true;
  }

  closeWith(reason: CloseReason): boolean {
    return this.ending().closeWith(reason);
  }

  abort(): boolean {
    return this.ending().abort();
  }

  fail(error: NetError): boolean {
    return this.ending().fail(error);
  }

  /** A handler said no. */
  refuse(operation: Operation, handler: string): void {
    this.ending().refuse(operation, handler);
  }

  /** Ends what is closing now: in good order when only the peer's FIN is missing, else by `error`. */
  cut(error: NetError): boolean {
    return this.ending().cut(error);
  }

  /** The component stops: ends in good order, by the protocol above where it has a way of its own. */
  stop(): void {
    const { receiver } = this;
    if (receiver?.stopping !== undefined && this.state === "open") receiver.stopping();
    else this.close();
  }

  get closeReason(): CloseReason | undefined {
    return this.end?.reason;
  }

  closedError(): NetError {
    return this.ending().closedError();
  }

  endError(): NetError {
    return this.ending().endError();
  }

  get isEndAwaited(): boolean {
    return this.host.isEndAwaited(this);
  }

  /** A caller waits for the end of the connection, and reads no more. */
  stopReading(): void {
    this.packets?.stopReading();
  }

  async closed(options?: WaitOptions): Promise<CloseReason> {
    const closed = this.host.whenClosed(this, options);
    this.stopReading();
    await closed;
    return this.closeReason as CloseReason;
  }

  /** Closes and resolves when it has ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.host.whenClosed(this);
  }

  // — deadlines —

  get deadlines(): Deadlines {
    this.ownDeadlines ??= new Deadlines(this.wheel, this);
    return this.ownDeadlines;
  }

  /** Nothing is due any more. */
  endDeadlines(): void {
    this.ownDeadlines?.end();
    this.ownDeadlines = undefined;
  }

  private clearDue(purpose: number): void {
    this.ownDeadlines?.clear(purpose);
  }

  private watchIdle(): void {
    const { idleTimeoutMs } = this;
    if (idleTimeoutMs > 0) this.deadlines.setAt(DUE.idle, this.receivedMs + idleTimeoutMs);
    else this.clearDue(DUE.idle);
  }

  /** The component's settings, or its own, were changed. */
  settingsChanged(): void {
    if (this.state === "open") this.heartbeatChanged(this.settings.heartbeat);
    const isWaiting = this.upgrade?.isUnderWay === true || this.packets?.isEndWaiting === true;
    if (this.state === "open" && !isWaiting) this.watchIdle();
  }

  deadlinePassed(purpose: number): void {
    if (purpose === DUE.idle) this.idlePassed();
    else if (purpose === DUE.reader) this.packets?.reportEnd();
    else if (purpose === DUE.handshake) this.upgrade?.duePassed();
    else if (purpose === DUE.close) this.end?.closePassed();
    else if (purpose === DUE.application) this.own?.deadlinePassed(this);
    else if (purpose === DUE.heartbeat) this.heartbeat?.duePassed();
    else if (this.onDue !== undefined) this.onDue(purpose);
    else this.receiver?.duePassed?.(purpose);
  }

  private idlePassed(): void {
    const { idleTimeoutMs } = this;
    const dueMs = this.receivedMs + idleTimeoutMs;
    if (this.wheel.clock.now() < dueMs) this.watchIdle();
    else this.closeWith(reasonOf(idleError(this.id, idleTimeoutMs), "receive"));
  }

  // — what is known of it —

  get remoteHost(): string | undefined {
    return this.dial?.host;
  }

  get localAddress(): Address | undefined {
    return this.stream.localAddress();
  }

  get remoteAddress(): Address | undefined {
    return this.own?.origin?.address ?? this.stream.remoteAddress();
  }

  get proxyHeader(): ProxyHeader | undefined {
    return this.own?.origin?.header;
  }

  /** A relay has told by `header` that the peer is at `address`. */
  setOrigin(address: Address | undefined, header: ProxyHeader): void {
    this.rules().origin = { address, header };
  }

  get connectedAt(): number {
    return this.wheel.clock.originMs + this.openedMs;
  }

  get isRemembered(): boolean {
    return this.host.packetEvents?.hasCloseHandler === true;
  }

  /** The present, or the moment at which it had ended. */
  private get lastMs(): number {
    return this.end?.closedMs ?? this.wheel.clock.now();
  }

  get ageMs(): number {
    return Math.max(0, this.lastMs - this.openedMs);
  }

  get silentForMs(): number {
    return Math.max(0, this.lastMs - this.receivedMs);
  }

  get stats(): ConnectionStats {
    return {
      receivedBytes: this.receivedBytes,
      sentBytes: this.sentBytes,
      pendingBytes: this.pendingBytes,
      unreadBytes: this.unreadBytes,
      droppedCount: this.outbound?.droppedCount ?? 0,
      ageMs: this.ageMs,
    };
  }

  setNoDelay(on: boolean): void {
    assertBoolean("setNoDelay", on);
    this.stream.setNoDelay(on);
  }

  setKeepAlive(keepAlive: KeepAlive | false): KeepAlive | false {
    assertKeepAlive(keepAlive);
    return this.stream.setKeepAlive(keepAlive);
  }

  tcpInfo(): TcpInfo | undefined {
    return this.stream.tcpInfo();
  }

  ref(): void {
    this.stream.ref();
  }

  unref(): void {
    this.stream.unref();
  }
}
