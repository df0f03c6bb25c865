/** Heads that are sent by themselves: interim responses, and the one behind which the protocol changes. */
import { Buffer } from "node:buffer";
import { invalidArgument, type NetError } from "../../../errors.js";
import { CONNECTION_OPTION } from "../../../protocol/http1/connection-options.js";
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
import type { ResponseTraits } from "./response-encoder.js";

const HEAD_BYTES = 1024;

/** An interim response. Throws `INVALID_ARGUMENT`, also for one that closes the connection: the final one does that. */
export function interimHead(statusCode: number, fields: FieldInput): Buffer {
  const writer = new HeadWriter();
  const head = plainHead(writer, { statusCode, fields });
  if (writer.saysClose) throw refused("an interim response can't have Connection: close");
  return head;
}

/** A head in memory of its own. */
function plainHead(writer: HeadWriter, response: OutgoingResponse): Buffer {
  for (let size = HEAD_BYTES; ; size *= 4) {
    const target = Buffer.allocUnsafe(size);
    const end = writer.writeResponse(target, 0, response);
    if (end !== NO_ROOM) return target.subarray(0, end);
  }
}

/** The head behind which another protocol begins: 101, or 200 to a CONNECT. Throws `INVALID_ARGUMENT`. */
export function switchingHead(
  { method, statusText }: ResponseTraits,
  fields: FieldInput,
  dateLine: Uint8Array,
): Buffer {
  const isTunnel = method === "CONNECT";
  return plainHead(new HeadWriter(), {
    statusCode: isTunnel ? 200 : 101,
    reason: statusText,
    fields: isTunnel ? fields : withConnection(fields),
    requestMethod: method,
    dateLine,
    body: BODY.none,
  });
}

/** What a 101 must have (RFC 9110 §7.8). */
function withConnection(fields: FieldInput): EncodedFields {
  const given = encodeFields(fields);
  if (!given.notes.has(FIELD_KIND.upgrade)) {
    throw refused("the headers of an upgrade must have Upgrade");
  }
  const { connectionOptions } = given.notes;
  if ((connectionOptions & CONNECTION_OPTION.close) !== 0) {
    throw refused("the headers of an upgrade can't have Connection: close");
  }
  if ((connectionOptions & CONNECTION_OPTION.upgrade) !== 0) return given;
  const { octets, notes } = encodeFields([["Connection", "Upgrade"]]);
  notes.addAll(given.notes);
  return new EncodedFields(Buffer.concat([octets, given.octets]), notes);
}

function refused(message: string): NetError {
  return invalidArgument(message, { operation: "send" });
}
