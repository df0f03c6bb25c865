import { Buffer } from "node:buffer";
import type { TestContext } from "node:test";

/** A seeded source of random numbers (mulberry32): the same seed gives the same test. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A number from 0 up to, but not including, 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  }

  /** A whole number from `min` to `max`, both included. */
  integer(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  /** One of the choices. */
  pick<Choice>(choices: readonly Choice[]): Choice {
    return choices[this.integer(0, choices.length - 1)]!;
  }

  /** So many bytes, each out of `alphabet`, or of all 256 when there is none. */
  bytes(count: number, alphabet?: Uint8Array): Buffer {
    const bytes = Buffer.alloc(count);
    for (let index = 0; index < count; index += 1) {
      bytes[index] =
        alphabet === undefined
          ? this.integer(0, 255)
          : alphabet[this.integer(0, alphabet.length - 1)]!;
    }
    return bytes;
  }
}

/** Lets `Math.random` give the numbers of `seed` during the test, so that it depends on no chance. */
export function seedMathRandom(test: TestContext, seed = 1): void {
  const random = new Random(seed);
  test.mock.method(Math, "random", () => random.next());
}
