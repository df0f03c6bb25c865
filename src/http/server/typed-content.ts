/**
 * The body of a request by its Content-Type, for `exchange.bytes()`, `text()` and `json()`.
 * What can't be taken rejects with an error that becomes the response it deserves: 400, 413 or 415.
 */
import type { Buffer } from "node:buffer";
import { TextDecoder } from "node:util";
import { NetError } from "../../errors.js";
import type { BodyIntake } from "../body/body-intake.js";
import type { WholeBodyOptions } from "../body/incoming-body.js";
import { notJson } from "../body/not-json.js";
import type { Fields } from "../fields.js";

/** The request, as far as its content goes. */
export interface ContentSource {
  readonly headers: Fields;
  readonly body: BodyIntake;
}

const MEDIA_TYPE = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+\/[!#$%&'*+\-.^_`|~\dA-Za-z]+/;
const CHARSET = /;[ \t]*charset=(?:"([^"\\]{0,40})"|([^\s;"]{0,40}))/i;

/** All bytes of the content. */
export async function contentBytes(
  source: ContentSource,
  options?: WholeBodyOptions,
): Promise<Buffer> {
  assertDecoded(source);
  return source.body.bytes(options);
}

function assertDecoded(source: ContentSource): void {
  const coding = source.headers.get("content-encoding") ?? "";
  if (coding !== "" && coding.toLowerCase() !== "identity") {
    throw unsupported(source, `Content-Encoding ${coding.slice(0, 80)} is not decoded`);
  }
}

/** The content as text, by its charset; without one UTF-8. */
export async function contentText(
  source: ContentSource,
  options?: WholeBodyOptions,
): Promise<string> {
  const charset = charsetOf(source.headers.get("content-type") ?? "");
  const decoder = decoderOf(charset);
  if (decoder === undefined) throw unsupported(source, `the charset ${charset} is unknown`);
  assertDecoded(source);
  return source.body.whole(options ?? {}, (bytes) => decoded(bytes, decoder, charset));
}

/** The value that the content has as JSON; the type must say that it is some. */
export async function contentJson(
  source: ContentSource,
  options?: WholeBodyOptions,
): Promise<unknown> {
  const given = source.headers.get("content-type");
  const type = MEDIA_TYPE.exec(given ?? "")?.[0].toLowerCase() ?? "";
  if (type !== "application/json" && !type.endsWith("+json")) {
    const found = given === undefined ? "nothing" : given.slice(0, 80);
    throw unsupported(source, `Content-Type must be application/json or …+json, not ${found}`);
  }
  // RFC 8259 §8.1: UTF-8, whatever a charset says.
  assertDecoded(source);
  const decoder = newDecoder("utf-8");
  return source.body.whole(options ?? {}, (bytes) => jsonOf(decoded(bytes, decoder, "utf-8")));
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw notJson(cause);
  }
}

function charsetOf(contentType: string): string {
  const [, quoted, plain] = CHARSET.exec(contentType) ?? [];
  return quoted ?? plain ?? "utf-8";
}

function newDecoder(charset: string): TextDecoder {
  return new TextDecoder(charset, { fatal: true });
}

function decoderOf(charset: string): TextDecoder | undefined {
  try {
    return newDecoder(charset);
  } catch {
    // The charset is unknown.
    return undefined;
  }
}

function decoded(bytes: Buffer, decoder: TextDecoder, charset: string): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    const message = `the body is not valid ${charset} text`;
    throw new NetError("HTTP_MALFORMED", message, { operation: "receive", cause });
  }
}

/** The body is not read: it is thrown away. */
function unsupported({ body }: ContentSource, message: string): NetError {
  body.discard();
  return new NetError("HTTP_CONTENT_UNSUPPORTED", message, { operation: "receive" });
}
