/**
 * Lets the process take breath between the pieces of a source that never waits: promises alone would
 * keep its event loop from turning for as long as there are pieces.
 */
import { setImmediate } from "node:timers";

/** Pieces in a row, and bytes, after which the event loop turns. */
const PIECES = 64;
const BYTES = 262_144;

/** See the head of the file. One for each source that is pumped. */
export class Breath {
  private pieceCount = 0;
  private byteCount = 0;

  /** Counts a piece. Answers whether it is time to wait for {@link taken}. */
  isDue(byteCount: number): boolean {
    this.byteCount += byteCount;
    return ++this.pieceCount >= PIECES || this.byteCount >= BYTES;
  }

  /** Resolves when the event loop has turned. */
  taken(): Promise<void> {
    this.pieceCount = 0;
    this.byteCount = 0;
    return new Promise((resolve) => setImmediate(resolve));
  }
}
