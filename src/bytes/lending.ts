/**
 * Which bytes are lent: an engine may hand received bytes out of memory that it uses again when the
 * call returns. Whatever keeps or sends bytes asks here, and copies what is lent.
 *
 * The record is one for the thread, whichever engine lends and whichever sends: memory that is lent
 * from is known by its ArrayBuffer, and stays so for good. While nothing is being delivered from such
 * memory (`depth` is 0) the question costs one comparison.
 */
import { Buffer } from "node:buffer";
import type { SendMemory } from "./send-memory.js";

const lenders: Map<ArrayBufferLike, SendMemory> = new Map();

/** Deliveries of lent bytes under way on this thread; they can be nested. */
let depth = 0;

/** From here on bytes that lie in `memory` are lent; `lender` can keep them. */
export function registerLender(memory: ArrayBufferLike, lender: SendMemory): void {
  lenders.set(memory, lender);
}

/** The engine has given the memory up. */
export function forgetLender(memory: ArrayBufferLike): void {
  lenders.delete(memory);
}

/** A delivery of lent bytes begins. Always followed by {@link endLending}. */
export function beginLending(): void {
  depth++;
}

/** A delivery of lent bytes is over. */
export function endLending(): void {
  depth--;
}

/** Who lends `bytes`; undefined where they are nobody's but the caller's. */
export function lenderOf(bytes: Uint8Array): SendMemory | undefined {
  return depth === 0 ? undefined : lenders.get(bytes.buffer);
}

/** Whether `bytes` are gone when the call returns. */
export function isLent(bytes: Uint8Array): boolean {
  return depth > 0 && lenders.has(bytes.buffer);
}

/** The bytes themselves, or a copy where they are lent. */
export function owned<Bytes extends Uint8Array>(bytes: Bytes): Bytes | Buffer {
  return isLent(bytes) ? Buffer.from(bytes) : bytes;
}
