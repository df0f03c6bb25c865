import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import {
  HeadWriter,
  type OutgoingRequest,
  type OutgoingResponse,
} from "#src/protocol/http1/writing/head-writer.js";
import { NO_ROOM } from "#src/protocol/http1/writing/text-writer.js";

/** A head that was written, and what the writer says of it. */
export interface Written {
  readonly text: string;
  readonly bodyLength: number;
  readonly saysClose: boolean;
}

const OFFSET = 3;
const FILLER = 0xaa;

/** Writes the head of a request into the middle of a buffer, and with too little room as well. */
export function writeRequest(request: OutgoingRequest): Written {
  return write((writer, target, offset) => writer.writeRequest(target, offset, request));
}

/** The same for a response. */
export function writeResponse(response: OutgoingResponse): Written {
  return write((writer, target, offset) => writer.writeResponse(target, offset, response));
}

function write(writeHead: (writer: HeadWriter, target: Buffer, offset: number) => number): Written {
  const writer = new HeadWriter();
  const target = Buffer.alloc(4096, FILLER);
  const end = writeHead(writer, target, OFFSET);
  assert.ok(end > OFFSET, "there was room");
  const text = target.toString("latin1", OFFSET, end);
  const written = { text, bodyLength: writer.bodyLength, saysClose: writer.saysClose };
  assert.ok(target.subarray(0, OFFSET).equals(Buffer.alloc(OFFSET, FILLER)));
  assert.equal(target[end], FILLER, "nothing is written behind the head");
  for (let missing = 1; missing <= text.length; missing += 1) {
    const small = Buffer.alloc(OFFSET + text.length - missing);
    assert.equal(writeHead(new HeadWriter(), small, OFFSET), NO_ROOM, `${missing} bytes too few`);
  }
  return written;
}
