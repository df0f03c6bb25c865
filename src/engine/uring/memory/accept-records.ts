/**
 * Where the kernel writes the addresses of those who connect: a record for each accept that is under
 * way, in memory that outlives the ring (see `shared-memory.ts`).
 *
 *     byte 0   address, with room for an IPv6 one
 *     byte 28  its length: what there is room for, then what it was
 */
import type { ForeignFunctions } from "../ring/foreign-functions.js";
import { SharedMemory } from "./shared-memory.js";

/** Accepts of one listener that are under way together. */
export const ACCEPT_COUNT = 16;

const RECORD_BYTES = 32;
const LENGTH_AT = 28;
const SET_BYTES: number = ACCEPT_COUNT * RECORD_BYTES;

/** Bytes of shared memory for the records of the first listeners; more are made as they are needed. */
export const ACCEPT_RECORDS_BYTES = 16_384;

/** The records of one listener. */
export class AcceptRecords {
  /** The words of all records; `index << 3` is the first of one. */
  readonly words: Int32Array;
  private readonly memory: SharedMemory;
  private readonly offset: number;

  constructor(memory: SharedMemory, offset: number) {
    this.memory = memory;
    this.offset = offset;
    this.words = memory.words(offset, SET_BYTES);
  }

  /** Address of the record's address. */
  addressOf(index: number): number {
    return this.memory.addressOf(this.offset + index * RECORD_BYTES);
  }

  /** Low word of the address of the record's length. */
  lengthLow(index: number): number {
    return this.memory.addressLow(this.offset + index * RECORD_BYTES + LENGTH_AT);
  }

  /** High word of it. */
  get high(): number {
    return this.memory.baseHigh;
  }

  /** Makes a record ready for the next address. */
  clear(index: number): void {
    const at = index << 3;
    this.words[at] = 0;
    this.words[at + (LENGTH_AT >> 2)] = LENGTH_AT;
  }
}

/** Hands out sets of records; the first block lies in the ring's own memory. */
export class AcceptRecordPool {
  private readonly calls: ForeignFunctions;
  private readonly free: AcceptRecords[] = [];

  constructor(calls: ForeignFunctions, memory: SharedMemory) {
    this.calls = calls;
    this.cut(memory, memory.takePages(ACCEPT_RECORDS_BYTES));
  }

  /** Records that are not in use. */
  take(): AcceptRecords {
    if (this.free.length === 0) this.cut(new SharedMemory(this.calls, ACCEPT_RECORDS_BYTES), 0);
    return this.free.pop()!;
  }

  /** No accept of theirs is under way any more. */
  giveBack(records: AcceptRecords): void {
    this.free.push(records);
  }

  private cut(memory: SharedMemory, start: number): void {
    for (let offset = 0; offset < ACCEPT_RECORDS_BYTES; offset += SET_BYTES) {
      this.free.push(new AcceptRecords(memory, start + offset));
    }
  }
}
