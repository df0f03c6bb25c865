/**
 * Lets the event loop turn between the pieces of a source that never waits: promises alone would block the event loop
 * for as long as there are pieces.
 */
import type { Clock } from "../time/clock.js";

/** Pieces in a row, bytes, and milliseconds, after which the loop turns. */
const MAX_PIECES = 64;
const MAX_BYTES = 1_048_576;
const MAX_MS = 5;

/** Counts what one source has yielded since the loop last turned. One for each source that is pumped. */
export class PumpBreath {
  private readonly clock: Clock;
  private pieceCount = 0;
  private byteCount = 0;
  private sinceMs: number;

  constructor(clock: Clock) {
    this.clock = clock;
    this.sinceMs = clock.now();
  }

  /** Counts a piece. Returns whether it is time to wait for {@link taken}. */
  isDue(byteCount: number): boolean {
    this.byteCount += byteCount;
    if (++this.pieceCount >= MAX_PIECES || this.byteCount >= MAX_BYTES) return true;
    return this.clock.now() - this.sinceMs >= MAX_MS;
  }

  /** Resolves when the event loop has turned. */
  async taken(): Promise<void> {
    await loopTurned();
    this.pieceCount = 0;
    this.byteCount = 0;
    this.sinceMs = this.clock.now();
  }
}

/** Resolves when the event loop has turned. */
export function loopTurned(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
