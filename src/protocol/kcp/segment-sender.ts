/**
 * The half of a conversation that sends: messages become numbered segments, which leave as far as windows and pace
 * allow, and are sent again until they are acknowledged. Hot.
 */
import type { Congestion } from "./congestion.js";
import { type KcpIdentity, type KcpSettings, NEVER, TRIES_UNTIL_DEAD } from "./kcp-settings.js";
import type { KcpShare } from "./kcp-share.js";
import type { MemoryBlock } from "./memory-block.js";
import { MessageQueue, type QueueOwner } from "./message-queue.js";
import { RemoteWindow } from "./remote-window.js";
import { RoundTrip } from "./round-trip.js";
import { HEAD_BYTES, MAX_WINDOW } from "./segment.js";
import {
  FRAGMENT,
  LENGTH,
  OFFSET,
  RESEND_AT,
  SENDS,
  SENT_AT,
  SendWindow,
  SKIPS,
  TIMEOUT,
} from "./send-window.js";

/** The half of a conversation that sends. */
export class SegmentSender implements QueueOwner {
  /** Bytes of messages that are not acknowledged. */
  pendingBytes = 0;
  /** Something may leave when the turn ends. */
  needsFlush = false;
  /** A segment was sent `deadLinkCount` times. */
  isGivenUp = false;
  sentCount = 0;
  timedOutCount = 0;
  skippedCount = 0;
  repeatedCount = 0;
  staleCount = 0;
  readonly roundTrip: RoundTrip;
  readonly remote: RemoteWindow;
  private readonly share: KcpShare;
  private readonly settings: KcpSettings;
  private readonly congestion: Congestion;
  private readonly numbered: SendWindow;
  private readonly queue: MessageQueue;
  /**
   * Of the first message of the queue, once a part of it has left: bytes and fragments that have not, and where they
   * begin.
   */
  private begunLeft = 0;
  private fragmentsLeft = 0;
  private beginsAt = 0;
  private queuedSegments = 0;
  /** No segment is due to be sent again before this. */
  private resendDueMs = NEVER;
  private lookedMs = Number.NEGATIVE_INFINITY;
  private hasSkipped = false;
  /** The budget has held back something, or something that has to be sent again. */
  private isPacedOut = false;
  private isResendPacedOut = false;

  constructor(identity: KcpIdentity, share: KcpShare) {
    const firstNumber = (identity.firstNumber ?? 0) | 0;
    this.share = share;
    this.settings = share.settings;
    this.congestion = identity.congestion;
    this.roundTrip = new RoundTrip();
    this.remote = new RemoteWindow(firstNumber);
    this.numbered = new SendWindow(firstNumber, share.memory);
    this.queue = new MessageQueue(share.memory);
  }

  /** Number of the first segment that is not acknowledged, and of the one that comes. */
  get first(): number {
    return this.numbered.first;
  }

  get next(): number {
    return this.numbered.next;
  }

  /** Segments on their way. */
  get inFlight(): number {
    return this.numbered.span;
  }

  /** Segments that are not acknowledged, those without a number included. */
  get pendingSegments(): number {
    return this.numbered.span + this.queuedSegments;
  }

  /** Segments that may be on their way. */
  get window(): number {
    const { sendWindow } = this.settings;
    return Math.min(sendWindow, this.remote.segments, this.congestion.window);
  }

  /** Whether an answer of the peer's is waited for. */
  get isAwaiting(): boolean {
    return this.numbered.span > 0 || this.remote.dueMs < NEVER;
  }

  /** When something is to leave although nothing happens; infinite while nothing is due. */
  get dueMs(): number {
    let dueMs = Math.max(this.resendDueMs, this.lookedMs + this.settings.intervalMs);
    if (this.isPacedOut) dueMs = Math.min(dueMs, this.congestion.nextMs);
    return Math.min(dueMs, this.remote.dueMs);
  }

  // — messages —

  /** Takes a message. */
  send(bytes: Uint8Array, staleMs: number): void {
    const { memory, segmentBytes } = this.share;
    this.needsFlush = true;
    this.pendingBytes += bytes.length;
    if (this.settings.isStream) {
      this.sendStream(bytes, staleMs);
      return;
    }
    this.queuedSegments += this.segmentsOf(bytes.length);
    memory.keepToSend(bytes, segmentBytes);
    this.queue.add(memory.block, memory.offset, bytes.length, staleMs);
  }

  /** Fills the last segment that waits before it begins another one. */
  private sendStream(bytes: Uint8Array, staleMs: number): void {
    const { queue } = this;
    const { memory, segmentBytes } = this.share;
    const { lastLength } = queue;
    let taken = 0;
    if (lastLength >= 0 && lastLength < segmentBytes) {
      taken = Math.min(segmentBytes - lastLength, bytes.length);
      const more = bytes.subarray(0, taken);
      memory.keepBothToSend(queue.lastBlock, queue.lastOffset, lastLength, more);
      queue.replaceLast(memory.block, memory.offset, lastLength + taken);
    }
    while (taken < bytes.length) {
      const length = Math.min(segmentBytes, bytes.length - taken);
      memory.keepToSend(bytes.subarray(taken, taken + length), segmentBytes);
      queue.add(memory.block, memory.offset, length, staleMs);
      this.queuedSegments++;
      taken += length;
    }
  }

  /** Drops messages that have grown stale and have no number yet. */
  dropStale(nowMs: number): void {
    this.queue.dropStale(nowMs, this.begunLeft > 0 ? 1 : 0, this);
  }

  /** A call of the queue's. */
  messageDropped(block: MemoryBlock, length: number): void {
    const segments = this.segmentsOf(length);
    this.share.memory.release(block, segments);
    this.staleCount++;
    this.pendingBytes -= length;
    this.queuedSegments -= segments;
  }

  private segmentsOf(byteCount: number): number {
    const { segmentBytes } = this.share;
    return byteCount <= segmentBytes ? 1 : Math.ceil(byteCount / segmentBytes);
  }

  // — acknowledgements —

  /** All below `una` have arrived. Returns how many bytes that makes. */
  acknowledgedUpTo(una: number): number {
    const { numbered } = this;
    let ackedBytes = 0;
    for (let number = numbered.first; ((una - number) | 0) > 0; number = (number + 1) | 0) {
      const length = numbered.take(number);
      if (length > 0) ackedBytes += length;
    }
    if (((una - numbered.first) | 0) > 0) numbered.moveOn();
    return ackedBytes;
  }

  /** One has arrived, which was sent `tripMs` ago, unless that is negative. Returns its bytes. */
  acknowledged(number: number, tripMs: number, nowMs: number): number {
    const { numbered } = this;
    if (tripMs >= 0) {
      const { minRtoMs, intervalMs } = this.settings;
      this.roundTrip.measured(tripMs, minRtoMs, intervalMs);
      this.congestion.roundTrip(tripMs, nowMs);
    }
    if (!numbered.has(number)) return 0;
    const length = numbered.take(number);
    if (number === numbered.first) numbered.moveOn();
    return Math.max(0, length);
  }

  /** The segment `newest`, sent at `time`, has arrived: those before it were overtaken, or are lost. */
  countSkips(newest: number, time: number): void {
    const { numbered } = this;
    const { fastResend } = this.settings;
    if (fastResend === 0 || !numbered.has(newest)) return;
    for (let number = numbered.first; number !== newest; number = (number + 1) | 0) {
      if (numbered.blockOf(number) === undefined) continue;
      const slot = numbered.slot(number);
      if (((time - (numbered.fields[slot + SENT_AT] as number)) | 0) < 0) continue;
      const skips = (numbered.fields[slot + SKIPS] as number) + 1;
      numbered.fields[slot + SKIPS] = skips;
      if (skips === fastResend) {
        this.hasSkipped = true;
        this.needsFlush = true;
      }
    }
  }

  /**
   * A datagram has been looked at, before which `firstBefore` was the first, and `windowBefore` the peer's: what was
   * acknowledged makes room.
   */
  settle(firstBefore: number, windowBefore: number, ackedBytes: number, nowMs: number): void {
    const { numbered, remote } = this;
    const isWaiting = this.queue.count > 0;
    if (isWaiting && remote.segments > windowBefore) this.needsFlush = true;
    const movedOn = (numbered.first - firstBefore) | 0;
    if (movedOn === 0 && ackedBytes === 0) return;
    this.pendingBytes -= ackedBytes;
    this.congestion.acknowledged(movedOn, ackedBytes, remote.segments, nowMs);
    if (numbered.span === 0) this.resendDueMs = NEVER;
    if (isWaiting) this.needsFlush = true;
  }

  // — what leaves —

  /** Asks the peer for room, when that is due. */
  writeProbe(nowMs: number): void {
    this.needsFlush = false;
    const { deadLinkMs } = this.settings;
    this.remote.probe(nowMs, this.queue.count > 0, deadLinkMs, this.share.writer);
  }

  /** Writes what is due again, and what is new. `looksBack`: what is not acknowledged by now may be sent again. */
  writeSegments(nowMs: number, looksBack: boolean): void {
    const { congestion, share } = this;
    const now = Math.floor(nowMs) | 0;
    this.dropStale(nowMs);
    this.isPacedOut = false;
    share.flushedBytes = 0;
    share.repeatedBytes = 0;
    share.budget = congestion.budgetBytes(nowMs);
    const mayLook = nowMs >= this.lookedMs + this.settings.intervalMs;
    const isDue = this.isResendPacedOut || (looksBack && mayLook);
    const byTime = isDue && nowMs >= this.resendDueMs;
    if (this.hasSkipped || byTime) this.resend(now, nowMs, byTime);
    if (!this.isPacedOut) this.sendNew(now, nowMs);
  }

  /** All is written: tells what that was. */
  written(nowMs: number): void {
    const { flushedBytes, repeatedBytes } = this.share;
    const isLimited = this.isPacedOut || this.queue.count > 0;
    if (flushedBytes > 0 || isLimited) {
      this.congestion.sent(flushedBytes - repeatedBytes, isLimited, nowMs);
    }
  }

  /** Sends again what later ones have overtaken, and, `byTime`, what is due. */
  private resend(now: number, nowMs: number, byTime: boolean): void {
    const { numbered, roundTrip, settings, share } = this;
    const { fastResend, fastLimit, deadLinkCount, repeatAfterMs } = settings;
    const repeatCount = repeatAfterMs > 0 ? settings.repeatCount : 0;
    const { fields } = numbered;
    const limit = fastResend === 0 ? NEVER : fastResend;
    let timedOutCount = 0;
    let skippedCount = 0;
    let firstWait = NEVER;
    for (let number = numbered.first; number !== numbered.next; number = (number + 1) | 0) {
      if (numbered.blockOf(number) === undefined) continue;
      const slot = numbered.slot(number);
      const sends = fields[slot + SENDS] as number;
      const wait = ((fields[slot + RESEND_AT] as number) - now) | 0;
      const isSkipped =
        (fields[slot + SKIPS] as number) >= limit && (fastLimit === 0 || sends <= fastLimit);
      const isOver = byTime && wait <= 0;
      if (!isOver && !isSkipped) {
        firstWait = Math.min(firstWait, Math.max(0, wait));
        continue;
      }
      const isRepeat = sends <= repeatCount && isOver;
      if (!isRepeat && share.budget < (fields[slot + LENGTH] as number)) {
        this.isPacedOut = true;
        firstWait = 0;
        break;
      }
      if (isRepeat) {
        // A repetition without a known loss, which the budget does not count.
        share.budget += fields[slot + LENGTH] as number;
        share.repeatedBytes += fields[slot + LENGTH] as number;
        this.repeatedCount++;
      } else if (isOver) {
        timedOutCount++;
        const lastMs = fields[slot + TIMEOUT] as number;
        fields[slot + TIMEOUT] = this.longerTimeout(lastMs, roundTrip.timeoutMs);
      } else {
        skippedCount++;
        fields[slot + SKIPS] = 0;
      }
      const timeoutMs = fields[slot + TIMEOUT] as number;
      const nextMs = sends < repeatCount ? Math.min(repeatAfterMs, timeoutMs) : timeoutMs;
      fields[slot + RESEND_AT] = now + nextMs;
      firstWait = Math.min(firstWait, nextMs);
      this.writeAgain(number, slot, now);
      if (sends + 1 >= deadLinkCount) this.isGivenUp = true;
    }
    if (byTime) this.lookedMs = nowMs;
    this.resendDueMs = firstWait === NEVER ? NEVER : nowMs + firstWait;
    this.isResendPacedOut = this.isPacedOut;
    this.hasSkipped &&= this.isPacedOut;
    if (skippedCount > 0) this.congestion.skipped(skippedCount, numbered.span);
    if (timedOutCount > 0) this.congestion.timedOut(timedOutCount);
    this.skippedCount += skippedCount;
    this.timedOutCount += timedOutCount;
  }

  private longerTimeout(timeoutMs: number, measuredMs: number): number {
    const { noDelay, deadLinkMs } = this.settings;
    const longerMs =
      noDelay === 0
        ? timeoutMs + Math.max(timeoutMs, measuredMs)
        : timeoutMs + ((noDelay === 1 ? timeoutMs : measuredMs) >> 1);
    return Math.min(longerMs, Math.max(measuredMs, deadLinkMs / TRIES_UNTIL_DEAD));
  }

  private writeAgain(number: number, slot: number, now: number): void {
    const { numbered, share } = this;
    const { fields } = numbered;
    const length = fields[slot + LENGTH] as number;
    fields[slot + SENT_AT] = now;
    fields[slot + SENDS] = (fields[slot + SENDS] as number) + 1;
    const block = numbered.blockOf(number) as MemoryBlock;
    const fragment = fields[slot + FRAGMENT] as number;
    const beginsAt = fields[slot + OFFSET] as number;
    share.writer.writeSegment(block, beginsAt, length, fragment, now, number);
    share.budget -= length;
    share.flushedBytes += length;
  }

  /** Gives numbers to what waits, as far as windows and pace allow, and sends it. */
  private sendNew(now: number, nowMs: number): void {
    const { queue, numbered, congestion, share } = this;
    const { isStream, noDelay, repeatAfterMs, repeatCount, sendWindow } = this.settings;
    const { segmentBytes, writer } = share;
    const { timeoutMs } = this.roundTrip;
    const firstMs = noDelay === 0 ? timeoutMs + (timeoutMs >> 3) : timeoutMs;
    const repeats = repeatAfterMs > 0 && repeatCount > 0;
    const waitMs = repeats ? Math.min(repeatAfterMs, firstMs) : firstMs;
    const span = Math.min(sendWindow, this.remote.segments, MAX_WINDOW);
    const onTheWay = congestion.countsGaps ? numbered.span : numbered.unackedCount;
    let room = Math.min(span - numbered.span, congestion.window - onTheWay);
    let sentCount = 0;
    let byteCount = 0;
    for (; queue.count > 0 && room > 0; room--) {
      let left = this.begunLeft;
      if (left === 0) {
        left = queue.length;
        this.fragmentsLeft = this.segmentsOf(left);
        this.beginsAt = queue.offset;
      }
      const length = Math.min(segmentBytes, left);
      if (share.budget < byteCount + length) {
        this.isPacedOut = true;
        break;
      }
      this.fragmentsLeft--;
      const fragment = isStream ? 0 : this.fragmentsLeft;
      const { block } = queue;
      const number = numbered.next;
      numbered.add(block, this.beginsAt, length, fragment, now, timeoutMs, waitMs);
      writer.writeSegment(block, this.beginsAt, length, fragment, now, number);
      sentCount++;
      byteCount += length;
      this.begunLeft = left - length;
      // There is room for a head in front of each segment.
      this.beginsAt += length + HEAD_BYTES;
      if (this.begunLeft === 0) queue.shift();
    }
    if (sentCount === 0) return;
    share.budget -= byteCount;
    share.flushedBytes += byteCount;
    this.queuedSegments -= sentCount;
    this.sentCount += sentCount;
    this.resendDueMs = Math.min(this.resendDueMs, nowMs + waitMs);
  }

  /** Forgets everything. */
  release(): void {
    this.needsFlush = false;
    this.pendingBytes = 0;
    this.queuedSegments = 0;
    this.numbered.clear();
    this.queue.clear();
  }
}
