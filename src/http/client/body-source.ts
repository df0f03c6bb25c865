/**
 * The chunks of a body, as the application yields them. It runs in the async context of the request.
 *
 *     unopened ── next ──► open ── its end, an error ──► over
 *        └──── leave ───────┴────── leave ─────────────► over
 *
 * A source that is left cleans up: iterators by `return`, streams at once, even while they are asked.
 */
import type { AsyncResource } from "node:async_hooks";
import { loopTurned } from "../pump-breath.js";
import type { BodyChunks } from "./request-content.js";

/** Where the chunks come from. */
export interface ChunkContent {
  /** Makes the chunks, or returns those that were given. */
  readonly open: () => BodyChunks;
  /** Whether `open` makes them anew: then there is nothing to clean up before it was called. */
  readonly canRepeat: boolean;
}

type AnyIterator = AsyncIterator<unknown> | Iterator<unknown>;

/** A stream of Node, which can be destroyed while a read is pending. */
interface Destroyable {
  destroy(): unknown;
}

/** The chunks of the body of one request. */
export class BodySource {
  private readonly content: ChunkContent;
  private readonly scope: AsyncResource | undefined;
  private iterator: AnyIterator | undefined;
  private stream: Destroyable | undefined;
  /** The iterator is being called, and may end the request within that call. */
  private isCalling = false;
  private isOver = false;

  /** `scope`: the async context of the request, where that matters. */
  constructor(content: ChunkContent, scope: AsyncResource | undefined) {
    this.content = content;
    this.scope = scope;
  }

  /** Asks for the next chunk. Throws, or rejects with, what the source does. */
  async next(): Promise<IteratorResult<unknown>> {
    try {
      const result = await this.ask();
      if (result.done === true) this.isOver = true;
      return result;
    } catch (error) {
      this.isOver = true;
      throw error;
    }
  }

  private ask(): Promise<IteratorResult<unknown>> | IteratorResult<unknown> {
    this.isCalling = true;
    try {
      return this.run(() => (this.iterator ?? this.open()).next());
    } finally {
      this.isCalling = false;
    }
  }

  private open(): AnyIterator {
    const chunks = this.content.open();
    this.iterator = chunks instanceof ReadableStream ? readerOf(chunks) : iteratorOf(chunks);
    if (isDestroyable(chunks)) this.stream = chunks;
    return this.iterator;
  }

  /**
   * Nothing more is wanted. Resolves when the source has cleaned up, and not later than the loop has
   * turned: one that waits for something else is not waited for. Never rejects.
   */
  async leave(): Promise<void> {
    if (this.isOver) return;
    this.isOver = true;
    if (this.iterator === undefined && this.content.canRepeat) return;
    // An iterator that is running can't be returned.
    if (this.isCalling) await undefined;
    try {
      const left = this.run(() => this.return());
      await Promise.race([left, loopTurned()]);
    } catch {
      // An error has no receiver any more.
    }
  }

  private async return(): Promise<void> {
    const iterator = this.iterator ?? this.open();
    this.stream?.destroy();
    await iterator.return?.();
  }

  private run<Result>(call: () => Result): Result {
    return this.scope === undefined ? call() : this.scope.runInAsyncScope(call);
  }
}

function iteratorOf(chunks: BodyChunks): AnyIterator {
  return Symbol.asyncIterator in chunks
    ? chunks[Symbol.asyncIterator]()
    : chunks[Symbol.iterator]();
}

/** A reader is cancelled at once; the stream's own iterator only with the next chunk. */
function readerOf(stream: ReadableStream): AsyncIterator<unknown> {
  const reader = stream.getReader();
  return {
    next: async () => (await reader.read()) as IteratorResult<unknown>,
    return: async () => {
      await reader.cancel();
      return { done: true, value: undefined };
    },
  };
}

/** Streams of Node. */
function isDestroyable(chunks: object): chunks is Destroyable {
  return "destroy" in chunks && typeof chunks.destroy === "function" && "pipe" in chunks;
}
