import type { SendMemory } from "#src/bytes/send-memory.js";
import { RecycledMemory } from "#src/engine/node/recycled-memory.js";

/** Send memory that counts the holders of all its regions. */
export class CountedMemory implements SendMemory {
  readonly #memory = new RecycledMemory();
  holders = 0;

  get buffer(): Buffer {
    return this.#memory.buffer;
  }

  get used(): number {
    return this.#memory.used;
  }

  set used(used: number) {
    this.#memory.used = used;
  }

  reserve(byteCount: number): void {
    this.#memory.reserve(byteCount);
  }

  hold(region: Uint8Array): void {
    this.holders++;
    this.#memory.hold(region);
  }

  release(region: Uint8Array): void {
    this.holders--;
    this.#memory.release(region);
  }

  keep(): boolean {
    return false;
  }
}
