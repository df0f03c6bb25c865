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

/** Rounds up to whole pages. */
export function wholePages(byteCount: number): number {
  return Math.ceil(byteCount / PAGE_BYTES) * PAGE_BYTES;
}

/** Bytes from an address to the next line. */
function untilLine(address: number): number {
  return LINE - (address % LINE);
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
  /** Low word of the address of the buffer, as a signed 32-bit number. */
  readonly baseLow: number;
  /** High word of every address in the block. */
  readonly baseHigh: number;
  private used: number;
  private readonly end: number;

  constructor(calls: ForeignFunctions, byteCount: number) {
    const pageCount = Math.ceil(byteCount / WEBASSEMBLY_PAGE_BYTES);
    const { Memory } = webAssembly();
    const allocate = (count: number): [ArrayBuffer, number] => {
      const { buffer } = new Memory({ initial: count, maximum: count });
      return [buffer, calls.addressOf(new Uint8Array(buffer))];
    };
    const blockBytes = pageCount * WEBASSEMBLY_PAGE_BYTES;
    let [buffer, first] = allocate(pageCount);
    let start = 0;
    if (untilLine(first) < blockBytes) {
      // V8 may put the next one just as near to a line. Twice as much has room before or behind it.
      [buffer, first] = allocate(2 * pageCount);
      const before = untilLine(first);
      if (before < blockBytes) start = before;
    }
    this.buffer = buffer;
    this.used = start;
    this.end = start + blockBytes;
    this.baseLow = first | 0;
    this.baseHigh = Math.floor((first + start) / LINE);
  }

  /** Takes whole pages; returns their offset, to be used with the functions below. */
  takePages(byteCount: number): number {
    const offset = this.used;
    this.used += wholePages(byteCount);
    if (this.used > this.end) {
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
