/**
 * Deflate contexts on Node's zlib, driven synchronously as docs/decisions/0013 describes it: steps of
 * bounded output on one handle, without a stream around.
 */
import { constants, createDeflateRaw, createInflateRaw } from "node:zlib";
import type { Deflater, Inflater } from "#src/protocol/websocket/deflate-context.js";

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

interface Inside {
  readonly _handle: Handle;
  /** Room that is left, input that is left. */
  readonly _writeState: Uint32Array;
}

/** How a context is made. */
export interface ContextOptions {
  readonly windowBits?: number;
  readonly memLevel?: number;
  readonly level?: number;
  /** Whether the context outlives a message. Default true. */
  readonly takesOver?: boolean;
}

class ZlibContext {
  takenBytes = 0;
  /** Messages begun less messages ended. */
  openCount = 0;
  readonly #handle: Handle;
  readonly #left: Uint32Array;
  readonly #takesOver: boolean;
  #hasFailed = false;

  constructor(stream: object, takesOver: boolean) {
    const { _handle, _writeState } = stream as Inside;
    this.#handle = _handle;
    this.#left = _writeState;
    this.#takesOver = takesOver;
    _handle.onerror = () => {
      this.#hasFailed = true;
    };
  }

  begin(): void {
    this.openCount++;
    if (!this.#takesOver) this.#handle.reset();
  }

  end(_isBroken: boolean): void {
    this.openCount--;
  }

  restart(): void {
    this.#handle.reset();
  }

  protected run(
    flush: number,
    input: Uint8Array,
    start: number,
    end: number,
    target: Uint8Array,
    offset: number,
    limit: number,
  ): number {
    this.#handle.writeSync(flush, input, start, end - start, target, offset, limit - offset);
    if (this.#hasFailed) return -1;
    this.takenBytes = end - start - this.#left[1]!;
    return limit - offset - this.#left[0]!;
  }
}

/** Inflates. */
export class ZlibInflater extends ZlibContext implements Inflater {
  stepCount = 0;

  constructor(options: ContextOptions = {}) {
    super(createInflateRaw({ windowBits: options.windowBits ?? 15 }), options.takesOver ?? true);
  }

  step(
    input: Uint8Array,
    start: number,
    end: number,
    target: Uint8Array,
    offset: number,
    limit: number,
  ): number {
    this.stepCount++;
    return this.run(constants.Z_SYNC_FLUSH, input, start, end, target, offset, limit);
  }
}

/** Deflates. */
export class ZlibDeflater extends ZlibContext implements Deflater {
  constructor(options: ContextOptions = {}) {
    const { windowBits = 15, memLevel = 8, level = 6 } = options;
    // zlib makes no raw deflate of 8 bits; with 9 it never looks back further than 8 bits reach.
    const stream = createDeflateRaw({ windowBits: Math.max(9, windowBits), memLevel, level });
    super(stream, options.takesOver ?? true);
  }

  step(
    input: Uint8Array,
    start: number,
    end: number,
    target: Uint8Array,
    offset: number,
    limit: number,
    flushes: boolean,
  ): number {
    const flush = flushes ? constants.Z_SYNC_FLUSH : constants.Z_NO_FLUSH;
    return this.run(flush, input, start, end, target, offset, limit);
  }
}
