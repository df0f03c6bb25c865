/**
 * A sequence of bytes that shows where a packet begins or ends. Looking for it in memory at one
 * piece is left to the platform; where pieces meet and marks overlap themselves ("aa" in "aaa")
 * the search of Knuth, Morris and Pratt looks at each byte once: `borders[n]` is the length of the
 * longest beginning of the mark that is also an end of its first n + 1 bytes, and shorter.
 */
import { Buffer } from "node:buffer";
import { describe, invalidArgument } from "../errors.js";

const MAX_MARK_BYTES = 64;

/** A delimiter, start mark or end mark of 1…64 bytes. */
export class Mark {
  /** The bytes of the mark. Never changed. */
  readonly bytes: Buffer;
  private readonly borders: readonly number[];

  /** `value`: as {@link assertMark} lets it pass. */
  constructor(value: string | Uint8Array) {
    this.bytes = Buffer.from(value);
    this.borders = bordersOf(this.bytes);
  }

  /** Where the mark first is in `bytes`, between `from` and `end`; −1 when it is not. */
  indexIn(bytes: Buffer, from: number, end: number): number {
    const window = end === bytes.length ? bytes : bytes.subarray(0, end);
    return this.bytes.length === 1
      ? window.indexOf(this.bytes[0]!, from)
      : window.indexOf(this.bytes, from);
  }

  /** How many bytes of the mark are at `start`, before `end` or the first difference. */
  agreeingBytes(bytes: Buffer, start: number, end: number): number {
    const most = Math.min(this.bytes.length, end - start);
    let count = 0;
    while (count < most && bytes[start + count] === this.bytes[count]) count += 1;
    return count;
  }

  /**
   * Length of the longest beginning of the mark that the bytes before `end` end with; shorter than
   * the mark, which must not be there itself.
   */
  begunBytes(bytes: Buffer, start: number, end: number): number {
    const from = Math.max(start, end - this.bytes.length + 1);
    let matched = 0;
    for (let at = from; at < end; at += 1) matched = this.next(matched, bytes[at]!);
    return matched;
  }

  /**
   * Whether a receiver of these pieces, followed by the mark, would find the mark too early: inside
   * the pieces, across their borders, or begun by the last of them.
   */
  isFoundEarly(pieces: readonly Uint8Array[]): boolean {
    const first = this.bytes[0]!;
    let matched = 0;
    for (const piece of pieces) {
      for (let at = 0; at < piece.length; at += 1) {
        if (matched === 0) at = piece.indexOf(first, at);
        if (at < 0) break;
        matched = this.next(matched, piece[at]!);
        if (matched === this.bytes.length) return true;
      }
    }
    for (let at = 0; matched > at; at += 1) {
      matched = this.next(matched, this.bytes[at]!);
      if (matched === this.bytes.length) return at + 1 < this.bytes.length;
    }
    return false;
  }

  /** Bytes of the mark that are matched when `byte` follows `matched` of them. */
  private next(matched: number, byte: number): number {
    let length = matched;
    while (length > 0 && this.bytes[length] !== byte) length = this.borders[length - 1]!;
    return this.bytes[length] === byte ? length + 1 : 0;
  }
}

function bordersOf(mark: Buffer): readonly number[] {
  const borders = [0];
  let length = 0;
  for (let at = 1; at < mark.length; at += 1) {
    while (length > 0 && mark[at] !== mark[length]) length = borders[length - 1]!;
    if (mark[at] === mark[length]) length += 1;
    borders.push(length);
  }
  return borders;
}

/** Throws `INVALID_ARGUMENT` unless `value` is text or bytes of 1…64 bytes. */
export function assertMark(name: string, value: unknown): void {
  const isData = typeof value === "string" || value instanceof Uint8Array;
  const length = isData ? Buffer.byteLength(value) : 0;
  if (length >= 1 && length <= MAX_MARK_BYTES) return;
  const found = isData ? `${length} bytes` : describe(value);
  throw invalidArgument(
    `${name} must be text or bytes of 1 to ${MAX_MARK_BYTES} bytes, not ${found}`,
  );
}
