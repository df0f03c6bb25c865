import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  payloadAlphabet,
  RECEIVE_NAMES,
  type ReceiveOptions,
  receiveModelOf,
  receiveOptionTable,
} from "#src/cli/choices/receive-choice.js";
import { readCommandLine, UsageError } from "#src/cli/command-line.js";

function read(...argv: string[]): ReceiveOptions {
  return readCommandLine(receiveOptionTable(RECEIVE_NAMES, "push"), argv, 0).options;
}

function headOf(options: ReceiveOptions, byteCount: number): string {
  const { encoder } = receiveModelOf(options);
  assert.ok(encoder !== undefined);
  const head = Buffer.alloc(encoder.headBytes(byteCount));
  encoder.writeHead(head, 0, byteCount);
  return head.toString("hex");
}

describe("receiveModelOf", () => {
  it("takes push where nothing was said", () => {
    assert.equal(receiveModelOf(read()).name, "push");
    assert.equal(receiveModelOf(read("--receive", "pull")).name, "pull");
  });

  it("gives flag and limit to pack", () => {
    const options = read("--receive", "pack", "--flag", "361", "--max-packet", "2047");

    assert.equal(headOf(options, 5), "0500405a");
    assert.equal(receiveModelOf(options).maxPacketBytes, 2_047);
  });

  it("gives the delimiter to line, with its escapes", () => {
    const options = read("--receive", "line", "--delimiter", "a\\r\\n\\x00\\xfF\\\\é");

    const tail = receiveModelOf(options).encoder?.tail;

    assert.deepEqual(tail, Buffer.from([0x61, 0x0d, 0x0a, 0x00, 0xff, 0x5c, 0xc3, 0xa9]));
  });

  it("writes lengths as it was told, by default four bytes in network order", () => {
    assert.equal(headOf(read("--receive", "length"), 300), "0000012c");
    const ascii = ["--length-format", "ascii", "--length-bytes", "5"];
    assert.equal(headOf(read("--receive", "length", ...ascii), 300), "3030333030");
    assert.equal(headOf(read("--receive", "length", "--length-format", "varint"), 300), "ac02");
  });

  for (const argv of [
    ["--flag", "1"],
    ["--receive", "pull", "--max-packet", "1"],
    ["--receive", "pack", "--delimiter", "x"],
    ["--receive", "line", "--length-bytes", "2"],
    ["--receive", "length", "--length-format", "varint", "--length-bytes", "2"],
  ]) {
    it(`refuses ${argv.join(" ")}`, () => {
      assert.throws(() => receiveModelOf(read(...argv)), UsageError);
    });
  }

  for (const delimiter of ["\\q", "\\", "\\x0"]) {
    it(`refuses the delimiter ${delimiter}`, () => {
      assert.throws(() => read("--receive", "line", "--delimiter", delimiter), UsageError);
    });
  }
});

describe("payloadAlphabet", () => {
  it("is every byte where packets may have every byte", () => {
    assert.equal(payloadAlphabet(read("--receive", "pack")).length, 256);
  });

  it("can't make up a delimiter or a carriage return in a line", () => {
    const alphabet = payloadAlphabet(read("--receive", "line", "--delimiter", "ab"));

    assert.equal(alphabet.length, 93);
    assert.ok(!alphabet.includes(0x61));
    assert.ok(!payloadAlphabet(read("--receive", "line")).includes(0x0a));
    assert.ok(!payloadAlphabet(read("--receive", "line")).includes(0x0d));
  });
});
