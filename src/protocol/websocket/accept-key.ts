/** Sec-WebSocket-Key and what proves that it was understood (RFC 6455 §4.1, §4.2.2). */
import { Buffer } from "node:buffer";
import { NetError } from "../../errors.js";

/** Returns the SHA-1 of an ASCII text in base64. Handed in: pure code has no hash functions. */
export type Sha1Base64 = (text: string) => string;

const KEY_BYTES = 16;

/** 16 bytes in base64: the last of 22 digits has 2 bits to say. */
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/;

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** Whether a text can be a key. */
export function isKey(text: string): boolean {
  return KEY.test(text);
}

/** The key of 16 bytes that must be random. */
export function createKey(random: Uint8Array): string {
  if (random.length !== KEY_BYTES) {
    throw new NetError("INVALID_ARGUMENT", `a key has ${KEY_BYTES} bytes, not ${random.length}`, {
      operation: "handshake",
    });
  }
  return Buffer.from(random).toString("base64");
}

/** The value of Sec-WebSocket-Accept for a key. */
export function acceptOf(key: string, sha1: Sha1Base64): string {
  return sha1(key + GUID);
}
