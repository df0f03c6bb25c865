/**
 * One conversation of KCP: messages become numbered segments, which are sent again until they are acknowledged,
 * and come out at the other side once and in order (HP §3.4; the segment format of KCP 1.7 and 2.1).
 *
 * Pure and hot. The clock is handed in with each call, as milliseconds; `flush` is called once when a turn ends
 * in which `needsFlush` became true, and `due` at `dueMs`, when all has been handed in that had come by then: what
 * acknowledges a segment may lie in the kernel while its time runs out. While nothing waits or is on its way, nothing is due.
 *
 *     input ─► acknowledgements ─► SegmentSender          flush: acknowledgements, window ◄─ SegmentReceiver
 *           └► data ─► SegmentReceiver ─► message                segments, probes         ◄─ SegmentSender ◄─ send
 *
 * Differences to the C reference that the wire allows: acknowledgements leave at the end of the turn; the
 * window of a datagram that was overtaken is not taken for the present one; a peer that is not heard is given
 * up after `deadLinkMs`; what acknowledges segments that were never sent is refused.
 */
import {
  type InputResult,
  type KcpCounts,
  type KcpIdentity,
  type KcpSink,
  NEVER,
} from "./kcp-settings.js";
import type { KcpShare } from "./kcp-share.js";
import type { RoundTrip } from "./round-trip.js";
import {
  ACKNOWLEDGE,
  ASK_WINDOW,
  HEAD_BYTES,
  isWellFormed,
  MAX_FRAGMENTS,
  PUSH,
} from "./segment.js";
import { SegmentReceiver } from "./segment-receiver.js";
import { SegmentSender } from "./segment-sender.js";

/** One side of one conversation. */
export class Kcp {
  /** The peer does not answer any more. */
  isDead = false;
  private readonly share: KcpShare;
  /** Number that the peer's segments carry. */
  private readonly conversation: number;
  private readonly sender: SegmentSender;
  private readonly receiver: SegmentReceiver;
  private malformedCount = 0;
  private isOver = false;
  private heardMs = Number.NEGATIVE_INFINITY;
  /** Since when something waits to be acknowledged; infinite: nothing does. */
  private waitingSinceMs = NEVER;

  /** Any number of conversations can have the same `share`. */
  constructor(identity: KcpIdentity, sink: KcpSink, share: KcpShare) {
    this.share = share;
    this.conversation = identity.remoteConversation | 0;
    this.sender = new SegmentSender(identity, share);
    this.receiver = new SegmentReceiver(identity, sink, share);
  }

  /** Something is to be written when the turn ends. */
  get needsFlush(): boolean {
    return this.sender.needsFlush || this.receiver.needsFlush;
  }

  /** Bytes of messages that are not acknowledged. */
  get pendingBytes(): number {
    return this.sender.pendingBytes;
  }

  /** Segments that are not acknowledged, those without a number included. */
  get pendingSegments(): number {
    return this.sender.pendingSegments;
  }

  /** Segments on their way. */
  get inFlight(): number {
    return this.sender.inFlight;
  }

  /** Segments that are kept because messages are not whole, or not taken. */
  get keptSegments(): number {
    return this.receiver.keptCount;
  }

  /** Segments that may be on their way. */
  get window(): number {
    return this.sender.window;
  }

  /** Messages that grew stale before they were sent. */
  get staleMessages(): number {
    return this.sender.staleCount;
  }

  get roundTrip(): RoundTrip {
    return this.sender.roundTrip;
  }

  /** Longest message that can be sent. */
  get maxSendBytes(): number {
    const { segmentBytes, settings } = this.share;
    return settings.isStream ? NEVER : MAX_FRAGMENTS * segmentBytes;
  }

  get counts(): KcpCounts {
    const { sender, receiver } = this;
    return {
      sentSegments: sender.sentCount,
      timedOutSegments: sender.timedOutCount,
      skippedSegments: sender.skippedCount,
      repeatedSegments: sender.repeatedCount,
      receivedSegments: receiver.receivedCount,
      duplicateSegments: receiver.duplicateCount,
      malformedDatagrams: this.malformedCount,
      staleMessages: sender.staleCount,
    };
  }

  /** When `due` is to be called although nothing happens; infinite while nothing is due. */
  get dueMs(): number {
    if (this.isOver) return NEVER;
    const { dueMs } = this.sender;
    return this.waitingSinceMs === NEVER ? dueMs : Math.min(dueMs, this.deadAtMs());
  }

  private deadAtMs(): number {
    return Math.max(this.heardMs, this.waitingSinceMs) + this.share.settings.deadLinkMs;
  }

  /** Takes a message; it leaves with the next flush. One longer than `maxSendBytes` is the caller's fault. */
  send(bytes: Uint8Array, staleMs: number = NEVER): void {
    if (!this.isOver) this.sender.send(bytes, staleMs);
  }

  /** Drops messages that have grown stale and have no number yet. */
  dropStale(nowMs: number): void {
    this.sender.dropStale(nowMs);
  }

  /** A datagram came. It is looked at during the call only. */
  input(bytes: Buffer, nowMs: number): InputResult {
    if (this.isOver) return "taken";
    const { sender, receiver } = this;
    const { remote } = sender;
    const { view } = this.share.memory.toRead(bytes);
    const end = bytes.length;
    if (!isWellFormed(view, end, this.conversation, sender.next)) {
      this.malformedCount++;
      return "malformed";
    }
    const now = Math.floor(nowMs) | 0;
    const firstBefore = sender.first;
    const windowBefore = remote.segments;
    let ackedBytes = 0;
    let hasAck = false;
    let newestNumber = 0;
    let newestTime = 0;
    let result: InputResult = "taken";
    for (let offset = 0; end - offset >= HEAD_BYTES && result === "taken"; ) {
      const kind = view.getInt32(offset + 4, true);
      const command = kind & 255;
      const time = view.getInt32(offset + 8, true);
      const number = view.getInt32(offset + 12, true);
      const una = view.getInt32(offset + 16, true);
      const length = view.getInt32(offset + 20, true);
      remote.told(kind >>> 16, una);
      ackedBytes += sender.acknowledgedUpTo(una);
      if (command === ACKNOWLEDGE) {
        ackedBytes += sender.acknowledged(number, (now - time) | 0, nowMs);
        if (!hasAck || ((number - newestNumber) | 0) > 0) {
          hasAck = true;
          newestNumber = number;
          newestTime = time;
        }
      } else if (command === PUSH) {
        result = receiver.received(bytes, offset, (kind >> 8) & 255, number, time, length);
        if (this.isOver) return result;
      } else if (command === ASK_WINDOW) receiver.asked();
      offset += HEAD_BYTES + length;
    }
    this.heardMs = nowMs;
    if (hasAck) sender.countSkips(newestNumber, newestTime);
    sender.settle(firstBefore, windowBefore, ackedBytes, nowMs);
    if (!sender.isAwaiting) this.waitingSinceMs = NEVER;
    if (result === "tooLong") this.release();
    return result;
  }

  /** Delivers nothing until `resume`; the window closes. */
  hold(): void {
    this.receiver.hold();
  }

  /** Delivers what waits. Returns as `input` does. */
  resume(): InputResult {
    if (this.isOver) return "taken";
    const result = this.receiver.resume();
    if (result === "tooLong") this.release();
    return result;
  }

  /** Writes what the turn has brought: acknowledgements, probes, overtaken segments, new segments. */
  flush(nowMs: number): void {
    this.write(nowMs, false);
  }

  /** The same, and segments whose time-out has passed; finds out whether the peer is dead. */
  due(nowMs: number): void {
    this.write(nowMs, true);
  }

  private write(nowMs: number, isDue: boolean): void {
    if (this.isOver) return;
    const { sender, receiver } = this;
    receiver.beginWriting();
    receiver.writeAcks();
    sender.writeProbe(nowMs);
    receiver.writeWindow();
    sender.writeSegments(nowMs, isDue);
    this.share.writer.finish();
    sender.written(nowMs);
    if (!sender.isAwaiting) this.waitingSinceMs = NEVER;
    else if (this.waitingSinceMs === NEVER) this.waitingSinceMs = nowMs;
    const isSilent = isDue && this.waitingSinceMs < NEVER && nowMs >= this.deadAtMs();
    if (isSilent || sender.isGivenUp) this.isDead = true;
  }

  /** Forgets everything; nothing more comes in or goes out. */
  release(): void {
    this.isOver = true;
    this.sender.release();
    this.receiver.release();
  }
}
