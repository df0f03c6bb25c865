import { constants } from "node:buffer";
import { assertInteger, assertKnownKeys, describe, NetError } from "../../errors.js";
import type { Given } from "../../options.js";

/** What a decoder takes at most. Reaching a limit is an error of the fault `limit`. */
export interface WebSocketLimits {
  /** Bytes of a data frame's payload as it travels, 0…2^53 − 1: 1009. Default 2^53 − 1. */
  readonly maxFrameBytes: number;
  /** Bytes of a message as it is delivered, inflated, 0…2^53 − 1: 1009. Default 16 MiB. */
  readonly maxMessageBytes: number;
  /**
   * Bytes of a text message that is delivered whole, inflated, 0…536,870,888: 1009. Default 536,870,888, which is as long
   * as a string can be. One that is delivered in pieces has `maxMessageBytes` alone.
   */
  readonly maxTextBytes: number;
  /** Frames of a message, 1…2^53 − 1: 1008. Default 131,072. */
  readonly maxFragments: number;
  /**
   * Pings and pongs one behind the other inside a message, between two of its frames, 1…2^53 − 1: 1008.
   * Default 4096.
   */
  readonly maxControlFrames: number;
  /**
   * Times the bytes on the wire that a message may inflate to, from 1 MiB on, 1…1,000,000: 1009. Default
   * 1032, which is what deflate can reach.
   */
  readonly maxInflateRatio: number;
  /** Bytes that one call of `feed` inflates before it lets others have their turn, 1024…2^53 − 1. Default 256 KiB. */
  readonly maxInflatedBytesPerTurn: number;
}

const MANY = Number.MAX_SAFE_INTEGER;
const MIB = 1_048_576;
/** In UTF-16 units, of which UTF-8 has at least a byte each. */
const LONGEST_STRING = constants.MAX_STRING_LENGTH;

interface Range {
  readonly value: number;
  readonly min: number;
  readonly max: number;
}

const RANGES: Readonly<Record<keyof WebSocketLimits, Range>> = {
  maxFrameBytes: { value: MANY, min: 0, max: MANY },
  maxMessageBytes: { value: 16 * MIB, min: 0, max: MANY },
  maxTextBytes: { value: LONGEST_STRING, min: 0, max: LONGEST_STRING },
  maxFragments: { value: 131_072, min: 1, max: MANY },
  maxControlFrames: { value: 4096, min: 1, max: MANY },
  maxInflateRatio: { value: 1032, min: 1, max: 1_000_000 },
  maxInflatedBytesPerTurn: { value: 262_144, min: 1024, max: MANY },
};

const NAMES = Object.keys(RANGES) as (keyof WebSocketLimits)[];

/**
 * All limits: those given, and the defaults. Throws `INVALID_ARGUMENT` for one that is out of its
 * range and for a name that no limit has.
 */
export function createLimits(options: Given<WebSocketLimits> = {}): WebSocketLimits {
  if (typeof options !== "object" || options === null) {
    throw new NetError("INVALID_ARGUMENT", `limits must be an object, not ${describe(options)}`, {
      operation: "configure",
    });
  }
  assertKnownKeys("limits", options, NAMES);
  const limits = {} as Record<keyof WebSocketLimits, number>;
  for (const name of NAMES) {
    const { value, min, max } = RANGES[name];
    limits[name] = options[name] ?? value;
    assertInteger(name, limits[name], min, max);
  }
  return Object.freeze(limits);
}

/** The defaults. */
export const DEFAULT_LIMITS: WebSocketLimits = createLimits();
