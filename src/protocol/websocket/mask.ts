/**
 * Masking (RFC 6455 §5.3): octet i of a payload is XORed with octet i mod 4 of a key, the same to mask and
 * to unmask. Hot: the bytes are changed where they are, in words of 32 bits where these are aligned, and many of
 * them by wide instructions (`wide-mask.ts`). The plain loop is the oracle in the tests.
 *
 * A key is a number whose first octet on the wire is the lowest one.
 */
import { maskWide, WIDE_BYTES } from "./wide-mask.js";
import { foldWord, wordsFor } from "./word-view.js";

/** Fewer bytes than this are masked before a call of the wide function has copied them. */
const WIDE_FROM_BYTES = 1_024;

/**
 * Masks `bytes[start … end)` in place; `phase`: how many bytes of the payload came before, or that
 * number mod 4. Returns the OR of all bytes as they are now: below 0x80 they are all ASCII.
 */
export function applyMask(
  bytes: Uint8Array,
  start: number,
  end: number,
  key: number,
  phase: number,
): number {
  let position = start;
  let seen = 0;
  let turned = turn(key, phase);
  if (end - start >= WIDE_FROM_BYTES) {
    const behind = end - ((end - start) % WIDE_BYTES);
    const words = maskWide(bytes, start, behind, turned);
    if (words >= 0) {
      seen = foldWord(words);
      position = behind;
    }
  }
  const found = wordsFor(bytes, position, end);
  if (found !== undefined) {
    const { words, byteOffset } = found;
    for (; ((byteOffset + position) & 3) !== 0; position++) {
      seen |= bytes[position] = bytes[position]! ^ (turned & 0xff);
      turned = turn(turned, 1);
    }
    const first = (byteOffset + position) >>> 2;
    const behind = Math.min(words.length, (byteOffset + end) >>> 2);
    seen |= foldWord(maskWords(words, first, behind, turned));
    position = behind * 4 - byteOffset;
  }
  for (; position < end; position++) {
    seen |= bytes[position] = bytes[position]! ^ (turned & 0xff);
    turned = turn(turned, 1);
  }
  return seen & 0xff;
}

/** The key whose first octet is the one for the byte at `phase`. */
function turn(key: number, phase: number): number {
  const bits = (phase & 3) << 3;
  return (key >>> bits) | (key << (32 - bits));
}

/** Returns the OR of all words as they are now. */
function maskWords(words: Int32Array, first: number, behind: number, key: number): number {
  let seen = 0;
  let index = first;
  for (const last = behind - 3; index < last; index += 4) {
    const a = words[index]! ^ key;
    const b = words[index + 1]! ^ key;
    const c = words[index + 2]! ^ key;
    const d = words[index + 3]! ^ key;
    words[index] = a;
    words[index + 1] = b;
    words[index + 2] = c;
    words[index + 3] = d;
    seen |= a | b | c | d;
  }
  for (; index < behind; index++) seen |= words[index] = words[index]! ^ key;
  return seen;
}
