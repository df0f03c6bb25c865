/** What a parser of HTTP/1.1 takes at most. `docs/limits.md` is compared with the table. */
import { assertKnownKeys, assertObject, readBelow } from "../../errors.js";
import {
  bytes,
  count,
  type Given,
  type OptionTable,
  optionNames,
  readOptions,
} from "../../options.js";

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

/** Default and range of each limit. */
export const HTTP1_LIMITS: OptionTable<Http1Limits> = {
  maxLeadingEmptyLines: count(1, "lines", { max: 100 }),
  maxStartLineBytes: bytes(8_192, { min: 16, max: MIB }),
  maxHeadBytes: bytes(16_384, { min: 64, max: 16 * MIB }),
  maxHeaderCount: count(100, "fields", { min: 1, max: 10_000 }),
  maxChunkExtensionBytes: bytes(4_096, { max: 16 * MIB }),
  maxTrailerBytes: bytes(8_192, { min: 2, max: 16 * MIB }),
  maxTrailerCount: count(32, "fields", { max: 10_000 }),
  maxBodyBytes: bytes(Number.MAX_SAFE_INTEGER),
  maxInterimResponses: count(32, "responses", { max: 10_000 }),
};

/**
 * All limits: those given, and the defaults. Throws `INVALID_ARGUMENT` for one that is out of its
 * range and for a name that no limit has.
 */
export function createLimits(options: Given<Http1Limits> = {}): Http1Limits {
  assertObject("limits", options);
  assertKnownKeys("limits", options, optionNames<Http1Limits>(HTTP1_LIMITS));
  const limits = readBelow("limits", options, () =>
    readOptions<Http1Limits>(HTTP1_LIMITS, options),
  );
  return Object.freeze(limits);
}

/** The defaults. */
export const DEFAULT_LIMITS: Http1Limits = createLimits();
