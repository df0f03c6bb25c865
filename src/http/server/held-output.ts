/**
 * What an exchange has to send before it is its turn: responses leave in the order of their requests (RFC
 * 9112 §9.3.2). A peer can have many exchanges under way: those whose turn has not come are told to wait at a low mark.
 */
import { Buffer } from "node:buffer";
import { isLent } from "../../bytes/lending.js";
import { PieceQueue } from "../../bytes/piece-queue.js";
import type { SendResult, WaitOptions } from "../../connection/connection.js";
import { bytesOf } from "../../connection/data.js";
import type { PieceWriter } from "../../connection/receiver.js";
import { DRAINED, WaiterList } from "../../connection/waiting/waiter-list.js";
import type { NetError } from "../../errors.js";
import type { TimingWheel } from "../../time/timing-wheel.js";
import type { PieceTarget } from "./response/response-encoder.js";

/** Bytes that an exchange holds before it is told to wait for its turn. */
const HIGH_WATER_BYTES = 65_536;

/** Pieces of a response that wait for their turn. */
export class HeldOutput implements PieceTarget {
  private readonly highWaterBytes: number;
  private pieces = new PieceQueue();
  private readonly waiters: WaiterList = new WaiterList();

  /** `highWaterBytes`: the connection's own mark, where that is lower. */
  constructor(highWaterBytes: number) {
    this.highWaterBytes = Math.min(HIGH_WATER_BYTES, highWaterBytes);
  }

  /** Bytes that are held. */
  get byteCount(): number {
    return this.pieces.byteCount;
  }

  /** Whether so much is held that its turn is to be waited for. */
  get isFull(): boolean {
    return this.byteCount >= this.highWaterBytes;
  }

  write(writer: PieceWriter, maxBytes: number): SendResult | undefined {
    const target = Buffer.allocUnsafe(maxBytes);
    const end = writer.writePiece(target, 0);
    return end < 0 ? undefined : this.sendBytes(target.subarray(0, end));
  }

  sendBytes(piece: Uint8Array): SendResult {
    this.pieces.append(bytesOf(piece), isLent(piece));
    return this.isFull ? "slow" : true;
  }

  /** It is the exchange's turn: gives all pieces out, then tells those who wait. */
  release(send: (piece: Uint8Array) => void): void {
    const { pieces } = this;
    for (let piece = pieces.take(); piece !== undefined; piece = pieces.take()) send(piece);
    this.waiters.resolve();
  }

  /** Resolves when it is the exchange's turn. */
  turn(wheel: TimingWheel, options: WaitOptions): Promise<void> {
    return this.waiters.wait(wheel, options, DRAINED);
  }

  /** The connection has ended. */
  fail(error: NetError): void {
    this.pieces = new PieceQueue();
    this.waiters.reject(error);
  }
}
