/**
 * What one session sends: whether there is room, which of its datagrams are under way, and who is told when they have
 * left, or failed. Hot.
 */
import type { SendResult, WaitOptions } from "../connection/connection.js";
import type { ConnectionState } from "../connection/connection-state.js";
import type { EventOwner } from "../connection/events/events.js";
import { type MarkedConnection, SendMarks } from "../connection/sending/send-marks.js";
import { beginWait } from "../connection/waiting/waiter.js";
import type { PeerKey } from "../engine/peer-key.js";
import { invalidArgument, NetError } from "../errors.js";
import { isCloseNotify } from "../protocol/udp-control/udp-control.js";
import type { TimingWheel } from "../time/timing-wheel.js";
import { type Destination, NOWHERE, type SessionPort } from "./datagram-port.js";
import type { DatagramSettings } from "./datagram-settings.js";
import type { SessionEvents } from "./session-events.js";
import type { MessageOptions, SessionLink } from "./session-link.js";

/** A session, as its way out sees it. */
export interface OutboundSession extends MarkedConnection, EventOwner {
  readonly settings: DatagramSettings;
  readonly wheel: TimingWheel;
  readonly state: ConnectionState;
  readonly peer: PeerKey | undefined;
  readonly link: SessionLink | undefined;
  readonly isOpen: boolean;
  sentBytes: number;
  readonly host: {
    readonly events: SessionEvents;
    /** Whether sessions have links, once they are open. */
    readonly hasLinks: boolean;
  };
  closedError(): NetError;
  /** A datagram has left, or was acknowledged, while the session closes. */
  sentWhileClosing(): void;
  /** `failedCount` datagrams could not be sent. */
  sendFailed(error: NetError, failedCount: number): void;
  /** The network reports that the peer can't be reached. */
  networkRefused(error: NetError): void;
}

/** What one session sends. */
export class SessionOutbound implements Destination {
  firstWaiting: number = NOWHERE;
  lastWaiting: number = NOWHERE;
  /** What it leaves by; undefined before the session is open. */
  port: SessionPort | undefined = undefined;
  private readonly session: OutboundSession;
  /** Bytes of datagrams that are not sent yet. */
  private waitingBytes = 0;
  private marks: SendMarks | undefined = undefined;

  constructor(session: OutboundSession) {
    this.session = session;
  }

  get peer(): PeerKey | undefined {
    return this.session.peer;
  }

  /** Bytes that are not sent, or not acknowledged where peers do that. */
  get pendingBytes(): number {
    return this.session.link?.pendingBytes ?? this.waitingBytes;
  }

  /** Whether no datagram waits. */
  get isEmpty(): boolean {
    return this.waitingBytes === 0;
  }

  /** Sends that were dropped. */
  get droppedCount(): number {
    return this.marks?.droppedCount ?? 0;
  }

  /** A message of the application's. */
  send(message: Buffer, options: MessageOptions | undefined): SendResult {
    const { session } = this;
    const { link } = session;
    if (link !== undefined) link.assertSendable(message.length, options);
    else if (!session.host.hasLinks) {
      assertDatagram(message, session.settings.maxDatagramBytes, options);
    }
    if (!session.isOpen || !this.hasRoom(message.length)) return false;
    if (link !== undefined) link.send(message, options);
    else this.sendDatagram(message);
    if (this.pendingBytes < session.settings.highWaterMarkBytes) return true;
    this.madeMarks().reached(session);
    return "slow";
  }

  /** One datagram, when the turn ends. */
  sendDatagram(bytes: Uint8Array): void {
    const { port } = this;
    if (port?.isOpen !== true || this.session.state === "closed") return;
    this.waitingBytes += bytes.length;
    port.send(this, bytes);
  }

  private hasRoom(byteCount: number): boolean {
    const { session, port } = this;
    const { maxPendingBytes, maxSocketPendingBytes } = session.settings;
    if (this.pendingBytes + byteCount > maxPendingBytes) session.link?.makeRoom();
    const waitingBytes = this.pendingBytes;
    const isOwn = waitingBytes > 0 && waitingBytes + byteCount > maxPendingBytes;
    const socketBytes = port?.pendingBytes ?? 0;
    if (!isOwn && (socketBytes === 0 || socketBytes + byteCount <= maxSocketPendingBytes)) {
      return true;
    }
    if (isOwn) this.madeMarks().overflowed(session, waitingBytes, byteCount);
    // Where nothing of its own is under way, nothing would tell it of room.
    else this.madeMarks().dropped(waitingBytes > 0);
    return false;
  }

  private madeMarks(): SendMarks {
    this.marks ??= new SendMarks();
    return this.marks;
  }

  // — what became of it —

  datagramsSent(
    byteCount: number,
    count: number,
    error: NetError | undefined,
    failedCount: number,
  ): void {
    const { session } = this;
    this.waitingBytes -= byteCount;
    const sentBytes = error === undefined ? byteCount : leftBytes(byteCount, count, failedCount);
    session.sentBytes += sentBytes;
    if (session.state === "closed") return;
    // The failure of a probe is ignored (HP §3.3).
    if (error !== undefined) this.failed(error, byteCount > 0 ? failedCount : 0);
    else if (session.link === undefined && byteCount > 0) {
      session.host.events.sent(session, sentBytes);
    }
    this.afterSend();
  }

  private failed(error: NetError, failedCount: number): void {
    const { session } = this;
    if (failedCount > 0) session.sendFailed(error, failedCount);
    if (error.code === "CONNECTION_REFUSED") session.networkRefused(error);
  }

  /** The peer has acknowledged `byteCount` bytes. */
  acknowledged(byteCount: number): void {
    const { session } = this;
    if (session.state === "closed") return;
    session.host.events.sent(session, byteCount);
    this.afterSend();
  }

  /** Something is sent: who waits for room is told. */
  private afterSend(): void {
    const { session } = this;
    if (session.state === "closing") session.sentWhileClosing();
    const { marks } = this;
    if (marks === undefined || session.state === "closed") return;
    if (this.pendingBytes <= session.settings.lowWaterMarkBytes) marks.fell(session);
  }

  /** See `Connection.drained`. */
  async drained(options: WaitOptions): Promise<void> {
    const { session } = this;
    beginWait(options, "drained", "send");
    if (session.state === "ending" || session.state === "closed") throw session.closedError();
    if (this.pendingBytes <= session.settings.lowWaterMarkBytes) return;
    await this.madeMarks().wait(session.wheel, options);
  }

  /** The session has ended: who waits is told. */
  ended(): void {
    this.marks?.end()?.reject(this.session.closedError());
  }
}

/** Throws `PACKET_INVALID` for what can't be a datagram of the application's. */
function assertDatagram(
  message: Buffer,
  maxDatagramBytes: number,
  options: MessageOptions | undefined,
): void {
  const { length } = message;
  if (options !== undefined)
    throw invalidArgument("send has no options over UDP: expiresMs is for ARQ");
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
