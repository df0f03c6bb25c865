import type { BytePattern } from "./byte-pattern.js";
import { LoadTally } from "./load-tally.js";

/** What the connections of a load of an echo server have in common. */
export class EchoTally extends LoadTally {
  readonly pattern: BytePattern;
  /** Each message is a packet; else they are parts of a stream. */
  readonly isPacked: boolean;
  /** Bytes that came back and were right. */
  verifiedBytes = 0;

  constructor(pattern: BytePattern, depth: number, isPacked: boolean) {
    super(depth);
    this.pattern = pattern;
    this.isPacked = isPacked;
  }
}
