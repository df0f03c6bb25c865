/**
 * Hot. Where received bytes are deciphered to, on one ring: a receive buffer that was taken out of the pool.
 * When its bytes are lent to a sink it goes to the kernel in place of the buffer that brought the cipher
 * text, which is the next to decipher to. So bytes can be kept and sent on as those of a plain stream can.
 *
 * Where no buffer is spare, and for what is left of a piece whose plain text is longer than a buffer, it
 * is memory of the heap: its bytes can be lent, and not kept.
 */
import type { ProvidedBuffers } from "../memory/provided-buffers.js";
import { NONE } from "../memory/shared-memory.js";
import type { ForeignFunctions } from "../ring/foreign-functions.js";

/** Memory for received plain text. */
export class PlainMemory {
  /** Bytes that fit. */
  readonly byteCount: number;
  private readonly buffers: ProvidedBuffers;
  private readonly calls: ForeignFunctions;
  /** The buffer that is taken, or NONE. */
  private taken: number = NONE;
  private heap: Buffer | undefined = undefined;
  private heapAddress = 0;
  private isOnHeap = true;

  constructor(buffers: ProvidedBuffers, calls: ForeignFunctions) {
    this.buffers = buffers;
    this.calls = calls;
    this.byteCount = buffers.bufferBytes;
  }

  /** Chooses the memory for what comes next; returns its address. */
  choose(mayBeKept: boolean): number {
    if (mayBeKept && this.taken === NONE) this.taken = this.buffers.takeSpare();
    this.isOnHeap = !mayBeKept || this.taken === NONE;
    if (!this.isOnHeap) return this.buffers.addressOf(this.taken);
    if (this.heap === undefined) {
      this.heap = Buffer.allocUnsafeSlow(this.byteCount);
      this.heapAddress = this.calls.addressOf(this.heap);
    }
    return this.heapAddress;
  }

  /** The first bytes of the memory, to be lent. */
  lend(byteCount: number): Buffer {
    if (this.isOnHeap) return this.heap!.subarray(0, byteCount);
    return this.buffers.viewOf(this.taken, byteCount);
  }

  /** The bytes are being lent; `received` has brought them. False: that has to be given back. */
  exchange(received: number): boolean {
    if (this.isOnHeap) return false;
    this.buffers.giveBack(this.taken);
    this.taken = received;
    return true;
  }
}
