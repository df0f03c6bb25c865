/** Bytes of a message that is short, and may come in pieces. */
import { Buffer } from "node:buffer";

/** Longest message of SOCKS: a name and a password of 255 bytes each, or a name with its port. */
export const MAX_MESSAGE_BYTES = 1_024;

/** Gathers what has come of one message. */
export class ShortMessage {
  private kept: Buffer = Buffer.alloc(0);

  /** What was kept, and these bytes behind it, no more than a message can have. */
  with(bytes: Buffer): Buffer {
    const room = bytes.subarray(0, MAX_MESSAGE_BYTES - this.kept.length);
    return this.kept.length === 0 ? room : Buffer.concat([this.kept, room]);
  }

  /** The message is not complete yet: keeps what there is of it. Returns how many of `bytes` were taken. */
  keep(gathered: Buffer): number {
    const taken = gathered.length - this.kept.length;
    // The bytes may be lent.
    this.kept = Buffer.from(gathered);
    return taken;
  }

  /** The first `length` bytes were the message. Returns how many of the bytes that came last it took. */
  complete(length: number): number {
    const taken = length - this.kept.length;
    this.kept = Buffer.alloc(0);
    return taken;
  }
}
