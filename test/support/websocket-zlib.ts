/** Deflate contexts for tests of what stands on them: those of the library, counted. */
import { constants } from "node:zlib";
import type { Deflater, Inflater } from "#src/protocol/websocket/deflate-context.js";
import {
  createDeflate,
  createInflate,
  type ZlibContext,
} from "#src/websocket/deflate/zlib-context.js";

/** How a context is made. */
export interface ContextOptions {
  readonly windowBits?: number;
  readonly memLevel?: number;
  readonly level?: number;
  /** Whether the context outlives a message. Default true. */
  readonly takesOver?: boolean;
}

class CountedContext {
  /** Messages begun less messages ended. */
  openCount = 0;
  protected readonly context: ZlibContext;
  readonly #takesOver: boolean;

  constructor(context: ZlibContext, takesOver = true) {
    this.context = context;
    this.#takesOver = takesOver;
  }

  get takenBytes(): number {
    return this.context.takenBytes;
  }

  begin(): void {
    this.openCount++;
    if (!this.#takesOver) this.context.reset();
  }

  end(_isBroken: boolean): void {
    this.openCount--;
  }

  restart(): void {
    this.context.reset();
  }

  takeTail(): boolean {
    return this.context.takeTail();
  }
}

/** Inflates. */
export class ZlibInflater extends CountedContext implements Inflater {
  stepCount = 0;

  constructor({ windowBits = 15, takesOver }: ContextOptions = {}) {
    super(createInflate(windowBits), takesOver);
  }

  step(...[input, start, end, target, offset, limit]: Parameters<Inflater["step"]>): number {
    this.stepCount++;
    return this.context.step(constants.Z_SYNC_FLUSH, input, start, end, target, offset, limit);
  }
}

/** Deflates. */
export class ZlibDeflater extends CountedContext implements Deflater {
  constructor({ windowBits = 15, memLevel = 8, level = 6, takesOver }: ContextOptions = {}) {
    super(createDeflate({ windowBits, memLevel, level }), takesOver);
  }

  step(
    ...[input, start, end, target, offset, limit, flushes]: Parameters<Deflater["step"]>
  ): number {
    const flush = flushes ? constants.Z_SYNC_FLUSH : constants.Z_NO_FLUSH;
    return this.context.step(flush, input, start, end, target, offset, limit);
  }
}
