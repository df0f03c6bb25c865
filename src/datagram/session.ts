/**
 * The one class of connections over datagrams: a peer's address on a socket that others may share, and the
 * component above. Hot. What may follow what is in `connection-state.ts`.
 *
 * There are many of them, and most are idle: what only some need (unread messages, deadlines and keys of their
 * own, who waits) is made when it is needed.
 *
 * Invariants: one reason, one `onClose`, nothing after it; a session that closes waits for its sends under way,
 * then tells the peer; nothing is delivered from within a call of the application.
 */
import { owned } from "../bytes/lending.js";
import { chunksOf } from "../connection/chunks.js";
import {
  CLOSED_BY_PEER,
  CLOSED_LOCALLY,
  type CloseReason,
  reasonOf,
} from "../connection/close-reason.js";
import type { ConnectionStats, Data, SendResult, WaitOptions } from "../connection/connection.js";
import { nextConnectionId } from "../connection/connection-registry.js";
import { type ConnectionState, nextConnectionState } from "../connection/connection-state.js";
import { bytesOf } from "../connection/data.js";
import { abortedError, closedError, refusedError } from "../connection/end-errors.js";
import type { EventOwner, RefusableConnection } from "../connection/events.js";
import type { Member } from "../connection/member.js";
import type { MemberHost } from "../connection/member-host.js";
import { assertDeadline, assertIdleTimeout, OwnRules } from "../connection/own-rules.js";
import type { HandlerSettled } from "../connection/packet-events.js";
import { DUE, HOLD } from "../connection/receiver.js";
import { type MarkedConnection, SendMarks } from "../connection/send-marks.js";
import { beginWait } from "../connection/waiter.js";
import type { Address } from "../engine/engine.js";
import { addressOfPeer, type PeerKey } from "../engine/peer-key.js";
import { describe, invalidArgument, NetError, type Operation } from "../errors.js";
import { CLOSE_NOTIFY, isCloseNotify, PROBE } from "../protocol/udp-control/udp-control.js";
import { Deadlines } from "../time/deadlines.js";
import { inRootContext } from "../time/root-context.js";
import type { TimingWheel } from "../time/timing-wheel.js";
import { type Destination, NOWHERE, type SessionPort } from "./datagram-port.js";
import type { DatagramSettings } from "./datagram-settings.js";
import type { MessageConnection } from "./message-connection.js";
import { type InboxSession, MessageInbox } from "./message-inbox.js";
import type { LinkedSession, MessageOptions, SessionLink } from "./session-link.js";
import { SilenceWatch, silenceDueMs, type WatchedSession } from "./silence-watch.js";

/** Who is told of what sessions do. */
export interface SessionEvents {
  readonly hasReceiveHandler: boolean;
  /** Calls `onReceive`. Answers true when that has a promise: `settled.handlerSettled` follows. */
  received(session: EventOwner, message: Buffer, settled: HandlerSettled): boolean;
  sent(session: EventOwner, byteCount: number): void;
  sendFailed(session: EventOwner, error: NetError, failedCount: number): void;
  drained(session: EventOwner): void;
}

/** What made an outgoing session, and looks after it. */
export interface SessionDial {
  /** The session is open. */
  established(): void;
  /** The component's settings were changed while it is open. */
  settingsChanged(): void;
  /** The peer's host says that nobody is there. */
  refused(error: NetError): void;
  /** It has ended, or was never made. */
  ended(): void;
  ref(): void;
  unref(): void;
}

/** The component, as its sessions see it. */
export interface SessionHost extends MemberHost<Session> {
  readonly settings: DatagramSettings;
  readonly events: SessionEvents;
  /** The link of a new session; undefined where each datagram is a message. */
  createLink(session: Session): SessionLink | undefined;
  /** Whether sessions have links, once they are open. */
  readonly hasLinks: boolean;
}

/** What only some sessions have. */
interface Extras {
  readonly own: OwnRules;
  deadlines: Deadlines | undefined;
  inbox: MessageInbox | undefined;
  marks: SendMarks | undefined;
  failedCount: number;
  reason: CloseReason | undefined;
  closedMs: number | undefined;
  onDue: ((purpose: number) => void) | undefined;
  remoteHost: string | undefined;
  isCloseAsked: boolean;
  unsentBytes: number;
}

/**
 * The one class of connections over datagrams: a peer's address on a socket that others may share,
 * and the component above.
 */
export class Session
  implements
    MessageConnection,
    Member,
    Destination,
    RefusableConnection,
    LinkedSession,
    InboxSession,
    HandlerSettled,
    WatchedSession,
    MarkedConnection
{
  readonly id: number = nextConnectionId();
  readonly host: SessionHost;
  /** Where its peer is; undefined while an outgoing one is being made, and where only a proxy knows. */
  peer: PeerKey | undefined;
  /** Whether it was made by us. */
  readonly isOutgoing: boolean;
  state: ConnectionState = "connecting";
  context: unknown = undefined;
  receivedBytes = 0;
  sentBytes = 0;
  /** When something last came from the peer, by the clock, in whole milliseconds. */
  heardMs: number;
  firstWaiting: number = NOWHERE;
  lastWaiting: number = NOWHERE;
  /** Of an outgoing session. */
  dial: SessionDial | undefined = undefined;
  private port: SessionPort | undefined = undefined;
  private link: SessionLink | undefined = undefined;
  /** When it began, by the clock, in whole milliseconds. */
  openedMs: number;
  /** Bytes of datagrams that are not sent yet. */
  private waitingBytes = 0;
  private extras: Extras | undefined = undefined;
  private silence: SilenceWatch | undefined = undefined;

  /** `peer` is left out for an outgoing session, which gets it with {@link open}. */
  constructor(host: SessionHost, peer?: PeerKey) {
    this.host = host;
    this.peer = peer;
    this.isOutgoing = peer === undefined;
    this.openedMs = Math.ceil(host.service.wheel.clock.now());
    this.heardMs = this.openedMs;
  }

  private more(): Extras {
    this.extras ??= {
      own: new OwnRules(),
      deadlines: undefined,
      inbox: undefined,
      marks: undefined,
      failedCount: 0,
      reason: undefined,
      closedMs: undefined,
      onDue: undefined,
      remoteHost: undefined,
      isCloseAsked: false,
      unsentBytes: 0,
    };
    return this.extras;
  }

  get settings(): DatagramSettings {
    return this.host.settings;
  }

  get wheel(): TimingWheel {
    return this.host.service.wheel;
  }

  /** Datagrams are sent as they are. */
  get encoder(): undefined {
    return undefined;
  }

  // — how it begins —

  /** The socket is there: calls the handlers, and the session is open unless one of them refuses. */
  open(port: SessionPort): void {
    this.port = port;
    this.state = nextConnectionState(this.state, "opened");
    this.openedMs = Math.ceil(this.wheel.clock.now());
    this.heardMs = this.openedMs;
    this.link = this.host.createLink(this);
    this.watch();
    this.host.connectionOpened(this, this.isOutgoing);
    if (this.state !== "handshaking") return;
    if (this.link === undefined) this.establish();
    else this.link.opened();
  }

  establish(): void {
    if (this.state !== "handshaking") return;
    this.host.connectionReady(this);
    if (this.state === "handshaking") this.state = nextConnectionState(this.state, "established");
    // A handler that closes the session in good order has let it in.
    if (this.state === "open" || this.state === "closing") this.dial?.established();
  }

  private get isAlive(): boolean {
    return this.state === "open" || this.state === "handshaking";
  }

  // — receiving —

  /** Datagrams came, of `segmentBytes` each but for the last. The bytes may be lent. */
  datagramsReceived(bytes: Buffer, segmentBytes: number): void {
    this.heardMs = this.host.service.arrivalMs();
    this.receivedBytes += bytes.length;
    if (segmentBytes >= bytes.length) {
      this.datagramReceived(bytes);
      return;
    }
    for (let at = 0; at < bytes.length; at += segmentBytes) {
      this.datagramReceived(bytes.subarray(at, Math.min(at + segmentBytes, bytes.length)));
    }
  }

  private datagramReceived(datagram: Buffer): void {
    const { link, state } = this;
    if (state === "ending" || state === "closed") return;
    if (datagram.length === 0) this.probed();
    else if (isCloseNotify(datagram)) this.peerClosed();
    else if (state === "closing") link?.received(datagram);
    else if (datagram.length > this.settings.maxDatagramBytes) this.tooLong(datagram.length);
    else if (link !== undefined) link.received(datagram);
    else this.deliver(datagram);
  }

  /** A probe is answered by who was not the one to begin (HP §3.3). */
  private probed(): void {
    if (!this.isOutgoing && this.isAlive) this.sendDatagram(PROBE);
  }

  private tooLong(byteCount: number): void {
    const { maxDatagramBytes } = this.settings;
    const text = `a datagram of ${byteCount} bytes came, above maxDatagramBytes (${maxDatagramBytes})`;
    this.fail(
      new NetError("DATAGRAM_TOO_LONG", text, { operation: "receive", connectionId: this.id }),
    );
  }

  deliver(given: Buffer): void {
    const message = this.settings.delivery === "copy" ? owned(given) : given;
    const inbox = this.extras?.inbox;
    if (inbox !== undefined) inbox.receive(message);
    else if (!this.hasReceiveHandler) this.inbox().receive(message);
    else if (this.callHandler(message, this)) this.inbox().handlerBegan();
  }

  /** Whether who is slow holds the peer back, so that nothing is lost. */
  get holdsPeer(): boolean {
    return this.link !== undefined;
  }

  holdPeer(isHeld: boolean): void {
    if (!this.isAlive) return;
    if (isHeld) this.link?.hold();
    else this.link?.resume();
  }

  get hasReceiveHandler(): boolean {
    return this.host.events.hasReceiveHandler;
  }

  callHandler(message: Buffer, settled: HandlerSettled): boolean {
    return this.host.events.received(this, message, settled);
  }

  handlerSettled(): void {
    this.extras?.inbox?.handlerSettled();
  }

  private inbox(): MessageInbox {
    const more = this.more();
    more.inbox ??= new MessageInbox(this);
    return more.inbox;
  }

  get isPaused(): boolean {
    return this.extras?.inbox?.isHeld(HOLD.application) ?? false;
  }

  pause(): boolean {
    if (!this.isAlive) return false;
    this.hold(HOLD.application);
    return true;
  }

  resume(): boolean {
    if (!this.isAlive) return false;
    this.release(HOLD.application);
    return true;
  }

  get unreadBytes(): number {
    return this.extras?.inbox?.unreadBytes ?? 0;
  }

  async read(options: WaitOptions = {}): Promise<Buffer> {
    if (this.state === "closed" && this.extras?.inbox === undefined) throw this.closedError();
    const inbox = this.inbox();
    if (!this.isAlive && this.state !== "connecting") inbox.abandon();
    return inbox.read(options);
  }

  [Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    return chunksOf(() => this.read());
  }

  async request(data: Data, options: WaitOptions = {}): Promise<Buffer> {
    const bytes = bytesOf(data);
    if (!this.isOpen) throw this.closedError();
    const { droppedCount } = this;
    return this.inbox().request(bytes, options, () => {
      this.send(bytes);
      return this.isOpen && this.droppedCount === droppedCount;
    });
  }

  // — sending —

  get isOpen(): boolean {
    return this.state === "open" || (this.state === "handshaking" && this.link?.isReady !== false);
  }

  send(data: Data, options?: MessageOptions): SendResult {
    return this.sendMessage(bytesOf(data), options);
  }

  sendAll(pieces: readonly Data[]): SendResult {
    if (!Array.isArray(pieces)) {
      throw new NetError("INVALID_ARGUMENT", `pieces must be an array, not ${describe(pieces)}`);
    }
    return this.sendMessage(Buffer.concat(pieces.map(bytesOf)));
  }

  sendBytes(bytes: Uint8Array): boolean {
    return this.sendMessage(bytesOf(bytes)) === true;
  }

  private sendMessage(message: Buffer, options?: MessageOptions): SendResult {
    const { link } = this;
    if (link !== undefined) link.assertSendable(message.length, options);
    else if (!this.host.hasLinks) assertDatagram(message, this.settings.maxDatagramBytes, options);
    if (!this.isOpen || !this.hasRoom(message.length)) return false;
    if (link !== undefined) link.send(message, options);
    else this.sendDatagram(message);
    return this.marked();
  }

  sendDatagram(bytes: Uint8Array): void {
    const { port } = this;
    if (port?.isOpen !== true || this.state === "closed") return;
    this.waitingBytes += bytes.length;
    port.send(this, bytes);
  }

  askLater(): void {
    const { link, port } = this;
    if (link !== undefined) port?.askLater(link);
  }

  private hasRoom(byteCount: number): boolean {
    const { settings, port } = this;
    const { maxPendingBytes, maxSocketPendingBytes } = settings;
    if (this.pendingBytes + byteCount > maxPendingBytes) this.link?.makeRoom();
    const waitingBytes = this.pendingBytes;
    const isOwn = waitingBytes > 0 && waitingBytes + byteCount > maxPendingBytes;
    const socketBytes = port?.pendingBytes ?? 0;
    if (!isOwn && (socketBytes === 0 || socketBytes + byteCount <= maxSocketPendingBytes)) {
      return true;
    }
    if (isOwn) this.marks().overflowed(this, waitingBytes, byteCount);
    // Where nothing of its own is under way, nothing would tell it of room.
    else this.marks().dropped(waitingBytes > 0);
    return false;
  }

  private marks(): SendMarks {
    const more = this.more();
    more.marks ??= new SendMarks();
    return more.marks;
  }

  /** Sends that were dropped. */
  private get droppedCount(): number {
    return this.extras?.marks?.droppedCount ?? 0;
  }

  private marked(): SendResult {
    if (this.pendingBytes < this.settings.highWaterMarkBytes) return true;
    this.marks().reached(this);
    return "slow";
  }

  hold(owners: number): void {
    this.inbox().hold(owners);
  }

  release(owners: number): void {
    this.extras?.inbox?.release(owners);
  }

  queueDrained(): void {
    if (this.isAlive) this.host.events.drained(this);
  }

  datagramsSent(
    byteCount: number,
    count: number,
    error: NetError | undefined,
    failedCount: number,
  ): void {
    this.waitingBytes -= byteCount;
    const sentBytes = error === undefined ? byteCount : leftBytes(byteCount, count, failedCount);
    this.sentBytes += sentBytes;
    if (this.state === "closed") return;
    if (error !== undefined) this.sendFailed(error, byteCount > 0 ? failedCount : 0);
    else if (this.link === undefined && byteCount > 0) this.host.events.sent(this, sentBytes);
    this.afterSend();
  }

  /** The network says that a datagram did not arrive. */
  datagramRefused(error: NetError): void {
    if (!this.isAlive) return;
    if (this.link === undefined) this.host.events.sendFailed(this, error, 0);
    if (error.code === "CONNECTION_REFUSED") this.dial?.refused(error);
  }

  /** `failedCount` is 0 for a probe, whose failure is nobody's concern (HP §3.3). */
  private sendFailed(error: NetError, failedCount: number): void {
    if (failedCount > 0) {
      this.more().failedCount += failedCount;
      if (this.link === undefined) this.host.events.sendFailed(this, error, failedCount);
    }
    if (error.code === "CONNECTION_REFUSED") this.dial?.refused(error);
  }

  /** Something is sent: who waits for room is told. */
  private afterSend(): void {
    if (this.state === "closing" && this.isAllSent()) this.allSent();
    const marks = this.extras?.marks;
    if (marks === undefined || this.state === "closed") return;
    if (this.pendingBytes <= this.settings.lowWaterMarkBytes) marks.fell(this);
  }

  acknowledged(byteCount: number): void {
    if (this.state === "closed") return;
    this.host.events.sent(this, byteCount);
    this.afterSend();
  }

  get pendingBytes(): number {
    return this.link?.pendingBytes ?? this.waitingBytes;
  }

  async drained(options: WaitOptions = {}): Promise<void> {
    beginWait(options, "drained", "send");
    if (this.state === "ending" || this.state === "closed") throw this.closedError();
    if (this.pendingBytes <= this.settings.lowWaterMarkBytes) return;
    await this.marks().wait(this.wheel, options);
  }

  // — topics and keys —

  subscribe(topic: string): boolean {
    if (!this.isAlive) return false;
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

  get key(): unknown {
    return this.extras?.own.key;
  }

  set key(key: unknown) {
    if (this.state === "ending" || this.state === "closed") return;
    if (key === undefined && this.extras === undefined) return;
    const { own } = this.more();
    own.key = this.host.giveKey(this, key, own.key);
  }

  // — how it ends —

  close(): boolean {
    if (this.state !== "closed") this.more().isCloseAsked = true;
    return this.closeWith(CLOSED_LOCALLY);
  }

  /** What was not sent, or not acknowledged where peers do that, when the session ended. */
  get unsentBytes(): number {
    return this.extras?.unsentBytes ?? 0;
  }

  /** Whether `close` or `abort` was called, whatever became of it. */
  get isCloseAsked(): boolean {
    return this.extras?.isCloseAsked === true;
  }

  closeWith(reason: CloseReason): boolean {
    if (this.state === "connecting") return this.abort();
    if (!this.isAlive) return false;
    this.state = nextConnectionState(this.state, "closing");
    const more = this.more();
    more.reason = reason;
    more.inbox?.abandon();
    this.silence?.end();
    more.deadlines?.end();
    this.deadlines.set(DUE.close, this.settings.closeTimeoutMs);
    if (this.isAllSent()) this.allSent();
    return true;
  }

  private isAllSent(): boolean {
    return this.link?.closing() ?? this.waitingBytes === 0;
  }

  allSent(): void {
    if (this.state === "closing") this.settle(this.more().reason ?? CLOSED_LOCALLY, true);
  }

  /** The peer says that it has closed. */
  private peerClosed(): void {
    this.settle(CLOSED_BY_PEER, false);
  }

  abort(): boolean {
    if (this.state !== "closed") this.more().isCloseAsked = true;
    return this.fail(abortedError(this.id, this.state === "connecting"));
  }

  fail(error: NetError): boolean {
    return this.endWith(error, true);
  }

  /** Ends it without a word to the peer, who is gone. */
  failSilently(error: NetError): boolean {
    return this.endWith(error, false);
  }

  private endWith(error: NetError, tellsPeer: boolean): boolean {
    if (this.state === "ending" || this.state === "closed") return false;
    const operation = this.state === "connecting" ? "connect" : "receive";
    this.settle(reasonOf(error, operation), tellsPeer);
    return true;
  }

  refuse(operation: Operation, handler: string): void {
    this.fail(refusedError(this.id, operation, handler));
  }

  cut(error: NetError): boolean {
    return this.fail(error);
  }

  stop(): void {
    this.close();
  }

  /** Fixes the reason; from here on nothing is sent or delivered. `onClose` follows in a microtask. */
  private settle(reason: CloseReason, tellsPeer: boolean): void {
    const wasOpen = this.state !== "connecting";
    const more = this.more();
    more.reason = reason;
    more.unsentBytes = this.pendingBytes;
    if (tellsPeer && wasOpen) this.sendDatagram(CLOSE_NOTIFY);
    this.state = nextConnectionState(this.state, "ended");
    this.silence?.end();
    more.deadlines?.end();
    more.inbox?.abandon();
    more.marks?.end()?.reject(this.closedError());
    this.link?.ended();
    this.dial?.ended();
    inRootContext(() => {
      queueMicrotask(() => this.ended(reason));
    });
  }

  private ended(reason: CloseReason): void {
    this.state = nextConnectionState(this.state, "released");
    this.more().closedMs = this.wheel.clock.now();
    this.host.connectionClosed(this, reason);
  }

  get closeReason(): CloseReason | undefined {
    return this.extras?.reason;
  }

  closedError(): NetError {
    return closedError(this.id, this.extras?.reason);
  }

  /** The error that ended it, or `CONNECTION_CLOSED` after an orderly end. */
  endError(): NetError {
    return this.extras?.reason?.cause ?? this.closedError();
  }

  async closed(options?: WaitOptions): Promise<CloseReason> {
    await this.host.whenClosed(this, options);
    return this.closeReason as CloseReason;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.host.whenClosed(this);
  }

  // — deadlines —

  get deadlines(): Deadlines {
    const more = this.more();
    more.deadlines ??= new Deadlines(this.wheel, {
      deadlinePassed: (purpose) => this.deadlinePassed(purpose),
    });
    return more.deadlines;
  }

  get onDue(): ((purpose: number) => void) | undefined {
    return this.extras?.onDue;
  }

  set onDue(call: ((purpose: number) => void) | undefined) {
    this.more().onDue = call;
  }

  private deadlinePassed(purpose: number): void {
    if (purpose === DUE.application) this.extras?.own.deadlinePassed(this);
    else if (purpose === DUE.close) this.closePassed();
    else this.extras?.onDue?.(purpose);
  }

  private closePassed(): void {
    const { closeTimeoutMs } = this.settings;
    const text = `${this.pendingBytes} bytes were not taken within closeTimeoutMs (${closeTimeoutMs})`;
    this.fail(new NetError("CLOSE_TIMEOUT", text, { operation: "close", connectionId: this.id }));
  }

  setIdleTimeout(idleTimeoutMs: number): boolean {
    assertIdleTimeout(idleTimeoutMs);
    if (!this.isAlive && this.state !== "connecting") return false;
    this.more().own.idleTimeoutMs = idleTimeoutMs;
    this.settingsChanged();
    return true;
  }

  setDeadline(deadlineMs: number, reason?: string): boolean {
    assertDeadline(deadlineMs, reason);
    if (!this.isAlive && this.state !== "connecting") return false;
    this.more().own.setDeadline(this, deadlineMs, reason);
    return true;
  }

  settingsChanged(): void {
    if (!this.isAlive) return;
    this.watch();
    this.dial?.settingsChanged();
  }

  /** Time of silence after which it ends; 0: none. */
  get idleTimeoutMs(): number {
    return this.extras?.own.idleTimeoutMs ?? this.settings.idleTimeoutMs;
  }

  private watch(): void {
    if (this.silence === undefined) {
      if (silenceDueMs(this) === Number.POSITIVE_INFINITY) return;
      this.silence = new SilenceWatch(this);
    }
    this.silence.set();
  }

  // — what is known of it —

  get localAddress(): Address | undefined {
    return this.port?.address;
  }

  get remoteAddress(): Address | undefined {
    return this.peer === undefined ? undefined : addressOfPeer(this.peer);
  }

  /** What the protocol above the datagrams tells of itself; undefined where each of them is a message. */
  get linkStats(): unknown {
    return this.link?.stats;
  }

  get missedCount(): number {
    return this.extras?.inbox?.droppedCount ?? 0;
  }

  get failedCount(): number {
    return this.extras?.failedCount ?? 0;
  }

  get remoteHost(): string | undefined {
    return this.extras?.remoteHost;
  }

  set remoteHost(host: string | undefined) {
    this.more().remoteHost = host;
  }

  get connectedAt(): number {
    return this.wheel.clock.originMs + this.openedMs;
  }

  private get lastMs(): number {
    return this.extras?.closedMs ?? this.wheel.clock.now();
  }

  get ageMs(): number {
    return Math.max(0, this.lastMs - this.openedMs);
  }

  get silentForMs(): number {
    return Math.max(0, this.lastMs - this.heardMs);
  }

  get stats(): ConnectionStats {
    return {
      receivedBytes: this.receivedBytes,
      sentBytes: this.sentBytes,
      pendingBytes: this.pendingBytes,
      unreadBytes: this.unreadBytes,
      droppedCount: this.droppedCount,
      ageMs: this.ageMs,
    };
  }

  /** The socket of an outgoing session is its own; a server's is its component's. */
  ref(): void {
    this.dial?.ref();
  }

  unref(): void {
    this.dial?.unref();
  }
}

/** Throws `PACKET_INVALID` for what can't be a datagram of the application's. */
function assertDatagram(
  message: Buffer,
  maxDatagramBytes: number,
  options: MessageOptions | undefined,
): void {
  const { length } = message;
  if (options !== undefined) throw invalidArgument("a datagram is sent without options");
  if (length > 0 && length <= maxDatagramBytes && !isCloseNotify(message)) return;
  let why = `a datagram of ${length} bytes is above maxDatagramBytes (${maxDatagramBytes})`;
  if (length === 0) why = "an empty datagram is a probe, and never the application's";
  else if (isCloseNotify(message)) why = "these 16 bytes say that the session is closed";
  throw new NetError("PACKET_INVALID", why, { operation: "send" });
}

/** Bytes that were sent where some datagrams of a run failed. */
function leftBytes(byteCount: number, count: number, failedCount: number): number {
  return Math.max(0, byteCount - failedCount * Math.ceil(byteCount / count));
}
