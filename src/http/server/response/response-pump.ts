/**
 * Sends what a source yields as fast as the peer takes it, and ends the response.
 *
 *     reading ── piece ──► sending ── drained ──► reading ── end of the source ──► over: true
 *        │                    └── the connection ends ──► over: false, the source is told
 *        └── the source fails ──► over: rejects, the response is broken off
 *
 * The source is always told of an end: a generator by `return`, a stream by `destroy` or `cancel`, also while a read
 * is pending.
 */
import type { Data } from "../../../connection/connection.js";
import { describe, invalidArgument, NetError } from "../../../errors.js";
import type { FieldInput } from "../../../protocol/http1/writing/field-writer.js";
import type { Clock } from "../../../time/clock.js";
import { PumpBreath } from "../../pump-breath.js";
import type { ResponseWriter } from "./body-output.js";

/** What a response can be made of: pieces of bytes or text, as they come. */
export type ResponseSource = AsyncIterable<Data> | Iterable<Data>;

type Step = IteratorResult<Data, unknown> | PromiseLike<IteratorResult<Data, unknown>>;

/** How a source is read. */
interface SourceReader {
  next(): Step;
  /** Nothing more is read. May be called while a piece is waited for. */
  stop(): unknown;
}

/** Throws `INVALID_ARGUMENT` for what yields nothing: before anything of the response was sent. */
export function assertSource(source: unknown): void {
  const isObject = typeof source === "object" && source !== null && !ArrayBuffer.isView(source);
  if (isObject && (Symbol.asyncIterator in source || Symbol.iterator in source)) return;
  const needed = "must yield pieces of bytes or text, as a stream or a generator does";
  throw invalidArgument(`the source of a response ${needed}, not ${describe(source)}`, {
    operation: "send",
  });
}

/** Sends what one source yields. */
export class ResponsePump {
  private readonly writer: ResponseWriter;
  private readonly reader: SourceReader;
  private readonly trailers: (() => FieldInput | undefined) | undefined;
  private readonly breath: PumpBreath;
  private readonly settled: Promise<boolean>;
  private resolve: ((isWhole: boolean) => void) | undefined;
  private reject: ((error: unknown) => void) | undefined;

  /** `trailers`: makes the fields behind the body, when the source has ended. */
  constructor(
    writer: ResponseWriter,
    source: ResponseSource,
    clock: Clock,
    trailers?: () => FieldInput | undefined,
  ) {
    this.trailers = trailers;
    this.breath = new PumpBreath(clock);
    this.writer = writer;
    this.reader = readerOf(source);
    this.settled = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  /**
   * Resolves true when all was given to the connection, false when that ended before. What the source
   * throws breaks the response off and rejects. The source of a response without body is stopped.
   */
  run(): Promise<boolean> {
    if (this.writer.isBodyless) this.runBodyless();
    else this.loop().catch((error: unknown) => this.failed(error));
    return this.settled;
  }

  /** The connection has ended: stops the source. */
  ended(): void {
    this.over(false);
  }

  private get isOver(): boolean {
    return this.resolve === undefined;
  }

  private runBodyless(): void {
    const isSent = this.writer.end();
    // A generator that was not begun would not clean up.
    quietly(() => this.reader.next());
    this.over(isSent);
  }

  private async loop(): Promise<void> {
    const writer = this.writer;
    for (;;) {
      const { done, value } = await this.reader.next();
      if (this.isOver) return;
      if (done === true) {
        this.resolve?.(writer.end(this.trailers?.()));
        this.forget();
        return;
      }
      if (!writer.write(value)) await writer.drained();
      if (this.isOver) return;
      if (this.breath.isDue(value.length)) await this.breath.taken();
    }
  }

  private failed(error: unknown): void {
    if (this.isOver) return;
    if (error instanceof NetError && error.code === "CONNECTION_CLOSED") {
      this.over(false);
      return;
    }
    this.writer.abort();
    this.reject?.(error);
    this.stop();
  }

  private over(isWhole: boolean): void {
    if (this.isOver) return;
    this.resolve?.(isWhole);
    this.stop();
  }

  private stop(): void {
    this.forget();
    quietly(() => this.reader.stop());
  }

  private forget(): void {
    this.resolve = undefined;
    this.reject = undefined;
  }
}

function readerOf(source: ResponseSource): SourceReader {
  if (source instanceof ReadableStream) {
    const reader = (source as ReadableStream<Data>).getReader();
    return { next: () => reader.read(), stop: () => reader.cancel() };
  }
  const iterator =
    Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  return {
    next: () => iterator.next(),
    stop: () => {
      // A Node stream with a pending read is ended by `destroy` alone.
      if (isNodeStream(source)) source.destroy();
      return iterator.return?.();
    },
  };
}

function isNodeStream(source: object): source is { destroy(): unknown } {
  return (
    "pipe" in source &&
    typeof source.pipe === "function" &&
    "destroy" in source &&
    typeof source.destroy === "function"
  );
}

/** Calls `call`, and ignores its failure. */
function quietly(call: () => unknown): void {
  try {
    Promise.resolve(call()).catch(() => undefined);
  } catch {
    // A source that is stopped may still fail.
  }
}
