/**
 * One direction of a link as bad as it is told to be: loss, delay, jitter, duplicates, packets that are
 * overtaken, a bandwidth and the queue in front of it. All chance comes from one seed; time is handed in, so
 * that a run is the same every time.
 *
 *     packet ─► loss ─► queue (full: dropped) ─► bandwidth ─► delay + jitter (─► late) ─► copies
 */
import {
  assertInteger,
  assertKnownKeys,
  assertObject,
  describe,
  invalidArgument,
} from "../../errors.js";
import { type Random, seededRandom } from "./seeded-random.js";

/** What a {@link SimulatedLink} does to packets. Rates go from 0 to 1, times are in milliseconds. */
export interface LinkOptions {
  /** Decides every chance. Default: 1. */
  readonly seed?: number | undefined;
  /** Share of packets that are lost. Default: 0. */
  readonly lossRate?: number | undefined;
  /** Mean number of packets that are lost in a row; 1: each on its own. Default: 1. */
  readonly lossBurst?: number | undefined;
  /** How long a packet takes, besides its turn on the link. Default: 0. */
  readonly delayMs?: number | undefined;
  /** How much longer it may take, at most. Packets keep their order. Default: 0. */
  readonly jitterMs?: number | undefined;
  /** Share of packets that arrive twice. Default: 0. */
  readonly duplicateRate?: number | undefined;
  /** Share of packets that come later, so that others overtake them. Default: 0. */
  readonly reorderRate?: number | undefined;
  /** How much later those come. Default: 20. */
  readonly reorderDelayMs?: number | undefined;
  /** Bytes that the link carries in a second. Default: any number. */
  readonly bytesPerSecond?: number | undefined;
  /** Bytes that wait for the link; what finds no room is dropped. Default: 65,536. */
  readonly queueBytes?: number | undefined;
}

/** What a {@link SimulatedLink} has done. */
export interface LinkCounts {
  /** Packets that were sent into it. */
  readonly sentCount: number;
  /** Bytes of the packets that were sent. */
  readonly sentBytes: number;
  /** Packets lost by chance, and those that found the queue full. */
  readonly lostCount: number;
  /** Packets that found the queue full. */
  readonly droppedCount: number;
  /** Packets that came twice. */
  readonly duplicatedCount: number;
  /** Packets that came late, out of their order. */
  readonly lateCount: number;
}

const NAMES: readonly (keyof LinkOptions)[] = [
  "seed",
  "lossRate",
  "lossBurst",
  "delayMs",
  "jitterMs",
  "duplicateRate",
  "reorderRate",
  "reorderDelayMs",
  "bytesPerSecond",
  "queueBytes",
];

/** Throws `INVALID_ARGUMENT` unless these are options of a link. */
export function assertLinkOptions(options: LinkOptions): void {
  assertObject("the options of a link", options);
  assertKnownKeys("a link", options, NAMES);
  assertInteger("seed", options.seed ?? 1, 0, 2 ** 32 - 1);
  assertNumber("lossRate", options.lossRate, 0, 1);
  assertNumber("lossBurst", options.lossBurst, 1);
  assertNumber("delayMs", options.delayMs, 0);
  assertNumber("jitterMs", options.jitterMs, 0);
  assertNumber("duplicateRate", options.duplicateRate, 0, 1);
  assertNumber("reorderRate", options.reorderRate, 0, 1);
  assertNumber("reorderDelayMs", options.reorderDelayMs, 0);
  assertNumber("bytesPerSecond", options.bytesPerSecond, 1);
  assertNumber("queueBytes", options.queueBytes, 0);
}

function assertNumber(name: string, value: unknown, min: number, max = 2 ** 53): void {
  if (value === undefined || (typeof value === "number" && value >= min && value <= max)) return;
  throw invalidArgument(`${name} must be a number from ${min} to ${max}, not ${describe(value)}`);
}

/** One direction of a bad link. */
export class SimulatedLink {
  readonly #options: LinkOptions;
  readonly #random: Random;
  readonly #counts = {
    sentCount: 0,
    sentBytes: 0,
    lostCount: 0,
    droppedCount: 0,
    duplicatedCount: 0,
    lateCount: 0,
  };
  /** Packets are being lost in a row. */
  #isInBurst = false;
  /** Until when the link is busy with what it has taken. */
  #busyUntilMs = Number.NEGATIVE_INFINITY;
  #lastArrivalMs = Number.NEGATIVE_INFINITY;

  constructor(options: LinkOptions = {}, random?: Random) {
    assertLinkOptions(options);
    this.#options = options;
    this.#random = random ?? seededRandom(options.seed ?? 1);
  }

  /** What has passed so far. */
  get counts(): LinkCounts {
    return this.#counts;
  }

  /** A packet of `byteCount` bytes is sent at `nowMs`. Returns how long each of its copies takes; none: it is lost. */
  pass(byteCount: number, nowMs: number): readonly number[] {
    const { duplicateRate = 0, reorderRate = 0, reorderDelayMs = 20 } = this.#options;
    const counts = this.#counts;
    counts.sentCount++;
    counts.sentBytes += byteCount;
    // The same numbers are drawn for each packet, so that one rate does not shift the chances of another.
    const [loss, jitter, duplicate, late] = this.#draw();
    if (this.#isLost(loss)) {
      counts.lostCount++;
      return [];
    }
    const carriedMs = this.#carry(byteCount, nowMs);
    if (carriedMs === undefined) {
      counts.droppedCount++;
      return [];
    }
    const { delayMs = 0, jitterMs = 0 } = this.#options;
    const wantedMs = carriedMs + delayMs + jitter * jitterMs;
    const arrivalMs = Math.max(wantedMs, this.#lastArrivalMs);
    this.#lastArrivalMs = arrivalMs;
    let takesMs = arrivalMs - nowMs;
    if (late < reorderRate) {
      counts.lateCount++;
      takesMs += reorderDelayMs;
    }
    if (duplicate >= duplicateRate) return [takesMs];
    counts.duplicatedCount++;
    return [takesMs, takesMs];
  }

  /** Whether nothing is on the link at `nowMs`: from then on it behaves like a new one. */
  isIdle(nowMs: number): boolean {
    return !this.#isInBurst && nowMs >= this.#lastArrivalMs && nowMs >= this.#busyUntilMs;
  }

  #draw(): readonly [number, number, number, number] {
    const random = this.#random;
    return [random(), random(), random(), random()];
  }

  /** Two states: in a burst everything is lost, and it goes on with a chance that gives it its mean length. */
  #isLost(chance: number): boolean {
    const { lossRate = 0, lossBurst = 1 } = this.#options;
    if (lossRate >= 1) return true;
    const staysInBurst = 1 - 1 / lossBurst;
    const begins = lossBurst === 1 ? lossRate : lossRate / (lossBurst * (1 - lossRate));
    this.#isInBurst = chance < (this.#isInBurst && lossBurst > 1 ? staysInBurst : begins);
    return this.#isInBurst;
  }

  /** When the last bit is on the wire; undefined when the queue is full. */
  #carry(byteCount: number, nowMs: number): number | undefined {
    const { bytesPerSecond, queueBytes = 65_536 } = this.#options;
    if (bytesPerSecond === undefined) return nowMs;
    const startMs = Math.max(nowMs, this.#busyUntilMs);
    const waitingBytes = ((startMs - nowMs) * bytesPerSecond) / 1_000;
    if (startMs > nowMs && waitingBytes + byteCount > queueBytes) return undefined;
    this.#busyUntilMs = startMs + (byteCount * 1_000) / bytesPerSecond;
    return this.#busyUntilMs;
  }
}
