/** Heads that are sent by themselves: interim responses, and the one behind which the protocol changes. */
import { Buffer } from "node:buffer";
import { invalidArgument, type NetError } from "../../../errors.js";
import { CONNECTION_OPTION } from "../../../protocol/http1/connection-options.js";
import { FIELD_KIND } from "../../../protocol/http1/field-kind.js";
import { BODY } from "../../../protocol/http1/head.js";
import { EncodedFields, type FieldNotes } from "../../../protocol/http1/writing/encoded-fields.js";
import type { FieldInput } from "../../../protocol/http1/writing/field-writer.js";
import {
  encodeFields,
  HeadWriter,
  type OutgoingResponse,
} from "../../../protocol/http1/writing/head-writer.js";
import { NO_ROOM } from "../../../protocol/http1/writing/text-writer.js";
import type { ResponseTraits } from "./response-encoder.js";

/** More than most of them have. */
const HEAD_BYTES = 384;

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
  traits: ResponseTraits,
  fields: FieldInput,
  dateLine: Uint8Array,
): Buffer {
  const writer = new HeadWriter();
  const head = writeSwitching(writer, traits, fields, dateLine);
  if (traits.method === "CONNECT" || saysUpgrade(writer.notes)) return head;
  return writeSwitching(writer, traits, withConnection(fields), dateLine);
}

function writeSwitching(
  writer: HeadWriter,
  { method, statusText }: ResponseTraits,
  fields: FieldInput,
  dateLine: Uint8Array,
): Buffer {
  return plainHead(writer, {
    statusCode: method === "CONNECT" ? 200 : 101,
    reason: statusText,
    fields,
    requestMethod: method,
    dateLine,
    body: BODY.none,
  });
}

/** Whether Connection has what a 101 must have (RFC 9110 §7.8). Throws `INVALID_ARGUMENT` for what it can't have. */
function saysUpgrade(notes: FieldNotes): boolean {
  if (!notes.has(FIELD_KIND.upgrade)) {
    throw refused("the headers of an upgrade must have Upgrade");
  }
  if ((notes.connectionOptions & CONNECTION_OPTION.close) !== 0) {
    throw refused("the headers of an upgrade can't have Connection: close");
  }
  return (notes.connectionOptions & CONNECTION_OPTION.upgrade) !== 0;
}

function withConnection(fields: FieldInput): EncodedFields {
  const { octets, notes } = encodeFields([["Connection", "Upgrade"]]);
  const given = encodeFields(fields);
  notes.addAll(given.notes);
  return new EncodedFields(Buffer.concat([octets, given.octets]), notes);
}

function refused(message: string): NetError {
  return invalidArgument(message, { operation: "send" });
}
