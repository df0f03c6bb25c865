/** The options of response compression. `docs/limits.md` is compared with the table. */
import { assertFunction } from "../../../connection/settings.js";
import { describe, invalidArgument, readBelow } from "../../../errors.js";
import {
  bytes,
  checked,
  count,
  type Given,
  type OptionTable,
  readAllOptions,
} from "../../../options.js";
import { AVAILABLE_CODINGS } from "./coder.js";
import type { ContentCoding } from "./coding-choice.js";

/** How responses are compressed. */
export interface ResponseCompressionOptions {
  /**
   * Codings that are offered, the preferred one first: what the peer weighs higher goes before. Default: `br`,
   * `zstd` where this Node has it, `gzip`, `deflate`.
   */
  readonly codings: readonly ContentCoding[];
  /** Bodies with fewer bytes go as they are. Default 1,024. */
  readonly minBytes: number;
  /**
   * Returns whether content of a media type (lower case, without parameters) is worth it. Default: text, JSON,
   * XML, JavaScript, SVG, WebAssembly and their like.
   */
  readonly types: (mediaType: string) => boolean;
  /** Responses that are compressed at a time; those above go as they are. Bounds memory. Default 128. */
  readonly maxCompressing: number;
}

/** Default and check of each option. */
export const COMPRESSION_OPTIONS: OptionTable<ResponseCompressionOptions> = {
  codings: checked<readonly ContentCoding[]>(AVAILABLE_CODINGS, assertCodings),
  minBytes: bytes(1_024),
  types: checked(isCompressible, assertFunction),
  maxCompressing: count(128, "responses", { min: 1, max: 100_000 }),
};

const COMPRESSIBLE =
  /^(?:text\/.*|.*\+(?:json|xml|text|yaml)|image\/(?:svg\+xml|bmp|x-icon|vnd\.microsoft\.icon)|font\/(?:ttf|otf|collection)|application\/(?:json|xml|javascript|ecmascript|x-javascript|x-ndjson|ndjson|jsonl|json-seq|wasm|yaml|graphql|sql|rtf|x-sh|toml|xml-dtd|vnd\.ms-fontobject))$/;

/** Whether content of a type becomes much shorter. */
export function isCompressible(mediaType: string): boolean {
  return COMPRESSIBLE.test(mediaType);
}

/** The options in force. Throws `INVALID_ARGUMENT`. */
export function compressionOptions(
  given: boolean | Given<ResponseCompressionOptions> | undefined,
): ResponseCompressionOptions {
  const options = typeof given === "boolean" || given === undefined ? {} : given;
  if (typeof options !== "object" || options === null) {
    throw invalidArgument(`compression must be true, false or an object, not ${describe(options)}`);
  }
  return readBelow("compression", options, () =>
    readAllOptions<ResponseCompressionOptions>("compression", COMPRESSION_OPTIONS, options),
  );
}

function assertCodings(name: string, value: unknown): void {
  const known: readonly unknown[] = AVAILABLE_CODINGS;
  if (Array.isArray(value) && value.length > 0 && value.every((one) => known.includes(one))) return;
  const given = Array.isArray(value) ? JSON.stringify(value.map(String)) : describe(value);
  throw invalidArgument(
    `${name} must be an array of ${AVAILABLE_CODINGS.join(", ")}, not ${given.slice(0, 200)}`,
  );
}
