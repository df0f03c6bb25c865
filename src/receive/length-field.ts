/**
 * How a length is written in the head of a packet: integers, decimal digits in ASCII, EBCDIC or
 * BCD, and varints. Fields hold no state. An integer above 2^53 − 1 is read rounded, but never to
 * less than 2^53, so that it is above every limit all the same.
 */
import type { Buffer } from "node:buffer";
import { assertInteger, assertOneOf } from "../errors.js";

/**
 * Ways to write a length: integers (`uint-be`, `uint-le`), decimal digits (`ascii`, `ebcdic`, or `bcd` with two in a byte), and
 * seven bits a byte, the lowest first (`varint`).
 */
export type LengthFormat = "uint-be" | "uint-le" | "ascii" | "bcd" | "ebcdic" | "varint";

/** What `read` answers for bytes that are no length. */
export const NO_LENGTH: number = -1;

/** Reads and writes the length field of a head. */
export interface LengthField {
  readonly minBytes: number;
  readonly maxBytes: number;
  /** Largest length the field can hold, at most 2^53 − 1. */
  readonly maxValue: number;
  /** Bytes of the field that begins at `at`; 0 when it does not end before `end`. */
  sizeAt(bytes: Uint8Array, at: number, end: number): number;
  /** The length in the field's `size` bytes, or {@link NO_LENGTH}. */
  read(bytes: Uint8Array, at: number, size: number): number;
  /** Bytes of the field that holds `value`. */
  sizeOf(value: number): number;
  /** Writes `value`, which the field can hold. */
  write(target: Buffer, at: number, value: number): void;
}

/** A field of a fixed number of bytes, each a digit to some base (two decimal digits for BCD). */
abstract class FixedField implements LengthField {
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly maxValue: number;
  private readonly base: number;

  constructor(bytes: number, base: number) {
    this.minBytes = bytes;
    this.maxBytes = bytes;
    this.maxValue = Math.min(base ** bytes - 1, Number.MAX_SAFE_INTEGER);
    this.base = base;
  }

  sizeAt(_bytes: Uint8Array, at: number, end: number): number {
    return end - at < this.minBytes ? 0 : this.minBytes;
  }

  sizeOf(): number {
    return this.minBytes;
  }

  read(bytes: Uint8Array, at: number, size: number): number {
    let value = 0;
    for (let index = 0; index < size; index += 1) {
      const digit = this.digitOf(bytes[at + this.placeOf(index)]!);
      if (digit < 0) return NO_LENGTH;
      value = value * this.base + digit;
    }
    return value;
  }

  write(target: Buffer, at: number, value: number): void {
    let rest = value;
    for (let index = this.minBytes - 1; index >= 0; index -= 1) {
      target[at + this.placeOf(index)] = this.byteOf(rest % this.base);
      rest = Math.floor(rest / this.base);
    }
  }

  /** Where the digit of rank `index`, counted from the highest, is in the field. */
  protected placeOf(index: number): number {
    return index;
  }

  /** The digit a byte stands for, or −1. */
  protected abstract digitOf(byte: number): number;
  /** The byte that stands for a digit. */
  protected abstract byteOf(digit: number): number;
}

class UintField extends FixedField {
  private readonly isLittle: boolean;

  constructor(bytes: number, isLittle: boolean) {
    super(bytes, 256);
    this.isLittle = isLittle;
  }

  protected override placeOf(index: number): number {
    return this.isLittle ? this.minBytes - 1 - index : index;
  }

  protected digitOf(byte: number): number {
    return byte;
  }

  protected byteOf(digit: number): number {
    return digit;
  }
}

/** Decimal digits as text; the codes of the digits follow the code of zero. */
class DigitField extends FixedField {
  private readonly zero: number;

  constructor(bytes: number, zero: number) {
    super(bytes, 10);
    this.zero = zero;
  }

  protected digitOf(byte: number): number {
    const digit = byte - this.zero;
    return digit > 9 ? -1 : digit;
  }

  protected byteOf(digit: number): number {
    return this.zero + digit;
  }
}

/** Packed binary-coded decimal: two digits a byte, the higher in the upper half. */
class BcdField extends FixedField {
  constructor(bytes: number) {
    super(bytes, 100);
  }

  protected digitOf(byte: number): number {
    const high = byte >> 4;
    const low = byte & 15;
    return high > 9 || low > 9 ? -1 : high * 10 + low;
  }

  protected byteOf(digit: number): number {
    return (Math.floor(digit / 10) << 4) | (digit % 10);
  }
}

/** Unsigned LEB128, as Protocol Buffers have it: seven bits a byte, the lowest first. */
class VarintField implements LengthField {
  readonly minBytes: number = 1;
  readonly maxBytes: number = 8;
  readonly maxValue: number = Number.MAX_SAFE_INTEGER;

  sizeAt(bytes: Uint8Array, at: number, end: number): number {
    for (let size = 1; size <= this.maxBytes && at + size <= end; size += 1) {
      if (bytes[at + size - 1]! < 128 || size === this.maxBytes) return size;
    }
    return 0;
  }

  read(bytes: Uint8Array, at: number, size: number): number {
    if (bytes[at + size - 1]! >= 128) return NO_LENGTH;
    let value = 0;
    for (let index = size - 1; index >= 0; index -= 1) {
      value = value * 128 + (bytes[at + index]! & 127);
    }
    return value > this.maxValue ? NO_LENGTH : value;
  }

  sizeOf(value: number): number {
    let size = 1;
    for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size += 1;
    return size;
  }

  write(target: Buffer, at: number, value: number): void {
    let rest = value;
    let place = at;
    for (; rest >= 128; rest = Math.floor(rest / 128)) {
      target[place] = (rest % 128) | 128;
      place += 1;
    }
    target[place] = rest;
  }
}

const MAX_FIELD_BYTES: Readonly<Record<Exclude<LengthFormat, "varint">, number>> = {
  "uint-be": 8,
  "uint-le": 8,
  ascii: 15,
  bcd: 7,
  ebcdic: 15,
};

/**
 * Makes the field for a format. `bytes`: 1…8 for integers, 1…15 digits for text, 1…7 for BCD (two
 * digits a byte); not for varint, which has 1…8 as needed. Throws `INVALID_ARGUMENT`.
 */
export function createLengthField(format: LengthFormat, bytes: unknown): LengthField {
  assertOneOf("format", format, [...Object.keys(MAX_FIELD_BYTES), "varint"]);
  if (format === "varint") return new VarintField();
  assertInteger("bytes", bytes, 1, MAX_FIELD_BYTES[format]);
  const size = bytes as number;
  switch (format) {
    case "uint-be":
      return new UintField(size, false);
    case "uint-le":
      return new UintField(size, true);
    case "ascii":
      return new DigitField(size, 0x30);
    case "ebcdic":
      return new DigitField(size, 0xf0);
    case "bcd":
      return new BcdField(size);
  }
}
