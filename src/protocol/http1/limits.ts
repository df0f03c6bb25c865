import { assertInteger, assertKnownKeys, describe, NetError } from "../../errors.js";

/** What a parser takes at most. Reaching a limit is an error of the fault `limit`. */
export interface Http1Limits {
  /** Empty lines before a request (RFC 9112 §2.2), 0…100. Default 1. */
  readonly maxLeadingEmptyLines: number;
  /** Bytes of a request or status line without its CRLF, 16…1 MiB: 414. Default 8192. */
  readonly maxStartLineBytes: number;
  /** Bytes of a head: start line, fields and the empty line, 64…16 MiB: 431. Default 16,384. */
  readonly maxHeadBytes: number;
  /** Field lines of a head, 1…10,000: 431. Default 100. */
  readonly maxHeaderCount: number;
  /** Bytes of all chunk extensions of a message, 0…16 MiB: 413. Default 4096. */
  readonly maxChunkExtensionBytes: number;
  /** Bytes of a trailer section with its empty line, 2…16 MiB: 431. Default 8192. */
  readonly maxTrailerBytes: number;
  /** Field lines of a trailer section, 0…10,000: 431. Default 32. */
  readonly maxTrailerCount: number;
  /** Bytes of a body after chunks are taken apart, 0…2^53 − 1: 413. Default 2^53 − 1. */
  readonly maxBodyBytes: number;
  /** Responses 1xx before the final one, 0…10,000. Default 32. */
  readonly maxInterimResponses: number;
}

const MIB = 1024 * 1024;

interface Range {
  readonly value: number;
  readonly min: number;
  readonly max: number;
}

const RANGES: Readonly<Record<keyof Http1Limits, Range>> = {
  maxLeadingEmptyLines: { value: 1, min: 0, max: 100 },
  maxStartLineBytes: { value: 8192, min: 16, max: MIB },
  maxHeadBytes: { value: 16_384, min: 64, max: 16 * MIB },
  maxHeaderCount: { value: 100, min: 1, max: 10_000 },
  maxChunkExtensionBytes: { value: 4096, min: 0, max: 16 * MIB },
  maxTrailerBytes: { value: 8192, min: 2, max: 16 * MIB },
  maxTrailerCount: { value: 32, min: 0, max: 10_000 },
  maxBodyBytes: { value: Number.MAX_SAFE_INTEGER, min: 0, max: Number.MAX_SAFE_INTEGER },
  maxInterimResponses: { value: 32, min: 0, max: 10_000 },
};

const NAMES = Object.keys(RANGES) as (keyof Http1Limits)[];

/**
 * All limits: those given, and the defaults. Throws `INVALID_ARGUMENT` for one that is out of its
 * range and for a name that no limit has.
 */
export function createLimits(options: Partial<Http1Limits> = {}): Http1Limits {
  if (typeof options !== "object" || options === null) {
    throw new NetError("INVALID_ARGUMENT", `limits must be an object, not ${describe(options)}`, {
      operation: "configure",
    });
  }
  assertKnownKeys("limits", options, NAMES);
  const limits = {} as Record<keyof Http1Limits, number>;
  for (const name of NAMES) {
    const { value, min, max } = RANGES[name];
    limits[name] = options[name] ?? value;
    assertInteger(name, limits[name], min, max);
  }
  return Object.freeze(limits);
}

/** The defaults. */
export const DEFAULT_LIMITS: Http1Limits = createLimits();
