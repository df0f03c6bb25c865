/**
 * A large message that was published and is deflated in turns: once, for all sockets that wait for it. There until the
 * last of them has sent it, or has given it up.
 */
import type { MessageDeflater } from "../protocol/websocket/message-deflater.js";
import { DeflateJob, deflateLine } from "./deflate/deflate-line.js";

/** A large message that was published and is deflated in turns, once for all sockets that wait for it. */
export class PublishedDeflate {
  /** Of the message, as it was given. */
  readonly byteCount: number;
  private readonly deflater: MessageDeflater;
  private readonly job: DeflateJob;
  private deflatedFrame: Buffer | undefined;
  /** Sockets that have it before them. */
  private wantedCount = 0;
  /** Sockets that can send nothing else before it is ready. */
  private waiting: (() => void)[] = [];

  /** `frameOf`: makes the frame of what was deflated. `bytes` must stay as they are. */
  constructor(deflater: MessageDeflater, bytes: Buffer, frameOf: (payload: Buffer) => Buffer) {
    this.byteCount = bytes.length;
    this.deflater = deflater;
    this.job = new DeflateJob(deflater, bytes, {
      deflated: (payload) => this.ready(frameOf(payload)),
      changed: () => {},
    });
    deflateLine.add(this.job);
  }

  /** The frame for all; undefined until it is deflated. */
  get frame(): Buffer | undefined {
    return this.deflatedFrame;
  }

  /** A socket will send it. */
  want(): void {
    this.wantedCount++;
  }

  /** A socket won't send it any more. */
  forgo(): void {
    this.wantedCount--;
    this.cancelUnwanted();
  }

  /** Stops deflating when no socket will send it. */
  cancelUnwanted(): void {
    if (this.wantedCount > 0 || this.job.isOver) return;
    this.job.isOver = true;
    this.deflater.drop();
  }

  /** Calls back when it is deflated. */
  whenReady(told: () => void): void {
    this.waiting.push(told);
  }

  private ready(frame: Buffer): void {
    this.deflatedFrame = frame;
    for (const told of this.waiting.splice(0)) told();
  }
}
