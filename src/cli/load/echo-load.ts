/**
 * One connection of a load of an echo server: keeps its messages in flight, compares every byte that comes back with
 * what was sent, and takes the time of each message. Hot: no object is made for a message.
 *
 * Invariants: `position` is where in the pattern the next byte to come is; of the message under
 * way `partialBytes` came.
 */
import type { Buffer } from "node:buffer";
import type { ConnectionLoad } from "./connection-load.js";
import type { EchoTally } from "./echo-tally.js";
import type { LoadedConnection } from "./load-agent.js";
import { SentTimes } from "./sent-times.js";

/** Spreads the first messages of the connections over the pattern (a prime near 2^32 / φ). */
const SPREAD = 2_654_435_761;

export class EchoLoad implements ConnectionLoad {
  isOpen = false;
  hasAnswered = false;
  /** An echo server ends no connection by itself. */
  readonly isOver: boolean = false;
  readonly problemCode: string = "WRONG_ANSWER";
  private readonly tally: EchoTally;
  private readonly sent: SentTimes;
  private nextMessage: number;
  private position: number;
  private partialBytes = 0;

  /** `index`: the how many-th connection it is. */
  constructor(tally: EchoTally, index: number) {
    const { pattern, depth } = tally;
    this.tally = tally;
    this.sent = new SentTimes(depth);
    this.nextMessage = ((index * SPREAD) >>> 0) % pattern.messageCount;
    this.position = this.nextMessage * pattern.messageBytes;
  }

  get inFlightCount(): number {
    return this.sent.count;
  }

  start(connection: LoadedConnection, nowMs: number): void {
    this.send(connection, this.tally.depth, nowMs);
  }

  received(connection: LoadedConnection, bytes: Buffer, nowMs: number): string | undefined {
    const tally = this.tally;
    const { pattern, isPacked } = tally;
    const { messageBytes } = pattern;
    const length = bytes.length;
    if (isPacked && length !== messageBytes) return `a packet of ${length} bytes came back`;
    if (length > this.inFlightCount * messageBytes - this.partialBytes) {
      return "more came back than was sent";
    }
    const wrongAt = pattern.indexOfDifference(this.position, bytes);
    if (wrongAt >= 0) return this.difference(bytes, wrongAt);
    tally.verifiedBytes += length;
    this.position = pattern.advance(this.position, length);
    const cameBytes = this.partialBytes + length;
    const count = Math.floor(cameBytes / messageBytes);
    this.partialBytes = cameBytes - count * messageBytes;
    if (count === 0) return undefined;
    this.finished(count, nowMs);
    if (nowMs < tally.stopAtMs) this.send(connection, count, nowMs);
    return undefined;
  }

  /** It goes on until nothing comes any more; the load misses what did not come. */
  ended(): undefined {
    return undefined;
  }

  private finished(count: number, nowMs: number): void {
    const tally = this.tally;
    const counts = tally.counts(nowMs);
    for (let left = count; left > 0; left -= 1) {
      const sentMs = this.sent.take();
      if (counts) tally.latencies.record(nowMs - sentMs);
    }
    tally.messageCount += count;
    tally.inFlightCount -= count;
  }

  /** In a stream, messages that leave together are one piece of the pattern. */
  private send(connection: LoadedConnection, wanted: number, nowMs: number): void {
    const { pattern, isPacked } = this.tally;
    const count = this.tally.take(wanted);
    this.sent.note(count, nowMs);
    let left = count;
    while (left > 0) {
      const index = this.nextMessage;
      const joined = isPacked ? 1 : Math.min(left, pattern.messageCount);
      connection.send(joined === 1 ? pattern.message(index) : pattern.run(index, joined));
      this.nextMessage = (index + joined) % pattern.messageCount;
      left -= joined;
    }
  }

  fail(): void {
    this.isOpen = false;
    this.tally.inFlightCount -= this.sent.clear();
  }

  private difference(bytes: Buffer, wrongAt: number): string {
    const sent = this.tally.pattern.byteAt(this.position + wrongAt);
    return `byte ${hex(bytes[wrongAt]!)} came back, ${hex(sent)} was sent`;
  }
}

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, "0")}`;
}
