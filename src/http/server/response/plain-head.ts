/** Heads that are sent by themselves: interim responses, and the one behind which the protocol changes. */
import { Buffer } from "node:buffer";
import { NetError } from "../../../errors.js";
import { FIELD_KIND } from "../../../protocol/http1/field-kind.js";
import { BODY } from "../../../protocol/http1/head.js";
import { EncodedFields } from "../../../protocol/http1/writing/encoded-fields.js";
import type { FieldInput } from "../../../protocol/http1/writing/field-writer.js";
import {
  encodeFields,
  HeadWriter,
  type OutgoingResponse,
} from "../../../protocol/http1/writing/head-writer.js";
import { NO_ROOM } from "../../../protocol/http1/writing/text-writer.js";

const HEAD_BYTES = 1024;

/** A head in memory of its own. Throws `INVALID_ARGUMENT`. */
export function plainHead(response: OutgoingResponse): Buffer {
  const writer = new HeadWriter();
  for (let size = HEAD_BYTES; ; size *= 4) {
    const target = Buffer.allocUnsafe(size);
    const end = writer.writeResponse(target, 0, response);
    if (end !== NO_ROOM) return target.subarray(0, end);
  }
}

/** The head behind which another protocol begins: 101, or 200 to a CONNECT. Throws `INVALID_ARGUMENT`. */
export function switchingHead(
  requestMethod: string,
  fields: FieldInput,
  dateLine: Uint8Array,
): Buffer {
  const isTunnel = requestMethod === "CONNECT";
  return plainHead({
    statusCode: isTunnel ? 200 : 101,
    fields: isTunnel ? fields : withConnection(fields),
    requestMethod,
    dateLine,
    body: BODY.none,
  });
}

/** What a 101 must have (RFC 9110 §7.8). */
function withConnection(fields: FieldInput): EncodedFields {
  const given = encodeFields(fields);
  if (!given.notes.has(FIELD_KIND.upgrade)) {
    throw new NetError("INVALID_ARGUMENT", "the headers of an upgrade must have Upgrade", {
      operation: "send",
    });
  }
  if (given.notes.has(FIELD_KIND.connection)) return given;
  const { octets, notes } = encodeFields([["Connection", "Upgrade"]]);
  notes.addAll(given.notes);
  return new EncodedFields(Buffer.concat([octets, given.octets]), notes);
}
