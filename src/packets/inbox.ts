/**
 * Received data that waits to be read, and the one reader that may be waiting for it. Chunks are
 * packets where the model has packets; else bytes, however they came.
 */
import { ByteQueue } from "../bytes/byte-queue.js";
import type { WaitOptions } from "../connection/connection.js";
import type { ReadWish } from "../connection/receiver.js";
import { beginWait, Waiter } from "../connection/waiting/waiter.js";
import { assertInteger, NetError } from "../errors.js";
import type { TimingWheel } from "../time/timing-wheel.js";

interface Reader {
  readonly wish: ReadWish;
  readonly waiter: Waiter<Buffer>;
}

/** What a packet counts for besides its bytes: it takes memory however short it is. */
export const PACKET_COST_BYTES: number = 128;

/** Unread data of one connection. */
export class Inbox {
  private readonly queue: ByteQueue = new ByteQueue();
  private readonly wheel: TimingWheel;
  /** All unread bytes are one chunk; else each packet is one. */
  joinsChunks: boolean;
  private reader: Reader | undefined;
  /** How far the reader's mark was looked for. */
  private searched = 0;

  constructor(wheel: TimingWheel, joinsChunks: boolean) {
    this.wheel = wheel;
    this.joinsChunks = joinsChunks;
  }

  /** Unread bytes. */
  get byteCount(): number {
    return this.queue.byteCount;
  }

  /** What the unread data counts for: its bytes, and {@link PACKET_COST_BYTES} for each packet. */
  get cost(): number {
    const packets = this.joinsChunks ? 0 : this.queue.chunkCount;
    return this.queue.byteCount + packets * PACKET_COST_BYTES;
  }

  /** Whether nothing is there, not even an empty packet. */
  get isEmpty(): boolean {
    return this.queue.chunkCount === 0;
  }

  /** Whether a reader waits. */
  get isAwaited(): boolean {
    return this.reader !== undefined;
  }

  /** Puts a chunk in and serves the reader if that suffices. Returns whether it did. */
  append(chunk: Buffer, isLent: boolean): boolean {
    if (this.joinsChunks) this.queue.join(chunk, isLent);
    else this.queue.append(isLent ? Buffer.from(chunk) : chunk);
    const reader = this.reader;
    if (reader === undefined) return false;
    const bytes = this.take(reader.wish);
    if (bytes === undefined) return false;
    this.reader = undefined;
    reader.waiter.resolve(bytes);
    return true;
  }

  /** Reads now or later. Throws `INVALID_STATE` while another read waits, `READ_LIMIT`, `ABORTED`. */
  read(wish: ReadWish, options: WaitOptions, maxUnreadBytes: number): Promise<Buffer> {
    const call = wish.kind === "until" ? "readUntil" : "read";
    beginWait(options, call, "receive");
    if (this.reader !== undefined) {
      throw new NetError("INVALID_STATE", "a read is under way on this connection already", {
        operation: "receive",
      });
    }
    assertWish(wish, maxUnreadBytes);
    this.searched = 0;
    const bytes = this.take(wish);
    if (bytes !== undefined) return Promise.resolve(bytes);
    // The limit is reached, and the delimiter did not come.
    if (this.cost >= maxUnreadBytes) throw unsatisfied(wish, maxUnreadBytes);
    const waiter = new Waiter<Buffer>(this.wheel, options, {
      code: "READ_TIMEOUT",
      call,
      operation: "receive",
      forget: () => {
        this.reader = undefined;
      },
    });
    this.reader = { wish, waiter };
    return waiter.promise;
  }

  /** Reads what came before the connection ended; rejects with `error` when that is too little. */
  readLast(wish: ReadWish, error: NetError): Promise<Buffer> {
    this.searched = 0;
    assertWish(wish, Number.MAX_SAFE_INTEGER);
    const bytes = this.take(wish);
    return bytes === undefined ? Promise.reject(error) : Promise.resolve(bytes);
  }

  /** Takes `byteCount` bytes; undefined when fewer are there. */
  fetch(byteCount: number): Buffer | undefined {
    return this.queue.take(byteCount);
  }

  /** Takes one chunk, all bytes where chunks are joined; undefined when nothing is there. */
  next(): Buffer | undefined {
    return this.joinsChunks && this.queue.byteCount > 0
      ? this.queue.takeAll()
      : this.queue.takeChunk();
  }

  /** The first `byteCount` bytes; undefined when fewer are there. */
  peek(byteCount: number): Buffer | undefined {
    return this.queue.peek(byteCount);
  }

  /** Takes everything out, for a receiver that takes over. */
  takeAll(): Buffer {
    return this.queue.takeAll();
  }

  /** `maxUnreadBytes` wait: a reader that still wants more will not get it. */
  full(maxUnreadBytes: number): void {
    if (this.reader !== undefined) this.fail(unsatisfied(this.reader.wish, maxUnreadBytes));
  }

  /** Tells the reader, if one waits, that what it wants will not come. */
  fail(error: NetError): void {
    const reader = this.reader;
    this.reader = undefined;
    reader?.waiter.reject(error);
  }

  private take(wish: ReadWish): Buffer | undefined {
    switch (wish.kind) {
      case "bytes":
        return this.queue.take(wish.byteCount);
      case "chunk":
        return this.next();
      case "until": {
        const at = this.queue.find(wish.mark, this.searched);
        if (at >= 0) return this.queue.take(at + wish.mark.length);
        this.searched = Math.max(0, this.queue.byteCount - wish.mark.length + 1);
        return undefined;
      }
    }
  }
}

function unsatisfied(wish: ReadWish, maxUnreadBytes: number): NetError {
  const wanted = wish.kind === "bytes" ? `${wish.byteCount} bytes` : "the delimiter";
  const message = `${wanted} did not come within maxUnreadBytes (${maxUnreadBytes})`;
  return new NetError("READ_LIMIT", message, { operation: "receive" });
}

function assertWish(wish: ReadWish, maxUnreadBytes: number): void {
  if (wish.kind === "bytes") {
    assertInteger("byteCount", wish.byteCount, 1, Number.MAX_SAFE_INTEGER);
    if (wish.byteCount > maxUnreadBytes) {
      throw new NetError(
        "READ_LIMIT",
        `a read of ${wish.byteCount} bytes is above maxUnreadBytes (${maxUnreadBytes})`,
        { operation: "receive" },
      );
    }
  }
  if (wish.kind === "until") assertInteger("delimiter length", wish.mark.length, 1, 1_024);
}
