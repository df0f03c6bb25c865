/**
 * The debug mode: checks who owns each piece of shared memory.
 *
 * What was given back is overwritten with {@link POISON}. When it is handed out again it must still
 * be poison all over; if not, somebody wrote to it without owning it. A piece that is given back,
 * or handed out, twice is found by its state. All findings are thrown: they are defects of the
 * engine or of whoever kept a lent view.
 */
import { NetError } from "../../../errors.js";

/** What fills memory without an owner. */
export const POISON = 0xdb;

function defect(message: string): NetError {
  return new NetError("INVALID_STATE", message);
}

const POISONED = Buffer.alloc(4_096, POISON);

/** Where the first byte lies, from `start` on, that is no poison; −1: there is none. */
function firstWritten(bytes: Buffer, start: number): number {
  for (let from = start; from < bytes.length; from += POISONED.length) {
    const end = Math.min(from + POISONED.length, bytes.length);
    if (bytes.compare(POISONED, 0, end - from, from, end) === 0) continue;
    while (bytes[from] === POISON) from++;
    return from;
  }
  return -1;
}

/** Checks the pieces of one kind of memory; `name` says which in messages. */
export class OwnershipCheck {
  private readonly name: string;
  private readonly handedOut = new Set<number>();

  constructor(name: string) {
    this.name = name;
  }

  /** Pieces that are handed out. */
  get handedOutCount(): number {
    return this.handedOut.size;
  }

  /** Piece `id` is handed out; its bytes from `written` on must not have been touched. */
  handOut(id: number, bytes: Buffer, written: number): void {
    if (this.handedOut.has(id)) throw defect(`${this.name} ${id} was handed out twice`);
    this.handedOut.add(id);
    const index = firstWritten(bytes, written);
    if (index !== -1) {
      throw defect(`${this.name} ${id} was written to at byte ${index} after it was given back`);
    }
  }

  /** Piece `id` comes back and is poisoned. */
  giveBack(id: number, bytes: Buffer): void {
    if (!this.handedOut.delete(id)) throw defect(`${this.name} ${id} was given back twice`);
    bytes.fill(POISON);
  }
}
