/**
 * The decoder of all models that deliver packets. It knows memory, a {@link Framing} knows frames.
 *
 * Two ways, both hot. A frame that is whole inside the fed bytes becomes a view into them: no copy,
 * no object but the view. A frame that is cut by the end of the fed bytes is copied, since those
 * may be lent, and gathered over the following calls in memory that the packet then keeps.
 *
 * Invariants: `gathered` holds the first `gatheredBytes` bytes of one unfinished frame, or nothing.
 * `frameBytes` is that frame's length once known, else 0. Memory follows the bytes that came, never
 * the length that was announced: at most `2 × gatheredBytes + ROOM_BYTES`, and never above the
 * longest frame. Each byte is copied a bounded number of times and looked at once, but for the
 * length of a mark.
 */
import { Buffer } from "node:buffer";
import { NetError } from "../errors.js";
import type { Framing } from "./framing.js";
import type { Decoder, PacketSink } from "./receive-model.js";

/** What may be allocated ahead for a frame of known length. */
const ROOM_BYTES = 4096;

/** First allocation for a frame of unknown length. */
const MIN_GATHER_BYTES = 256;

const NOTHING: Buffer = Buffer.alloc(0);

/** Finds the packets of one connection, as its framing tells. */
export class FrameDecoder implements Decoder {
  private readonly framing: Framing;
  private gathered: Buffer = NOTHING;
  private gatheredBytes = 0;
  private frameBytes = 0;

  constructor(framing: Framing) {
    this.framing = framing;
  }

  /** Capacity of the memory for the unfinished frame, in bytes. */
  get heldBytes(): number {
    return this.gathered.length;
  }

  /** See {@link Decoder.feed}. */
  feed(bytes: Buffer, sink: PacketSink): number {
    const { framing } = this;
    const end = bytes.length;
    let position = 0;
    if (this.gatheredBytes > 0) {
      position = this.gather(bytes);
      if (this.gatheredBytes === this.frameBytes && this.frameBytes > 0) {
        if (!sink.packet(this.takePacket())) return position;
      }
    }
    while (position < end) {
      const frameBytes = framing.measure(bytes, position, end, 0);
      if (frameBytes < 0) {
        position -= frameBytes;
        continue;
      }
      const frameEnd = position + frameBytes;
      if (frameBytes === 0 || frameEnd > end) {
        this.keep(bytes, position, frameBytes);
        return end;
      }
      const packet = bytes.subarray(
        framing.packetStart(bytes, position),
        framing.packetEnd(bytes, position, frameEnd),
      );
      position = frameEnd;
      if (!sink.packet(packet)) return position;
    }
    return position;
  }

  /** See {@link Decoder.end}. */
  end(sink: PacketSink): void {
    const { frameBytes } = this;
    const rest = this.takeRest();
    if (rest === undefined) return;
    const fate = this.framing.unfinished(rest);
    if (fate === "deliver") {
      sink.packet(rest);
    } else if (fate === "truncated") {
      const whole = frameBytes > 0 ? ` of ${frameBytes}` : "";
      throw new NetError(
        "PACKET_TRUNCATED",
        `the peer finished after ${rest.length}${whole} bytes of a packet`,
        { operation: "receive" },
      );
    }
  }

  /** See {@link Decoder.takeRest}. */
  takeRest(): Buffer | undefined {
    if (this.gatheredBytes === 0) return undefined;
    const rest = this.gathered.subarray(0, this.gatheredBytes);
    this.release();
    return rest;
  }

  /** Keeps the beginning of a frame, from `start` on. `frameBytes`: its length, 0 if unknown. */
  private keep(bytes: Buffer, start: number, frameBytes: number): void {
    this.frameBytes = frameBytes;
    this.append(bytes, start, bytes.length);
  }

  /**
   * Copies bytes until the kept frame is whole or dropped, or the bytes are used up. Returns how
   * many bytes it used. While the length is unknown it copies in steps that double, and hands back
   * what turns out to lie behind the frame.
   */
  private gather(bytes: Buffer): number {
    let position = 0;
    while (position < bytes.length && this.gatheredBytes > 0) {
      const stepEnd = Math.min(bytes.length, position + this.stepBytes());
      const seenBytes = this.gatheredBytes;
      this.append(bytes, position, stepEnd);
      position = stepEnd;
      if (this.frameBytes === 0) this.measureGathered(seenBytes);
      const surplusBytes = this.gatheredBytes - this.frameBytes;
      if (this.frameBytes > 0 && surplusBytes >= 0) {
        this.gatheredBytes = this.frameBytes;
        return position - surplusBytes;
      }
    }
    return position;
  }

  private stepBytes(): number {
    const { framing, gatheredBytes, frameBytes } = this;
    if (frameBytes > 0) return frameBytes - gatheredBytes;
    const step = gatheredBytes < framing.firstBytes ? framing.firstBytes : 2 * gatheredBytes;
    return Math.min(step, framing.maxFrameBytes) - gatheredBytes;
  }

  private measureGathered(seenBytes: number): void {
    const { framing } = this;
    let measured = framing.measure(this.gathered, 0, this.gatheredBytes, seenBytes);
    while (measured < 0) {
      this.gathered.copyWithin(0, -measured, this.gatheredBytes);
      this.gatheredBytes += measured;
      if (this.gatheredBytes === 0) {
        this.release();
        return;
      }
      measured = framing.measure(this.gathered, 0, this.gatheredBytes, 0);
    }
    this.frameBytes = measured;
  }

  private append(bytes: Buffer, start: number, end: number): void {
    const neededBytes = this.gatheredBytes + end - start;
    if (neededBytes > this.gathered.length) {
      const larger = Buffer.allocUnsafe(this.capacityFor(neededBytes));
      this.gathered.copy(larger, 0, 0, this.gatheredBytes);
      this.gathered = larger;
    }
    bytes.copy(this.gathered, this.gatheredBytes, start, end);
    this.gatheredBytes = neededBytes;
  }

  private capacityFor(neededBytes: number): number {
    return this.frameBytes > 0
      ? Math.min(this.frameBytes, 2 * neededBytes + ROOM_BYTES)
      : Math.min(this.framing.maxFrameBytes, Math.max(2 * neededBytes, MIN_GATHER_BYTES));
  }

  /** The packet of the gathered frame. Forgets it first, so that the sink may take the rest. */
  private takePacket(): Buffer {
    const { framing, gathered, frameBytes } = this;
    this.release();
    return gathered.subarray(
      framing.packetStart(gathered, 0),
      framing.packetEnd(gathered, 0, frameBytes),
    );
  }

  private release(): void {
    this.gathered = NOTHING;
    this.gatheredBytes = 0;
    this.frameBytes = 0;
  }
}
