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
import { CLOSED_LOCALLY, type CloseReason } from "../connection/close-reason.js";
import type { ConnectionStats, Data, SendResult, WaitOptions } from "../connection/connection.js";
import { nextConnectionId } from "../connection/connection-registry.js";
import { type ConnectionState, nextConnectionState } from "../connection/connection-state.js";
import { bytesOf } from "../connection/data.js";
import { abortedError, refusedError } from "../connection/ending/end-errors.js";
import type { RefusableConnection } from "../connection/events/events.js";
import type { HandlerSettled } from "../connection/events/packet-events.js";
import type { Member } from "../connection/member.js";
import type { MemberHost } from "../connection/member-host.js";
import { assertDeadline, assertIdleTimeout, OwnRules } from "../connection/own-rules.js";
import { DUE, HOLD } from "../connection/receiver.js";
import { chunksOf } from "../connection/views/chunks.js";
import type { Address } from "../engine/engine.js";
import { addressOfPeer, type PeerKey } from "../engine/peer-key.js";
import { describe, NetError, type Operation } from "../errors.js";
import { isCloseNotify, PROBE } from "../protocol/udp-control/udp-control.js";
import { Deadlines } from "../time/deadlines.js";
import type { TimingWheel } from "../time/timing-wheel.js";
import type { SessionPort } from "./datagram-port.js";
import type { DatagramSettings } from "./datagram-settings.js";
import type { MessageConnection } from "./message-connection.js";
import { type InboxSession, MessageInbox } from "./message-inbox.js";
import { type EndingSession, SessionEnding } from "./session-ending.js";
import type { SessionDial, SessionEvents } from "./session-events.js";
import type { LinkedSession, MessageOptions, SessionLink } from "./session-link.js";
import { type OutboundSession, SessionOutbound } from "./session-outbound.js";
import { SilenceWatch, silenceDueMs, type WatchedSession } from "./silence-watch.js";

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
  ending: SessionEnding | undefined;
  failedCount: number;
  remoteHost: string | undefined;
}

export class Session
  implements
    MessageConnection,
    Member,
    RefusableConnection,
    LinkedSession,
    InboxSession,
    HandlerSettled,
    WatchedSession,
    OutboundSession,
    EndingSession
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
  /** Of an outgoing session. */
  dial: SessionDial | undefined = undefined;
  /** The protocol over its datagrams; undefined where each of them is a message. */
  link: SessionLink | undefined = undefined;
  /** When it began, by the clock, in whole milliseconds. */
  openedMs: number;
  private readonly outbound: SessionOutbound = new SessionOutbound(this);
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
      ending: undefined,
      failedCount: 0,
      remoteHost: undefined,
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
    this.outbound.port = port;
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
    else if (isCloseNotify(datagram)) this.ending.peerClosed();
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
    const { droppedCount } = this.outbound;
    return this.inbox().request(bytes, options, () => {
      this.send(bytes);
      return this.isOpen && this.outbound.droppedCount === droppedCount;
    });
  }

  // — sending —

  get isOpen(): boolean {
    return this.state === "open" || (this.state === "handshaking" && this.link?.isReady !== false);
  }

  send(data: Data, options?: MessageOptions): SendResult {
    return this.outbound.send(bytesOf(data), options);
  }

  sendAll(pieces: readonly Data[]): SendResult {
    if (!Array.isArray(pieces)) {
      throw new NetError("INVALID_ARGUMENT", `pieces must be an array, not ${describe(pieces)}`);
    }
    return this.send(Buffer.concat(pieces.map(bytesOf)));
  }

  sendBytes(bytes: Uint8Array): boolean {
    return this.send(bytes) === true;
  }

  sendDatagram(bytes: Uint8Array): void {
    this.outbound.sendDatagram(bytes);
  }

  askLater(): void {
    if (this.link !== undefined) this.outbound.port?.askLater(this.link);
  }

  acknowledged(byteCount: number): void {
    this.outbound.acknowledged(byteCount);
  }

  get pendingBytes(): number {
    return this.outbound.pendingBytes;
  }

  drained(options: WaitOptions = {}): Promise<void> {
    return this.outbound.drained(options);
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

  /** The network says that a datagram did not arrive. */
  datagramRefused(error: NetError): void {
    if (!this.isAlive) return;
    if (this.link === undefined) this.host.events.sendFailed(this, error, 0);
    if (error.code === "CONNECTION_REFUSED") this.networkRefused(error);
  }

  networkRefused(error: NetError): void {
    this.dial?.refused(error);
  }

  sendFailed(error: NetError, failedCount: number): void {
    this.more().failedCount += failedCount;
    if (this.link === undefined) this.host.events.sendFailed(this, error, failedCount);
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

  private get ending(): SessionEnding {
    const more = this.more();
    more.ending ??= new SessionEnding(this);
    return more.ending;
  }

  close(): boolean {
    if (this.state !== "closed") this.ending.isAsked = true;
    return this.closeWith(CLOSED_LOCALLY);
  }

  abort(): boolean {
    if (this.state !== "closed") this.ending.isAsked = true;
    return this.fail(abortedError(this.id, this.state === "connecting"));
  }

  closeWith(reason: CloseReason): boolean {
    if (this.state === "connecting") return this.abort();
    if (!this.isAlive) return false;
    this.ending.begin(reason);
    return true;
  }

  fail(error: NetError): boolean {
    return this.ending.fail(error, true);
  }

  /** Ends it without a word to the peer, who is gone. */
  failSilently(error: NetError): boolean {
    return this.ending.fail(error, false);
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

  // — calls of its end —

  stopTaking(): void {
    const { extras } = this;
    this.silence?.end();
    extras?.deadlines?.end();
    extras?.inbox?.abandon();
  }

  isAllSent(): boolean {
    return this.link?.closing() ?? this.outbound.isEmpty;
  }

  sentWhileClosing(): void {
    if (this.isAllSent()) this.ending.allSent();
  }

  allSent(): void {
    this.ending.allSent();
  }

  settled(): void {
    this.outbound.ended();
    this.link?.ended();
    this.dial?.ended();
  }

  released(reason: CloseReason): void {
    this.host.connectionClosed(this, reason);
  }

  // — what is known of its end —

  /** Whether `close` or `abort` was called, whatever became of it. */
  get isCloseAsked(): boolean {
    return this.extras?.ending?.isAsked === true;
  }

  /** What was not sent, or not acknowledged where peers do that, when the session ended. */
  get unsentBytes(): number {
    return this.extras?.ending?.unsentBytes ?? 0;
  }

  get closeReason(): CloseReason | undefined {
    return this.extras?.ending?.reason;
  }

  closedError(): NetError {
    return this.ending.closedError();
  }

  /** The error that ended it, or `CONNECTION_CLOSED` after an orderly end. */
  endError(): NetError {
    return this.closeReason?.cause ?? this.closedError();
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

  private deadlinePassed(purpose: number): void {
    if (purpose === DUE.application) this.extras?.own.deadlinePassed(this);
    else if (purpose === DUE.close) this.ending.timePassed();
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
    return this.outbound.port?.address;
  }

  get remoteAddress(): Address | undefined {
    return this.peer === undefined ? undefined : addressOfPeer(this.peer);
  }

  /** What the protocol above the datagrams tells of itself; undefined where each of them is a message. */
  get linkStats(): unknown {
    return this.link?.stats;
  }

  get missedCount(): number {
    // The socket of an outgoing session is its own.
    const inSocketCount = this.isOutgoing ? (this.outbound.port?.droppedCount ?? 0) : 0;
    return inSocketCount + (this.extras?.inbox?.droppedCount ?? 0);
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
    return this.extras?.ending?.closedMs ?? this.wheel.clock.now();
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
      droppedCount: this.outbound.droppedCount,
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
