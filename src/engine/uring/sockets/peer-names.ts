/**
 * Addresses of the peers of accepted streams, as the kernel wrote them with the accept: two words for
 * each slot, outside of the heap. So a peer's address costs an idle stream eight bytes and no call. It is
 * made into text when it is asked for.
 */
import { Buffer } from "node:buffer";
import type { Address } from "../../engine.js";
import { decodeAddress, FAMILY_IPV4, IPV4_BYTES, IPV6_BYTES } from "./socket-address.js";

const FAMILY_MASK = 0xffff;

/** A peer's address, out of the table: the words of an IPv4 one, or the bytes of a longer one. */
export interface PeerName {
  /** Family and port. */
  readonly first: number;
  /** The IPv4 address. */
  readonly second: number;
  readonly bytes: Buffer | undefined;
}

/** The address that a name means. */
export function peerAddressOf({ first, second, bytes }: PeerName): Address | undefined {
  if (bytes !== undefined) return decodeAddress(bytes);
  const short = Buffer.alloc(IPV4_BYTES);
  short.writeInt32LE(first, 0);
  short.writeInt32LE(second, 4);
  return decodeAddress(short);
}

export class PeerNames {
  private words: Int32Array = new Int32Array(128);
  private readonly longer = new Map<number, Buffer>();

  /** The address that lies in `words` from `at` is that of the peer of `slot`. */
  put(slot: number, words: Int32Array, at: number): void {
    const index = slot << 1;
    if (index >= this.words.length) this.grow(index);
    const first = words[at]!;
    this.words[index] = first;
    this.words[index + 1] = words[at + 1]!;
    // The slot's last owner may have left a longer one.
    this.forget(slot);
    if ((first & FAMILY_MASK) === FAMILY_IPV4) return;
    const place = new Uint8Array(words.buffer, words.byteOffset + (at << 2), IPV6_BYTES);
    this.longer.set(slot, Buffer.from(place));
  }

  /** What was put in for `slot`. */
  get(slot: number): PeerName {
    const index = slot << 1;
    return {
      first: this.words[index]!,
      second: this.words[index + 1]!,
      bytes: this.longer.get(slot),
    };
  }

  /** The slot is free again. */
  forget(slot: number): void {
    if (this.longer.size > 0) this.longer.delete(slot);
  }

  private grow(index: number): void {
    const grown = new Int32Array(Math.max(index + 2, this.words.length * 2));
    grown.set(this.words);
    this.words = grown;
  }
}
