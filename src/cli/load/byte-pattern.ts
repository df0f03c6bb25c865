/**
 * What a load sends: an endless stream of messages that repeats itself, the same for all
 * connections, which begin at different messages of it. So one buffer serves every send and every
 * check of what comes back.
 *
 *     bytes: [ message 0 | message 1 | … | message count−1 ][ the same once more ]
 *
 * The second copy lets any run of up to `messageCount` messages be one piece of the buffer.
 */
import { Buffer } from "node:buffer";

const TARGET_BYTES = 1_048_576;
const MIN_MESSAGES = 2;
const MAX_MESSAGES = 4_096;
const SEED = 0x9e3779b9;

export class BytePattern {
  readonly messageBytes: number;
  /** Messages until the stream repeats itself. */
  readonly messageCount: number;
  private readonly periodBytes: number;
  private readonly bytes: Buffer;
  private readonly messages: readonly Buffer[];

  /** `source`: the bytes that may occur, or what fills one round of the stream. */
  constructor(messageBytes: number, source: Uint8Array | ((bytes: Buffer) => void)) {
    this.messageBytes = messageBytes;
    this.messageCount = Math.min(
      MAX_MESSAGES,
      Math.max(MIN_MESSAGES, Math.floor(TARGET_BYTES / messageBytes)),
    );
    this.periodBytes = messageBytes * this.messageCount;
    const bytes = Buffer.allocUnsafeSlow(2 * this.periodBytes);
    const round = bytes.subarray(0, this.periodBytes);
    if (typeof source === "function") source(round);
    else fillRandomly(round, source);
    bytes.copy(bytes, this.periodBytes, 0, this.periodBytes);
    this.bytes = bytes;
    this.messages = Array.from({ length: this.messageCount }, (_, index) => this.run(index, 1));
  }

  /** Message `index`, below `messageCount`. */
  message(index: number): Buffer {
    return this.messages[index]!;
  }

  /** `count` messages in one piece, from message `index` on; at most `messageCount`. */
  run(index: number, count: number): Buffer {
    const start = index * this.messageBytes;
    return this.bytes.subarray(start, start + count * this.messageBytes);
  }

  /** Whether `bytes[start … end)` are message `index`. Hot. */
  isMessage(index: number, bytes: Buffer, start: number, end: number): boolean {
    if (end - start !== this.messageBytes) return false;
    return this.messages[index]!.compare(bytes, start, end) === 0;
  }

  /** Where `bytes` first differ from the stream, which is at `position`; −1: nowhere. Hot. */
  indexOfDifference(position: number, bytes: Buffer): number {
    const length = bytes.length;
    for (let start = 0; start < length; start += this.periodBytes) {
      const end = Math.min(length, start + this.periodBytes);
      if (this.bytes.compare(bytes, start, end, position, position + end - start) !== 0) {
        return this.firstDifference(position, bytes, start);
      }
    }
    return -1;
  }

  private firstDifference(position: number, bytes: Buffer, start: number): number {
    let index = start;
    while (bytes[index] === this.byteAt(position + index)) index += 1;
    return index;
  }

  /** The byte at a position of the stream. */
  byteAt(position: number): number {
    return this.bytes[position % this.periodBytes]!;
  }

  /** The position `byteCount` further on. */
  advance(position: number, byteCount: number): number {
    return (position + byteCount) % this.periodBytes;
  }
}

/** Pseudo-random bytes of the alphabet (xorshift32). */
function fillRandomly(bytes: Buffer, alphabet: Uint8Array): void {
  let state = SEED;
  for (let index = 0; index < bytes.length; index += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[index] = alphabet[(state >>> 8) % alphabet.length]!;
  }
}
