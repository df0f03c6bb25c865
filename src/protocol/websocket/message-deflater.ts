/**
 * Deflates what one side sends (RFC 7692 §7.2.1): messages as one, or piece by piece. What it hands out
 * is the payload of frames, without the tail; a view that is valid until the next call where it is small.
 *
 * With context take-over everything that was deflated has to be sent, and in this order: the peer's
 * window is made of it.
 */
import { Buffer } from "node:buffer";
import { ByteGatherer } from "./byte-gatherer.js";
import { type Deflater, MESSAGE_TAIL, stripTail } from "./deflate-context.js";

/** Room of a step. */
const ROOM_BYTES = 65_536;

/** An empty message: the header of an empty block, which the tail completes (§7.2.3.6). */
const EMPTY_MESSAGE: Buffer = Buffer.of(0x00);

const NOTHING: Buffer = Buffer.alloc(0);

/** For all deflaters of a thread: used within one call each. */
let shared: Buffer | undefined;

/** Deflates what one side sends (RFC 7692 §7.2.1): messages as one, or piece by piece. */
export class MessageDeflater {
  private readonly deflater: Deflater;
  private isOpen = false;

  constructor(deflater: Deflater) {
    this.deflater = deflater;
  }

  /** Deflates a message as one. It takes as long as it takes: give large ones piece by piece. */
  deflate(message: Uint8Array): Buffer {
    if (message.length === 0) return EMPTY_MESSAGE;
    this.deflater.begin();
    const payload = stripTail(this.run(message, true));
    this.deflater.end(false);
    return payload;
  }

  /**
   * Deflates the next piece of a message. Returns the payload of a frame, which may be empty while the
   * deflater keeps back what it has. `isLast`: the message ends here.
   */
  piece(bytes: Uint8Array, isLast: boolean): Buffer {
    if (!this.isOpen) {
      if (isLast) return this.deflate(bytes);
      this.isOpen = true;
      this.deflater.begin();
    }
    const payload = this.run(bytes, isLast);
    if (!isLast) return payload;
    this.isOpen = false;
    this.deflater.end(false);
    // Nothing but the tail: zlib adds none where nothing has come since the last one.
    return payload.length > MESSAGE_TAIL.length ? stripTail(payload) : EMPTY_MESSAGE;
  }

  /** Gives up a message that was begun. */
  drop(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.deflater.end(true);
  }

  private run(bytes: Uint8Array, flushes: boolean): Buffer {
    shared ??= Buffer.allocUnsafeSlow(ROOM_BYTES);
    let gathered: ByteGatherer | undefined;
    let input = bytes;
    let at = 0;
    for (;;) {
      const { length } = input;
      const made = this.deflater.step(input, at, length, shared, 0, ROOM_BYTES, flushes);
      at += this.deflater.takenBytes;
      if (made < ROOM_BYTES && at >= length) {
        if (gathered === undefined) return shared.subarray(0, made);
        gathered.append(shared, 0, made, 0);
        return gathered.take();
      }
      gathered ??= new ByteGatherer();
      gathered.append(shared, 0, made, Number.POSITIVE_INFINITY);
      if (at >= length) {
        input = NOTHING;
        at = 0;
      }
    }
  }
}
