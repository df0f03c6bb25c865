/** Frames for many receivers that one socket holds back, because a message of its own is under way. */
import type { PublishedDeflate } from "./published-deflate.js";

/** Frames for many receivers that one socket holds back. */
export class HeldFrames {
  private frames: (Buffer | PublishedDeflate)[] = [];
  byteCount = 0;

  /** Holds a frame back, or one that is being deflated. */
  add(frame: Buffer | PublishedDeflate, byteCount: number): void {
    this.frames.push(frame);
    this.byteCount += byteCount;
  }

  /** Sends what is ready, in order, up to the first that is not. Returns what is left. */
  sendReady(send: (frame: Buffer) => void): readonly (Buffer | PublishedDeflate)[] {
    for (const [index, one] of this.frames.entries()) {
      const frame = Buffer.isBuffer(one) ? one : one.frame;
      if (frame === undefined) return this.frames.slice(index);
      send(frame);
    }
    return [];
  }

  /** None of them is sent. */
  forgo(): void {
    for (const one of this.frames) if (!Buffer.isBuffer(one)) one.forgo();
  }
}
