/**
 * The memory into which received bytes are deciphered, on one ring: a receive buffer that was taken out of the pool. Hot.
 * When its bytes are lent to a sink, the buffer that brought the cipher text becomes the next one to decipher into, and
 * this one goes to the kernel in its place. So bytes can be kept and sent on as those of a plain stream can.
 *
 * If no buffer is spare, and for the rest of a piece whose plain text is longer than a buffer, memory of the heap is
 * used: its bytes can be lent, but not kept.
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
