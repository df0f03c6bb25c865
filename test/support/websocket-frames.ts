import { Buffer } from "node:buffer";
import { OPCODE } from "#src/protocol/websocket/opcode.js";

/** A frame as a test wants it, sound or not. */
export interface FrameShape {
  /** Default true. */
  readonly fin?: boolean;
  /** The three reserved bits as a number. Default 0. */
  readonly rsv?: number;
  readonly opcode?: number;
  /** Four octets, or none. Default 37 fa 21 3d, the RFC's own. */
  readonly key?: string | undefined;
  readonly payload?: Buffer | string;
  /** The length that is written, where it is not the payload's. */
  readonly length?: number | bigint;
  /** Bytes in which it is written: 0, 2 or 8. */
  readonly lengthBytes?: 0 | 2 | 8;
}

/** The RFC's own key (§5.7). */
const KEY = "37fa213d";

/** A frame of a client. Plain: octet by octet, as §5.2 says. */
export function frame(shape: FrameShape = {}): Buffer {
  const { fin = true, rsv = 0, opcode = OPCODE.text } = shape;
  const key = Buffer.from("key" in shape ? (shape.key ?? "") : KEY, "hex");
  const { payload: given = "" } = shape;
  const payload = typeof given === "string" ? Buffer.from(given) : given;
  const length = BigInt(shape.length ?? payload.length);
  const lengthBytes = shape.lengthBytes ?? (length < 126n ? 0 : length < 65_536n ? 2 : 8);
  const written = { 0: Number(length), 2: 126, 8: 127 }[lengthBytes];
  const head = Buffer.alloc(2 + lengthBytes);
  head[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  head[1] = (key.length > 0 ? 0x80 : 0) | written;
  if (lengthBytes === 2) head.writeUInt16BE(Number(length), 2);
  if (lengthBytes === 8) head.writeBigUInt64BE(length, 2);
  return Buffer.concat([head, key, maskPlainly(payload, key)]);
}

/** A frame of a server. */
export function plainFrame(shape: FrameShape = {}): Buffer {
  return frame({ ...shape, key: undefined });
}

/** §5.3 as it is written. */
export function maskPlainly(payload: Buffer, key: Buffer): Buffer {
  if (key.length === 0) return payload;
  const masked = Buffer.from(payload);
  for (let index = 0; index < masked.length; index++) masked[index]! ^= key[index % 4]!;
  return masked;
}

/** The body of a Close frame. */
export function closeBody(code: number, reason: string | Buffer = ""): Buffer {
  return Buffer.concat([Buffer.of(code >> 8, code & 0xff), Buffer.from(reason)]);
}

/** Hexadecimal digits, with blanks for the eye, as bytes. */
export function hex(digits: string): Buffer {
  return Buffer.from(digits.replaceAll(" ", ""), "hex");
}
