/**
 * A deflate or an inflate of Node's zlib, driven synchronously in steps of bounded output, on the handle
 * inside a stream that is never used as one (docs/decisions/0013-websocket-deflate.md). Hot.
 *
 * The handle is not documented: {@link isUsable} tries one of each before anything is agreed on.
 */
import { constants, createDeflateRaw, createInflateRaw } from "node:zlib";
import { MESSAGE_TAIL } from "../../protocol/websocket/deflate-context.js";

/** With a byte that no block of it takes: where that is left, the block has ended. */
const GUARDED_TAIL: Buffer = Buffer.concat([MESSAGE_TAIL, Buffer.of(0)]);

/** The tail makes nothing. */
const NOWHERE: Buffer = Buffer.alloc(1);

/** What a zlib stream of Node has inside. */
interface Handle {
  onerror: (message: string, errno: number, code: string) => void;
  writeSync(
    flush: number,
    input: Uint8Array,
    start: number,
    length: number,
    target: Uint8Array,
    offset: number,
    room: number,
  ): void;
  reset(): void;
}

interface ZlibStream {
  readonly _handle: Handle;
  /** Room that is left, input that is left. */
  readonly _writeState: Uint32Array;
  destroy(): unknown;
}

/** How a deflate is made. */
export interface DeflateSettings {
  readonly windowBits: number;
  readonly memLevel: number;
  readonly level: number;
}

export class ZlibContext {
  /** Bytes of its input that the last step took. */
  takenBytes = 0;
  private readonly stream: ZlibStream;
  private readonly handle: Handle;
  private readonly left: Uint32Array;
  private hasFailed = false;

  constructor(stream: object) {
    this.stream = stream as ZlibStream;
    this.handle = this.stream._handle;
    this.left = this.stream._writeState;
    this.handle.onerror = () => {
      this.hasFailed = true;
    };
  }

  /** Forgets the data before. */
  reset(): void {
    this.handle.reset();
  }

  /** Gives its memory back. */
  destroy(): void {
    this.stream.destroy();
  }

  /** Returns how many bytes were written, or −1 for invalid data. */
  step(
    flush: number,
    input: Uint8Array,
    start: number,
    end: number,
    target: Uint8Array,
    offset: number,
    limit: number,
  ): number {
    this.handle.writeSync(flush, input, start, end - start, target, offset, limit - offset);
    if (this.hasFailed) return -1;
    this.takenBytes = end - start - (this.left[1] as number);
    return limit - offset - (this.left[0] as number);
  }

  /** See `Inflater.takeTail`. With Z_BLOCK an inflate stops where a block has ended. */
  takeTail(): boolean {
    const made = this.step(constants.Z_BLOCK, GUARDED_TAIL, 0, GUARDED_TAIL.length, NOWHERE, 0, 1);
    if (made !== 0) return false;
    if (this.takenBytes === 0) this.reset();
    return this.takenBytes === 0 || this.takenBytes === MESSAGE_TAIL.length;
  }
}

/** Makes a deflate. zlib makes none of 8 bits; with 9 it never looks back further than 8 bits reach. */
export function createDeflate({ windowBits, memLevel, level }: DeflateSettings): ZlibContext {
  return new ZlibContext(
    createDeflateRaw({ windowBits: Math.max(9, windowBits), memLevel, level }),
  );
}

/** Makes an inflate. */
export function createInflate(windowBits: number): ZlibContext {
  return new ZlibContext(createInflateRaw({ windowBits }));
}

let usable: boolean | undefined;

/** Whether contexts can be driven in this Node: tried once. Where not, compression is not agreed on. */
export function isUsable(): boolean {
  usable ??= tryContexts();
  return usable;
}

function tryContexts(): boolean {
  const text = Buffer.from("hp-socket hp-socket hp-socket");
  const packed = Buffer.alloc(64);
  const unpacked = Buffer.alloc(64);
  try {
    const deflate = createDeflate({ windowBits: 9, memLevel: 1, level: 6 });
    const inflate = createInflate(9);
    const { Z_SYNC_FLUSH } = constants;
    const made = deflate.step(Z_SYNC_FLUSH, text, 0, text.length, packed, 0, packed.length);
    const end = made - MESSAGE_TAIL.length;
    const back = inflate.step(Z_SYNC_FLUSH, packed, 0, end, unpacked, 0, unpacked.length);
    const isBack = inflate.takenBytes === end && unpacked.subarray(0, back).equals(text);
    const isWhole = inflate.takeTail();
    deflate.destroy();
    inflate.destroy();
    return isBack && isWhole;
  } catch {
    // Another zlib inside this Node.
    return false;
  }
}
