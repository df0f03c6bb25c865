import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { assertFunction } from "#src/errors.js";
import {
  assertOptions,
  assertOrder,
  bytes,
  type CallTable,
  choice,
  count,
  flag,
  milliseconds,
  multipleOf,
  type OptionTable,
  optional,
  optionNames,
  pickOptions,
  powerOfTwo,
  readAllOptions,
  readOptions,
} from "#src/options.js";

interface Example {
  readonly maxThings: number;
  readonly pieceBytes: number;
  readonly waitMs: number;
  readonly mode: "fast" | "safe";
  readonly isLoud: boolean;
  readonly onThing: (() => void) | undefined;
}

const TABLE: OptionTable<Example> = {
  maxThings: powerOfTwo(count(8, "things", { min: 1, max: 1_024 })),
  pieceBytes: multipleOf(64, bytes(128)),
  waitMs: milliseconds(100, { min: 1 }),
  mode: choice("fast", ["fast", "safe"]),
  isLoud: flag(false),
  onThing: optional(assertFunction),
};

const STANDARD = {
  maxThings: 8,
  pieceBytes: 128,
  waitMs: 100,
  mode: "fast",
  isLoud: false,
  onThing: undefined,
};

describe("readOptions", () => {
  it("fills in the defaults", () => {
    const left: { mode?: "fast" | undefined } = { mode: undefined };

    assert.deepEqual(readOptions(TABLE, {}), STANDARD);
    assert.deepEqual(readOptions(TABLE, left), STANDARD);
  });

  it("takes what is given, and passes over options of others", () => {
    const given = { maxThings: 16, mode: "safe", other: 1 } as const;

    assert.deepEqual(readOptions(TABLE, given), { ...STANDARD, maxThings: 16, mode: "safe" });
  });

  for (const [given, message] of [
    [{ maxThings: 0 }, "maxThings must be a whole number from 1 to 1024, not 0"],
    [{ maxThings: 3 }, "maxThings must be a power of two, not 3"],
    [{ maxThings: "8" }, 'maxThings must be a whole number from 1 to 1024, not "8"'],
    [{ pieceBytes: 65 }, "pieceBytes must be a multiple of 64, not 65"],
    [
      { pieceBytes: null },
      "pieceBytes must be a whole number from 0 to 9007199254740991, not null",
    ],
    [{ waitMs: 2 ** 31 }, "waitMs must be a whole number from 1 to 2147483647, not 2147483648"],
    [{ waitMs: Number.NaN }, "waitMs must be a whole number from 1 to 2147483647, not NaN"],
    [{ mode: "slow" }, 'mode must be one of fast, safe, not "slow"'],
    [{ mode: null }, "mode must be one of fast, safe, not null"],
    [{ isLoud: 1 }, "isLoud must be true or false, not 1"],
    [{ onThing: null }, "onThing must be a function, not null"],
  ] as const) {
    it(`names the option, what it can be, and the value: ${message}`, () => {
      assert.throws(() => readOptions(TABLE, given as never), {
        code: "INVALID_ARGUMENT",
        operation: "configure",
        message,
      });
    });
  }
});

describe("readAllOptions", () => {
  for (const [given, message] of [
    [{ maxThing: 1 }, 'example has no option "maxThing"; did you mean maxThings?'],
    [{ waitMS: 1 }, 'example has no option "waitMS"; did you mean waitMs?'],
    [
      { colour: "red" },
      'example has no option "colour"; known: maxThings, pieceBytes, waitMs, mode, isLoud, onThing',
    ],
    [null, "the options of example must be an object, not null"],
    [[], "the options of example must be an object, not an empty array"],
    ["fast", 'the options of example must be an object, not "fast"'],
  ] as const) {
    it(`refuses ${JSON.stringify(given)}`, () => {
      assert.throws(() => readAllOptions("example", TABLE, given as never), { message });
    });
  }
});

describe("assertOptions", () => {
  const call: CallTable<{ readonly waitMs?: number }> = { waitMs: optional(milliseconds(10)) };

  it("lets pass what is left out or right", () => {
    assert.doesNotThrow(() => assertOptions("call", call, {}));
    assert.doesNotThrow(() => assertOptions("call", call, { waitMs: undefined }));
    assert.doesNotThrow(() => assertOptions("call", call, { waitMs: 0 }));
  });

  for (const given of [{ waitMs: null }, { waitMs: -1 }, { wait: 1 }, null, 5]) {
    it(`refuses ${JSON.stringify(given)}`, () => {
      assert.throws(() => assertOptions("call", call, given), { code: "INVALID_ARGUMENT" });
    });
  }
});

describe("options", () => {
  it("are named in the order of their table", () => {
    assert.deepEqual(optionNames<Example>(TABLE), Object.keys(STANDARD));
  });

  it("are picked where they are not left out", () => {
    const given: { a?: number | undefined; b?: number | null; c?: number } = {
      a: undefined,
      b: null,
      c: 1,
    };

    assert.deepEqual(pickOptions(given, ["a", "b"]), { b: null });
  });

  it("must be in order where one bounds the other", () => {
    const options = { ...STANDARD, maxThings: 256 } as Example;

    assert.doesNotThrow(() => assertOrder(options, "waitMs", "pieceBytes"));
    assert.throws(() => assertOrder(options, "maxThings", "waitMs"), {
      message: "maxThings (256) must not be above waitMs (100)",
    });
  });
});
