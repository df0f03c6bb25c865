/**
 * Buffers of their own for streams that bring much at once and whose bytes are the receiver's to keep
 * (`StreamOptions.keepsBytes`): what such a stream receives next goes straight into fresh memory, which is the
 * receiver's from then on. So large pieces are not copied out of a buffer that all streams share. Hot.
 *
 *     none ── take ──► the kernel's ── finish ──► the receiver's
 *
 * A buffer waits for bytes as long as its stream is silent, so there are few of them. When all are taken, one
 * whose stream has received nothing since this was looked at last is taken back.
 */
import { Buffer } from "node:buffer";

/** Bytes of each: about what one receive brings at most. */
export const OWN_BUFFER_BYTES = 65_536;

/** A receive of this size makes the next one go into a buffer of the stream's own. */
export const LARGE_BYTES = 32_768;

/** Streams that may have a buffer of their own at a time: 4 MiB. */
export const MAX_OWN_BUFFERS = 64;

/** A stream that has a buffer of its own. */
export interface OwnBufferHolder {
  /** Another stream needs the buffer: ends the receive that would fill it. */
  retractBuffer(): void;
}

/** Buffers of their own for streams that bring much. */
export class OwnBuffers {
  private readonly holders: (OwnBufferHolder | undefined)[] = [];
  private readonly buffers: (Buffer | undefined)[] = [];
  /** Which holders have taken theirs since the hand came by. */
  private readonly isRecent: Uint8Array = new Uint8Array(MAX_OWN_BUFFERS);
  /** Where the next one to be taken back is looked for. */
  private hand = 0;

  /** Buffers that the kernel has. */
  get takenCount(): number {
    return this.holders.reduce((sum, holder) => (holder === undefined ? sum : sum + 1), 0);
  }

  /** A fresh buffer for `holder`, which has none; undefined when there are as many as may be. */
  take(holder: OwnBufferHolder): Buffer | undefined {
    const { holders } = this;
    let index = holders.indexOf(undefined);
    if (index < 0) {
      if (holders.length >= MAX_OWN_BUFFERS) {
        this.retractOne();
        return undefined;
      }
      index = holders.length;
    }
    const buffer = Buffer.allocUnsafeSlow(OWN_BUFFER_BYTES);
    holders[index] = holder;
    this.buffers[index] = buffer;
    this.isRecent[index] = 1;
    return buffer;
  }

  /** Takes the buffer of `holder` out: the kernel does not use it any more. */
  finish(holder: OwnBufferHolder): Buffer {
    const index = this.holders.indexOf(holder);
    const buffer = this.buffers[index]!;
    this.holders[index] = undefined;
    this.buffers[index] = undefined;
    return buffer;
  }

  /** Each one is passed over once after it was taken. */
  private retractOne(): void {
    const index = this.hand;
    this.hand = (index + 1) % MAX_OWN_BUFFERS;
    if (this.isRecent[index] === 1) this.isRecent[index] = 0;
    else this.holders[index]?.retractBuffer();
  }
}
