/**
 * Submission and completion: the two queues that kernel and thread share. Hot.
 *
 * Submission: `claim` hands out the next free entry, which the caller fills; `enter` gives all that
 * were claimed to the kernel. Completion: `dispatch` takes what has come in and hands each to the
 * owner of its slot.
 *
 * Invariants: entries from `submitted` to `tail` are filled and ours; the kernel reads them within
 * `enter` alone. Completions from `head` to the kernel's tail are ours. All that the kernel does to
 * the queues it does within our `enter`, on our own thread (DEFER_TASKRUN), so plain loads and
 * stores do. The flags are the exception: other processors set them and look at them at any time.
 */
import { NetError, rethrowLater } from "../../../errors.js";

import type { ForeignFunctions } from "./foreign-functions.js";
import {
  CQ_EVENT_DISABLED,
  ENTER_GET_EVENTS,
  ENTRY_ADDRESS,
  ENTRY_ADDRESS_HIGH,
  ENTRY_USER_HIGH,
  ENTRY_USER_LOW,
  SQ_NEEDS_ENTER,
} from "./kernel-interface.js";
import { type OperationSlots, SYNCHRONOUS_KIND } from "./operation-slots.js";
import type { RingParts } from "./ring-setup.js";
import { callError, EAGAIN, EBUSY, EINTR } from "./system-call-error.js";

/** How often the kernel is offered a full submission queue, or asked for an answer. */
const MAX_ATTEMPTS = 1_000;

const NOT_FOUND = -1;

const LINE = 0x1_0000_0000;

/** Submission and completion: the two queues that kernel and thread share. */
export class Ring {
  /** Words of the submission entries, for those who fill them. */
  readonly entries: Int32Array;
  /** Calls of io_uring_enter so far. */
  enterCount = 0;
  private readonly calls: ForeignFunctions;
  private readonly descriptor: number;
  private readonly words: Int32Array;
  private readonly entryCount: number;
  private readonly entryMask: number;
  private readonly completionMask: number;
  private readonly completions: number;
  /** Indexes of the words of the two rings, see `RingParts`. */
  private readonly submissionTail: number;
  private readonly submissionFlags: number;
  private readonly completionHead: number;
  private readonly completionTail: number;
  private readonly completionFlags: number;
  private tail = 0;
  private submitted = 0;
  private head = 0;
  private synchronousCount = 0;
  /** Completions that had to make room, four words each; they come before those in the queue. */
  private readonly backlog: number[] = [];
  private dispatchedCount = 0;

  constructor(calls: ForeignFunctions, parts: RingParts) {
    this.calls = calls;
    this.descriptor = parts.descriptor;
    this.words = parts.words;
    this.entries = parts.entries;
    this.entryCount = parts.entryCount;
    this.entryMask = parts.entryCount - 1;
    this.completionMask = parts.completionCount - 1;
    this.completions = parts.completions;
    this.submissionTail = parts.submissionTail;
    this.submissionFlags = parts.submissionFlags;
    this.completionHead = parts.completionHead;
    this.completionTail = parts.completionTail;
    this.completionFlags = parts.completionFlags;
  }

  /** Entries that were claimed and not yet submitted. */
  get claimedCount(): number {
    return (this.tail - this.submitted) | 0;
  }

  /** Whether there is a reason to go on: something to submit, to run, or to dispatch. */
  get hasWork(): boolean {
    return this.tail !== this.submitted || this.hasCompletions || this.needsEnter;
  }

  /** Whether completions wait to be dispatched. */
  get hasCompletions(): boolean {
    return this.backlog.length > 0 || this.words[this.completionTail] !== this.head;
  }

  /** Whether the kernel holds work or completions that it hands over when we enter. */
  get needsEnter(): boolean {
    return (Atomics.load(this.words, this.submissionFlags) & SQ_NEEDS_ENTER) !== 0;
  }

  /**
   * The next submission entry: the index of its first word in {@link entries}. `operation` is word
   * 0 (opcode, flags, ioprio); the two words of user data come back with the completion. All other
   * words are zero.
   */
  claim(operation: number, descriptor: number, userLow: number, userHigh: number): number {
    if (((this.tail - this.submitted) | 0) >= this.entryCount) this.makeRoom();
    const entries = this.entries;
    const at = (this.tail & this.entryMask) << 4;
    this.tail = (this.tail + 1) | 0;
    entries[at] = operation;
    entries[at + 1] = descriptor;
    entries[at + 2] = 0;
    entries[at + 3] = 0;
    entries[at + 4] = 0;
    entries[at + 5] = 0;
    entries[at + 6] = 0;
    entries[at + 7] = 0;
    entries[at + ENTRY_USER_LOW] = userLow;
    entries[at + ENTRY_USER_HIGH] = userHigh;
    entries[at + 10] = 0;
    entries[at + 11] = 0;
    return at;
  }

  /** Puts the address of some memory into an entry. */
  putAddress(at: number, address: number): void {
    this.entries[at + ENTRY_ADDRESS] = address | 0;
    this.entries[at + ENTRY_ADDRESS_HIGH] = Math.floor(address / LINE);
  }

  /** Submits what was claimed, from within a dispatch: for what is not to wait for what takes long. */
  submitEarly(): void {
    if (this.claimedCount > 0) this.submit();
  }

  /** Submits without running what waits: for a full queue, and for operations needed at once. */
  private submit(): number {
    this.words[this.submissionTail] = this.tail;
    return this.call(this.claimedCount, 0);
  }

  private makeRoom(): void {
    this.words[this.completionHead] = this.head;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      this.submit();
      if (this.claimedCount < this.entryCount) return;
    }
    throw new NetError("NO_BUFFERS", "the kernel takes nothing off the full submission queue");
  }

  /**
   * Submits what was claimed and lets the kernel run what waits. Returns false when the kernel
   * wants to be asked again later: it is short of memory, or the completions have to be taken
   * first.
   */
  enter(): boolean {
    this.words[this.submissionTail] = this.tail;
    return this.call(this.claimedCount, ENTER_GET_EVENTS) >= 0;
  }

  private call(submitCount: number, flags: number): number {
    for (;;) {
      this.enterCount++;
      const result = this.calls.enter(this.descriptor, submitCount, 0, flags);
      if (result >= 0) {
        this.submitted = (this.submitted + result) | 0;
        return result;
      }
      if (result === EAGAIN || result === EBUSY) return result;
      if (result !== EINTR) throw callError(result, "send", "io_uring_enter");
    }
  }

  /**
   * Hands at most `limit` completions to their owners; returns how many. An exception out of an
   * owner is reported, and the next completion taken.
   */
  dispatch(slots: OperationSlots, limit: number): number {
    this.dispatchedCount = 0;
    for (;;) {
      try {
        if (this.backlog.length > 0) this.dispatchBacklog(slots, limit);
        this.dispatchQueue(slots, limit);
        break;
      } catch (defect) {
        rethrowLater(defect);
      }
    }
    this.words[this.completionHead] = this.head;
    return this.dispatchedCount;
  }

  private dispatchQueue(slots: OperationSlots, limit: number): void {
    const words = this.words;
    const end = words[this.completionTail]!;
    // A sink may have dispatched completions, by `perform`.
    while (this.head !== end && this.dispatchedCount < limit && this.backlog.length === 0) {
      const at = this.completions + ((this.head & this.completionMask) << 2);
      // Counted before it is handled: an exception, or a look-up from within, goes on behind it.
      this.head = (this.head + 1) | 0;
      this.dispatchedCount++;
      slots.complete(words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!);
    }
  }

  private dispatchBacklog(slots: OperationSlots, limit: number): void {
    const backlog = this.backlog;
    while (backlog.length > 0 && this.dispatchedCount < limit) {
      this.dispatchedCount++;
      const [low, high, result, flags] = backlog.splice(0, 4) as [number, number, number, number];
      slots.complete(low, high, result, flags);
    }
  }

  /** Moves the completions that wait out of the queue, so that the kernel has room. */
  private clearQueue(): void {
    const words = this.words;
    const end = words[this.completionTail]!;
    for (; this.head !== end; this.head = (this.head + 1) | 0) {
      const at = this.completions + ((this.head & this.completionMask) << 2);
      this.backlog.push(words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!);
    }
    words[this.completionHead] = this.head;
  }

  /**
   * Performs one operation that the kernel completes while it is submitted, and answers its result.
   * `fill` completes the entry. Everything claimed before is submitted with it.
   */
  perform(operation: number, descriptor: number, fill: (at: number) => void): number {
    const sequence = ++this.synchronousCount | 0;
    fill(this.claim(operation, descriptor, SYNCHRONOUS_KIND, sequence));
    const tail = this.tail;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      this.submit();
      const found = this.submitted === tail ? this.find(sequence) : NOT_FOUND;
      if (found !== NOT_FOUND) return this.words[found + 2]!;
      // The queue was full, and the kernel keeps the answer until it is not.
      this.clearQueue();
      this.enter();
    }
    throw new NetError("NO_BUFFERS", "the kernel does not answer an operation");
  }

  /** Where the completion of `perform` lies. It is not dispatched: no slot has its kind. */
  private find(sequence: number): number {
    const words = this.words;
    for (let index = words[this.completionTail]!; index !== this.head; ) {
      index = (index - 1) | 0;
      const at = this.completions + ((index & this.completionMask) << 2);
      if (words[at] === SYNCHRONOUS_KIND && words[at + 1] === sequence) return at;
    }
    return NOT_FOUND;
  }

  /** From here on the event descriptor is silent. */
  disableEvents(): void {
    this.words[this.completionFlags] = CQ_EVENT_DISABLED;
  }

  /**
   * From here on what comes in signals the event descriptor. Look at {@link hasWork} afterwards.
   */
  enableEvents(): void {
    Atomics.store(this.words, this.completionFlags, 0);
  }
}
