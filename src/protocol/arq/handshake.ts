/**
 * The handshake of one session (HP §3.4): both sides tell each other their ids, and that they have heard them. Pure:
 * the clock is handed in, packets to send are handed out.
 *
 *     begun ── packet with our id ──► established ── packet with flag 1 ──► complete
 *
 * Invariants: until the peer has echoed our id, the side that waits answers each packet with at most one, and only the
 * side that began repeats by itself. A packet of a stranger ends nothing: it would have to contain our id, which only
 * those know who have received a packet of ours.
 *
 * The original ends a session for any packet that does not fit, so that strangers can cut sessions; and it repeats
 * packets to addresses that are not proved, so that one forged packet causes twelve.
 */
import type { HandshakePacket } from "./handshake-packet.js";

/** Longest time between two packets. */
const MAX_INTERVAL_MS = 2_000;
const NEVER: number = Number.POSITIVE_INFINITY;

/** How a handshake behaves. */
export interface HandshakeSettings {
  /** Time until the first repetition; the next ones take twice, three times … as long, at most 2 s. */
  readonly intervalMs: number;
  /** Time for all of it. */
  readonly timeoutMs: number;
}

/** Whose handshake it is. */
export interface HandshakeOwner {
  /** Whether this side began, and so repeats before it is heard. */
  readonly isInitiator: boolean;
  /** Sends a packet to the peer. */
  sendHandshake(packet: HandshakePacket): void;
}

/** What a packet has brought about. */
export type HandshakeResult =
  | "taken"
  /** The peer has echoed our id: the session can be used. */
  | "established"
  /** It does not belong here. */
  | "foreign"
  /** The peer knows our id, and has another id than before: it has begun anew. */
  | "replaced";

/** One side of a handshake. */
export class Handshake {
  readonly ownId: number;
  /** The peer's id; 0 while it is not known. */
  peerId: number;
  /** The peer has echoed our id. */
  isEstablished = false;
  /** The peer knows that we have heard it. */
  isComplete = false;
  private readonly settings: HandshakeSettings;
  private readonly owner: HandshakeOwner;
  private readonly startMs: number;
  private sentCount = 0;
  private nextMs: number;

  /** `peerId`: the peer's id, if this side answers and knows it already. */
  constructor(
    settings: HandshakeSettings,
    ownId: number,
    peerId: number,
    nowMs: number,
    owner: HandshakeOwner,
  ) {
    this.settings = settings;
    this.ownId = ownId;
    this.peerId = peerId;
    this.owner = owner;
    this.startMs = nowMs;
    this.nextMs = nowMs;
  }

  /** When {@link due} is to be called. */
  get dueMs(): number {
    if (this.isEstablished && this.isComplete) return NEVER;
    return Math.min(this.repeats ? this.nextMs : NEVER, this.startMs + this.settings.timeoutMs);
  }

  /** The time for the handshake is over. */
  isLate(nowMs: number): boolean {
    const isDone = this.isEstablished && this.isComplete;
    return !isDone && nowMs >= this.startMs + this.settings.timeoutMs;
  }

  /** Repeats what is due. */
  due(nowMs: number): void {
    if (this.repeats && nowMs >= this.nextMs && !this.isLate(nowMs)) this.tell(nowMs);
  }

  /** A packet came. */
  received(packet: HandshakePacket, nowMs: number): HandshakeResult {
    const isEcho = packet.peerId === this.ownId;
    if (!this.isEstablished) return this.receivedFirst(packet, isEcho, nowMs);
    if (packet.ownId !== this.peerId)
      return isEcho && this.isOfNext(packet) ? "replaced" : "foreign";
    if (!isEcho && packet.peerId !== 0) return "foreign";
    if (packet.isComplete && isEcho) this.isComplete = true;
    // A peer that has heard us needs no answer. If our answer was lost, it repeats its packet.
    if (!packet.isComplete || nowMs >= this.nextMs) this.tell(nowMs);
    return "taken";
  }

  private receivedFirst(packet: HandshakePacket, isEcho: boolean, nowMs: number): HandshakeResult {
    if (!isEcho && packet.peerId !== 0) return "foreign";
    if (packet.ownId !== this.peerId) {
      this.peerId = packet.ownId;
      this.sentCount = 0;
    }
    if (isEcho) {
      this.isEstablished = true;
      this.isComplete = packet.isComplete;
    }
    this.tell(nowMs);
    return isEcho ? "established" : "taken";
  }

  /**
   * Whether a packet with another id belongs to a later session. A peer that keeps nothing of strangers may have answered
   * an earlier packet of ours with another id; a peer that has a session says that it is complete.
   */
  private isOfNext(packet: HandshakePacket): boolean {
    return packet.isComplete || !this.owner.isInitiator;
  }

  /** Whether this side sends packets by itself now. */
  private get repeats(): boolean {
    return this.isEstablished ? !this.isComplete : this.owner.isInitiator;
  }

  private tell(nowMs: number): void {
    this.sentCount++;
    this.nextMs = nowMs + Math.min(this.settings.intervalMs * this.sentCount, MAX_INTERVAL_MS);
    const { ownId, peerId, isEstablished } = this;
    this.owner.sendHandshake({ isComplete: isEstablished, ownId, peerId });
  }
}
