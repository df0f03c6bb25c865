/**
 * One connection of a load of an echo server over datagrams: keeps its messages in flight, compares each that comes
 * back with what was sent, and takes its time. Datagrams get lost: what has not come back for a second is counted, and
 * another is sent in its place. Hot.
 *
 *     byte 0   place, u32: which of those in flight
 *     byte 4   number, u32: which datagram in that place
 *     byte 8   the pattern
 */
import type { Buffer } from "node:buffer";
import type { ConnectionLoad } from "./connection-load.js";
import { type DatagramTally, HEAD_BYTES } from "./datagram-tally.js";
import type { LoadedConnection } from "./load-agent.js";

/** What has not come back for so long is lost. */
const LOST_MS = 1_000;

/** One connection of a load of an echo server over datagrams. */
export class DatagramLoad implements ConnectionLoad {
  isOpen = false;
  hasAnswered = false;
  readonly isOver: boolean = false;
  readonly problemCode: string = "WRONG_ANSWER";
  inFlightCount = 0;
  private readonly tally: DatagramTally;
  /** By place: the number of the datagram, and when it was sent; below 0: nothing is under way. */
  private readonly numbers: Uint32Array;
  private readonly sentMs: Float64Array;

  constructor(tally: DatagramTally) {
    this.tally = tally;
    this.numbers = new Uint32Array(tally.depth);
    this.sentMs = new Float64Array(tally.depth).fill(-1);
  }

  start(connection: LoadedConnection, nowMs: number): void {
    for (let place = 0; place < this.tally.depth; place += 1) this.send(connection, place, nowMs);
  }

  received(connection: LoadedConnection, bytes: Buffer, nowMs: number): string | undefined {
    const tally = this.tally;
    if (bytes.length !== tally.messageBytes) return `a datagram of ${bytes.length} bytes came back`;
    const place = bytes.readUInt32LE(0);
    if (place >= tally.depth) return "a datagram came back that was not sent";
    if (tally.body.compare(bytes, HEAD_BYTES) !== 0) return "a datagram came back changed";
    // One that comes late or twice was counted already.
    const sentMs = this.sentMs[place] as number;
    if (bytes.readUInt32LE(4) !== this.numbers[place] || sentMs < 0) return undefined;
    this.took(place);
    if (tally.counts(nowMs)) tally.latencies.record(nowMs - sentMs);
    tally.messageCount += 1;
    tally.verifiedBytes += bytes.length;
    if (nowMs < tally.stopAtMs) this.send(connection, place, nowMs);
    return undefined;
  }

  looked(connection: LoadedConnection, nowMs: number): void {
    const tally = this.tally;
    for (let place = 0; place < tally.depth; place += 1) {
      const sentMs = this.sentMs[place] as number;
      if (sentMs < 0 || nowMs - sentMs < LOST_MS) continue;
      const goesOn = nowMs < tally.stopAtMs && tally.unsentCount > 0;
      // A peer that has never answered is missing, not a datagram.
      if (!goesOn && !this.hasAnswered) continue;
      if (this.hasAnswered && tally.counts(sentMs)) tally.lostCount += 1;
      this.took(place);
      if (goesOn) this.send(connection, place, nowMs);
    }
  }

  ended(): undefined {
    return undefined;
  }

  fail(): void {
    this.isOpen = false;
    this.tally.inFlightCount -= this.inFlightCount;
    this.inFlightCount = 0;
    this.sentMs.fill(-1);
  }

  private took(place: number): void {
    this.sentMs[place] = -1;
    this.inFlightCount -= 1;
    this.tally.inFlightCount -= 1;
  }

  private send(connection: LoadedConnection, place: number, nowMs: number): void {
    if (this.tally.take(1) === 0) return;
    const number = ((this.numbers[place] as number) + 1) >>> 0;
    this.numbers[place] = number;
    this.sentMs[place] = nowMs;
    this.inFlightCount += 1;
    connection.send(this.tally.datagram(place, number));
  }
}
