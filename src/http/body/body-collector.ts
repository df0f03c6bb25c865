/**
 * Gathers a whole body for `bytes()`, `text()` and `json()`. Where the length was announced and is
 * moderate, the bytes go straight to their place: one copy, no list.
 */
import { Buffer } from "node:buffer";
import { PieceQueue } from "../../bytes/piece-queue.js";
import { NetError } from "../../errors.js";
import type { SpareMemory } from "./spare-memory.js";

/** Memory that is allocated because of Content-Length alone. */
const MAX_TRUSTED_BYTES = 1_048_576;

/** Gathers the bytes of one body. */
export class BodyCollector {
  private readonly maxBytes: number;
  private readonly whole: Buffer | undefined;
  private readonly memory: SpareMemory | undefined;
  private readonly pieces = new PieceQueue();
  private byteCount = 0;

  /** `contentLength`: as announced, where it was. `memory`: where it is given back, see {@link release}. */
  constructor(maxBytes: number, contentLength: number | undefined, memory?: SpareMemory) {
    this.maxBytes = maxBytes;
    this.memory = memory;
    const isTrusted = contentLength !== undefined && contentLength <= MAX_TRUSTED_BYTES;
    if (isTrusted) this.whole = memory?.take(contentLength) ?? Buffer.allocUnsafe(contentLength);
  }

  /** Takes the next bytes; `lent`: they are gone after the call. Returns an error, or undefined. */
  add(bytes: Buffer, lent: boolean): NetError | undefined {
    if (this.byteCount + bytes.length > this.maxBytes) return tooLarge(this.maxBytes);
    if (this.whole !== undefined) this.whole.set(bytes, this.byteCount);
    else this.pieces.append(bytes, lent);
    this.byteCount += bytes.length;
    return undefined;
  }

  /** All that was taken. */
  result(): Buffer {
    const { whole, byteCount } = this;
    if (whole === undefined) return this.pieces.takeAll();
    return whole.length === byteCount ? whole : whole.subarray(0, byteCount);
  }

  /** What was taken is not needed any more: its memory is given back. */
  release(): void {
    if (this.whole !== undefined) this.memory?.giveBack(this.whole);
  }
}

/** The error for a body that is longer than `maxBytes`. */
export function tooLarge(maxBytes: number): NetError {
  return new NetError("HTTP_BODY_TOO_LARGE", `the body is longer than maxBytes (${maxBytes})`, {
    operation: "receive",
  });
}
