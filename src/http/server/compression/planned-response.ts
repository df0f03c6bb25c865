/** Sends a whole response that was planned to be compressed, or that goes as it is after all. */
import { Buffer } from "node:buffer";
import { isLent } from "../../../bytes/lending.js";
import type { Data } from "../../../connection/connection.js";
import { bytesOf } from "../../../connection/data.js";
import { invalidArgument, NetError, textOf } from "../../../errors.js";
import type { FieldInput } from "../../../protocol/http1/field-writer.js";
import { encodeFields } from "../../../protocol/http1/head-writer.js";
import { inRootContext } from "../../../time/root-context.js";
import type { BodyOutput } from "../response/body-output.js";
import { codeWhole } from "./coder.js";
import type { CompressionPlan, ResponseCompression } from "./response-compression.js";

/**
 * Bodies up to this many bytes are compressed at once, so that their length is known; larger ones piece by
 * piece, as fast as the peer takes them.
 */
export const WHOLE_BYTES: number = 1_048_576;
/** Pieces that a larger body is given in. */
const PIECE_BYTES = 65_536;

/** The exchange, as far as such a response goes. */
export interface PlannedExchange {
  readonly method: string;
  /** The response can still be sent. */
  readonly isAwaited: boolean;
  /** The response is on its way, though nothing of it was sent. */
  beginLater(statusCode: number): void;
  /** Sends all of it. */
  sendWhole(statusCode: number, fields: FieldInput, body: Data): boolean;
  startPlanned(statusCode: number, plan: CompressionPlan): BodyOutput;
  sendPieces(writer: BodyOutput, pieces: Iterable<Uint8Array>): void;
  responseBroken(error: NetError): void;
}

/** Returns as `HttpExchange.respond` does. Throws `INVALID_ARGUMENT`; then nothing was sent. */
export function respondPlanned(
  exchange: PlannedExchange,
  compression: ResponseCompression,
  plan: CompressionPlan,
  statusCode: number,
  body: Data,
): boolean {
  const { coding } = plan;
  if (coding === undefined) return exchange.sendWhole(statusCode, plan.plainFields, body);
  const bytes = bytesOf(body);
  assertLength(plan.announcedBytes, bytes.length);
  if (exchange.method === "HEAD") return exchange.startPlanned(statusCode, plan).end();
  if (bytes.length > WHOLE_BYTES) {
    const own = isLent(bytes) ? Buffer.from(bytes) : bytes;
    exchange.sendPieces(exchange.startPlanned(statusCode, plan), piecesOf(own));
    return true;
  }
  // What can't be sent is told of now.
  const fields = encodeFields(plan.fields);
  const plainFields = encodeFields(plan.plainFields);
  const own = isLent(bytes) ? Buffer.from(bytes) : bytes;
  exchange.beginLater(statusCode);
  compression.underWayCount++;
  codeWhole(coding, own, (coded) => {
    compression.underWayCount--;
    if (!exchange.isAwaited) return;
    // All that follows is the connection's matter, and no more the handler's.
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
