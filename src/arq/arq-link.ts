/**
 * One reliable session: the handshake, and then KCP, over the datagrams of a session. Both of them tell when they
 * are due; one deadline on the wheel serves both, and none is set while a session is idle.
 *
 *     handshaking ── the peer has echoed our id ──► established: KCP
 *
 * A datagram that does not belong to the session is counted and dropped: source addresses can be forged. Only a peer
 * that received our id can repeat it.
 */
import type { LinkedSession, MessageOptions, SessionLink } from "../datagram/session-link.js";
import { assertInteger, assertKnownKeys, invalidArgument, NetError } from "../errors.js";
import {
  Handshake,
  type HandshakeOwner,
  type HandshakeSettings,
} from "../protocol/arq/handshake.js";
import {
  HANDSHAKE_BYTES,
  type HandshakePacket,
  parseHandshake,
  writeHandshake,
} from "../protocol/arq/handshake-packet.js";
import { type Congestion, NoCongestion, StockCongestion } from "../protocol/kcp/congestion.js";
import { Kcp } from "../protocol/kcp/kcp.js";
import type { KcpSink } from "../protocol/kcp/kcp-settings.js";
import type { KcpShare } from "../protocol/kcp/kcp-share.js";
import type { MemoryBlock } from "../protocol/kcp/memory-block.js";
import { PacedCongestion } from "../protocol/kcp/pacing.js";
import { HEAD_BYTES } from "../protocol/kcp/segment.js";
import type { WheelItem } from "../time/timing-wheel.js";
import type { ArqSettings } from "./arq-settings.js";
import { type ConversationIds, randomId } from "./conversation-ids.js";
import type { OutputMemory } from "./output-memory.js";

/** Longest time after which a message may grow stale. */
const MAX_EXPIRES_MS = 2 ** 31 - 1;

/** What one reliable session can tell of itself. */
export interface ArqStats {
  /** Smoothed round trip in milliseconds; 0 before the first acknowledgement. */
  readonly roundTripMs: number;
  /** Time after which a segment is sent again. */
  readonly timeoutMs: number;
  /** Segments that may be on their way at the moment. */
  readonly windowSegments: number;
  /** Segments that were sent and not acknowledged. */
  readonly inFlightSegments: number;
  /** Segments that were not acknowledged, those that were not sent among them. */
  readonly pendingSegments: number;
  /** Segments that were sent for the first time. */
  readonly sentSegments: number;
  /** Segments that were sent again because their time was over. */
  readonly timedOutSegments: number;
  /** Segments that were sent again because later ones were acknowledged. */
  readonly skippedSegments: number;
  /** Segments that were sent once more because of `repeatAfterMs`. */
  readonly repeatedSegments: number;
  /** Segments with data that have come. */
  readonly receivedSegments: number;
  /** Received segments that were there already. */
  readonly duplicateSegments: number;
  /** Datagrams that do not belong to the session. */
  readonly malformedDatagrams: number;
  /** Messages that grew stale before they left. */
  readonly staleMessages: number;
}

/** What all links of a component share. */
export interface ArqShare {
  readonly settings: ArqSettings;
  readonly ids: ConversationIds;
  readonly handshake: HandshakeSettings;
  readonly kcp: KcpShare;
  readonly output: OutputMemory;
}

/** One reliable session: its handshake, then its KCP. */
export class ArqLink implements SessionLink, HandshakeOwner, KcpSink, WheelItem {
  wheelMs = 0;
  next: WheelItem | undefined = undefined;
  previous: WheelItem | undefined = undefined;
  private readonly session: LinkedSession;
  private readonly share: ArqShare;
  private kcp: Kcp | undefined = undefined;
  private handshake: Handshake | undefined = undefined;
  private foreignCount = 0;
  private isClosing = false;
  private isOver = false;

  constructor(session: LinkedSession, share: ArqShare) {
    this.session = session;
    this.share = share;
  }

  private get nowMs(): number {
    return this.session.wheel.clock.now();
  }

  get pendingBytes(): number {
    return this.kcp?.pendingBytes ?? 0;
  }

  get stats(): ArqStats {
    const { kcp } = this;
    const counts = kcp?.counts;
    return {
      roundTripMs: kcp?.roundTrip.smoothedMs ?? 0,
      timeoutMs: kcp?.roundTrip.timeoutMs ?? 0,
      windowSegments: kcp?.window ?? 0,
      inFlightSegments: kcp?.inFlight ?? 0,
      pendingSegments: kcp?.pendingSegments ?? 0,
      sentSegments: counts?.sentSegments ?? 0,
      timedOutSegments: counts?.timedOutSegments ?? 0,
      skippedSegments: counts?.skippedSegments ?? 0,
      repeatedSegments: counts?.repeatedSegments ?? 0,
      receivedSegments: counts?.receivedSegments ?? 0,
      duplicateSegments: counts?.duplicateSegments ?? 0,
      malformedDatagrams: (counts?.malformedDatagrams ?? 0) + this.foreignCount,
      staleMessages: counts?.staleMessages ?? 0,
    };
  }

  // — how it begins —

  opened(): void {
    const { conversation } = this.share.settings;
    if (conversation === undefined) {
      if (!this.session.isOutgoing) return;
      this.beginHandshake(randomId(), 0);
      this.handshake?.due(this.nowMs);
      this.arm();
    } else if (conversation !== "any") this.begin(conversation, conversation);
    else if (this.session.isOutgoing) {
      const id = randomId();
      this.begin(id, id);
    }
  }

  get isReady(): boolean {
    return this.kcp !== undefined;
  }

  private beginHandshake(ownId: number, peerId: number): void {
    this.handshake = new Handshake(this.share.handshake, ownId, peerId, this.nowMs, this);
  }

  get isInitiator(): boolean {
    return this.session.isOutgoing;
  }

  /** A call of the handshake's. */
  sendHandshake(packet: HandshakePacket): void {
    this.session.sendDatagram(writeHandshake(packet));
  }

  private begin(localConversation: number, remoteConversation: number): void {
    const { settings, kcp } = this.share;
    const congestion = createCongestion(settings);
    const identity = { localConversation, remoteConversation, congestion };
    this.kcp = new Kcp(identity, this, kcp);
    this.session.establish();
  }

  // — receiving —

  received(datagram: Buffer): void {
    if (this.isOver) return;
    const { conversation } = this.share.settings;
    if (conversation === undefined && datagram.length === HANDSHAKE_BYTES) {
      this.handshakeReceived(datagram);
      return;
    }
    if (this.kcp === undefined && conversation === "any" && datagram.length >= HEAD_BYTES) {
      const id = datagram.readUInt32LE(0);
      this.begin(id, id);
    }
    // The peer repeats what comes before the handshake is done.
    if (this.kcp !== undefined) this.segmentsReceived(this.kcp, datagram);
  }

  private segmentsReceived(kcp: Kcp, datagram: Buffer): void {
    const pendingBefore = kcp.pendingBytes;
    const result = kcp.input(datagram, this.nowMs);
    if (this.isOver) return;
    if (result === "tooLong") {
      this.failTooLong();
      return;
    }
    if (kcp.needsFlush) this.session.askLater();
    const ackedBytes = pendingBefore - kcp.pendingBytes;
    if (ackedBytes > 0) this.session.acknowledged(ackedBytes);
    else if (this.isClosing && kcp.pendingSegments === 0) this.session.allSent();
  }

  private failTooLong(): void {
    const { maxMessageBytes } = this.share.settings;
    const text = `a message came that is longer than maxMessageBytes (${maxMessageBytes}), or than the receive window`;
    this.fail("PACKET_TOO_LONG", text, "receive");
  }

  private handshakeReceived(datagram: Buffer): void {
    const { nowMs } = this;
    const packet = parseHandshake(datagram);
    if (packet === undefined) {
      this.foreignCount++;
      return;
    }
    // A server's session begins with a packet that has the id in it that we have made for it.
    if (this.handshake === undefined) this.beginHandshake(packet.peerId, packet.ownId);
    const { handshake } = this;
    if (handshake === undefined) return;
    const result = handshake.received(packet, nowMs);
    if (result === "established") this.begin(handshake.ownId, handshake.peerId);
    else if (result === "replaced") this.replaced();
    else if (result === "foreign") this.strangerReceived(packet.ownId, packet.peerId, nowMs);
    this.arm();
  }

  /** A handshake at the peer's address begins anew: it has to prove its address before this session ends. */
  private strangerReceived(ownId: number, peerId: number, nowMs: number): void {
    const { session, share } = this;
    const { peer } = session;
    this.foreignCount++;
    if (session.isOutgoing || peer === undefined) return;
    if (peerId === 0) {
      const id = share.ids.make(peer, ownId, nowMs);
      session.sendDatagram(writeHandshake({ isComplete: false, ownId: id, peerId: ownId }));
    } else if (share.ids.isGood(peerId, peer, ownId, nowMs)) this.replaced();
  }

  /** Sends nothing: the peer would take it for its new session's. */
  private replaced(): void {
    const text = "the peer has forgotten this session and begins another one";
    this.session.failSilently(
      new NetError("CONNECTION_RESET", text, {
        operation: "receive",
        connectionId: this.session.id,
      }),
    );
  }

  // — KCP's calls —

  output(memory: MemoryBlock, start: number, byteCount: number): void {
    this.session.sendDatagram(this.share.output.copy(memory, start, byteCount));
  }

  message(bytes: Buffer, start: number, length: number, isLent: boolean): void {
    if (this.isClosing || this.isOver) return;
    const message = bytes.subarray(start, start + length);
    this.session.deliver(isLent ? Buffer.from(message) : message);
  }

  hold(): void {
    this.kcp?.hold();
  }

  resume(): void {
    const { kcp } = this;
    if (kcp === undefined || this.isOver) return;
    const result = kcp.resume();
    if (this.isOver) return;
    if (result === "tooLong") this.failTooLong();
    else if (kcp.needsFlush) this.session.askLater();
  }

  // — sending —

  assertSendable(byteCount: number, options: MessageOptions | undefined): void {
    const { isStream, maxMessageBytes } = this.share.settings;
    if (byteCount > maxMessageBytes) {
      const text = `a message of ${byteCount} bytes is above maxMessageBytes (${maxMessageBytes})`;
      throw new NetError("PACKET_INVALID", text, { operation: "send" });
    }
    if (options === undefined) return;
    assertKnownKeys("send", options, ["expiresMs"]);
    const { expiresMs } = options;
    if (expiresMs === undefined) return;
    assertInteger("expiresMs", expiresMs, 1, MAX_EXPIRES_MS);
    // A part of the stream would be missing, and the receiver could not tell where.
    if (isStream) throw invalidArgument("expiresMs is not for isStream, which knows no messages");
  }

  makeRoom(): void {
    this.kcp?.dropStale(this.nowMs);
  }

  send(message: Uint8Array, options: MessageOptions | undefined): void {
    const { kcp } = this;
    if (kcp === undefined) return;
    const expiresMs = options?.expiresMs;
    kcp.send(message, expiresMs === undefined ? undefined : this.nowMs + expiresMs);
    this.session.askLater();
  }

  turnEnded(): void {
    const { kcp } = this;
    if (kcp === undefined || this.isOver) return;
    const staleBefore = kcp.staleMessages;
    kcp.flush(this.nowMs);
    this.flushed(kcp, staleBefore);
    this.arm();
  }

  private flushed(kcp: Kcp, staleBefore: number): void {
    if (kcp.isDead) this.failDead(kcp);
    else if (kcp.staleMessages !== staleBefore) this.session.acknowledged(0);
  }

  private failDead(kcp: Kcp): void {
    const { deadLinkMs, deadLinkCount } = this.share.settings;
    const text = `the peer acknowledges nothing: ${kcp.pendingSegments} segments wait, deadLinkMs is ${deadLinkMs}, deadLinkCount ${deadLinkCount}`;
    this.fail("ARQ_DEAD_LINK", text, "receive");
  }

  // — time —

  /** Sets the deadline where it is not set for an earlier moment; it finds out when it gets there. */
  private arm(): void {
    if (this.isOver) return;
    const dueMs = this.dueMs;
    if (dueMs === Number.POSITIVE_INFINITY) return;
    if (this.next !== undefined && this.wheelMs <= dueMs) return;
    this.session.wheel.set(this, Math.max(0, dueMs - this.nowMs));
  }

  private get dueMs(): number {
    const handshakeMs = this.handshake?.dueMs ?? Number.POSITIVE_INFINITY;
    return Math.min(handshakeMs, this.kcp?.dueMs ?? Number.POSITIVE_INFINITY);
  }

  deadlineReached(): void {
    const { handshake, kcp, nowMs } = this;
    if (handshake?.isLate(nowMs) === true) {
      const { handshakeTimeoutMs } = this.share.settings;
      const text = `the handshake was not finished within handshakeTimeoutMs (${handshakeTimeoutMs})`;
      this.fail("HANDSHAKE_TIMEOUT", text, "handshake");
      return;
    }
    handshake?.due(nowMs);
    if (kcp !== undefined && kcp.dueMs <= nowMs) {
      const staleBefore = kcp.staleMessages;
      kcp.due(nowMs);
      this.flushed(kcp, staleBefore);
    }
    this.arm();
  }

  // — how it ends —

  closing(): boolean {
    this.isClosing = true;
    return this.kcp === undefined || this.kcp.pendingSegments === 0;
  }

  ended(): void {
    this.isOver = true;
    this.kcp?.release();
    this.session.wheel.clear(this);
  }

  private fail(
    code: "PACKET_TOO_LONG" | "ARQ_DEAD_LINK" | "HANDSHAKE_TIMEOUT",
    text: string,
    operation: "receive" | "handshake",
  ): void {
    this.session.fail(new NetError(code, text, { operation, connectionId: this.session.id }));
  }
}

function createCongestion({ congestion, maxTransmitBytes, resendByAcks }: ArqSettings): Congestion {
  const segmentBytes = maxTransmitBytes - HEAD_BYTES;
  if (congestion === "none") return new NoCongestion();
  if (congestion === "stock") return new StockCongestion(segmentBytes, resendByAcks);
  return new PacedCongestion(segmentBytes);
}
