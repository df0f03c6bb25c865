/**
 * Segments that are to be acknowledged when the turn ends: their numbers and times. Hot. A list is lent to a
 * conversation from its first segment on until it has written them, so that idle ones have none.
 */
import type { DatagramWriter } from "./datagram-writer.js";
import { ACKNOWLEDGE, HEAD_BYTES } from "./segment.js";

const FIELDS = 2;
/** Lists that are kept. */
const MAX_LISTS = 256;

/** What fits into one datagram of acknowledgements. */
export class AckList {
  private readonly entries: Int32Array;
  private count = 0;

  constructor(maxDatagramBytes: number) {
    this.entries = new Int32Array(FIELDS * Math.floor(maxDatagramBytes / HEAD_BYTES));
  }

  get isFull(): boolean {
    return FIELDS * this.count === this.entries.length;
  }

  add(number: number, time: number): void {
    this.entries[FIELDS * this.count] = number;
    this.entries[FIELDS * this.count + 1] = time;
    this.count++;
  }

  /** Writes all, and is empty. */
  write(writer: DatagramWriter): void {
    const { entries } = this;
    const end = FIELDS * this.count;
    for (let at = 0; at < end; at += FIELDS) {
      writer.writeCommand(ACKNOWLEDGE, entries[at + 1] as number, entries[at] as number);
    }
    this.count = 0;
  }

  clear(): void {
    this.count = 0;
  }
}

/** Lists that no conversation uses. */
export class AckLists {
  private readonly free: AckList[] = [];
  private readonly maxDatagramBytes: number;

  constructor(maxDatagramBytes: number) {
    this.maxDatagramBytes = maxDatagramBytes;
  }

  take(): AckList {
    return this.free.pop() ?? new AckList(this.maxDatagramBytes);
  }

  give(list: AckList): void {
    list.clear();
    if (this.free.length < MAX_LISTS) this.free.push(list);
  }
}
