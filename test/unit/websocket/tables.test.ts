/** Limits and faults: each is there, has its sentence, and can be brought about. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { ERROR_CODES } from "#src/errors.js";
import {
  createFaultError,
  FAULT,
  type FaultName,
  faultName,
} from "#src/protocol/websocket/fault.js";
import { HANDSHAKE_FAULTS, handshakeFault } from "#src/protocol/websocket/handshake-fault.js";
import { createLimits, DEFAULT_LIMITS } from "#src/protocol/websocket/limits.js";
import { MessageDeflater } from "#src/protocol/websocket/message-deflater.js";
import { tableRows } from "../../support/document.js";
import { netError } from "../../support/packet-stream.js";
import { closeBody, frame, hex, plainFrame } from "../../support/websocket-frames.js";
import { type ReadOptions, read } from "../../support/websocket-recorder.js";
import { ZlibDeflater, ZlibInflater } from "../../support/websocket-zlib.js";

const NAMES = Object.keys(FAULT) as FaultName[];
const open = frame({ fin: false, payload: "a" });
const next = (payload = "a"): Buffer => frame({ fin: false, opcode: 0, payload });
const inflates: ReadOptions = { inflater: () => new ZlibInflater() };
const SMALL = createLimits({
  maxFrameBytes: 5,
  maxMessageBytes: 8,
  maxFragments: 2,
  maxControlFrames: 1,
});

function bomb(): Buffer {
  const deflater = new MessageDeflater(new ZlibDeflater());
  return frame({ rsv: 4, payload: deflater.deflate(Buffer.alloc(2_000_000, "a")) });
}

/** A stream that brings each fault about. */
const EXAMPLES: Readonly<Record<FaultName, readonly [() => Buffer, ReadOptions?]>> = {
  maskMissing: [() => plainFrame()],
  maskForbidden: [() => frame(), { role: "client" }],
  reservedBits: [() => frame({ rsv: 1 })],
  opcodeReserved: [() => frame({ opcode: 3 })],
  lengthNotMinimal: [() => frame({ length: 1, lengthBytes: 2 })],
  lengthSign: [() => frame({ length: 2n ** 63n })],
  noMessage: [() => next()],
  messageInMessage: [() => Buffer.concat([open, open])],
  controlFragmented: [() => frame({ fin: false, opcode: 9 })],
  controlTooLong: [() => frame({ opcode: 9, length: 126 })],
  closeTooShort: [() => frame({ opcode: 8, payload: "a" })],
  closeReason: [() => frame({ opcode: 8, payload: closeBody(1000, hex("ff")) })],
  closeCode: [() => frame({ opcode: 8, payload: closeBody(999) })],
  text: [() => frame({ payload: hex("ff") })],
  textCut: [() => frame({ payload: hex("c3") })],
  compressedControl: [() => frame({ rsv: 4, opcode: 9 }), inflates],
  compressedContinuation: [() => frame({ rsv: 4, opcode: 0 }), inflates],
  content: [() => frame({ rsv: 4, payload: hex("07") }), inflates],
  frameTooLong: [() => frame({ payload: "123456" }), { limits: SMALL }],
  messageTooLong: [
    () => Buffer.concat([frame({ fin: false, payload: "12345" }), next("1234")]),
    { limits: SMALL },
  ],
  textTooLong: [
    () => Buffer.concat([frame({ fin: false, payload: "123" }), next("1234")]),
    { limits: createLimits({ maxTextBytes: 6 }) },
  ],
  inflateRatio: [bomb, { ...inflates, limits: createLimits({ maxInflateRatio: 100 }) }],
  tooManyFragments: [() => Buffer.concat([open, next(), next()]), { limits: SMALL }],
  tooManyControls: [
    () => Buffer.concat([open, frame({ opcode: 9 }), frame({ opcode: 10 })]),
    { limits: SMALL },
  ],
  truncated: [() => open, { ends: true }],
};

describe("faults", () => {
  it("are numbers below 0, each with its name, its sentence and a code of this protocol", () => {
    const errors = NAMES.map((name) => createFaultError(FAULT[name], DEFAULT_LIMITS));

    for (const name of NAMES) {
      assert.ok(FAULT[name] < 0);
      assert.equal(faultName(FAULT[name]), name);
    }
    for (const { code } of errors) assert.ok(code.startsWith("WEBSOCKET_") && code in ERROR_CODES);
    assert.equal(new Set(errors.map(({ message }) => message)).size, NAMES.length);
  });

  for (const name of NAMES) {
    it(`have an example: ${name}`, () => {
      const [stream, options] = EXAMPLES[name];

      assert.equal(read([stream()], options).fault, name);
    });
  }

  it("name the limit that was reached, and its value", () => {
    const { error } = read([frame({ payload: "123456" })], { limits: SMALL });

    assert.match(String(error?.message), /maxFrameBytes is 5/);
  });
});

describe("faults of handshakes", () => {
  it("have a sentence of their own, and a status of HTTP", () => {
    const faults = HANDSHAKE_FAULTS.map(handshakeFault);

    assert.equal(new Set(faults.map(({ error }) => error.message)).size, faults.length);
    assert.ok(faults.every(({ status }) => [400, 405, 426, 502].includes(status)));
  });

  it("name the method that is allowed, and the upgrade that is wanted", () => {
    assert.deepEqual(handshakeFault("method").fields, [["Allow", "GET"]]);
    assert.deepEqual(handshakeFault("upgradeMissing").fields, [
      ["Upgrade", "websocket"],
      ["Connection", "Upgrade"],
    ]);
    assert.deepEqual(handshakeFault("keyMissing").fields, []);
  });
});

describe("limits", () => {
  it("have the defaults of the README", () => {
    const sizes: Readonly<Record<string, number>> = {
      "2^53 − 1": Number.MAX_SAFE_INTEGER,
      "16 MiB": 16 * 1_048_576,
      "256 KiB": 262_144,
    };
    const rows = tableRows("src/protocol/websocket/README.md", "limit");

    const documented = rows.map(([name, value]) => [
      name,
      sizes[`${value}`] ?? Number(value?.replaceAll(",", "")),
    ]);

    assert.deepEqual(Object.fromEntries(documented), { ...DEFAULT_LIMITS });
  });

  for (const name of Object.keys(DEFAULT_LIMITS) as (keyof typeof DEFAULT_LIMITS)[]) {
    it(`${name} is a whole number in its range`, () => {
      for (const value of [-1, 0.5, Number.NaN, "1" as unknown as number, 2 ** 53]) {
        assert.throws(() => createLimits({ [name]: value }), netError("INVALID_ARGUMENT"));
      }
      assert.equal(createLimits({ [name]: 2000 })[name], 2000);
    });
  }

  it("are no others", () => {
    const limits = { maxFrames: 1 } as Parameters<typeof createLimits>[0];

    assert.throws(() => createLimits(limits), netError("INVALID_ARGUMENT", /maxFrames/));
    assert.throws(() => createLimits(null as never), netError("INVALID_ARGUMENT"));
  });
});
