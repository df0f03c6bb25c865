import { Buffer } from "node:buffer";
import { BytePattern } from "./byte-pattern.js";
import { LoadTally } from "./load-tally.js";

/** Bytes before the pattern: the shortest datagram. */
export const HEAD_BYTES = 8;

const ALPHABET = Uint8Array.from({ length: 256 }, (_, byte) => byte);

/** What the connections of a load over datagrams have in common. */
export class DatagramTally extends LoadTally {
  readonly messageBytes: number;
  /** What every datagram has behind its head. */
  readonly body: Buffer;
  /** Bytes that came back and were right. */
  verifiedBytes = 0;
  /** Datagrams of the measured time that did not come back. */
  lostCount = 0;

  constructor(messageBytes: number, depth: number) {
    super(depth);
    this.messageBytes = messageBytes;
    const bodyBytes = messageBytes - HEAD_BYTES;
    this.body = bodyBytes === 0 ? Buffer.alloc(0) : new BytePattern(bodyBytes, ALPHABET).message(0);
  }

  /** A datagram that is to be sent. */
  datagram(place: number, number: number): Buffer {
    const bytes = Buffer.allocUnsafe(this.messageBytes);
    bytes.writeUInt32LE(place, 0);
    bytes.writeUInt32LE(number, 4);
    bytes.set(this.body, HEAD_BYTES);
    return bytes;
  }
}
