/**
 * Congestion control that goes by delay and by what arrives, not by loss: a lost segment on a bad link is no
 * sign of a full queue. It measures, in rounds of about a round trip,
 *
 * - the **rate** at which bytes are acknowledged: the best of the last rounds is what the link carries;
 * - the **shortest trip** of the last seconds: the link without a queue. What a round's best trip is
 *   longer is the queue that we and others have made.
 *
 * Bytes leave at that rate, evenly; now and then a round tries more, and the next one less. When the queue
 * is longer than the target, less leaves until it is short again, or as long as that makes it any shorter: what is
 * late because a machine is busy can't be told from a queue by one look. The window is twice what the link holds, and
 * what may leave at once, so that it rules only when acknowledgements stay away.
 *
 * All is judged by the time that has passed, never by the number of calls: a process that is held up reads many
 * acknowledgements in one turn, and catches up with what the link could have carried meanwhile.
 *
 *     startup: doubles each round ── rate no longer grows, or a queue ──► cruise: 1.25, 0.75, 1, 1, 1, 1, 1, 1
 *           ◄──────────────────── less was sent than the link carries ────
 */
import type { Congestion } from "./congestion.js";

const FIRST_WINDOW = 16;
/** Rounds whose best rate counts. */
const RATE_ROUNDS = 10;
/** Shortest round, so that a few acknowledgements on a fast link make no rate. */
const MIN_ROUND_MS = 10;
/** The shortest trip is forgotten after one to two of these. */
const TRIP_MEMORY_MS = 10_000;
const STARTUP_GAIN = 2.5;
/** Startup ends when the rate grew by less than this factor in each of so many rounds. */
const GROWTH = 1.25;
const STARTUP_ROUNDS = 3;
const CRUISE_GAINS: readonly number[] = [1.25, 0.75, 1, 1, 1, 1, 1, 1];
/** While the queue is longer than the target. */
const DRAIN_GAIN = 0.75;
/** Rounds of draining that may shorten nothing. A delay that outlasts them is not caused by our queue. */
const DRAIN_ROUNDS = 6;
/** Less than this share of what was sent in a round has arrived: the link carries no more. */
const SHORTFALL = 0.9;
/** Longest queue that is wanted: so much, or this share of the shortest trip. */
const MIN_QUEUE_MS = 8;
const QUEUE_SHARE = 0.25;
/** The largest share of losses for which faster sending makes up. */
const MAX_LOSS = 0.15;
/** The mean length of segments is about that of the last so many. */
const MEAN_OF = 16;
/**
 * Bytes that may leave at once, in time at the present rate: half the shortest trip, within these bounds. Timers may be
 * late; what is not sent because of that would be taken for what the link does not carry.
 */
const MIN_BURST_MS = 20;
const MAX_BURST_MS = 100;

/** Congestion control by delay, with an even pace. */
export class PacedCongestion implements Congestion {
  readonly countsGaps: boolean = false;
  window: number = FIRST_WINDOW;
  nextMs: number = Number.POSITIVE_INFINITY;
  private readonly segmentBytes: number;
  /** Bytes in a millisecond: those of the last rounds, and the best of them. */
  private readonly rates: number[] = [];
  private rate = 0;
  private isStartup = true;
  private roundsWithoutGrowth = 0;
  private gain = STARTUP_GAIN;
  private cruiseRound = 0;
  /** Rounds in which less was sent and the queue grew no shorter, and how short it was. */
  private drainedRounds = 0;
  private drainedToMs = Number.POSITIVE_INFINITY;

  private roundStartMs = Number.NEGATIVE_INFINITY;
  private roundBytes = 0;
  private ackedMs = 0;
  private roundTripMs = Number.POSITIVE_INFINITY;
  private sentCount = 0;
  private lostCount = 0;
  /** More was waiting all through the round. */
  private wasLimited = true;
  private lossShare = 0;
  /** Of what leaves at once, in parts of a segment. */
  private meanBytes: number;

  private tripMs = Number.POSITIVE_INFINITY;
  private olderTripMs = Number.POSITIVE_INFINITY;
  private tripSinceMs = Number.NEGATIVE_INFINITY;

  private tokens = 0;
  private tokensMs = 0;
  /** More waited when something was last sent. */
  private isWaiting = false;

  constructor(segmentBytes: number) {
    this.segmentBytes = segmentBytes;
    this.meanBytes = segmentBytes;
  }

  roundTrip(tripMs: number, nowMs: number): void {
    if (nowMs - this.tripSinceMs > TRIP_MEMORY_MS) {
      this.olderTripMs = this.tripMs;
      this.tripMs = tripMs;
      this.tripSinceMs = nowMs;
    }
    if (tripMs < this.tripMs) this.tripMs = tripMs;
    if (tripMs < this.roundTripMs) this.roundTripMs = tripMs;
  }

  acknowledged(count: number, byteCount: number, _remoteWindow: number, nowMs: number): void {
    if (this.isStartup && this.wasLimited) this.window += count;
    this.roundBytes += byteCount;
    this.ackedMs = nowMs;
  }

  /**
   * Ends a round with the last acknowledgement of a turn: a process that was held up finds many at once, and they
   * have come in all the time since the last ones.
   */
  private lookAtRound(): void {
    if (this.roundBytes === 0) return;
    const roundMs = this.ackedMs - this.roundStartMs;
    if (roundMs >= Math.max(MIN_ROUND_MS, this.shortestMs())) this.endRound(roundMs, this.ackedMs);
  }

  skipped(count: number): void {
    this.lostCount += count;
  }

  timedOut(count: number): void {
    this.lostCount += count;
  }

  budgetBytes(nowMs: number): number {
    this.lookAtRound();
    if (this.rate === 0) return Number.POSITIVE_INFINITY;
    const perMs = this.pacingRate();
    const passedMs = nowMs - this.tokensMs;
    // What waited while the process was held up leaves now; what the link could have carried, and no more.
    const lateMs = this.isWaiting ? passedMs : 0;
    const burstMs = Math.max(MIN_BURST_MS, this.shortestMs() / 2, lateMs);
    const burst = Math.max(2 * this.segmentBytes, perMs * Math.min(MAX_BURST_MS, burstMs));
    this.tokens = Math.min(burst, this.tokens + perMs * passedMs);
    this.tokensMs = nowMs;
    return this.tokens;
  }

  sent(byteCount: number, isLimited: boolean, nowMs: number): void {
    if (byteCount > 0) {
      this.sentCount += Math.ceil(byteCount / this.segmentBytes);
      const meanBytes = byteCount / Math.ceil(byteCount / this.segmentBytes);
      this.meanBytes += (meanBytes - this.meanBytes) / MEAN_OF;
    }
    this.wasLimited &&= isLimited;
    this.isWaiting = isLimited;
    this.nextMs = Number.POSITIVE_INFINITY;
    if (this.rate === 0) return;
    this.tokens -= byteCount;
    if (!isLimited || this.tokens >= this.segmentBytes) return;
    this.nextMs = nowMs + Math.ceil((this.segmentBytes - this.tokens) / this.pacingRate());
  }

  private shortestMs(): number {
    const shortestMs = Math.min(this.tripMs, this.olderTripMs);
    return shortestMs === Number.POSITIVE_INFINITY ? 0 : shortestMs;
  }

  private pacingRate(): number {
    // What may be on its way unasked at the beginning may always leave within a round trip.
    const leastRate =
      (FIRST_WINDOW * this.segmentBytes) / Math.max(MIN_ROUND_MS, this.shortestMs());
    return Math.max((this.rate * this.gain) / (1 - this.lossShare), leastRate);
  }

  private freeGain(): number {
    this.drainedRounds = 0;
    this.drainedToMs = Number.POSITIVE_INFINITY;
    return CRUISE_GAINS[this.cruiseRound++ % CRUISE_GAINS.length] as number;
  }

  /** Sends less as long as the queue grows shorter by that. */
  private queuedGain(queueMs: number): number {
    if (queueMs < this.drainedToMs) {
      this.drainedToMs = queueMs;
      this.drainedRounds = 0;
    }
    if (this.drainedRounds++ < DRAIN_ROUNDS) return DRAIN_GAIN;
    if (this.drainedRounds >= DRAIN_ROUNDS + CRUISE_GAINS.length)
      this.drainedToMs = Number.POSITIVE_INFINITY;
    return CRUISE_GAINS[this.cruiseRound++ % CRUISE_GAINS.length] as number;
  }

  private endRound(roundMs: number, nowMs: number): void {
    const rate = this.roundBytes / roundMs;
    const hadRate = this.rate;
    if (Number.isFinite(roundMs)) {
      // A round in which little was sent says nothing of the link, unless it was a good one, or even that did not
      // arrive.
      const isFull = this.gain >= 1 || rate < this.rate * this.gain * SHORTFALL;
      if ((this.wasLimited && isFull) || rate > this.rate) this.rates.push(rate);
      if (this.rates.length > RATE_ROUNDS) this.rates.shift();
      this.rate = Math.max(0, ...this.rates);
      const lossShare = this.lostCount / Math.max(1, this.sentCount);
      this.lossShare = Math.min(MAX_LOSS, (this.lossShare * 7 + lossShare) / 8);
    }
    const shortestMs = this.shortestMs();
    const queueMs = this.roundTripMs - shortestMs;
    const targetMs = Math.max(MIN_QUEUE_MS, shortestMs * QUEUE_SHARE);
    const isQueued = Number.isFinite(queueMs) && queueMs > targetMs;
    if (this.isStartup) {
      if (this.rate > hadRate * GROWTH) this.roundsWithoutGrowth = 0;
      else if (this.wasLimited) this.roundsWithoutGrowth++;
      if (isQueued || this.roundsWithoutGrowth >= STARTUP_ROUNDS) this.isStartup = false;
    }
    // The capacity of a link that was not filled is unknown.
    if (!this.wasLimited && !isQueued) {
      this.isStartup = true;
      this.gain = STARTUP_GAIN;
      this.roundsWithoutGrowth = 0;
    }
    if (!this.isStartup) this.gain = isQueued ? this.queuedGain(queueMs) : this.freeGain();
    if (!this.isStartup || !this.wasLimited) {
      const held = (2 * this.rate * Math.max(MIN_BURST_MS, shortestMs)) / this.meanBytes;
      this.window = FIRST_WINDOW + Math.ceil(held);
    }
    this.roundStartMs = nowMs;
    this.roundBytes = 0;
    this.roundTripMs = Number.POSITIVE_INFINITY;
    this.sentCount = 0;
    this.lostCount = 0;
    this.wasLimited = true;
  }
}
