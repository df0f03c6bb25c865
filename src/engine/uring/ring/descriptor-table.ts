/**
 * Whose are the sockets? Operations name a socket by a number, and there are two kinds of numbers:
 *
 * - **direct** (Linux 6.8): a place in a table that belongs to the ring. The process has no
 *   descriptor for it. When the ring goes, however its thread ends, the sockets go. Calls that need
 *   a descriptor (addresses, socket options) borrow one for their duration.
 * - **process**: an ordinary descriptor. Nothing closes it but us.
 */
import type { SharedMemory } from "../memory/shared-memory.js";
import type { ForeignFunctions } from "./foreign-functions.js";
import {
  CANCEL_ALL,
  CANCEL_BY_DESCRIPTOR,
  CANCEL_DIRECT,
  ENTRY_ADDRESS,
  ENTRY_ADDRESS_HIGH,
  ENTRY_FILE_INDEX,
  ENTRY_LENGTH,
  ENTRY_OFFSET,
  FILE_INDEX_ANY,
  FLAG_FIXED_FILE,
  OP_CLOSE,
  OP_FILES_UPDATE,
  OP_FIXED_FD_INSTALL,
} from "./kernel-interface.js";
import type { Ring } from "./ring.js";

/** The sockets of one ring. Results below zero are negative error numbers. */
export interface DescriptorTable {
  /** Goes into word 0 of every operation on a socket. */
  readonly entryFlag: number;
  /** File index and operation flags of an accept. */
  readonly acceptIndex: number;
  readonly acceptFlags: number;
  /** Operation flags of a cancel that means all operations on a socket. */
  readonly cancelFlags: number;
  /** Takes over a descriptor: answers the number to use from now on. It is closed in any case. */
  adopt(descriptor: number): number;
  /** A descriptor for calls outside the ring. Give it back in the same turn. */
  borrow(socket: number): number;
  giveBack(descriptor: number): void;
  /** Claims the entry that closes the socket. */
  claimClose(socket: number, userLow: number, userHigh: number): void;
}

const CLOSE_ON_EXEC = 0o2000000;

/** Sockets as descriptors of the process. */
export class ProcessDescriptors implements DescriptorTable {
  readonly entryFlag = 0;
  readonly acceptIndex = 0;
  readonly acceptFlags: number = CLOSE_ON_EXEC;
  readonly cancelFlags: number = CANCEL_ALL | CANCEL_BY_DESCRIPTOR;
  private readonly ring: Ring;

  constructor(ring: Ring) {
    this.ring = ring;
  }

  adopt(descriptor: number): number {
    return descriptor;
  }

  borrow(socket: number): number {
    return socket;
  }

  giveBack(_descriptor: number): void {
    // It was the socket's own.
  }

  claimClose(socket: number, userLow: number, userHigh: number): void {
    this.ring.claim(OP_CLOSE, socket, userLow, userHigh);
  }
}

/** Sockets as places in the ring's own table. */
export class DirectDescriptors implements DescriptorTable {
  readonly entryFlag: number = FLAG_FIXED_FILE;
  readonly acceptIndex: number = FILE_INDEX_ANY;
  readonly acceptFlags = 0;
  readonly cancelFlags: number = CANCEL_ALL | CANCEL_BY_DESCRIPTOR | CANCEL_DIRECT;
  private readonly calls: ForeignFunctions;
  private readonly ring: Ring;
  /** One word, in which the kernel reads a descriptor and writes its place. */
  private readonly word: Int32Array;
  private readonly addressLow: number;
  private readonly addressHigh: number;

  constructor(calls: ForeignFunctions, ring: Ring, memory: SharedMemory) {
    this.calls = calls;
    this.ring = ring;
    const at = memory.takePages(4);
    this.word = memory.words(at, 4);
    this.addressLow = memory.addressLow(at);
    this.addressHigh = memory.baseHigh;
  }

  adopt(descriptor: number): number {
    this.word[0] = descriptor;
    const { entries } = this.ring;
    const result = this.ring.perform(OP_FILES_UPDATE, -1, (at) => {
      entries[at + ENTRY_OFFSET] = FILE_INDEX_ANY;
      entries[at + ENTRY_ADDRESS] = this.addressLow;
      entries[at + ENTRY_ADDRESS_HIGH] = this.addressHigh;
      entries[at + ENTRY_LENGTH] = 1;
    });
    this.calls.close(descriptor);
    return result < 0 ? result : this.word[0]!;
  }

  borrow(socket: number): number {
    return this.ring.perform(OP_FIXED_FD_INSTALL | FLAG_FIXED_FILE, socket, () => {});
  }

  giveBack(descriptor: number): void {
    this.calls.close(descriptor);
  }

  claimClose(socket: number, userLow: number, userHigh: number): void {
    const at = this.ring.claim(OP_CLOSE, 0, userLow, userHigh);
    this.ring.entries[at + ENTRY_FILE_INDEX] = socket + 1;
  }
}
