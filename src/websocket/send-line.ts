/**
 * What one socket sends while a message of its own, or one that was published, is deflated in turns: everything behind
 * that waits, in order. There while something waits.
 */
import type { WaitOptions } from "../connection/connection.js";
import { beginWait } from "../connection/waiting/waiter.js";
import { DRAINED, WaiterList } from "../connection/waiting/waiter-list.js";
import type { NetError } from "../errors.js";
import type { MessageDeflater } from "../protocol/websocket/message-deflater.js";
import type { TimingWheel } from "../time/timing-wheel.js";
import { DeflateJob, deflateLine } from "./deflate/deflate-line.js";
import type { PublishedDeflate } from "./published-deflate.js";

/** What a message that waits counts for besides its bytes: it takes memory however short it is. */
const WAITING_COST_BYTES = 128;

/** A message to be deflated, or what is to be done in its place. */
interface Waiting {
  readonly byteCount: number;
  /** Of the socket's own. */
  readonly job?: DeflateJob;
  /** Of many sockets. */
  readonly published?: PublishedDeflate;
  readonly send?: () => void;
}

/** Whose line it is. */
export interface LineOwner {
  readonly wheel: TimingWheel;
  /** Nothing waits any more. */
  lineEnded(): void;
  /** The memory of a message was changed. */
  messageChanged(): void;
}

/** What one socket sends while a message of its own is deflated in turns. */
export class SendLine {
  private readonly owner: LineOwner;
  private waiting: Waiting[] = [];
  /** Entries in front that were sent. */
  private taken = 0;
  private isOver = false;
  private readonly waiters: WaiterList = new WaiterList();
  /** Bytes that wait here, as they were given, and what each that waits costs. */
  heldBytes = 0;

  constructor(owner: LineOwner) {
    this.owner = owner;
  }

  /** Puts in a message that is deflated in turns; `send` gets its payload, which no other socket uses. */
  deflate(deflater: MessageDeflater, bytes: Uint8Array, send: (payload: Buffer) => void): void {
    const job = new DeflateJob(deflater, bytes, {
      deflated: (payload) => {
        if (this.isOver) return;
        this.next(() => send(payload));
      },
      changed: () => {
        if (!this.isOver) this.owner.messageChanged();
      },
    });
    this.enqueue({ byteCount: bytes.length + WAITING_COST_BYTES, job });
  }

  /** Puts in what is to be done behind all that is here, and stands for `byteCount` bytes. */
  add(byteCount: number, send: () => void): void {
    this.enqueue({ byteCount: byteCount + WAITING_COST_BYTES, send });
  }

  /** Puts in a message that is deflated for many; `send` gets its frame, which all sockets share. */
  addPublished(published: PublishedDeflate, send: (frame: Buffer) => void): void {
    this.enqueue(this.awaited(published, send));
  }

  /** Puts in, before all that waits, what was published while a message was under way. */
  insert(frames: readonly (Buffer | PublishedDeflate)[], send: (frame: Buffer) => void): void {
    const inserted = frames.map((one): Waiting => {
      if (!Buffer.isBuffer(one)) return this.awaited(one, send);
      return { byteCount: one.length + WAITING_COST_BYTES, send: () => send(one) };
    });
    this.waiting.splice(this.taken, 0, ...inserted);
    for (const { byteCount } of inserted) this.heldBytes += byteCount;
  }

  private awaited(published: PublishedDeflate, send: (frame: Buffer) => void): Waiting {
    const waiting: Waiting = {
      byteCount: published.byteCount + WAITING_COST_BYTES,
      published,
      send: () => {
        if (published.frame !== undefined) send(published.frame);
      },
    };
    published.whenReady(() => this.publishedReady(waiting));
    return waiting;
  }

  private publishedReady(waiting: Waiting): void {
    if (this.isOver || this.waiting[this.taken] !== waiting) return;
    if (waiting.send !== undefined) this.next(waiting.send);
  }

  private enqueue(waiting: Waiting): void {
    this.waiting.push(waiting);
    this.heldBytes += waiting.byteCount;
    // Whatever is not the first waits for a message that is being deflated.
    if (this.waiting.length === this.taken + 1 && waiting.job !== undefined) {
      deflateLine.add(waiting.job);
    }
  }

  /** The first is ready: sends it, and what follows up to the next that has to be deflated. */
  private next(send: () => void): void {
    let run: (() => void) | undefined = send;
    while (run !== undefined) {
      this.take();
      run();
      if (this.isOver) return;
      const next: Waiting | undefined = this.waiting[this.taken];
      if (next === undefined) {
        this.end();
        return;
      }
      if (next.job !== undefined) deflateLine.add(next.job);
      const { published } = next;
      run = published !== undefined && published.frame === undefined ? undefined : next.send;
    }
  }

  private take(): void {
    this.heldBytes -= this.waiting[this.taken++]?.byteCount ?? 0;
    if (this.taken * 2 < this.waiting.length) return;
    this.waiting = this.waiting.slice(this.taken);
    this.taken = 0;
  }

  private end(): void {
    this.isOver = true;
    this.owner.lineEnded();
    this.waiters.resolve();
  }

  /** Resolves when nothing waits here any more. */
  whenOver(options: WaitOptions): Promise<void> {
    beginWait(options, "drained", "send");
    return this.waiters.wait(this.owner.wheel, options, DRAINED);
  }

  /** Sends nothing more of it. */
  giveUp(error: NetError): void {
    this.isOver = true;
    for (const { job, published } of this.waiting.slice(this.taken)) {
      if (job !== undefined) job.isOver = true;
      published?.forgo();
    }
    this.heldBytes = 0;
    this.waiters.reject(error);
  }
}
