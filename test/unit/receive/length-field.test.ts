import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import fc from "fast-check";
import { createLengthField, type LengthFormat, NO_LENGTH } from "#src/receive/length-field.js";
import { netError } from "../../support/packet-stream.js";

const formats: readonly (readonly [format: LengthFormat, bytes: number | undefined])[] = [
  ["uint-be", 1],
  ["uint-be", 4],
  ["uint-be", 8],
  ["uint-le", 3],
  ["uint-le", 8],
  ["ascii", 1],
  ["ascii", 15],
  ["ebcdic", 4],
  ["bcd", 1],
  ["bcd", 7],
  ["varint", undefined],
];

const written: readonly (readonly [LengthFormat, number | undefined, number, string])[] = [
  ["uint-be", 2, 258, "0102"],
  ["uint-le", 2, 258, "0201"],
  ["uint-be", 8, 2 ** 53 - 1, "001fffffffffffff"],
  ["uint-le", 8, 2 ** 53 - 1, "ffffffffffff1f00"],
  ["ascii", 4, 42, "30303432"],
  ["ebcdic", 4, 1907, "f1f9f0f7"],
  ["bcd", 2, 1907, "1907"],
  ["bcd", 3, 42, "000042"],
  ["varint", undefined, 0, "00"],
  ["varint", undefined, 127, "7f"],
  ["varint", undefined, 300, "ac02"],
  ["varint", undefined, 2 ** 53 - 1, "ffffffffffffff0f"],
];

const malformed: readonly (readonly [LengthFormat, number | undefined, string, string])[] = [
  ["ascii", 3, "20 33 34", "a space"],
  ["ascii", 3, "2d 33 34", "a minus sign"],
  ["ascii", 3, "30 33 3a", "the byte after 9"],
  ["ebcdic", 2, "f0 fa", "the byte after 9"],
  ["ebcdic", 2, "30 31", "ASCII digits"],
  ["bcd", 2, "10 0a", "a lower half of 10"],
  ["bcd", 2, "a0 00", "an upper half of 10"],
  ["varint", undefined, "80 80 80 80 80 80 80 80", "eight bytes without an end"],
  ["varint", undefined, "80 80 80 80 80 80 80 10", "2^53"],
];

describe("length field", () => {
  for (const [format, bytes] of formats) {
    it(`reads what it has written: ${format} ${bytes ?? ""}`, () => {
      const field = createLengthField(format, bytes);
      const property = fc.property(fc.maxSafeNat(), (number) => {
        const value = number % (field.maxValue + 1);
        const target = Buffer.alloc(field.sizeOf(value) + 2, 0xaa);
        field.write(target, 1, value);

        const size = field.sizeAt(target, 1, target.length);

        assert.equal(size, field.sizeOf(value));
        assert.equal(field.read(target, 1, size), value);
        assert.equal(field.sizeAt(target, 1, size), 0, "one byte less is not enough");
        assert.equal(target.at(-1), 0xaa);
      });
      fc.assert(property, { seed: 1, numRuns: 300, examples: [[0], [field.maxValue]] });
    });
  }

  for (const [format, bytes, value, hex] of written) {
    it(`writes ${value} as ${hex} in ${format}`, () => {
      const field = createLengthField(format, bytes);
      const target = Buffer.alloc(hex.length / 2);

      field.write(target, 0, value);

      assert.equal(target.toString("hex"), hex);
    });
  }

  for (const [format, bytes, hex, what] of malformed) {
    it(`refuses ${what} in ${format}`, () => {
      const field = createLengthField(format, bytes);
      const source = Buffer.from(hex.replaceAll(" ", ""), "hex");

      const size = field.sizeAt(source, 0, source.length);

      assert.equal(size, source.length);
      assert.equal(field.read(source, 0, size), NO_LENGTH);
    });
  }

  it("reads a varint with needless zero bytes", () => {
    const field = createLengthField("varint", undefined);
    const source = Buffer.from("858000", "hex");

    assert.equal(field.read(source, 0, field.sizeAt(source, 0, 3)), 5);
  });

  it("never reads a lower number than 2^53 for an integer above", () => {
    for (const format of ["uint-be", "uint-le"] as const) {
      const field = createLengthField(format, 8);
      for (const value of [2n ** 53n, 2n ** 53n + 1n, 2n ** 56n - 1n, 2n ** 63n, 2n ** 64n - 1n]) {
        const source = Buffer.alloc(8);
        if (format === "uint-be") source.writeBigUInt64BE(value);
        else source.writeBigUInt64LE(value);

        assert.ok(field.read(source, 0, 8) >= 2 ** 53, `${format} ${value}`);
      }
    }
  });

  it("refuses formats it doesn't have and sizes a format can't have", () => {
    const unknown: unknown = "octal";
    assert.throws(
      () => createLengthField(unknown as LengthFormat, 2),
      netError("INVALID_ARGUMENT", /format must be one of uint-be, uint-le, ascii/),
    );
    for (const [format, most] of [
      ["uint-be", 8],
      ["ascii", 15],
      ["bcd", 7],
    ] as const) {
      for (const bytes of [0, most + 1, 1.5, undefined]) {
        const expected = netError("INVALID_ARGUMENT", new RegExp(`^bytes .* 1 to ${most}`));
        assert.throws(() => createLengthField(format, bytes), expected);
      }
    }
  });
});
