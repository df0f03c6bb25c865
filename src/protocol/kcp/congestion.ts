/**
 * How many segments may be on their way: the contract of congestion control, and the two that KCP has
 * always had. The third is in `pacing.ts`.
 */

/** Decides how much of one conversation is on its way, and how fast it leaves. */
export interface Congestion {
  /** Segments that may be on their way. */
  readonly window: number;
  /** Whether the window counts all segments from the oldest missing one on, acknowledged ones included. */
  readonly countsGaps: boolean;
  /**
   * One datagram acknowledged `byteCount` bytes; the oldest number that is missing moved on by `count`.
   * `remoteWindow` is what the peer has room for.
   */
  acknowledged(count: number, byteCount: number, remoteWindow: number, nowMs: number): void;
  /** A round trip was measured. */
  roundTrip(tripMs: number, nowMs: number): void;
  /** Segments were sent again because later ones had been acknowledged. */
  skipped(count: number, inFlight: number): void;
  /** Segments were sent again because they were not acknowledged in time. */
  timedOut(count: number): void;
  /** Bytes that may leave now. */
  budgetBytes(nowMs: number): number;
  /**
   * Bytes were sent; repeats by `repeatAfterMs` do not count. `isLimited`: more bytes wait, and the window or the budget
   * holds them back.
   */
  sent(byteCount: number, isLimited: boolean, nowMs: number): void;
  /** When the next bytes may leave, where the budget held some back; infinite where the window did. */
  readonly nextMs: number;
}

/** As many as the windows of both sides allow (`nc` of KCP). */
export class NoCongestion implements Congestion {
  readonly window: number = Number.MAX_SAFE_INTEGER;
  readonly countsGaps: boolean = false;
  readonly nextMs: number = Number.POSITIVE_INFINITY;

  acknowledged(): void {
    // Nothing limits, so nothing is learnt.
  }

  roundTrip(): void {
    // As above.
  }

  skipped(): void {
    // As above.
  }

  timedOut(): void {
    // As above.
  }

  budgetBytes(): number {
    return Number.POSITIVE_INFINITY;
  }

  sent(): void {
    // As above.
  }
}

const MIN_THRESHOLD = 2;

/**
 * What KCP does by default, like TCP's Reno: grows by a segment for each datagram that acknowledges
 * something, above the threshold by about one in a round trip; a loss halves it, or lets it begin anew.
 */
export class StockCongestion implements Congestion {
  readonly countsGaps: boolean = true;
  readonly nextMs: number = Number.POSITIVE_INFINITY;
  window = 1;
  private threshold = MIN_THRESHOLD;
  /** The window in bytes, of which it grows in parts of a segment. */
  private grown: number;
  private readonly segmentBytes: number;
  private readonly fastResend: number;

  constructor(segmentBytes: number, fastResend: number) {
    this.segmentBytes = segmentBytes;
    this.fastResend = fastResend;
    this.grown = segmentBytes;
  }

  acknowledged(count: number, _byteCount: number, remoteWindow: number): void {
    const { segmentBytes } = this;
    if (count === 0 || this.window >= remoteWindow) return;
    if (this.window < this.threshold) {
      this.window++;
      this.grown += segmentBytes;
    } else {
      this.grown = Math.max(this.grown, segmentBytes);
      this.grown += Math.floor((segmentBytes * segmentBytes) / this.grown) + (segmentBytes >> 4);
      if ((this.window + 1) * segmentBytes <= this.grown) {
        this.window = Math.ceil(this.grown / segmentBytes);
      }
    }
    if (this.window > remoteWindow) {
      this.window = remoteWindow;
      this.grown = remoteWindow * segmentBytes;
    }
  }

  roundTrip(): void {
    // Times play no part.
  }

  skipped(_count: number, inFlight: number): void {
    this.threshold = Math.max(MIN_THRESHOLD, inFlight >> 1);
    this.window = this.threshold + this.fastResend;
    this.grown = this.window * this.segmentBytes;
  }

  timedOut(): void {
    this.threshold = Math.max(MIN_THRESHOLD, this.window >> 1);
    this.window = 1;
    this.grown = this.segmentBytes;
  }

  budgetBytes(): number {
    return Number.POSITIVE_INFINITY;
  }

  sent(): void {
    // What leaves is not paced.
  }
}
