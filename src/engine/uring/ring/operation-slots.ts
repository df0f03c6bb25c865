/**
 * Maps completions to the owners of operations. Everything that starts operations (a stream, a listener, a datagram
 * socket, a datagram on its way) holds a slot. The user data of an operation is
 *
 *     low word   kind of the operation (bits 24–30) · slot (bits 0–23)
 *     high word  generation of the slot
 *
 * A slot is freed when the last operation of its owner has completed, and its generation then goes
 * up: a completion of an older generation has no owner and is dropped.
 */
import { NetError } from "../../../errors.js";

/** Kinds of operations, in their place in the low word. */
export const RECEIVE_KIND: number = 1 << 24;
export const SEND_KIND: number = 2 << 24;
export const CONNECT_KIND: number = 3 << 24;
export const CLOSE_KIND: number = 4 << 24;
export const SHUTDOWN_KIND: number = 6 << 24;
/** Waits for the connection to break. */
export const BREAK_KIND: number = 8 << 24;
/** Closes a socket that no sink knows. */
export const REFUSE_KIND: number = 9 << 24;
/** Waits for room to send. */
export const ROOM_KIND: number = 11 << 24;
/** Asks for a descriptor of the socket. */
export const DESCRIPTOR_KIND: number = 10 << 24;
/** An empty operation, so that the sink hears of the opening in a later step. */
export const OPEN_KIND: number = 7 << 24;
/** Cancels of all that is under way; the kind of what is cancelled is added, where that is one. */
export const CANCEL_KIND: number = 16 << 24;
/** Accepts; the index of their record is added. */
export const ACCEPT_KIND: number = 32 << 24;
/** Closes a descriptor that was borrowed: whatever comes of it, the number is free. Of no slot. */
export const RELEASE_KIND: number = 65 << 24;
/**
 * Operations of `Ring.perform`, whose results are taken there; the high word is their number. They
 * belong to no slot.
 */
export const SYNCHRONOUS_KIND: number = 64 << 24;

/** Whether an operation of this kind cancels others. */
export const isCancel = (kind: number): boolean => kind >= CANCEL_KIND && kind < ACCEPT_KIND;

/** The kind of the accept of this record. */
export const acceptKind = (index: number): number => ACCEPT_KIND + (index << 24);

/** The record of an accept of this kind. */
export const acceptIndex = (kind: number): number => (kind - ACCEPT_KIND) >> 24;

const SLOT_MASK = 0xff_ffff;
const MAX_SLOTS = SLOT_MASK + 1;

/** What holds a slot. */
export interface OperationOwner {
  /** An operation of this owner has completed, or (multishot) brought a result. */
  completed(kind: number, result: number, flags: number): void;
}

/** Maps completions to the owners of operations. */
export class OperationSlots {
  private owners: (OperationOwner | undefined)[] = [];
  private generations: Int32Array = new Int32Array(64);
  private readonly free: number[] = [];
  /** Completions of older generations, and of free slots. */
  droppedCount = 0;

  /** Slots that are held. */
  get heldCount(): number {
    return this.owners.length - this.free.length;
  }

  /** The owners of slots, in no order. */
  holders(): OperationOwner[] {
    return this.owners.filter((owner) => owner !== undefined);
  }

  /** Gives `owner` a slot. */
  take(owner: OperationOwner): number {
    const reused = this.free.pop();
    if (reused !== undefined) {
      this.owners[reused] = owner;
      return reused;
    }
    const slot = this.owners.length;
    if (slot === MAX_SLOTS) throw new NetError("NO_BUFFERS", `${MAX_SLOTS} slots are held`);
    if (slot === this.generations.length) {
      const grown = new Int32Array(slot * 2);
      grown.set(this.generations);
      this.generations = grown;
    }
    this.owners.push(owner);
    return slot;
  }

  /** Takes the slot back. No operation of it may be under way. */
  release(slot: number): void {
    this.owners[slot] = undefined;
    this.generations[slot] = (this.generations[slot]! + 1) | 0;
    this.free.push(slot);
  }

  /** High word of the user data of operations that are started now. */
  generation(slot: number): number {
    return this.generations[slot]!;
  }

  /** Hands a completion to the owner of its slot. */
  complete(userLow: number, userHigh: number, result: number, flags: number): void {
    const slot = userLow & SLOT_MASK;
    const kind = userLow - slot;
    if (kind >= SYNCHRONOUS_KIND) return;
    const owner = this.owners[slot];
    if (owner === undefined || this.generations[slot] !== userHigh) {
      // A cancel whose owner has gone meanwhile needs no handling.
      if (!isCancel(kind)) this.droppedCount++;
      return;
    }
    owner.completed(kind, result, flags);
  }
}
