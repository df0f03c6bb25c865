/**
 * The body of a response that is compressed as the application gives it.
 *
 *     write ──► queue ──► coder (a thread of Node's) ──► the writer of the response ──► connection
 *
 * What has been given leaves as soon as the coder has nothing else to do: behind the last piece that waits it
 * is flushed, so that an event of a stream comes when it was sent, and a file is not flushed for each block.
 * Nothing is fed while the peer does not take what came out, so that no more waits than the queue has, which
 * `maxPendingBytes` bounds together with the connection's own.
 */
import type { Buffer } from "node:buffer";
import { isLent } from "../../../bytes/lending.js";
import { PieceQueue } from "../../../bytes/piece-queue.js";
import type { Data, WaitOptions } from "../../../connection/connection.js";
import { bytesOf } from "../../../connection/data.js";
import { beginWait } from "../../../connection/waiting/waiter.js";
import { DRAINED, WaiterList } from "../../../connection/waiting/waiter-list.js";
import { invalidArgument, NetError, textOf } from "../../../errors.js";
import type { FieldInput } from "../../../protocol/http1/writing/field-writer.js";
import { encodeFields } from "../../../protocol/http1/writing/head-writer.js";
import { inRootContext } from "../../../time/root-context.js";
import type { TimingWheel } from "../../../time/timing-wheel.js";
import { assertAnnounced, type BodyOutput } from "../response/body-output.js";
import { type Coder, flushOf, openCoder } from "./coder.js";
import type { ContentCoding } from "./coding-choice.js";
import type { ResponseCompression } from "./response-compression.js";

/** Bytes that wait to be compressed before the application is told to wait. */
const HIGH_WATER_BYTES = 65_536;
const LOW_WATER_BYTES = 16_384;
/** Bytes that the coder gets at a time. */
const FEED_BYTES = 65_536;
const MAX_TRAILER_BYTES = 65_000;

/** The exchange, as far as the writer needs it. */
export interface CompressedOutput {
  readonly wheel: TimingWheel;
  readonly pendingBytes: number;
  readonly isSendable: boolean;
  /** Whether so many bytes may wait, with those that do; ends the connection when not. */
  hasRoom(byteCount: number, waitingBytes: number): boolean;
}

/** Writes the body of one response, compressed. */
export class CompressedWriter implements BodyOutput {
  readonly isBodyless = false;
  private readonly inner: BodyOutput;
  private readonly output: CompressedOutput;
  private readonly compression: ResponseCompression;
  private readonly coding: ContentCoding;
  private readonly coder: Coder;
  private readonly queue = new PieceQueue();
  /** Given to the coder, and not yet through. */
  private fedBytes = 0;
  private givenBytes = 0;
  private readonly announcedBytes: number | undefined;
  private isRunning = false;
  private isEnded = false;
  private trailers: FieldInput | undefined = undefined;
  private isOver = false;
  private flows = true;
  private readonly waiters: WaiterList = new WaiterList();

  /** `inner`: the writer of the compressed body. `announcedBytes`: what Content-Length said. */
  constructor(
    inner: BodyOutput,
    output: CompressedOutput,
    compression: ResponseCompression,
    coding: ContentCoding,
    announcedBytes: number | undefined,
  ) {
    this.inner = inner;
    this.output = output;
    this.compression = compression;
    this.coding = coding;
    this.announcedBytes = announcedBytes;
    compression.underWayCount++;
    this.coder = inRootContext(() => openCoder(coding));
    this.coder.on("data", (bytes: Buffer) => this.coded(bytes));
    this.coder.on("error", (error) => this.failed(error));
    this.coder.on("end", () => this.codedAll());
  }

  private get waitingBytes(): number {
    return this.queue.byteCount + this.fedBytes;
  }

  get pendingBytes(): number {
    return this.waitingBytes + this.inner.pendingBytes;
  }

  write(data: Data): boolean {
    const bytes = bytesOf(data);
    if (this.isEnded) throw ended();
    if (this.isOver || !this.output.isSendable) return false;
    if (bytes.length === 0) return true;
    assertAnnounced(this.announcedBytes, this.givenBytes + bytes.length, false);
    if (!this.output.hasRoom(bytes.length, this.waitingBytes)) return false;
    this.givenBytes += bytes.length;
    this.queue.append(bytes, isLent(bytes));
    this.start();
    return this.flows && this.waitingBytes < HIGH_WATER_BYTES;
  }

  end(trailers?: FieldInput): boolean {
    if (this.isEnded) throw ended();
    if (this.isOver || !this.output.isSendable) {
      this.isEnded = true;
      return false;
    }
    assertAnnounced(this.announcedBytes, this.givenBytes, true);
    this.trailers = trailers === undefined ? undefined : this.checked(trailers);
    this.isEnded = true;
    this.start();
    return true;
  }

  /** What can't be sent behind the body is refused now. */
  private checked(trailers: FieldInput): FieldInput {
    const encoded = encodeFields(trailers);
    const fits = encoded.octets.length <= MAX_TRAILER_BYTES && encoded.notes.kinds === 0;
    if (fits && this.announcedBytes === undefined) return encoded;
    const rule = `need a body without Content-Length, frame nothing, and have at most ${MAX_TRAILER_BYTES} bytes`;
    throw invalidArgument(`trailers ${rule}`, { operation: "send" });
  }

  async drained(options: WaitOptions = {}): Promise<void> {
    beginWait(options, "drained", "send");
    if (!this.isOver && (this.isEnded || this.waitingBytes >= HIGH_WATER_BYTES)) {
      await this.progress(options);
    }
    return this.inner.drained(options);
  }

  /** Resolves when little waits to be compressed, behind the end when nothing does. */
  private progress(options: WaitOptions): Promise<void> {
    return this.waiters.wait(this.output.wheel, options, DRAINED);
  }

  abort(): void {
    if (this.isOver) return;
    this.close();
    this.inner.abort();
  }

  probe(): void {
    this.inner.probe();
  }

  connectionEnded(error: NetError): void {
    this.close();
    this.waiters.reject(error);
  }

  // — the coder —

  private start(): void {
    if (this.isRunning || this.isOver) return;
    this.isRunning = true;
    // In the root context: compressing does not belong to the handler that wrote first.
    inRootContext(() => {
      this.run().catch((error: unknown) => this.failed(error));
    });
  }

  /** Feeds what waits, then flushes; again, if more came meanwhile. */
  private async run(): Promise<void> {
    // What else is written in this turn goes with it.
    await undefined;
    while (this.queue.byteCount > 0) {
      await this.feedAll();
      if (this.isOver) return;
      if (this.queue.byteCount === 0 && !this.isEnded) await this.flush();
      if (this.isOver) return;
    }
    this.isRunning = false;
    if (this.isEnded) this.coder.end();
  }

  private async feedAll(): Promise<void> {
    for (let piece = this.queue.take(); piece !== undefined; piece = this.queue.take()) {
      this.fedBytes = piece.length;
      for (let start = 0; start < piece.length; start += FEED_BYTES) {
        const part = piece.subarray(start, start + FEED_BYTES);
        await new Promise<void>((fed) => this.coder.write(part, () => fed()));
        if (this.isOver) return;
        this.fedBytes -= part.length;
        if (!this.flows) await this.inner.drained();
        if (this.isOver) return;
        this.flows = true;
        if (this.waitingBytes <= LOW_WATER_BYTES && !this.isEnded) this.wake();
      }
    }
  }

  private flush(): Promise<void> {
    return new Promise((flushed) => this.coder.flush(flushOf(this.coding), flushed));
  }

  private coded(bytes: Buffer): void {
    if (!this.isOver && !this.inner.write(bytes)) this.flows = false;
  }

  private codedAll(): void {
    if (this.isOver) return;
    const { trailers } = this;
    this.close();
    this.inner.end(trailers);
    this.wake();
  }

  private failed(error: unknown): void {
    if (this.isOver) return;
    this.close();
    // The end of the connection rejects whoever waits.
    this.inner.abort(new NetError("ABORTED", `compressing failed: ${textOf(error)}`));
  }

  private wake(): void {
    this.waiters.resolve();
  }

  /** Destroys the coder. */
  private close(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.compression.underWayCount--;
    this.coder.destroy();
  }
}

function ended(): NetError {
  return new NetError("INVALID_STATE", "the response has been ended", { operation: "send" });
}
