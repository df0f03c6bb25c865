/**
 * Which bytes are lent: an engine may hand received bytes out of memory that it uses again when the
 * call returns. Whatever keeps or sends bytes asks here, and copies what is lent.
 *
 * The record is one for the thread, whichever engine lends and whichever sends. Deliveries can be nested;
 * while none is under way the question costs one comparison.
 */
import { Buffer } from "node:buffer";
import type { SendMemory } from "./send-memory.js";

interface Delivery {
  readonly bytes: Uint8Array;
  readonly lender: SendMemory;
}

/** Deliveries of lent bytes under way on this thread, the outermost first. */
const deliveries: Delivery[] = [];

/** A delivery of lent bytes begins; `lender` can keep them. Always followed by {@link endLending}. */
export function beginLending(bytes: Uint8Array, lender: SendMemory): void {
  deliveries.push({ bytes, lender });
}

/** The delivery that began last is over. */
export function endLending(): void {
  deliveries.pop();
}

/** Who lends `bytes`; undefined where they are nobody's but the caller's. */
export function lenderOf(bytes: Uint8Array): SendMemory | undefined {
  if (deliveries.length === 0) return undefined;
  const { buffer } = bytes;
  for (const delivery of deliveries) if (delivery.bytes.buffer === buffer) return delivery.lender;
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
