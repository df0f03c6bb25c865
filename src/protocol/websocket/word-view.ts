/**
 * Bytes as words of 32 bits, for loops over bytes that are hot. Words lie where the memory's own are aligned;
 * what is before and behind is left to loops over octets, and so is everything on machines whose words begin
 * with their highest octet.
 *
 * To ask a Buffer for its memory costs as much as a look at some hundred bytes, so the answer for the one
 * that was asked about last is kept: a chunk that is fed holds many frames.
 */

/** Fewer bytes than this are not worth words, where they are at hand, and where they have to be asked for. */
const WORDS_FROM_BYTES = 24;
const NEW_WORDS_FROM_BYTES = 96;

/** Memory above this size is not kept alive by its words. */
const KEPT_MEMORY_BYTES = 1_048_576;

/** Places above this one have no place among words of 32 bits. */
const MAX_WORD_PLACE = 0x7fff_ffff;

const IS_LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

const NO_BYTES = new Uint8Array(0);

let lastBytes: Uint8Array = NO_BYTES;
let lastMemory: ArrayBufferLike = NO_BYTES.buffer;
let lastWords: Int32Array = new Int32Array(NO_BYTES.buffer);

/** The words of a memory, and where some bytes begin in it. */
export class WordView {
  words: Int32Array = lastWords;
  byteOffset = 0;
}

const view = new WordView();

/**
 * The words of the memory that `bytes` lie in; undefined where `bytes[start … end)` are not worth it. Behind
 * the first three bytes there are at least four words. Valid until the next call.
 */
export function wordsFor(bytes: Uint8Array, start: number, end: number): WordView | undefined {
  const count = end - start;
  if (bytes === lastBytes) return count >= WORDS_FROM_BYTES ? view : undefined;
  return count >= NEW_WORDS_FROM_BYTES ? lookUp(bytes) : undefined;
}

function lookUp(bytes: Uint8Array): WordView | undefined {
  const { buffer, byteOffset } = bytes;
  if (byteOffset + bytes.length > MAX_WORD_PLACE || !IS_LITTLE_ENDIAN) return undefined;
  const isKept = buffer.byteLength <= KEPT_MEMORY_BYTES;
  if (buffer !== lastMemory) {
    lastWords = new Int32Array(buffer, 0, buffer.byteLength >>> 2);
    lastMemory = isKept ? buffer : NO_BYTES.buffer;
  }
  lastBytes = isKept ? bytes : NO_BYTES;
  view.words = lastWords;
  view.byteOffset = byteOffset;
  return view;
}

/** The OR of a word's octets, and what is above them. */
export function foldWord(word: number): number {
  return word | (word >>> 8) | (word >>> 16) | (word >>> 24);
}

/** The OR of `bytes[start … end)`: below 0x80 they are all ASCII. */
export function orOf(bytes: Uint8Array, start: number, end: number): number {
  let position = start;
  let seen = 0;
  const found = wordsFor(bytes, start, end);
  if (found !== undefined) {
    const { words, byteOffset } = found;
    for (; ((byteOffset + position) & 3) !== 0; position++) seen |= bytes[position]!;
    const behind = Math.min(words.length, (byteOffset + end) >>> 2);
    let word = 0;
    for (let index = (byteOffset + position) >>> 2; index < behind; index++) word |= words[index]!;
    seen |= foldWord(word);
    position = behind * 4 - byteOffset;
  }
  for (; position < end; position++) seen |= bytes[position]!;
  return seen & 0xff;
}
