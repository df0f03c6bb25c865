/**
 * One connection of a load: keeps its messages in flight, compares every byte that comes back with
 * what was sent, and takes the time of each message. Hot: no object is made for a message.
 *
 * Invariants: `position` is where in the pattern the next byte to come is; of the message under
 * way `partialBytes` came; `sentMs` is a ring of the times of the `inFlightCount` messages, the
 * oldest at `oldest`.
 */
import type { Buffer } from "node:buffer";
import type { Connection } from "../index.js";
import type { LoadTally } from "./load-tally.js";

/** Spreads the first messages of the connections over the pattern (a prime near 2^32 / φ). */
const SPREAD = 2_654_435_761;

/** See the head of the file. */
export class LoadConnection {
  /** It was made, and has not failed. */
  isOpen = false;
  inFlightCount = 0;
  readonly #tally: LoadTally;
  readonly #sentMs: Float64Array;
  #oldest = 0;
  #nextMessage: number;
  #position: number;
  #partialBytes = 0;

  /** `index`: the how many-th connection it is. */
  constructor(tally: LoadTally, index: number) {
    const { pattern, depth } = tally;
    this.#tally = tally;
    this.#sentMs = new Float64Array(depth);
    this.#nextMessage = ((index * SPREAD) >>> 0) % pattern.messageCount;
    this.#position = this.#nextMessage * pattern.messageBytes;
  }

  /** Sends the first messages. */
  start(connection: Connection<LoadConnection>, nowMs: number): void {
    this.#send(connection, this.#tally.depth, nowMs);
  }

  /** Takes what came; answers what is wrong with it, or undefined. */
  received(
    connection: Connection<LoadConnection>,
    bytes: Buffer,
    nowMs: number,
  ): string | undefined {
    const tally = this.#tally;
    const { pattern, isPacked } = tally;
    const { messageBytes } = pattern;
    const length = bytes.length;
    if (isPacked && length !== messageBytes) return `a packet of ${length} bytes came back`;
    if (length > this.inFlightCount * messageBytes - this.#partialBytes) {
      return "more came back than was sent";
    }
    const wrongAt = pattern.indexOfDifference(this.#position, bytes);
    if (wrongAt >= 0) return this.#difference(bytes, wrongAt);
    tally.verifiedBytes += length;
    this.#position = pattern.advance(this.#position, length);
    const cameBytes = this.#partialBytes + length;
    const count = Math.floor(cameBytes / messageBytes);
    this.#partialBytes = cameBytes - count * messageBytes;
    if (count === 0) return undefined;
    this.#finished(count, nowMs);
    if (nowMs < tally.stopAtMs) this.#send(connection, count, nowMs);
    return undefined;
  }

  #finished(count: number, nowMs: number): void {
    const tally = this.#tally;
    const counts = nowMs >= tally.countFromMs && nowMs < tally.stopAtMs;
    for (let left = count; left > 0; left -= 1) {
      if (counts) tally.latencies.record(nowMs - this.#sentMs[this.#oldest]!);
      this.#oldest = this.#oldest + 1 === tally.depth ? 0 : this.#oldest + 1;
    }
    tally.messageCount += count;
    tally.inFlightCount -= count;
    this.inFlightCount -= count;
  }

  /** In a stream, messages that leave together are one piece of the pattern. */
  #send(connection: Connection<LoadConnection>, count: number, nowMs: number): void {
    const { pattern, isPacked } = this.#tally;
    this.#note(count, nowMs);
    let left = count;
    while (left > 0) {
      const index = this.#nextMessage;
      const joined = isPacked ? 1 : Math.min(left, pattern.messageCount);
      connection.send(joined === 1 ? pattern.message(index) : pattern.run(index, joined));
      this.#nextMessage = (index + joined) % pattern.messageCount;
      left -= joined;
    }
  }

  #note(count: number, nowMs: number): void {
    const tally = this.#tally;
    let place = this.#oldest + this.inFlightCount;
    for (let left = count; left > 0; left -= 1) {
      if (place >= tally.depth) place -= tally.depth;
      this.#sentMs[place] = nowMs;
      place += 1;
    }
    tally.inFlightCount += count;
    this.inFlightCount += count;
  }

  /** It has failed: what was in flight does not come back. */
  fail(): void {
    this.isOpen = false;
    this.#tally.inFlightCount -= this.inFlightCount;
    this.inFlightCount = 0;
  }

  #difference(bytes: Buffer, wrongAt: number): string {
    const sent = this.#tally.pattern.byteAt(this.#position + wrongAt);
    return `byte ${hex(bytes[wrongAt]!)} came back, ${hex(sent)} was sent`;
  }
}

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, "0")}`;
}
