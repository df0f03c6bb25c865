/**
 * Decides which responses of a server are compressed, and what their heads then say: Content-Encoding, Vary,
 * a weak entity tag (RFC 9110 §8.8.3: the bytes are others each time), no length and no ranges.
 */
import type { Given } from "../../../options.js";
import type { FieldInput, FieldValue } from "../../../protocol/http1/writing/field-writer.js";
import type { Fields } from "../../fields.js";
import { type FieldPair, fieldPairs } from "../../http-fields.js";
import { type ContentCoding, chooseCoding } from "./coding-choice.js";
import { compressionOptions, type ResponseCompressionOptions } from "./compression-options.js";

/** What becomes of a response that may be compressed. */
export interface CompressionPlan {
  /** The coding; undefined: it goes as it is, though another peer may get it compressed. */
  readonly coding: ContentCoding | undefined;
  /** The fields to be sent with it. */
  readonly fields: FieldInput;
  /** The fields of the response that goes as it is. */
  readonly plainFields: FieldInput;
  /** What Content-Length said; undefined without. */
  readonly announcedBytes: number | undefined;
}

/** Statuses that have no content, or a part of one. */
const WITHOUT_CONTENT: readonly number[] = [204, 205, 304];
const PARTIAL_CONTENT = 206;
/** Fields of a response that is coded already, or says what its bytes are. */
const FINAL: readonly string[] = [
  "content-encoding",
  "transfer-encoding",
  "content-digest",
  "repr-digest",
  "digest",
  "content-md5",
];
/** Fields that are not true of the compressed body. */
const OF_THE_PLAIN: readonly string[] = ["content-length", "accept-ranges", "etag"];
const NO_TRANSFORM = /(?:^|[,\s])no-transform(?:$|[,\s])/i;
const ACCEPT_ENCODING = /(?:^|[,\s])(?:accept-encoding|\*)(?:$|[,\s])/i;

/** Compression of the responses of one server. */
export class ResponseCompression {
  /** Whether responses are compressed unless an exchange says otherwise. */
  readonly isOn: boolean;
  /** Responses that are being compressed. */
  underWayCount = 0;
  private readonly options: ResponseCompressionOptions;

  /** Throws `INVALID_ARGUMENT`. */
  constructor(given: boolean | Given<ResponseCompressionOptions> | undefined) {
    this.isOn = given !== undefined && given !== false;
    this.options = compressionOptions(given);
  }

  /**
   * What becomes of a response; undefined: nothing is to be done to it. `byteCount`: of its body, where that
   * is known.
   */
  plan(
    request: Fields,
    statusCode: number,
    fields: FieldInput,
    byteCount: number | undefined,
  ): CompressionPlan | undefined {
    if (WITHOUT_CONTENT.includes(statusCode)) return undefined;
    const pairs = [...fieldPairs(fields)];
    const isPart = statusCode === PARTIAL_CONTENT;
    if (!this.isWorthIt(pairs, isPart ? undefined : byteCount)) return undefined;
    const plain = withVary(pairs);
    const announced = contentLengthOf(pairs);
    const coding = isPart ? undefined : this.codingFor(request);
    const sent = coding === undefined ? plain : encodedFields(plain, coding);
    return { coding, fields: sent, plainFields: plain, announcedBytes: announced };
  }

  private isWorthIt(pairs: readonly FieldPair[], given: number | undefined): boolean {
    const { minBytes, types } = this.options;
    const byteCount = given ?? contentLengthOf(pairs);
    if (byteCount !== undefined && byteCount < Math.max(1, minBytes)) return false;
    let type = "";
    for (const [name, value] of pairs) {
      const lower = lowerCase(name);
      if (FINAL.includes(lower)) return false;
      if (lower === "cache-control" && NO_TRANSFORM.test(String(value))) return false;
      if (lower === "content-type") type = String(value);
    }
    const [mediaType = ""] = type.split(";", 1);
    return mediaType !== "" && types(mediaType.trim().toLowerCase());
  }

  private codingFor(request: Fields): ContentCoding | undefined {
    const { codings, maxCompressing } = this.options;
    if (this.underWayCount >= maxCompressing) return undefined;
    return chooseCoding(request.getAll("accept-encoding"), codings);
  }
}

/** The fields of a compressed response, out of those that have their Vary. */
function encodedFields(pairs: readonly FieldPair[], coding: ContentCoding): FieldPair[] {
  const encoded: FieldPair[] = [];
  for (const [name, value] of pairs) {
    const lower = lowerCase(name);
    if (!OF_THE_PLAIN.includes(lower)) encoded.push([name, value]);
    else if (lower === "etag") encoded.push([name, weak(value)]);
  }
  encoded.push(["Content-Encoding", coding]);
  return encoded;
}

function weak(etag: FieldValue): FieldValue {
  const text = String(etag);
  return text.startsWith("W/") ? text : `W/${text}`;
}

/** The fields, where Vary names Accept-Encoding. */
function withVary(pairs: readonly FieldPair[]): FieldPair[] {
  const isNamed = pairs.some(
    ([name, value]) => lowerCase(name) === "vary" && ACCEPT_ENCODING.test(String(value)),
  );
  return isNamed ? [...pairs] : [...pairs, ["Vary", "Accept-Encoding"]];
}

function contentLengthOf(pairs: readonly FieldPair[]): number | undefined {
  const found = pairs.find(([name]) => lowerCase(name) === "content-length");
  const given = found?.[1];
  const value = typeof given === "string" || typeof given === "number" ? Number(given) : Number.NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}

/** Invalid names are refused where they are written. */
function lowerCase(name: unknown): string {
  return String(name).toLowerCase();
}
