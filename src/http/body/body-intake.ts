/**
 * The body of a message that is being received, of a request as of a response.
 *
 *     open ── end ──► ended        no more bytes follow; those that wait can still be read
 *       └──── fail ─► failed       reading rejects with the error, once what came before was read
 *
 * The receiver of the message puts bytes in (`push`, `end`, `fail`). They go to the first of these
 * that is there: the discarding, a collector (`bytes`), a reader that waits, and else the queue.
 *
 * Invariants: `holds` is true from the moment the queue has {@link BODY_HIGH_WATER_BYTES} until it
 * has a quarter of that, or nobody will read it; there is at most one waiter; a body is read in one
 * way, once.
 */
import { Buffer } from "node:buffer";
import { PieceQueue } from "../../bytes/piece-queue.js";
import type { WaitOptions } from "../../connection/connection.js";
import {
  assertWaitOptions,
  beginWait,
  throwIfAborted,
  Waiter,
} from "../../connection/waiting/waiter.js";
import { assertInteger, assertKnownKeys, NetError } from "../../errors.js";
import type { TimingWheel } from "../../time/timing-wheel.js";
import type { Fields } from "../fields.js";
import { BodyCollector, tooLarge } from "./body-collector.js";
import type { IncomingBody, WholeBodyOptions } from "./incoming-body.js";
import { notJson } from "./not-json.js";
import { SpareMemory } from "./spare-memory.js";

/** The receiver of the message, as its body sees it. */
export interface BodyOwner {
  /** The wheel for deadlines of readers. */
  readonly wheel: TimingWheel;
  /** The body is asked for, for the first time: a request may wait for an interim 100. */
  bodyWanted(): void;
  /** Holds the peer back while too much of the body waits (true), or lets it send again (false). */
  holdBody(hold: boolean): void;
}

/** Default of {@link WholeBodyOptions.maxBytes}. */
export const MAX_WHOLE_BODY_BYTES: number = 16_777_216;

const NO_OPTIONS: WaitOptions = {};
const WHOLE_OPTION_NAMES = ["maxBytes", "timeoutMs", "signal"];

/** Bytes that wait to be read before the peer is held back. */
export const BODY_HIGH_WATER_BYTES: number = 65_536;

/** The body of a message that is being received. See {@link IncomingBody}. */
export class BodyIntake implements IncomingBody {
  readonly contentLength: number | undefined;
  trailers: Fields | undefined = undefined;
  receivedBytes = 0;
  discardedBytes = 0;
  private readonly owner: BodyOwner;
  private queue: PieceQueue | undefined = undefined;
  private state: "open" | "ended" | "failed" = "open";
  private error: NetError | undefined = undefined;
  private wanted = false;
  private holds = false;
  private use: "none" | "read" | "whole" | "discard" = "none";
  private reader: Waiter<Buffer | undefined> | undefined = undefined;
  private collector: BodyCollector | undefined = undefined;
  private wholeWait: Waiter<void> | undefined = undefined;

  constructor(owner: BodyOwner, contentLength: number | undefined) {
    this.owner = owner;
    this.contentLength = contentLength;
  }

  // — for those who read —

  get isComplete(): boolean {
    return this.state === "ended";
  }

  get isUsed(): boolean {
    return this.use !== "none";
  }

  /** Whether reading it has begun, and it was not discarded. */
  get isBeingRead(): boolean {
    return this.use === "read" || this.use === "whole";
  }

  async read(options: WaitOptions = NO_OPTIONS): Promise<Buffer | undefined> {
    if (options !== NO_OPTIONS) beginWait(options, "read", "receive");
    if (this.use === "discard") return undefined;
    if (this.reader !== undefined) throw misused("a read is under way already");
    this.begin("read");
    const chunk = this.take();
    if (chunk !== undefined) return chunk;
    if (this.state === "ended") return undefined;
    if (this.error !== undefined) throw this.error;
    this.reader = this.wait<Buffer | undefined>(options, () => {
      this.reader = undefined;
    });
    return this.reader.promise;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    try {
      for (let chunk = await this.read(); chunk !== undefined; chunk = await this.read()) {
        yield chunk;
      }
    } finally {
      this.discard();
    }
  }

  bytes(options: WholeBodyOptions = {}): Promise<Buffer> {
    return this.gather(options, undefined, ownBytes);
  }

  /** The same as what `read` makes of the bytes, which it may look at within the call only. */
  whole<Value>(options: WholeBodyOptions, read: (bytes: Buffer) => Value): Promise<Value> {
    return this.gather(options, spareMemory, read);
  }

  private async gather<Value>(
    options: WholeBodyOptions,
    memory: SpareMemory | undefined,
    read: (bytes: Buffer) => Value,
  ): Promise<Value> {
    assertKnownKeys("reading a body", options, WHOLE_OPTION_NAMES);
    const { maxBytes = MAX_WHOLE_BODY_BYTES } = options;
    assertInteger("maxBytes", maxBytes, 0, 2 ** 32);
    assertWaitOptions(options);
    throwIfAborted(options, "receive");
    if (this.isUsed) throw misused("the body has been read already");
    if (this.contentLength !== undefined && this.contentLength > maxBytes) {
      this.discard();
      throw tooLarge(maxBytes);
    }
    this.begin("whole");
    const collector = new BodyCollector(maxBytes, this.contentLength, memory);
    for (let chunk = this.take(); chunk !== undefined; chunk = this.take()) {
      const error = collector.add(chunk, false);
      if (error === undefined) continue;
      this.discard();
      throw error;
    }
    if (this.error !== undefined) throw this.error;
    if (this.state !== "ended") {
      this.collector = collector;
      this.wholeWait = this.wait<void>(options, () => this.dropCollector());
      await this.wholeWait.promise;
    }
    try {
      return read(collector.result());
    } finally {
      collector.release();
    }
  }

  text(options: WholeBodyOptions = {}): Promise<string> {
    return this.whole(options, (bytes) => bytes.toString("utf8"));
  }

  async json(options: WholeBodyOptions = {}): Promise<unknown> {
    const text = await this.text(options);
    try {
      return JSON.parse(text) as unknown;
    } catch (cause) {
      throw notJson(cause);
    }
  }

  discard(): void {
    if (this.use === "discard") return;
    this.use = "discard";
    this.queue = undefined;
    this.collector = undefined;
    this.letGo();
    const { reader, wholeWait } = this;
    this.reader = undefined;
    this.wholeWait = undefined;
    reader?.resolve(undefined);
    wholeWait?.reject(misused("the body was discarded"));
  }

  private begin(use: "read" | "whole"): void {
    if (this.use !== "none" && this.use !== use) throw misused("the body has been read already");
    this.use = use;
    if (this.wanted) return;
    this.wanted = true;
    if (this.state === "open") this.owner.bodyWanted();
  }

  private wait<Value>(options: WaitOptions, forget: () => void): Waiter<Value> {
    return new Waiter<Value>(this.owner.wheel, options, {
      code: "READ_TIMEOUT",
      call: "reading the body",
      operation: "receive",
      forget,
    });
  }

  /** The reader of the whole body has given up: the body can't be read any more. */
  private dropCollector(): void {
    this.wholeWait = undefined;
    this.discard();
  }

  private take(): Buffer | undefined {
    const chunk = this.queue?.take();
    if (this.holds && (this.queue?.byteCount ?? 0) <= BODY_HIGH_WATER_BYTES / 4) this.letGo();
    return chunk;
  }

  private letGo(): void {
    if (!this.holds) return;
    this.holds = false;
    this.owner.holdBody(false);
  }

  // — for the receiver of the message —

  /** Puts bytes in. `lent`: they are valid during the call only. */
  push(bytes: Buffer, lent: boolean): void {
    this.receivedBytes += bytes.length;
    if (this.use === "discard") {
      this.discardedBytes += bytes.length;
      return;
    }
    const { collector, reader } = this;
    if (collector !== undefined) {
      const error = collector.add(bytes, lent);
      if (error !== undefined) this.refuse(error);
      return;
    }
    if (reader !== undefined) {
      this.reader = undefined;
      reader.resolve(lent ? Buffer.from(bytes) : bytes);
      return;
    }
    this.queue ??= new PieceQueue();
    this.queue.append(bytes, lent);
    if (this.holds || this.queue.byteCount < BODY_HIGH_WATER_BYTES) return;
    this.holds = true;
    this.owner.holdBody(true);
  }

  private refuse(error: NetError): void {
    const { wholeWait } = this;
    this.wholeWait = undefined;
    this.discard();
    wholeWait?.reject(error);
  }

  /** The body is complete. `trailers`: kept ones. */
  end(trailers?: Fields): void {
    if (this.state !== "open") return;
    this.state = "ended";
    this.trailers = trailers;
    const { reader, collector, wholeWait } = this;
    this.reader = undefined;
    this.collector = undefined;
    this.wholeWait = undefined;
    reader?.resolve(undefined);
    if (collector !== undefined) wholeWait?.resolve(undefined);
  }

  /** The rest of the body will not come. */
  fail(error: NetError): void {
    if (this.state !== "open") return;
    this.state = "failed";
    this.error = error;
    const { reader, wholeWait } = this;
    this.reader = undefined;
    this.collector = undefined;
    this.wholeWait = undefined;
    reader?.reject(error);
    wholeWait?.reject(error);
  }
}

/** Of this thread: bodies are gathered, read and forgotten. */
const spareMemory = new SpareMemory();

const ownBytes = (bytes: Buffer): Buffer => bytes;

function misused(message: string): NetError {
  return new NetError("INVALID_STATE", message, { operation: "receive" });
}
