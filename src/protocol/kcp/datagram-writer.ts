/**
 * The datagram that is being put together: heads, and the bytes behind them. Hot.
 *
 * Bytes of segments lie in blocks with room for a head in front of each, so a head is written where the segment
 * lies, and neighbours leave as one datagram without being copied. What has acknowledgements in front, or comes from
 * several places, is copied together.
 *
 * One serves any number of conversations: it is empty between `begin` and `end` of two of them.
 */
import { copyBetween, MemoryBlock } from "./memory-block.js";
import { HEAD_BYTES, PUSH } from "./segment.js";

/** The receiver of datagrams that are put together. */
export interface DatagramSink {
  /** Sends `byteCount` bytes of `memory` from `start` on, which are valid during the call. */
  output(memory: MemoryBlock, start: number, byteCount: number): void;
}

const NOBODY: DatagramSink = { output: () => undefined };

/** Puts datagrams together. */
export class DatagramWriter {
  private readonly scratch: MemoryBlock;
  /** Where the datagram lies, from where to where: in `scratch`, or in the block of its segments. */
  private block: MemoryBlock;
  private start = 0;
  private end = 0;
  private sink: DatagramSink = NOBODY;
  private mtuBytes = 0;
  private conversation = 0;
  private windowBits = 0;
  private next = 0;

  /** `maxBytes`: the longest `mtuBytes` that it will be given. */
  constructor(maxBytes: number) {
    this.scratch = new MemoryBlock(maxBytes);
    this.block = this.scratch;
  }

  /** Begins: what all heads tell until `finish`. */
  begin(
    sink: DatagramSink,
    mtuBytes: number,
    conversation: number,
    window: number,
    next: number,
  ): void {
    this.sink = sink;
    this.mtuBytes = mtuBytes;
    this.conversation = conversation;
    this.windowBits = window << 16;
    this.next = next;
  }

  /** Writes a head without data. */
  writeCommand(command: number, time: number, number: number): void {
    if (this.end - this.start + HEAD_BYTES > this.mtuBytes) this.emit();
    this.toScratch();
    this.writeHead(this.scratch.view, this.end, command, time, number, 0);
    this.end += HEAD_BYTES;
  }

  /** Writes a segment, whose data lie at `dataAt`, with room for a head in front of them. */
  writeSegment(
    block: MemoryBlock,
    dataAt: number,
    length: number,
    fragment: number,
    time: number,
    number: number,
  ): void {
    const headAt = dataAt - HEAD_BYTES;
    const byteCount = HEAD_BYTES + length;
    this.writeHead(block.view, headAt, PUSH | (fragment << 8), time, number, length);
    if (this.end - this.start + byteCount > this.mtuBytes) this.emit();
    if (this.end === this.start) {
      this.block = block;
      this.start = headAt;
      this.end = headAt + byteCount;
    } else if (this.block === block && this.end === headAt) {
      this.end += byteCount;
    } else {
      this.toScratch();
      copyBetween(block, headAt, byteCount, this.scratch, this.end);
      this.end += byteCount;
    }
  }

  /** Sends what is left. */
  finish(): void {
    this.emit();
    this.sink = NOBODY;
  }

  /** The datagram goes on in memory that nothing else lies in. */
  private toScratch(): void {
    const { block, start, scratch } = this;
    if (block === scratch) return;
    const byteCount = this.end - start;
    if (byteCount > 0) copyBetween(block, start, byteCount, scratch, 0);
    this.block = scratch;
    this.start = 0;
    this.end = byteCount;
  }

  private writeHead(
    view: DataView,
    at: number,
    commandAndFragment: number,
    time: number,
    number: number,
    length: number,
  ): void {
    view.setInt32(at, this.conversation, true);
    view.setInt32(at + 4, commandAndFragment | this.windowBits, true);
    view.setInt32(at + 8, time, true);
    view.setInt32(at + 12, number, true);
    view.setInt32(at + 16, this.next, true);
    view.setInt32(at + 20, length, true);
  }

  private emit(): void {
    const { block, start, end } = this;
    this.block = this.scratch;
    this.start = 0;
    this.end = 0;
    if (end > start) this.sink.output(block, start, end - start);
  }
}
