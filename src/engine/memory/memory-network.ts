/**
 * The scripted network of a memory engine: how long things take, how streams are cut into segments,
 * what becomes of connects, accepts and datagrams. All chance comes from one seed. The fields may be
 * changed at any time and hold for what is sent from then on.
 */
import { assertInteger, assertKnownKeys, describe, NetError } from "../../errors.js";
import { addressText } from "../address-text.js";
import type { Address } from "../engine.js";
import { type Random, seededRandom } from "./seeded-random.js";
import { assertLinkOptions, type LinkOptions, SimulatedLink } from "./simulated-link.js";

/** One thing that is on its way. */
export interface MemoryTraffic {
  /** What travels. */
  readonly kind: "connect" | "stream" | "datagram";
  /** Who has sent it. */
  readonly from: Address;
  /** Whom it is for. */
  readonly to: Address;
  /** How many bytes it has. */
  readonly byteCount: number;
}

/**
 * What becomes of a connect: `answer` is what a real network would do, `blackHole` leaves it without
 * an answer for ever; any other string is the system error it fails with, such as `EHOSTUNREACH`.
 */
export type ConnectFate = "answer" | "blackHole" | `E${string}`;

/**
 * What becomes of a datagram: one entry for each copy that arrives, with its delay in milliseconds on
 * top of the network's. `[0]` is the normal case, `[]` a loss, `[0, 0]` a duplicate, `[40]` one that
 * comes late, after others that were sent behind it.
 */
export type DatagramFate = readonly number[];

/** How often things happen to datagrams: each from 0 to 1. */
export interface DatagramRates {
  /** Share of datagrams that get lost, 0 to 1. Default 0. */
  readonly lossRate?: number | undefined;
  /** Share of datagrams that come twice, 0 to 1. Default 0. */
  readonly duplicateRate?: number | undefined;
  /** Share of datagrams that come late, 0 to 1. Default 0. */
  readonly reorderRate?: number | undefined;
  /** How much later a reordered datagram comes, in milliseconds. Default: 20. */
  readonly reorderDelayMs?: number | undefined;
}

/** The settings of a {@link MemoryNetwork}. */
export interface MemoryNetworkOptions {
  /** Decides every chance. Default: 1. */
  readonly seed?: number | undefined;
  /** One-way delay in milliseconds; fractions are possible. Default: 0. */
  readonly delayMs?: number | ((traffic: MemoryTraffic) => number) | undefined;
  /**
   * Longest segment in which stream bytes arrive, or a function that answers the size of the next
   * one, given how many bytes wait. Default: as they were written.
   */
  readonly split?: number | ((waitingBytes: number, random: Random) => number) | undefined;
  /**
   * Bytes that one direction of a stream holds: sent, and not yet taken by the reader. Default: 65536.
   */
  readonly windowBytes?: number | undefined;
  /** What becomes of a connect. Default: `answer`. */
  readonly connectFate?: ((to: Address) => ConnectFate) | undefined;
  /** Returns the system error that accepting fails with, or undefined. The peer is reset. */
  readonly acceptFate?: ((at: Address) => `E${string}` | undefined) | undefined;
  /** Rates, or a script that decides for each datagram. Default: all arrive. */
  readonly datagrams?:
    | DatagramRates
    | ((traffic: MemoryTraffic, random: Random) => DatagramFate)
    | undefined;
  /**
   * A link that datagrams pass: loss, delay, jitter, bandwidth, queue. Options: each direction between two
   * addresses gets a link of its own. A function answers the link of a datagram, so that several share one. Comes on
   * top of `delayMs` and `datagrams`. Default: none.
   */
  readonly link?: LinkOptions | ((traffic: MemoryTraffic) => SimulatedLink | undefined) | undefined;
}

/** The names of {@link MemoryNetworkOptions}. */
export const MEMORY_NETWORK_OPTIONS: readonly (keyof MemoryNetworkOptions)[] = [
  "seed",
  "delayMs",
  "split",
  "windowBytes",
  "connectFate",
  "acceptFate",
  "datagrams",
  "link",
];

/** Links between two addresses that are remembered; those on which nothing is under way may be forgotten. */
const KEPT_LINKS = 1_024;

function invalid(text: string): NetError {
  return new NetError("INVALID_ARGUMENT", text, { operation: "configure" });
}

/** A number from `min` to infinity; `what` names it. */
function checkedNumber(what: string, value: unknown, min: number): number {
  if (typeof value === "number" && value >= min && value < Number.POSITIVE_INFINITY) return value;
  throw invalid(`${what} must be a number, ${min} at least, not ${describe(value)}`);
}

function assertFunction(name: string, value: unknown): void {
  if (typeof value === "function") return;
  throw invalid(`${name} must be a function, not ${describe(value)}`);
}

function assertDatagrams(datagrams: unknown): void {
  if (typeof datagrams === "function") return;
  if (typeof datagrams !== "object" || datagrams === null) {
    throw invalid(`datagrams must be rates or a function, not ${describe(datagrams)}`);
  }
  assertRates(datagrams);
}

function assertRates(rates: DatagramRates): void {
  const names = ["lossRate", "duplicateRate", "reorderRate"] as const;
  assertKnownKeys("datagrams", rates, [...names, "reorderDelayMs"]);
  for (const name of names) {
    const rate = rates[name] ?? 0;
    if (!(typeof rate === "number" && rate >= 0 && rate <= 1)) {
      throw invalid(`datagrams.${name} must be a number from 0 to 1, not ${describe(rate)}`);
    }
  }
  checkedNumber("datagrams.reorderDelayMs", rates.reorderDelayMs ?? 0, 0);
}

function fateByRates(rates: DatagramRates, random: Random): DatagramFate {
  const { lossRate = 0, duplicateRate = 0, reorderRate = 0, reorderDelayMs = 20 } = rates;
  // Three numbers are drawn for each datagram, so that a rate does not shift another one's chances.
  const [loss, duplicate, reorder] = [random(), random(), random()];
  if (loss < lossRate) return [];
  const extraMs = reorder < reorderRate ? reorderDelayMs : 0;
  return duplicate < duplicateRate ? [extraMs, extraMs] : [extraMs];
}

type Setting<Name extends keyof MemoryNetworkOptions> = NonNullable<MemoryNetworkOptions[Name]>;

/** How long things take on a memory engine, how streams are cut into segments, what becomes of what is sent. */
export class MemoryNetwork {
  #delayMs: Setting<"delayMs"> = 0;
  #split: Setting<"split"> = Number.MAX_SAFE_INTEGER;
  #windowBytes = 65_536;
  #connectFate: Setting<"connectFate"> = () => "answer";
  #acceptFate: Setting<"acceptFate"> = () => undefined;
  #datagrams: Setting<"datagrams"> = {};
  #link: Setting<"link"> = () => undefined;
  /** By direction, where the links were given as options. */
  #links: Map<string, SimulatedLink> = new Map();
  readonly #random: Random;

  constructor(options: MemoryNetworkOptions) {
    const { seed = 1, delayMs, split, windowBytes, connectFate, acceptFate, datagrams } = options;
    assertInteger("seed", seed, 0, 2 ** 32 - 1);
    this.#random = seededRandom(seed);
    if (delayMs !== undefined) this.delayMs = delayMs;
    if (split !== undefined) this.split = split;
    if (windowBytes !== undefined) this.windowBytes = windowBytes;
    if (connectFate !== undefined) this.connectFate = connectFate;
    if (acceptFate !== undefined) this.acceptFate = acceptFate;
    if (datagrams !== undefined) this.datagrams = datagrams;
    if (options.link !== undefined) this.link = options.link;
  }

  /** How long things travel: {@link MemoryNetworkOptions.delayMs}. Can be changed at any time, as all of these. */
  get delayMs(): Setting<"delayMs"> {
    return this.#delayMs;
  }

  set delayMs(delayMs: Setting<"delayMs">) {
    if (typeof delayMs !== "function") checkedNumber("delayMs", delayMs, 0);
    this.#delayMs = delayMs;
  }

  /** How long the segments of a stream are at most: {@link MemoryNetworkOptions.split}. */
  get split(): Setting<"split"> {
    return this.#split;
  }

  set split(split: Setting<"split">) {
    if (typeof split !== "function") checkedNumber("split", split, 1);
    this.#split = split;
  }

  /** Bytes that one direction of a stream holds: {@link MemoryNetworkOptions.windowBytes}. */
  get windowBytes(): number {
    return this.#windowBytes;
  }

  set windowBytes(windowBytes: number) {
    assertInteger("windowBytes", windowBytes, 1, 2 ** 30);
    this.#windowBytes = windowBytes;
  }

  /** What becomes of a connect: {@link MemoryNetworkOptions.connectFate}. */
  get connectFate(): Setting<"connectFate"> {
    return this.#connectFate;
  }

  set connectFate(connectFate: Setting<"connectFate">) {
    assertFunction("connectFate", connectFate);
    this.#connectFate = connectFate;
  }

  /** The error that accepting fails with: {@link MemoryNetworkOptions.acceptFate}. */
  get acceptFate(): Setting<"acceptFate"> {
    return this.#acceptFate;
  }

  set acceptFate(acceptFate: Setting<"acceptFate">) {
    assertFunction("acceptFate", acceptFate);
    this.#acceptFate = acceptFate;
  }

  /** What becomes of datagrams: {@link MemoryNetworkOptions.datagrams}. */
  get datagrams(): Setting<"datagrams"> {
    return this.#datagrams;
  }

  set datagrams(datagrams: Setting<"datagrams">) {
    assertDatagrams(datagrams);
    this.#datagrams = datagrams;
  }

  /** A link that datagrams pass: {@link MemoryNetworkOptions.link}. */
  get link(): Setting<"link"> {
    return this.#link;
  }

  set link(link: Setting<"link">) {
    if (typeof link !== "function") assertLinkOptions(link);
    this.#link = link;
    this.#links.clear();
  }

  /** How long this takes to arrive, in milliseconds. */
  delayOf(traffic: MemoryTraffic): number {
    const { delayMs } = this;
    if (typeof delayMs !== "function") return delayMs;
    return checkedNumber("what delayMs answers", delayMs(traffic), 0);
  }

  /** How many of `waitingBytes` go into the next segment: one at least. */
  segmentBytes(waitingBytes: number): number {
    const { split } = this;
    const wanted =
      typeof split === "function"
        ? checkedNumber("what split answers", split(waitingBytes, this.#random), 0)
        : split;
    return Math.min(waitingBytes, Math.max(1, Math.floor(wanted)));
  }

  /** When the copies of a datagram that is sent at `nowMs` arrive, in milliseconds from then. */
  arrivalsOf(traffic: MemoryTraffic, nowMs: number): readonly number[] {
    const { datagrams } = this;
    const fate =
      typeof datagrams === "function"
        ? datagrams(traffic, this.#random)
        : fateByRates(datagrams, this.#random);
    const delayMs = this.delayOf(traffic);
    const link = this.#linkOf(traffic, nowMs);
    const arrivals: number[] = [];
    for (const extraMs of fate) {
      const ownMs = delayMs + checkedNumber("what datagrams answers", extraMs, 0);
      if (link === undefined) arrivals.push(ownMs);
      else for (const linkMs of link.pass(traffic.byteCount, nowMs)) arrivals.push(ownMs + linkMs);
    }
    return arrivals;
  }

  #linkOf(traffic: MemoryTraffic, nowMs: number): SimulatedLink | undefined {
    const link = this.#link;
    if (typeof link === "function") return link(traffic);
    const direction = `${addressText(traffic.from)} ${addressText(traffic.to)}`;
    const known = this.#links.get(direction);
    if (known !== undefined) return known;
    if (this.#links.size >= KEPT_LINKS) {
      for (const [name, other] of this.#links) if (other.isIdle(nowMs)) this.#links.delete(name);
    }
    const made = new SimulatedLink(link, link.seed === undefined ? this.#random : undefined);
    this.#links.set(direction, made);
    return made;
  }
}
