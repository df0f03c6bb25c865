/** Hellos of TLS clients that no library sends, made of one that a library has sent. */
import { HANDSHAKE_TYPE, recordHead } from "./tls-records.js";

const HEAD_BYTES = 5;
/** Of a message's own head, the version and the random bytes. */
const SESSION_AT = 4 + 2 + 32;

/** Extensions (RFC 6066, RFC 7301, RFC 5077). */
export const SERVER_NAME = 0;
export const PROTOCOLS = 16;
export const TICKET = 35;

/** The message in the records of `hello`, which has one. */
export function helloMessage(hello: Buffer): Buffer {
  return hello.subarray(HEAD_BYTES);
}

/** A message in records of `recordBytes` each. */
export function inRecords(message: Buffer, recordBytes: number): Buffer {
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += recordBytes) {
    const part = message.subarray(at, at + recordBytes);
    records.push(recordHead(HANDSHAKE_TYPE, part.length), part);
  }
  return Buffer.concat(records);
}

/** The message with another extension in front, instead of one of that kind. */
export function withExtension(message: Buffer, type: number, content: Buffer): Buffer {
  let at = SESSION_AT;
  at += 1 + message.readUInt8(at);
  at += 2 + message.readUInt16BE(at);
  at += 1 + message.readUInt8(at);
  const kept: Buffer[] = [extension(type, content)];
  for (let next = at + 2; next < message.length; ) {
    const end = next + 4 + message.readUInt16BE(next + 2);
    if (message.readUInt16BE(next) !== type) kept.push(message.subarray(next, end));
    next = end;
  }
  const extensions = Buffer.concat(kept);
  const count = Buffer.alloc(2);
  count.writeUInt16BE(extensions.length);
  const whole = Buffer.concat([message.subarray(0, at), count, extensions]);
  whole.writeUIntBE(whole.length - 4, 1, 3);
  return whole;
}

function extension(type: number, content: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16BE(type);
  head.writeUInt16BE(content.length, 2);
  return Buffer.concat([head, content]);
}

/** A list with one entry of that kind (RFC 6066 §3). */
export function serverNameList(name: Buffer, kind = 0): Buffer {
  const bytes = Buffer.alloc(5);
  bytes.writeUInt16BE(name.length + 3);
  bytes.writeUInt8(kind, 2);
  bytes.writeUInt16BE(name.length, 3);
  return Buffer.concat([bytes, name]);
}

/** A list with one name `count` times (RFC 7301 §3.1). */
export function protocolList(name: Buffer, count: number): Buffer {
  const entry = Buffer.concat([Buffer.of(name.length), name]);
  const bytes = Buffer.alloc(2 + count * entry.length);
  bytes.fill(entry, 2);
  bytes.writeUInt16BE(bytes.length - 2);
  return bytes;
}
