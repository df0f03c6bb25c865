/**
 * A file as a response: whole, in part, or not at all because the peer has it (RFC 9110 §13, §14).
 * The file is read in blocks, as fast as the peer takes them.
 */
import { Buffer } from "node:buffer";
import { type BigIntStats, constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { assertKnownKeys, describe, invalidArgument, NetError, textOf } from "../../../errors.js";
import type { FieldInput } from "../../../protocol/http1/writing/field-writer.js";
import { FieldList, fieldValues, hasField } from "../../http-fields.js";
import type { HttpExchange } from "../http-exchange.js";
import type { ResponseWriter } from "../response/body-output.js";
import { NO_FIELDS } from "../response/response-encoder.js";
import { type ByteRange, rangeOf } from "./byte-range.js";
import { contentTypeOf } from "./content-type.js";
import type { FileResponseOptions } from "./file-response-options.js";
import { httpDate, parseHttpDate } from "./http-date.js";
import { checkPreconditions, ifRangeHolds, singleValue, type Validators } from "./preconditions.js";

/** The exchange, as far as sending a file goes. */
export interface FileTarget
  extends Pick<
    HttpExchange,
    "method" | "headers" | "isSendable" | "keep" | "respond" | "respondError" | "startResponse"
  > {
  /** The present, in milliseconds since 1970 UTC. */
  readonly nowMs: number;
  /** Fields of a 304, out of those of the file. */
  unchangedFields(fields: FieldInput, contentType: string, byteCount: number): FieldInput;
  /** Resolves when it is its turn to send. Rejects with `CONNECTION_CLOSED`. */
  turn(): Promise<void>;
}

const OPTION_NAMES = [
  "contentType",
  "etag",
  "lastModified",
  "ranges",
  "conditional",
  "headers",
] as const satisfies readonly (keyof FileResponseOptions)[];

/** Fields that tell of the part that is sent. */
const OF_THE_PART: readonly string[] = ["content-length", "content-range", "transfer-encoding"];
/** Fields that are written out of what is known of the file, among which are those that were given. */
const DESCRIBING: readonly string[] = ["content-type", "etag", "last-modified"];

/** Files up to this many bytes are read at once and sent with their head. */
const SMALL_BYTES = 65_536;
/** Bytes that are read at a time of larger ones. */
const BLOCK_BYTES = 131_072;

/** Not there, no file, or no name that one could have (with a NUL): 404. */
const ABSENT: readonly unknown[] = [
  "ENOENT",
  "ENOTDIR",
  "EISDIR",
  "ENAMETOOLONG",
  "ELOOP",
  "ENXIO",
  "ENODEV",
  "ERR_INVALID_ARG_VALUE",
];

/** See `HttpExchange.respondFile`. */
export async function sendFile(
  target: FileTarget,
  path: string,
  options: FileResponseOptions,
): Promise<number> {
  assertKnownKeys("respondFile", options, OPTION_NAMES);
  if (options.headers !== undefined) assertHeaders(options.headers);
  target.keep();
  // Pipelined requests wait for their turn, so that a connection has one file open, and little of it in memory.
  await target.turn();
  const file = await openFile(path);
  if (file === undefined) {
    target.respondError(404);
    return 404;
  }
  try {
    const status = await file.stat({ bigint: true });
    if (!status.isFile()) {
      target.respondError(404);
      return 404;
    }
    return await respondWith(target, file, new ServedFile(path, status, options), options);
  } finally {
    await file.close();
  }
}

async function openFile(path: string): Promise<FileHandle | undefined> {
  try {
    // Not blocking: opening a named pipe would block a thread of the pool.
    return await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (ABSENT.includes(code)) return undefined;
    throw fileError(path, cause);
  }
}

/** What is known of the file. */
class ServedFile implements Validators {
  readonly path: string;
  readonly size: number;
  readonly etag: string | undefined;
  readonly modifiedMs: number | undefined;
  readonly contentType: string;
  private readonly headers: FieldInput;

  constructor(path: string, status: BigIntStats, options: FileResponseOptions) {
    const { headers = NO_FIELDS } = options;
    this.path = path;
    this.headers = headers;
    this.size = Number(status.size);
    const [type = contentTypeOf(path)] = fieldValues(headers, "content-type");
    this.contentType = options.contentType ?? type;
    const made = `"${status.size.toString(36)}-${status.mtimeNs.toString(36)}"`;
    const [etag] = fieldValues(headers, "etag");
    this.etag = chosen(options.etag, etag, made);
    const [given] = fieldValues(headers, "last-modified");
    const givenMs = given === undefined ? undefined : modifiedMsOf(given);
    const { lastModified } = options;
    const chosenMs = lastModified instanceof Date ? lastModified.getTime() : lastModified;
    this.modifiedMs = chosen(chosenMs, givenMs, Number(status.mtimeMs));
  }

  /** Fields of every response but an error. */
  fields(): FieldList {
    const fields = new FieldList();
    fields.addAll(this.headers, DESCRIBING);
    fields.addMissing("ETag", this.etag);
    if (this.modifiedMs !== undefined) fields.add("Last-Modified", httpDate(this.modifiedMs));
    return fields;
  }
}

/** What the option says; else what the field among `headers` says; else what was made of the file. */
function chosen<Value>(
  option: Value | boolean | undefined,
  given: Value | undefined,
  made: Value,
): Value | undefined {
  if (option !== undefined && typeof option !== "boolean") return option;
  return given ?? (option === false ? undefined : made);
}

function modifiedMsOf(text: string): number {
  const epochMs = parseHttpDate(text, Date.now());
  if (epochMs !== undefined) return epochMs;
  throw refused(`Last-Modified must be a date of HTTP, not ${describe(text)}`);
}

function assertHeaders(headers: FieldInput): void {
  const wrong = OF_THE_PART.find((name) => hasField(headers, name));
  if (wrong !== undefined) throw refused(`headers of a file can't have ${wrong}`);
}

function refused(message: string): NetError {
  return invalidArgument(message, { operation: "send" });
}

async function respondWith(
  target: FileTarget,
  file: FileHandle,
  served: ServedFile,
  options: FileResponseOptions,
): Promise<number> {
  const { method, headers, nowMs } = target;
  const { ranges = true, conditional = true } = options;
  if (conditional) {
    const verdict = checkPreconditions(method, headers, served, nowMs);
    if (verdict === 304) {
      const { pairs } = served.fields();
      target.respond(304, target.unchangedFields(pairs, served.contentType, served.size));
    }
    if (verdict === 412) target.respondError(412);
    if (verdict !== "proceed") return verdict;
  }
  const { size } = served;
  const asksPart =
    ranges && method === "GET" && (!conditional || ifRangeHolds(headers, served, nowMs));
  const range = asksPart ? rangeOf(singleValue(headers, "range"), size) : "whole";
  if (range === "none") {
    target.respond(416, { "Content-Range": `bytes */${size}` });
    return 416;
  }
  const fields = served.fields();
  fields.add("Content-Type", served.contentType);
  if (ranges) fields.addMissing("Accept-Ranges", "bytes");
  const part = range === "whole" ? { start: 0, end: size } : range;
  if (range !== "whole") {
    fields.add("Content-Range", `bytes ${part.start}-${part.end - 1}/${size}`);
  }
  const statusCode = range === "whole" ? 200 : 206;
  await sendPart(target, file, part, { statusCode, fields, path: served.path });
  return statusCode;
}

interface PartHead {
  readonly statusCode: number;
  readonly fields: FieldList;
  readonly path: string;
}

async function sendPart(
  target: FileTarget,
  file: FileHandle,
  part: ByteRange,
  { statusCode, fields, path }: PartHead,
): Promise<void> {
  if (!target.isSendable) return;
  const byteCount = part.end - part.start;
  if (byteCount <= SMALL_BYTES && target.method !== "HEAD") {
    const body = await readBlock(file, part.start, byteCount);
    if (body.length < byteCount) throw fileError(path, "it became shorter");
    target.respond(statusCode, fields.pairs, body);
    return;
  }
  fields.add("Content-Length", byteCount);
  const writer = target.startResponse(statusCode, fields.pairs);
  if (target.method === "HEAD") writer.end();
  else await sendBlocks(target, writer, file, part, path);
}

async function sendBlocks(
  target: FileTarget,
  writer: ResponseWriter,
  file: FileHandle,
  part: ByteRange,
  path: string,
): Promise<void> {
  try {
    for (let position = part.start; position < part.end && target.isSendable; ) {
      const block = await readBlock(file, position, Math.min(BLOCK_BYTES, part.end - position));
      if (block.length === 0) throw fileError(path, "it became shorter");
      position += block.length;
      if (!writer.write(block)) await writer.drained();
    }
    writer.end();
  } catch (error) {
    writer.abort();
    // The peer has gone: the file is not to blame.
    if (error instanceof NetError && error.code === "CONNECTION_CLOSED") return;
    throw error instanceof NetError ? error : fileError(path, error);
  }
}

/** Reads up to `byteCount` bytes; fewer at the end of the file only. */
async function readBlock(file: FileHandle, position: number, byteCount: number): Promise<Buffer> {
  const block = Buffer.allocUnsafeSlow(byteCount);
  let filled = 0;
  while (filled < byteCount) {
    const { bytesRead } = await file.read(block, filled, byteCount - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return block.subarray(0, filled);
}

function fileError(path: string, cause: unknown): NetError {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  return new NetError("FILE_INVALID", `${path} can't be sent: ${textOf(cause)}`, {
    operation: "send",
    ...(cause instanceof Error && { cause }),
    ...(typeof code === "string" && { systemCode: code }),
  });
}
