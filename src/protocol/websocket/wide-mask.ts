/**
 * Masks many bytes by the processor's instructions for 16 bytes at once. JavaScript has none: this is a function of
 * WebAssembly, written here instruction by instruction. The bytes are copied into its memory and back, which
 * is cheap beside a loop over words.
 *
 *     mask(count, key):
 *       do  a, b, c, d = four vectors at `at`, each XORed with the key, stored where they were
 *           seen |= a | b | c | d;  at += 64
 *       while (at < count)
 *       return seen, its four words ORed
 *
 * Where there is no WebAssembly (`node --jitless`), or the processor has no such instructions, there is none of it.
 */

/** What is masked in one step: lengths are multiples of it. */
export const WIDE_BYTES: number = 64;

/** Bytes of the memory: one page. More are masked in parts. */
const PAGE_BYTES = 65_536;

/** What is used of the platform's WebAssembly, which TypeScript counts among what browsers have. */
export interface Platform {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
}

/** The function, and the memory that it changes. */
export interface WideMask {
  readonly memory: Uint8Array;
  readonly mask: (count: number, key: number) => number;
}

/** false: not available here; undefined: not tried yet. */
let wideMask: WideMask | false | undefined;

/**
 * Masks `bytes[start … end)` in place, a multiple of {@link WIDE_BYTES} and not none. `key`: the one whose first octet is
 * for the first of the bytes. Returns the OR of all words as they are now, or -1: it can't be done here.
 */
export function maskWide(bytes: Uint8Array, start: number, end: number, key: number): number {
  wideMask ??= createWideMask((globalThis as { WebAssembly?: Platform }).WebAssembly) ?? false;
  if (wideMask === false) return -1;
  const { memory, mask } = wideMask;
  let seen = 0;
  for (let from = start; from < end; from += PAGE_BYTES) {
    const to = Math.min(end, from + PAGE_BYTES);
    memory.set(bytes.subarray(from, to));
    seen |= mask(to - from, key);
    bytes.set(to - from === PAGE_BYTES ? memory : memory.subarray(0, to - from), from);
  }
  return seen >>> 0;
}

const I32 = 0x7f;
const V128 = 0x7b;

const COUNT = 0;
const KEY = 1;
const AT = 2;
const KEYS = 3;
const SEEN = 4;
/** The first of four vectors. */
const VECTOR = 5;

const END = 0x0b;
const OR = 0x72;
const ADD = 0x6a;
const LESS = 0x49;
const V_OR = [0xfd, 0x50];
const V_XOR = [0xfd, 0x51];
const SPLAT = [0xfd, 0x11];
/** 64 as a constant. */
const STEP = [0x41, 0xc0, 0x00];

const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
/** From and to the address on the stack plus `offset`, which is aligned to 16. */
const load = (offset: number): number[] => [0xfd, 0x00, 4, offset];
const store = (offset: number): number[] => [0xfd, 0x0b, 4, offset];
const word = (lane: number): number[] => [0xfd, 0x1b, lane];

/** A section, or anything else that has its length in front: below 16 KiB. */
const sized = (bytes: readonly number[]): number[] => [
  (bytes.length & 0x7f) | 0x80,
  bytes.length >> 7,
  ...bytes,
];

const section = (id: number, bytes: readonly number[]): number[] => [id, ...sized(bytes)];

const VECTORS = [0, 1, 2, 3];

/** The module; its memory and its function are exported as "m" and "f". */
function moduleBytes(): Uint8Array {
  const code = [
    ...[3, 1, I32, 2, V128, 4, V128], // locals: at; keys, seen; the vectors
    ...[...get(KEY), ...SPLAT, ...set(KEYS)],
    ...[0x03, 0x40], // loop
    ...VECTORS.flatMap((n) => [
      ...[...get(AT), ...load(n * 16), ...get(KEYS), ...V_XOR, ...set(VECTOR + n)],
      ...[...get(AT), ...get(VECTOR + n), ...store(n * 16)],
      ...[...get(SEEN), ...get(VECTOR + n), ...V_OR, ...set(SEEN)],
    ]),
    ...[...get(AT), ...STEP, ADD, ...set(AT)],
    ...[...get(AT), ...get(COUNT), LESS, 0x0d, 0], // once more if at < count
    END,
    ...VECTORS.flatMap((lane) => [...get(SEEN), ...word(lane)]),
    ...[OR, OR, OR],
    END,
  ];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 2, I32, I32, 1, I32]), // one type: (i32, i32) → i32
    ...section(3, [1, 0]), // one function of that type
    ...section(5, [1, 0, 1]), // one memory of one page
    ...section(7, [2, 1, 0x6d, 2, 0, 1, 0x66, 0, 0]), // what is exported
    ...section(10, [1, ...sized(code)]),
  ]);
}

/** Makes the function; undefined where the platform can't. */
export function createWideMask(platform: Platform | undefined): WideMask | undefined {
  if (platform === undefined) return undefined;
  try {
    const { exports } = new platform.Instance(new platform.Module(moduleBytes()));
    const { m, f } = exports as { m: { buffer: ArrayBuffer }; f: WideMask["mask"] };
    return { memory: new Uint8Array(m.buffer), mask: f };
  } catch {
    return undefined;
  }
}
