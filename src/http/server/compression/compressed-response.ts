/**
 * The response of one exchange where it may be compressed: whole, piece by piece, or as it is after all. Used only
 * where compression is switched on for the exchange.
 */
import { Buffer } from "node:buffer";
import { isLent } from "../../../bytes/lending.js";
import type { Data, SendResult } from "../../../connection/connection.js";
import { bytesOf } from "../../../connection/data.js";
import { invalidArgument, NetError, textOf } from "../../../errors.js";
import type { FieldInput } from "../../../protocol/http1/writing/field-writer.js";
import { encodeFields } from "../../../protocol/http1/writing/head-writer.js";
import { inRootContext } from "../../../time/root-context.js";
import type { Fields } from "../../fields.js";
import { fieldPairs } from "../../http-fields.js";
import type { BodyOutput } from "../response/body-output.js";
import { codeWhole } from "./coder.js";
import { type CompressedOutput, CompressedWriter } from "./compressed-writer.js";
import type { CompressionPlan, ResponseCompression } from "./response-compression.js";

/**
 * Bodies up to this many bytes are compressed at once, so that their length is known; larger ones piece by
 * piece, as fast as the peer takes them.
 */
export const WHOLE_BYTES: number = 1_048_576;
/** Pieces that a larger body is given in. */
const PIECE_BYTES = 65_536;

/** The exchange, as far as the compression of its response goes. */
export interface CompressedExchange extends CompressedOutput {
  readonly method: string;
  readonly headers: Fields;
  /** The response can still be sent. */
  readonly isAwaited: boolean;
  /** The response is on its way, though nothing of it was sent. */
  beginLater(statusCode: number): void;
  /** Sends a whole response as it is. */
  sendWhole(statusCode: number, fields: FieldInput, body: Data): SendResult;
  /** Begins a response; `isAdmitted`: who gives the pieces bounds what waits. */
  startPlain(statusCode: number, fields: FieldInput, isAdmitted: boolean): BodyOutput;
  /** Sends pieces as fast as the peer takes them, then ends the response. */
  sendPieces(writer: BodyOutput, pieces: Iterable<Uint8Array>): void;
  responseBroken(error: NetError): void;
}

/** Sends a whole response. Returns as `HttpExchange.respond` does. Throws `INVALID_ARGUMENT`; then nothing was sent. */
export function respondCompressed(
  exchange: CompressedExchange,
  compression: ResponseCompression,
  statusCode: number,
  given: FieldInput,
  body: Data,
): SendResult {
  const byteCount = typeof body === "string" ? Buffer.byteLength(body) : bytesOf(body).length;
  const plan = compression.plan(exchange.headers, statusCode, given, byteCount);
  if (plan?.coding === undefined) {
    return exchange.sendWhole(statusCode, plan?.plainFields ?? given, body);
  }
  const { coding } = plan;
  const bytes = bytesOf(body);
  assertLength(plan.announcedBytes, bytes.length);
  if (exchange.method === "HEAD")
    return startPlanned(exchange, compression, statusCode, plan).end();
  if (bytes.length > WHOLE_BYTES) {
    const own = isLent(bytes) ? Buffer.from(bytes) : bytes;
    const writer = startPlanned(exchange, compression, statusCode, plan);
    exchange.sendPieces(writer, piecesOf(own));
    return true;
  }
  // Fields that can't be sent are refused now, not when the body is compressed.
  const fields = encodeFields(plan.fields);
  const plainFields = encodeFields(plan.plainFields);
  const own = isLent(bytes) ? Buffer.from(bytes) : bytes;
  exchange.beginLater(statusCode);
  compression.underWayCount++;
  codeWhole(coding, own, (coded) => {
    compression.underWayCount--;
    if (!exchange.isAwaited) return;
    // Not in the async context of the handler: what follows belongs to the connection.
    inRootContext(() => {
      try {
        const isShorter = coded !== undefined && coded.length < own.length;
        if (isShorter) exchange.sendWhole(statusCode, fields, coded);
        else exchange.sendWhole(statusCode, plainFields, own);
      } catch (cause) {
        const message = `the response can't be sent: ${textOf(cause)}`;
        exchange.responseBroken(new NetError("ABORTED", message, { operation: "send", cause }));
      }
    });
  });
  return true;
}

/** Begins a response whose body follows piece by piece. */
export function startCompressed(
  exchange: CompressedExchange,
  compression: ResponseCompression,
  statusCode: number,
  fields: FieldInput,
): BodyOutput {
  const plan = compression.plan(exchange.headers, statusCode, fields, undefined);
  if (plan === undefined) return exchange.startPlain(statusCode, fields, false);
  return startPlanned(exchange, compression, statusCode, plan);
}

function startPlanned(
  exchange: CompressedExchange,
  compression: ResponseCompression,
  statusCode: number,
  { coding, fields, announcedBytes }: CompressionPlan,
): BodyOutput {
  const writer = exchange.startPlain(statusCode, fields, coding !== undefined);
  if (coding === undefined || writer.isBodyless) return writer;
  return new CompressedWriter(writer, exchange, compression, coding, announcedBytes);
}

/** Fields of a 304: entity tag and Vary are those of the 200 that it stands for (RFC 9110 §15.4.5). */
export function unchangedFields(
  request: Fields,
  compression: ResponseCompression,
  fields: FieldInput,
  contentType: string,
  byteCount: number,
): FieldInput {
  const whole = [...fieldPairs(fields), ["Content-Type", contentType] as const];
  const plan = compression.plan(request, 200, whole, byteCount);
  if (plan === undefined) return fields;
  return [...fieldPairs(plan.fields)].filter(
    ([name]) => !/^content-(?:type|encoding)$/i.test(name),
  );
}

function assertLength(announcedBytes: number | undefined, byteCount: number): void {
  if (announcedBytes === undefined || announcedBytes === byteCount) return;
  const message = `Content-Length (${announcedBytes}) is not the length of the body (${byteCount})`;
  throw invalidArgument(message, { operation: "send" });
}

function* piecesOf(bytes: Buffer): Generator<Buffer, void, undefined> {
  for (let start = 0; start < bytes.length; start += PIECE_BYTES) {
    yield bytes.subarray(start, start + PIECE_BYTES);
  }
}
