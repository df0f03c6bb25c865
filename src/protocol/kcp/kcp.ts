/**
 * One conversation of KCP: messages become numbered segments, which are sent again until they are acknowledged,
 * and come out at the other side once and in order (HP §3.4; the segment format of KCP 1.7 and 2.1).
 *
 * Pure and hot. The clock is handed in with each call, as milliseconds; `flush` is called once when a turn ends
 * in which `needsFlush` became true, and at `dueMs`. While nothing waits or is on its way, nothing is due.
 *
 * Differences to the C reference that the wire allows: acknowledgements leave at the end of the turn; the
 * window of a datagram that was overtaken is not taken for the present one; a peer that is not heard is given
 * up after `deadLinkMs`; what acknowledges segments that were never sent is refused.
 */
import type { AckList } from "./ack-list.js";
import type { Congestion } from "./congestion.js";
import type { DatagramSink } from "./datagram-writer.js";
import type { KcpShare } from "./kcp-share.js";
import type { MemoryBlock } from "./memory-block.js";
import { MessageQueue } from "./message-queue.js";
import { type MessageSink, ReceiveWindow } from "./receive-window.js";
import { RoundTrip } from "./round-trip.js";
import {
  ACKNOWLEDGE,
  ASK_WINDOW,
  HEAD_BYTES,
  isWellFormed,
  MAX_FRAGMENTS,
  MAX_WINDOW,
  PUSH,
  TELL_WINDOW,
} from "./segment.js";
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

/** How a conversation behaves. */
export interface KcpSettings {
  /** How times grow when a segment is lost again: 0 doubles, 1 and 2 add half; 0 also waits an eighth longer. */
  readonly noDelay: 0 | 1 | 2;
  /** Time between looks at what has to be sent again; part of every time-out. */
  readonly intervalMs: number;
  /** Later segments acknowledged that let one be sent again at once; 0: none do. */
  readonly fastResend: number;
  /** How often one may be sent again in that way; 0: always. */
  readonly fastLimit: number;
  /** Every segment is sent again after this time, so often, unless it is acknowledged; 0: not so. */
  readonly repeatAfterMs: number;
  readonly repeatCount: number;
  /** Segments under way, and segments that are kept until they are delivered. */
  readonly sendWindow: number;
  readonly receiveWindow: number;
  /** Longest datagram. */
  readonly mtuBytes: number;
  /** Borders of messages are not kept, so that segments are full. */
  readonly isStream: boolean;
  readonly minRtoMs: number;
  /** Longest message that is received. */
  readonly maxMessageBytes: number;
  /** The peer is given up when a segment was sent so often, or nothing was heard for so long. */
  readonly deadLinkCount: number;
  readonly deadLinkMs: number;
}

/** What a conversation has of its own. */
export interface KcpIdentity {
  /** Number that our segments carry, and the one that the peer's must carry. */
  readonly localConversation: number;
  readonly remoteConversation: number;
  readonly congestion: Congestion;
  /** Number of the first segment. Default: 0, as every KCP begins. */
  readonly firstNumber?: number;
}

/** What a conversation works on. */
export interface KcpSink extends DatagramSink, MessageSink {}

/** What `input` did with a datagram. */
export type InputResult =
  | "taken"
  /** It is none of this conversation, and was passed over. */
  | "malformed"
  /** It began a message that is longer than `maxMessageBytes`, or than the window. The conversation is over. */
  | "tooLong";

/** Counts of a conversation. */
export interface KcpCounts {
  /** Segments with data: sent first, sent again after a time-out, sent again because later ones arrived. */
  sentSegments: number;
  timedOutSegments: number;
  skippedSegments: number;
  /** Segments that were sent once more before anything was known of them. */
  repeatedSegments: number;
  receivedSegments: number;
  /** Among those received: here already. */
  duplicateSegments: number;
  /** Datagrams that were passed over. */
  malformedDatagrams: number;
  /** Messages that grew stale before they were sent. */
  staleMessages: number;
}

/** Window of the peer until it tells. */
const FIRST_REMOTE_WINDOW = 128;
/** While the peer has no room it is asked: first after this time, then each time half as long again. */
const FIRST_PROBE_MS = 1_000;
const MAX_PROBE_MS = 120_000;
/** What has to be sent again, and a probe, waits at most this share of `deadLinkMs`: tries enough. */
const TRIES_UNTIL_DEAD = 20;
const NEVER: number = Number.POSITIVE_INFINITY;

/** One side of one conversation. */
export class Kcp {
  readonly counts: KcpCounts = {
    sentSegments: 0,
    timedOutSegments: 0,
    skippedSegments: 0,
    repeatedSegments: 0,
    receivedSegments: 0,
    duplicateSegments: 0,
    malformedDatagrams: 0,
    staleMessages: 0,
  };
  readonly roundTrip: RoundTrip;
  /** Bytes of messages that are not acknowledged. */
  pendingBytes = 0;
  /** Something is to be written when the turn ends. */
  needsFlush = false;
  /** The peer does not answer any more. */
  isDead = false;
  /** Bytes of data in a full segment. */
  readonly segmentBytes: number;

  private readonly settings: KcpSettings;
  private readonly sink: KcpSink;
  private readonly share: KcpShare;
  private readonly local: number;
  private readonly remote: number;
  private readonly congestion: Congestion;
  private readonly sending: SendWindow;
  private readonly queue: MessageQueue;
  private readonly receiving: ReceiveWindow;
  /** Of the first message of the queue, once a part of it has left: bytes and fragments that have not, and where they begin. */
  private begunLeft = 0;
  private fragmentsLeft = 0;
  private beginsAt = 0;
  private queuedSegments = 0;
  /** Segments to acknowledge; undefined: none. */
  private acks: AckList | undefined = undefined;
  private remoteWindow = FIRST_REMOTE_WINDOW;
  private newestUna: number;
  private isHeld = false;
  private isOver = false;
  private tellsWindow = false;
  private toldWindow: number;
  private probeMs = 0;
  private probeDueMs = NEVER;
  /** No segment is due to be sent again before this. */
  private resendDueMs = NEVER;
  private lookedMs = Number.NEGATIVE_INFINITY;
  private hasSkipped = false;
  /** The budget has held back something, or something that has to be sent again. */
  private isPacedOut = false;
  private isResendPacedOut = false;
  private heardMs = Number.NEGATIVE_INFINITY;
  /** Since when something waits for an answer; infinite: nothing does. */
  private waitingSinceMs = NEVER;
  /** Of the flush under way: what may still leave, and what has. */
  private budget = 0;
  private flushedBytes = 0;
  private repeatedBytes = 0;

  /** Any number of conversations can have the same `settings` and `share`. */
  constructor(settings: KcpSettings, identity: KcpIdentity, sink: KcpSink, share: KcpShare) {
    const { receiveWindow, mtuBytes } = settings;
    const { firstNumber = 0 } = identity;
    this.settings = settings;
    this.sink = sink;
    this.share = share;
    this.local = identity.localConversation | 0;
    this.remote = identity.remoteConversation | 0;
    this.congestion = identity.congestion;
    this.segmentBytes = mtuBytes - HEAD_BYTES;
    this.roundTrip = new RoundTrip(settings.minRtoMs, settings.intervalMs);
    this.sending = new SendWindow(firstNumber | 0, share.memory);
    this.queue = new MessageQueue(share.memory);
    this.receiving = new ReceiveWindow(firstNumber | 0, receiveWindow, share.memory);
    this.newestUna = firstNumber | 0;
    this.toldWindow = receiveWindow;
  }

  /** Longest message that can be sent. */
  get maxSendBytes(): number {
    return this.settings.isStream ? NEVER : MAX_FRAGMENTS * this.segmentBytes;
  }

  /** Segments that are not acknowledged, those without a number included. */
  get pendingSegments(): number {
    return this.sending.span + this.queuedSegments;
  }

  /** Segments on their way. */
  get inFlight(): number {
    return this.sending.span;
  }

  /** Segments that are kept because messages are not whole, or nobody takes them. */
  get keptSegments(): number {
    return this.receiving.count;
  }

  /** Segments that may be on their way. */
  get window(): number {
    return Math.min(this.settings.sendWindow, this.remoteWindow, this.congestion.window);
  }

  /** When `flush` is to be called although nothing happens; infinite while nothing is due. */
  get dueMs(): number {
    if (this.isOver) return NEVER;
    let dueMs = Math.max(this.resendDueMs, this.lookedMs + this.settings.intervalMs);
    if (this.isPacedOut) dueMs = Math.min(dueMs, this.congestion.nextMs);
    dueMs = Math.min(dueMs, this.probeDueMs);
    if (this.waitingSinceMs < NEVER) dueMs = Math.min(dueMs, this.deadAtMs());
    return dueMs;
  }

  /** Takes a message; it leaves with the next flush. One longer than `maxSendBytes` is the caller's fault. */
  send(bytes: Uint8Array, staleMs: number = NEVER): void {
    if (this.isOver) return;
    this.needsFlush = true;
    this.pendingBytes += bytes.length;
    if (this.settings.isStream) {
      this.sendStream(bytes, staleMs);
      return;
    }
    this.queuedSegments += this.segmentsOf(bytes.length);
    const { memory } = this.share;
    memory.keepToSend(bytes, this.segmentBytes);
    this.queue.add(memory.block, memory.offset, bytes.length, staleMs);
  }

  /** Drops messages that have grown stale and have no number yet. */
  dropStale(nowMs: number): void {
    this.queue.dropStale(nowMs, this.begunLeft > 0 ? 1 : 0, this);
  }

  /** A datagram came. It is looked at during the call only. */
  input(bytes: Buffer, nowMs: number): InputResult {
    if (this.isOver) return "taken";
    const { view } = this.share.memory.toRead(bytes);
    const end = bytes.length;
    if (!isWellFormed(view, end, this.remote, this.sending.next)) {
      this.counts.malformedDatagrams++;
      return "malformed";
    }
    const now = Math.floor(nowMs) | 0;
    const firstBefore = this.sending.first;
    const windowBefore = this.remoteWindow;
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
      if (((una - this.newestUna) | 0) >= 0) {
        this.newestUna = una;
        this.remoteWindow = kind >>> 16;
      }
      ackedBytes += this.acknowledgedUpTo(una);
      if (command === ACKNOWLEDGE) {
        const tripMs = (now - time) | 0;
        if (tripMs >= 0) {
          this.roundTrip.measured(tripMs);
          this.congestion.roundTrip(tripMs, nowMs);
        }
        ackedBytes += this.acknowledged(number);
        if (!hasAck || ((number - newestNumber) | 0) > 0) {
          hasAck = true;
          newestNumber = number;
          newestTime = time;
        }
      } else if (command === PUSH) {
        result = this.pushed(bytes, offset, (kind >> 8) & 255, number, time, length);
        if (this.isOver) return result;
      } else if (command === ASK_WINDOW) {
        this.tellsWindow = true;
        this.needsFlush = true;
      }
      offset += HEAD_BYTES + length;
    }
    this.heardMs = nowMs;
    if (hasAck) this.countSkips(newestNumber, newestTime);
    this.settle(firstBefore, ackedBytes, nowMs);
    if (this.queue.count > 0 && this.remoteWindow > windowBefore) this.needsFlush = true;
    if (result === "tooLong") this.release();
    return result;
  }

  /** Delivers nothing until `resume`; the window closes. */
  hold(): void {
    this.isHeld = true;
  }

  /** Delivers what waits. Answers as `input` does. */
  resume(): InputResult {
    if (!this.isHeld || this.isOver) return "taken";
    this.isHeld = false;
    const result = this.deliver();
    if (this.toldWindow === 0 && this.receiving.free > 0) {
      this.tellsWindow = true;
      this.needsFlush = true;
    }
    if (result === "tooLong") this.release();
    return result;
  }

  /** Writes what is to be written: acknowledgements, probes, what is due again, what is new. */
  flush(nowMs: number): void {
    if (this.isOver) return;
    const { sending, congestion } = this;
    const now = Math.floor(nowMs) | 0;
    this.needsFlush = false;
    this.beginWriting();
    if (this.acks !== undefined) this.writeAcks(this.acks);
    this.writeProbes(nowMs);
    this.dropStale(nowMs);
    this.isPacedOut = false;
    this.flushedBytes = 0;
    this.repeatedBytes = 0;
    this.budget = congestion.budgetBytes(nowMs);
    const mayLook = nowMs >= this.lookedMs + this.settings.intervalMs;
    const isDue = (mayLook || this.isResendPacedOut) && nowMs >= this.resendDueMs;
    if (this.hasSkipped || isDue) this.resend(now, nowMs);
    if (!this.isPacedOut) this.sendNew(now, nowMs);
    this.share.writer.finish();
    const isLimited = this.isPacedOut || this.queue.count > 0;
    if (this.flushedBytes > 0 || isLimited) {
      congestion.sent(this.flushedBytes - this.repeatedBytes, isLimited, nowMs);
    }
    if (sending.span === 0 && this.probeDueMs === NEVER) this.waitingSinceMs = NEVER;
    else if (this.waitingSinceMs === NEVER) this.waitingSinceMs = nowMs;
    if (this.waitingSinceMs < NEVER && nowMs >= this.deadAtMs()) this.isDead = true;
  }

  /** Forgets everything; nothing more comes in or goes out. */
  release(): void {
    this.isOver = true;
    this.needsFlush = false;
    this.pendingBytes = 0;
    this.queuedSegments = 0;
    if (this.acks !== undefined) this.share.acks.give(this.acks);
    this.acks = undefined;
    this.sending.clear();
    this.queue.clear();
    this.receiving.clear();
  }

  /** A call of the queue's. */
  messageDropped(block: MemoryBlock, length: number): void {
    const segments = this.segmentsOf(length);
    this.share.memory.release(block, segments);
    this.counts.staleMessages++;
    this.pendingBytes -= length;
    this.queuedSegments -= segments;
  }

  private segmentsOf(byteCount: number): number {
    return byteCount <= this.segmentBytes ? 1 : Math.ceil(byteCount / this.segmentBytes);
  }

  private deadAtMs(): number {
    return Math.max(this.heardMs, this.waitingSinceMs) + this.settings.deadLinkMs;
  }

  /** Fills the last segment that waits before it begins another one. */
  private sendStream(bytes: Uint8Array, staleMs: number): void {
    const { queue, segmentBytes } = this;
    const { memory } = this.share;
    const isBegun = queue.count === 1 && this.begunLeft > 0;
    const { lastLength } = queue;
    let taken = 0;
    if (lastLength >= 0 && lastLength < segmentBytes && !isBegun) {
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

  private acknowledgedUpTo(una: number): number {
    const { sending } = this;
    let ackedBytes = 0;
    for (let number = sending.first; ((una - number) | 0) > 0; number = (number + 1) | 0) {
      const length = sending.take(number);
      if (length > 0) ackedBytes += length;
    }
    if (((una - sending.first) | 0) > 0) sending.moveOn();
    return ackedBytes;
  }

  private acknowledged(number: number): number {
    if (!this.sending.has(number)) return 0;
    const length = this.sending.take(number);
    if (number === this.sending.first) this.sending.moveOn();
    return Math.max(0, length);
  }

  /** The segment `newest`, sent at `time`, has arrived: those before it were overtaken, or are lost. */
  private countSkips(newest: number, time: number): void {
    const { sending } = this;
    const { fastResend } = this.settings;
    if (fastResend === 0 || !sending.has(newest)) return;
    for (let number = sending.first; number !== newest; number = (number + 1) | 0) {
      if (sending.blockOf(number) === undefined) continue;
      const slot = sending.slot(number);
      if (((time - (sending.fields[slot + SENT_AT] as number)) | 0) < 0) continue;
      const skips = (sending.fields[slot + SKIPS] as number) + 1;
      sending.fields[slot + SKIPS] = skips;
      if (skips === fastResend) {
        this.hasSkipped = true;
        this.needsFlush = true;
      }
    }
  }

  /** A datagram has been looked at: what was acknowledged makes room. */
  private settle(firstBefore: number, ackedBytes: number, nowMs: number): void {
    const { sending } = this;
    const movedOn = (sending.first - firstBefore) | 0;
    if (movedOn === 0 && ackedBytes === 0) return;
    this.pendingBytes -= ackedBytes;
    this.congestion.acknowledged(movedOn, ackedBytes, this.remoteWindow, nowMs);
    if (sending.span === 0) {
      this.resendDueMs = NEVER;
      if (this.probeDueMs === NEVER) this.waitingSinceMs = NEVER;
    }
    if (this.queue.count > 0) this.needsFlush = true;
  }

  private pushed(
    bytes: Buffer,
    offset: number,
    fragment: number,
    number: number,
    time: number,
    length: number,
  ): InputResult {
    const { receiving, counts } = this;
    const distance = receiving.distance(number);
    if (distance >= receiving.window) return "taken";
    this.acknowledge(number, time);
    counts.receivedSegments++;
    if (distance < 0) {
      counts.duplicateSegments++;
      return "taken";
    }
    const start = offset + HEAD_BYTES;
    if (distance === 0 && fragment === 0 && receiving.isEmpty && !this.isHeld) {
      if (length > this.settings.maxMessageBytes) return "tooLong";
      receiving.pass();
      this.sink.message(bytes, start, length, false);
      return "taken";
    }
    const keptBefore = receiving.count;
    receiving.keep(number, fragment, bytes, start, length);
    if (receiving.count === keptBefore) counts.duplicateSegments++;
    return distance === 0 ? this.deliver() : "taken";
  }

  private acknowledge(number: number, time: number): void {
    this.acks ??= this.share.acks.take();
    if (this.acks.isFull) {
      this.beginWriting();
      this.acks.write(this.share.writer);
      this.share.writer.finish();
    }
    this.acks.add(number, time);
    this.needsFlush = true;
  }

  private deliver(): InputResult {
    const { receiving } = this;
    const { maxMessageBytes } = this.settings;
    while (!this.isHeld && !this.isOver) {
      const byteCount = receiving.wholeBytes(maxMessageBytes);
      if (byteCount === -1) break;
      if (byteCount === -2) return "tooLong";
      receiving.give(this.sink);
    }
    return "taken";
  }

  /** Begins to write: nothing is received until it is finished, so that all heads tell the same. */
  private beginWriting(): void {
    const { receiving } = this;
    const free = Math.min(MAX_WINDOW, Math.max(0, receiving.free));
    this.toldWindow = free;
    this.share.writer.begin(this.sink, this.settings.mtuBytes, this.local, free, receiving.next);
  }

  private writeAcks(acks: AckList): void {
    acks.write(this.share.writer);
    this.share.acks.give(acks);
    this.acks = undefined;
  }

  private writeProbes(nowMs: number): void {
    if (this.remoteWindow > 0 || this.queue.count === 0) {
      this.probeMs = 0;
      this.probeDueMs = NEVER;
    } else if (this.probeMs === 0) {
      this.probeMs = FIRST_PROBE_MS;
      this.probeDueMs = nowMs + FIRST_PROBE_MS;
    } else if (nowMs >= this.probeDueMs) {
      const mostMs = Math.max(FIRST_PROBE_MS, this.settings.deadLinkMs / TRIES_UNTIL_DEAD);
      this.probeMs = Math.min(MAX_PROBE_MS, mostMs, this.probeMs + (this.probeMs >> 1));
      this.probeDueMs = nowMs + this.probeMs;
      this.share.writer.writeCommand(ASK_WINDOW, 0, 0);
    }
    if (this.tellsWindow) this.share.writer.writeCommand(TELL_WINDOW, 0, 0);
    this.tellsWindow = false;
  }

  /** Sends again what is due, and what later ones have overtaken. */
  private resend(now: number, nowMs: number): void {
    const { sending, roundTrip } = this;
    const { fastResend, fastLimit, deadLinkCount } = this.settings;
    const { repeatAfterMs } = this.settings;
    const repeatCount = repeatAfterMs > 0 ? this.settings.repeatCount : 0;
    const { fields } = sending;
    const limit = fastResend === 0 ? NEVER : fastResend;
    let timedOutCount = 0;
    let skippedCount = 0;
    let firstWait = NEVER;
    for (let number = sending.first; number !== sending.next; number = (number + 1) | 0) {
      if (sending.blockOf(number) === undefined) continue;
      const slot = sending.slot(number);
      const sends = fields[slot + SENDS] as number;
      const wait = ((fields[slot + RESEND_AT] as number) - now) | 0;
      const isSkipped =
        (fields[slot + SKIPS] as number) >= limit && (fastLimit === 0 || sends <= fastLimit);
      if (wait > 0 && !isSkipped) {
        firstWait = Math.min(firstWait, wait);
        continue;
      }
      const isRepeat = sends <= repeatCount && wait <= 0;
      if (!isRepeat && this.budget < (fields[slot + LENGTH] as number)) {
        this.isPacedOut = true;
        firstWait = 0;
        break;
      }
      if (isRepeat) {
        // Not known to be lost, and not what the budget is for.
        this.budget += fields[slot + LENGTH] as number;
        this.counts.repeatedSegments++;
        this.repeatedBytes += fields[slot + LENGTH] as number;
      } else if (wait <= 0) {
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
      if (sends + 1 >= deadLinkCount) this.isDead = true;
    }
    this.lookedMs = nowMs;
    this.resendDueMs = firstWait === NEVER ? NEVER : nowMs + firstWait;
    this.isResendPacedOut = this.isPacedOut;
    this.hasSkipped &&= this.isPacedOut;
    if (skippedCount > 0) this.congestion.skipped(skippedCount, sending.span);
    if (timedOutCount > 0) this.congestion.timedOut(timedOutCount);
    this.counts.skippedSegments += skippedCount;
    this.counts.timedOutSegments += timedOutCount;
  }

  private longerTimeout(timeoutMs: number, measuredMs: number): number {
    const { noDelay, deadLinkMs } = this.settings;
    const longerMs =
      noDelay === 0
        ? timeoutMs + Math.max(timeoutMs, measuredMs)
        : timeoutMs + ((noDelay === 1 ? timeoutMs : measuredMs) >> 1);
    return Math.min(longerMs, Math.max(measuredMs, deadLinkMs / TRIES_UNTIL_DEAD));
  }

  /** Gives numbers to what waits, as far as windows and pace allow, and sends it. */
  private sendNew(now: number, nowMs: number): void {
    const { queue, sending, segmentBytes, congestion } = this;
    const { isStream, repeatAfterMs, repeatCount } = this.settings;
    const { writer } = this.share;
    const { timeoutMs } = this.roundTrip;
    const firstMs = this.settings.noDelay === 0 ? timeoutMs + (timeoutMs >> 3) : timeoutMs;
    const repeats = repeatAfterMs > 0 && repeatCount > 0;
    const waitMs = repeats ? Math.min(repeatAfterMs, firstMs) : firstMs;
    const span = Math.min(this.settings.sendWindow, this.remoteWindow, MAX_WINDOW);
    const onTheWay = congestion.countsGaps ? sending.span : sending.unackedCount;
    let room = Math.min(span - sending.span, congestion.window - onTheWay);
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
      if (this.budget < byteCount + length) {
        this.isPacedOut = true;
        break;
      }
      this.fragmentsLeft--;
      const fragment = isStream ? 0 : this.fragmentsLeft;
      const { block } = queue;
      const number = sending.next;
      sending.add(block, this.beginsAt, length, fragment, now, timeoutMs, waitMs);
      writer.writeSegment(block, this.beginsAt, length, fragment, now, number);
      sentCount++;
      byteCount += length;
      this.begunLeft = left - length;
      // There is room for a head in front of each segment.
      this.beginsAt += length + HEAD_BYTES;
      if (this.begunLeft === 0) queue.shift();
    }
    if (sentCount === 0) return;
    this.budget -= byteCount;
    this.flushedBytes += byteCount;
    this.queuedSegments -= sentCount;
    this.counts.sentSegments += sentCount;
    this.resendDueMs = Math.min(this.resendDueMs, nowMs + waitMs);
  }

  private writeAgain(number: number, slot: number, now: number): void {
    const { sending } = this;
    const { fields } = sending;
    const length = fields[slot + LENGTH] as number;
    fields[slot + SENT_AT] = now;
    fields[slot + SENDS] = (fields[slot + SENDS] as number) + 1;
    const block = sending.blockOf(number) as MemoryBlock;
    const fragment = fields[slot + FRAGMENT] as number;
    const beginsAt = fields[slot + OFFSET] as number;
    this.share.writer.writeSegment(block, beginsAt, length, fragment, now, number);
    this.budget -= length;
    this.flushedBytes += length;
  }
}
