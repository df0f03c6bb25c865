/**
 * The field lines of a head or a trailer section (RFC 9110 §5, §6.5), as places in the bytes in
 * which they came. Nothing is decoded but what is asked for.
 *
 * The section that a parser hands out is valid until the parser goes on, that is, during the call
 * in which it was handed out; the parser then uses it again. `keep()` makes it the caller's own.
 */
import { Buffer } from "node:buffer";
import { describe, invalidArgument, type NetError } from "../../errors.js";
import { LOWER_CASE } from "./character-table.js";
import { FIELD_KIND_COUNT } from "./field-kind.js";
import type { FieldNames } from "./field-names.js";
import { fieldNameText } from "./known-text.js";

/** Numbers in `places` for a field line: where its name and its value begin and end. */
const PLACES = 4;

const NO_BYTES: Buffer = Buffer.alloc(0);

/** The error for what was given in place of a field's name. */
export function noName(given: unknown): NetError {
  return invalidArgument(`the name of a field must be text, not ${describe(given)}`);
}

/** Fields in the order in which they came, duplicates included. */
export class FieldSection implements Iterable<[name: string, value: string]> {
  /** Where the places below count from. */
  protected bytes: Buffer = NO_BYTES;
  protected start = 0;
  /** Number of field lines. */
  fieldCount = 0;
  /** Whether `keep` was called: the parser leaves it alone from then on. */
  isKept = false;
  #byteCount = 0;
  #ownsBytes = false;
  readonly #places: number[] = [];
  /** Bits `1 << kind` of the kinds that came, and of those that came more than once. */
  #kinds = 0;
  #repeatedKinds = 0;
  /** Index of the first field of each kind that came. */
  readonly #firstOfKind: number[] = new Array<number>(FIELD_KIND_COUNT).fill(0);

  /** Makes this section outlive the call in which it was handed out. Returns itself. */
  keep(): this {
    if (!this.#ownsBytes) {
      const own = Buffer.allocUnsafe(this.#byteCount);
      this.bytes.copy(own, 0, this.start, this.start + this.#byteCount);
      this.bytes = own;
      this.start = 0;
      this.#ownsBytes = true;
    }
    this.isKept = true;
    return this;
  }

  /** Name of the field at `index`, as it was spelt; undefined behind the last. */
  nameAt(index: number): string | undefined {
    if (!(index >= 0 && index < this.fieldCount)) return undefined;
    const { bytes, start } = this;
    const places = this.#places;
    const at = index * PLACES;
    return fieldNameText(bytes, start + places[at]!, start + places[at + 1]!);
  }

  /** Value of the field at `index` as Latin-1 without the white space around; undefined behind the last. */
  valueAt(index: number): string | undefined {
    if (!(index >= 0 && index < this.fieldCount)) return undefined;
    const { bytes, start } = this;
    const places = this.#places;
    const at = index * PLACES;
    return bytes.toString("latin1", start + places[at + 2]!, start + places[at + 3]!);
  }

  /** Value of the first field of this name, in any case of letters; undefined where there is none. */
  get(name: string): string | undefined {
    return this.valueAt(this.#find(name, 0));
  }

  /** Values of all fields of this name, in their order. */
  getAll(name: string): string[] {
    const first = this.#find(name, 0);
    if (first < 0) return [];
    // Most have one, and an array that grows takes room for many.
    const values = [this.valueAt(first)!];
    for (let at = this.#find(name, first + 1); at >= 0; at = this.#find(name, at + 1)) {
      values.push(this.valueAt(at)!);
    }
    return values;
  }

  /** Whether there is a field of this name. */
  has(name: string): boolean {
    return this.#find(name, 0) >= 0;
  }

  /** All fields, in their order. */
  *entries(): IterableIterator<[name: string, value: string]> {
    for (let index = 0; index < this.fieldCount; index++) {
      yield [this.nameAt(index)!, this.valueAt(index)!];
    }
  }

  [Symbol.iterator](): IterableIterator<[name: string, value: string]> {
    return this.entries();
  }

  /** Whether the name of the field at `index` is one of `names`. */
  isOneOf(index: number, names: FieldNames): boolean {
    const { bytes, start } = this;
    const places = this.#places;
    const at = index * PLACES;
    return names.has(bytes, start + places[at]!, start + places[at + 1]!);
  }

  /** Bytes of the name of the field at `index`. */
  nameBytes(index: number): number {
    const at = index * PLACES;
    return this.#places[at + 1]! - this.#places[at]!;
  }

  /** Bytes of its value. */
  valueBytes(index: number): number {
    const at = index * PLACES + 2;
    return this.#places[at + 1]! - this.#places[at]!;
  }

  /** Writes the name of the field at `index`, as it was spelt; there must be room. Returns the offset behind. */
  writeName(index: number, target: Uint8Array, offset: number): number {
    return this.#writePlace(index * PLACES, target, offset);
  }

  /** The same for its value. */
  writeValue(index: number, target: Uint8Array, offset: number): number {
    return this.#writePlace(index * PLACES + 2, target, offset);
  }

  #writePlace(at: number, target: Uint8Array, offset: number): number {
    const { bytes, start } = this;
    const places = this.#places;
    const end = start + places[at + 1]!;
    let to = offset;
    for (let from = start + places[at]!; from < end; from++) target[to++] = bytes[from]!;
    return to;
  }

  /** Index of the first field of this name from `from` on; −1 when there is none. */
  #find(name: string, from: number): number {
    if (typeof name !== "string") throw noName(name);
    const { bytes, start, fieldCount } = this;
    const places = this.#places;
    const length = name.length;
    for (let index = from; index < fieldCount; index++) {
      const nameStart = places[index * PLACES]!;
      if (places[index * PLACES + 1]! - nameStart !== length) continue;
      let same = 0;
      while (
        same < length &&
        LOWER_CASE[bytes[start + nameStart + same]!] === LOWER_CASE[name.charCodeAt(same)]
      ) {
        same++;
      }
      if (same === length) return index;
    }
    return -1;
  }

  /** The parser's: forgets all fields. */
  clearFields(): void {
    this.fieldCount = 0;
    this.#kinds = 0;
    this.#repeatedKinds = 0;
    this.#ownsBytes = false;
  }

  /** The parser's: forgets the bytes in which the fields are, and keeps their places. */
  forgetBytes(): void {
    this.#ownsBytes = false;
    this.bytes = NO_BYTES;
  }

  /** The parser's: the whole section as it came. */
  get octets(): Buffer {
    return this.bytes.subarray(this.start, this.start + this.#byteCount);
  }

  /** The parser's: the same fields in the same places, of bytes that {@link settle} tells. */
  takePlaces(last: FieldSection): void {
    const places = this.#places;
    const firstOfKind = this.#firstOfKind;
    const placeCount = last.fieldCount * PLACES;
    for (let at = 0; at < placeCount; at++) places[at] = last.#places[at]!;
    for (let kind = 0; kind < FIELD_KIND_COUNT; kind++)
      firstOfKind[kind] = last.#firstOfKind[kind]!;
    this.fieldCount = last.fieldCount;
    this.#kinds = last.#kinds;
    this.#repeatedKinds = last.#repeatedKinds;
  }

  /** The parser's: notes a field line. The four places count from the beginning of the section. */
  addField(nameStart: number, nameEnd: number, valueStart: number, valueEnd: number): void {
    const at = this.fieldCount * PLACES;
    const places = this.#places;
    places[at] = nameStart;
    places[at + 1] = nameEnd;
    places[at + 2] = valueStart;
    places[at + 3] = valueEnd;
    this.fieldCount++;
  }

  /** The parser's: tells the kind of the field that was added last. */
  noteKind(kind: number): void {
    const bit = 1 << kind;
    if ((this.#kinds & bit) !== 0) {
      this.#repeatedKinds |= bit;
      return;
    }
    this.#kinds |= bit;
    this.#firstOfKind[kind] = this.fieldCount - 1;
  }

  /**
   * The parser's: tells where the section is. `owns`: the bytes are nobody else's, so that keeping
   * them takes no copy.
   */
  settle(bytes: Buffer, start: number, byteCount: number, owns: boolean): void {
    this.bytes = bytes;
    this.start = start;
    this.#byteCount = byteCount;
    this.#ownsBytes = owns;
  }

  /** The parser's: whether a field of a kind was noted at all. */
  get hasKinds(): boolean {
    return this.#kinds !== 0;
  }

  /** The parser's: whether a field of this kind came. */
  hasKind(kind: number): boolean {
    return (this.#kinds & (1 << kind)) !== 0;
  }

  /** The parser's: whether more than one field of this kind came. */
  isRepeated(kind: number): boolean {
    return (this.#repeatedKinds & (1 << kind)) !== 0;
  }

  /** The parser's: the bytes in which {@link valueStart} and {@link valueEnd} are places. */
  get source(): Buffer {
    return this.bytes;
  }

  /** The parser's: where the value of the first field of a kind that came begins. */
  valueStart(kind: number): number {
    return this.start + this.#places[this.#firstOfKind[kind]! * PLACES + 2]!;
  }

  /** The parser's: where it ends. */
  valueEnd(kind: number): number {
    return this.start + this.#places[this.#firstOfKind[kind]! * PLACES + 3]!;
  }
}
