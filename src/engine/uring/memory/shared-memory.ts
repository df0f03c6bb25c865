/**
 * One block of memory that the kernel and this thread share: receive buffers, their ring, the send
 * arena and (where the kernel lets us bring them) the rings themselves, laid out one behind the
 * other.
 *
 * It is the memory of a WebAssembly module without code. Such memory starts at a page, never
 * moves, is copied where somebody sends it to another thread, and goes back to the system, not to
 * an allocator, when V8 frees it. The last point matters: a ring that is closed is taken apart
 * later, and writes to its pages while that goes on. They must not be in anybody else's use by
 * then.
 *
 * An address is two words. The block never crosses a 4 GiB line, so that the high word is the same
 * for all of it and the low word is an addition of 32-bit numbers: no BigInt, no carry.
 */
import { NetError } from "../../../errors.js";
import type { ForeignFunctions } from "../ring/foreign-functions.js";

/** Size of a page; what the kernel maps or pins starts at one. */
export const PAGE_BYTES = 4096;

/** What is used of WebAssembly, which the type definitions of Node leave out. */
interface WebAssemblyParts {
  readonly Memory: new (limits: { initial: number; maximum: number }) => WebAssemblyMemory;
}

interface WebAssemblyMemory {
  readonly buffer: ArrayBuffer;
}

/** The offset or id where there is no memory. */
export const NONE = -1;

const WEBASSEMBLY_PAGE_BYTES = 65_536;

const LINE = 0x1_0000_0000;

// A block that lies across a line is held until another is found, so that the next is elsewhere.
const MAX_ATTEMPTS = 4;

/** Rounds up to whole pages. */
export function wholePages(byteCount: number): number {
  return Math.ceil(byteCount / PAGE_BYTES) * PAGE_BYTES;
}

function webAssembly(): WebAssemblyParts {
  const { WebAssembly: parts } = globalThis as { readonly WebAssembly?: WebAssemblyParts };
  if (parts !== undefined) return parts;
  throw new NetError("ENGINE_UNAVAILABLE", "WebAssembly is switched off, and with it its memory", {
    operation: "configure",
  });
}

export class SharedMemory {
  readonly buffer: ArrayBuffer;
  /** Low word of the address of the block, as a signed 32-bit number. */
  readonly baseLow: number;
  /** High word of every address in the block. */
  readonly baseHigh: number;
  private used = 0;

  constructor(calls: ForeignFunctions, byteCount: number) {
    const pageCount = Math.ceil(byteCount / WEBASSEMBLY_PAGE_BYTES);
    const { Memory } = webAssembly();
    const crossing: WebAssemblyMemory[] = [];
    for (;;) {
      const memory = new Memory({ initial: pageCount, maximum: pageCount });
      const { buffer } = memory;
      const first = calls.addressOf(new Uint8Array(buffer));
      const last = first + buffer.byteLength - 1;
      if (Math.floor(first / LINE) === Math.floor(last / LINE)) {
        this.buffer = buffer;
        this.baseLow = first | 0;
        this.baseHigh = Math.floor(first / LINE);
        return;
      }
      crossing.push(memory);
      if (crossing.length === MAX_ATTEMPTS) {
        throw new NetError(
          "NO_BUFFERS",
          `found no ${byteCount} bytes that cross no border of 4 GiB in ${MAX_ATTEMPTS} attempts`,
        );
      }
    }
  }

  /** Takes whole pages; returns their offset, to be used with the functions below. */
  takePages(byteCount: number): number {
    const offset = this.used;
    this.used += wholePages(byteCount);
    if (this.used > this.buffer.byteLength) {
      throw new NetError("NO_BUFFERS", "the shared memory was laid out too small");
    }
    return offset;
  }

  /** Low word of the address of `offset`. */
  addressLow(offset: number): number {
    return (this.baseLow + offset) | 0;
  }

  /** The address of `offset`. */
  addressOf(offset: number): number {
    return this.baseHigh * LINE + ((this.baseLow + offset) >>> 0);
  }

  bytes(offset: number, byteCount: number): Buffer {
    return Buffer.from(this.buffer, offset, byteCount);
  }

  words(offset: number, byteCount: number): Int32Array {
    return new Int32Array(this.buffer, offset, byteCount >> 2);
  }

  halfWords(offset: number, byteCount: number): Uint16Array {
    return new Uint16Array(this.buffer, offset, byteCount >> 1);
  }
}
