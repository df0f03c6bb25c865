/**
 * Which bytes are lent: an engine may hand received bytes out of memory that it uses again when the
 * call returns. Whatever keeps or sends bytes asks here, and copies what is lent. Hot.
 *
 * The record is one for the thread, whichever engine lends and whichever sends. Deliveries can be nested;
 * while none is under way the question costs one comparison.
 */
import { Buffer } from "node:buffer";
import type { SendMemory } from "./send-memory.js";

/** Deliveries of lent bytes under way on this thread, the outermost first: two lists, so that none is allocated. */
const lentBytes: Uint8Array[] = [];
const lenders: SendMemory[] = [];

/** A delivery of lent bytes begins; `lender` can keep them. Always followed by {@link endLending}. */
export function beginLending(bytes: Uint8Array, lender: SendMemory): void {
  lentBytes.push(bytes);
  lenders.push(lender);
}

/** The delivery that began last is over. */
export function endLending(): void {
  lentBytes.pop();
  lenders.pop();
}

/** Who lends `bytes`; undefined where they are nobody's but the caller's. */
export function lenderOf(bytes: Uint8Array): SendMemory | undefined {
  if (lentBytes.length === 0) return undefined;
  for (let index = 0; index < lentBytes.length; index++) {
    const lent = lentBytes[index] as Uint8Array;
    // To ask for a buffer is slow, and what is sent is often what was received.
    if (lent === bytes || lent.buffer === bytes.buffer) return lenders[index];
  }
  return undefined;
}

/** Whether `bytes` are gone when the call returns. */
export function isLent(bytes: Uint8Array): boolean {
  return lenderOf(bytes) !== undefined;
}

/** The bytes themselves, or a copy where they are lent. */
export function owned<Bytes extends Uint8Array>(bytes: Bytes): Bytes | Buffer {
  return isLent(bytes) ? Buffer.from(bytes) : bytes;
}
