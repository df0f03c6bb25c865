/** The options of permessage-deflate. `docs/limits.md` is compared with the table. */
import { assertKnownKeys, assertObject, readBelow } from "../../errors.js";
import {
  bytes,
  count,
  flag,
  type Given,
  type OptionTable,
  optionNames,
  readOptions,
} from "../../options.js";

/** How messages are compressed. */
export interface CompressionSettings {
  /** Whole messages from this size on are compressed, where `send` does not say. Default 1 KiB. */
  readonly minBytes: number;
  /** 1 (fast) to 9 (small). Default 3. */
  readonly level: number;
  /** zlib's `memLevel`: memory of a deflate, 1 to 9. Default 8. */
  readonly memLevel: number;
  /** Largest window in bits that we agree on, 9 to 15. Default 15. */
  readonly windowBits: number;
  /**
   * Keeps the context from message to message, in both directions: smaller messages, for up to 300 KiB a
   * socket. Default false: a few contexts serve all sockets.
   */
  readonly keepContext: boolean;
  /** Contexts of sockets' own at a time; sockets that come later do without. Default 2,000. */
  readonly maxContexts: number;
}

/** Default and range of each. */
export const COMPRESSION_SETTINGS: OptionTable<CompressionSettings> = {
  minBytes: bytes(1_024),
  level: count(3, "level", { min: 1, max: 9 }),
  memLevel: count(8, "level", { min: 1, max: 9 }),
  windowBits: count(15, "bits", { min: 9, max: 15 }),
  keepContext: flag(false),
  maxContexts: count(2_000, "contexts"),
};

/** `true`: with the defaults. */
export type CompressionOptions = boolean | Given<CompressionSettings>;

/** What is in force; undefined: no compression. Throws `INVALID_ARGUMENT`. */
export function compressionSettings(
  options: CompressionOptions | undefined,
): CompressionSettings | undefined {
  if (options === undefined || options === false) return undefined;
  const given = options === true ? {} : options;
  assertObject("compression", given);
  assertKnownKeys("compression", given, optionNames<CompressionSettings>(COMPRESSION_SETTINGS));
  return readBelow("compression", given, () =>
    readOptions<CompressionSettings>(COMPRESSION_SETTINGS, given),
  );
}
