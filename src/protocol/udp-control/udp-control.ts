/** What UDP components of HP-Socket say to each other besides the application's datagrams (HP §3.2, §3.3). */
import { Buffer } from "node:buffer";

/** Says that the other side has closed (HP §3.2). */
export const CLOSE_NOTIFY: Buffer = Buffer.from("beb61febda5246ba923359dbbfe6c8e4", "hex");

/** Bytes of it. */
export const CLOSE_NOTIFY_BYTES = 16;

/** A probe, and the answer to one: an empty datagram (HP §3.3). */
export const PROBE: Buffer = Buffer.alloc(0);

/** Whether a datagram is a close-notify. */
export function isCloseNotify(datagram: Uint8Array): boolean {
  if (datagram.length !== CLOSE_NOTIFY_BYTES || datagram[0] !== CLOSE_NOTIFY[0]) return false;
  for (let index = 1; index < CLOSE_NOTIFY_BYTES; index++) {
    if (datagram[index] !== CLOSE_NOTIFY[index]) return false;
  }
  return true;
}
