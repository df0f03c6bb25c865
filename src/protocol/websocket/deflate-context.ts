/**
 * What permessage-deflate needs of a deflate (RFC 7692 §7.2), and is handed in: this folder knows no
 * compressor. Everything is synchronous and bounded: a step ends where its room ends, so that who calls
 * decides how much is done at once.
 */
import { Buffer } from "node:buffer";

/** What each compressed message ends with, and does not carry (§7.2.1). */
export const MESSAGE_TAIL: Buffer = Buffer.from([0x00, 0x00, 0xff, 0xff]);

/** What both directions have in common. */
interface DeflateContext {
  /** Bytes of its input that the last step took. */
  readonly takenBytes: number;
  /**
   * A message begins. Without context take-over what was before is forgotten: take a context out of a
   * stock, for example, or make one that is fresh.
   */
  begin(): void;
  /**
   * The message is over, complete or given up. Called once for each `begin`. Without context take-over
   * the context can be given back; with it, after `isBroken`, it is of no use any more.
   */
  end(isBroken: boolean): void;
}

/** Inflates the messages of one connection. */
export interface Inflater extends DeflateContext {
  /** Bytes that may still be inflated in this turn, where others share it. */
  readonly turnBytes?: number;
  /**
   * Inflates `input[start … end)` into `target[offset … limit)`. Returns how many bytes it wrote, or
   * −1 when the input is no deflate. Fewer than there is room for: all input was taken, or a final
   * block (BFINAL) has ended before its end. An empty input asks for what is still inside.
   */
  step(
    input: Uint8Array,
    start: number,
    end: number,
    target: Uint8Array,
    offset: number,
    limit: number,
  ): number;
  /** Begins anew behind a final block; the window goes on where that can be done. */
  restart(): void;
  /**
   * Takes {@link MESSAGE_TAIL}, which the peer has left off, behind a message. Returns whether that was all of it: an empty
   * block and no more. Behind a final block, which needs no tail, it begins anew.
   */
  takeTail(): boolean;
}

/** Deflates the messages of one connection, or of many without context take-over. */
export interface Deflater extends DeflateContext {
  /**
   * Deflates `input[start … end)` into `target[offset … limit)`. Returns how many bytes it wrote. Fewer
   * than there is room for: all input was taken, and with `flushes` everything is out and ends with
   * {@link MESSAGE_TAIL} (Z_SYNC_FLUSH). An empty input asks for what is still inside.
   */
  step(
    input: Uint8Array,
    start: number,
    end: number,
    target: Uint8Array,
    offset: number,
    limit: number,
    flushes: boolean,
  ): number;
}

/** Takes {@link MESSAGE_TAIL} off a compressed message (§7.2.1). */
export function stripTail(bytes: Buffer): Buffer {
  return bytes.subarray(0, bytes.length - MESSAGE_TAIL.length);
}
