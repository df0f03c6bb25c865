import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { parseCookieFile } from "#src/protocol/cookie-file/cookie-file-reader.js";
import { writeCookieFile } from "#src/protocol/cookie-file/cookie-file-writer.js";
import { fuzzRuns } from "../support/fuzz-runs.js";
import { codeOf } from "../support/packet-stream.js";
import { Random } from "../support/random.js";

const RUNS = fuzzRuns(20_000);
const DATA = Buffer.from("\t\n\r ;/.0129-aZ\0\x7f\xa0\xff", "latin1");
const FILES = [
  "example.com /\n\tsid;abc123;1893456000;1;0;2\n",
  "example.com /\r\n\tsid; ;1893456000;0;1;0\r\n\r\n\tb;c d;9;1;1;1\r\n",
  'a.com /\nb.com /x/\n\tn;v;1;0;0;0\nc.com /y\n\tn=m;"v";253402300799;-1;1;2\n',
];

/** One to three of: a bit flipped, bytes removed, repeated or put in. */
function mutate(random: Random, original: Buffer): Buffer {
  let bytes = original;
  for (let count = random.integer(1, 3); count > 0; count -= 1) {
    const start = random.integer(0, bytes.length);
    const part = bytes.subarray(start, start + random.integer(0, 6));
    const after = bytes.subarray(start + part.length);
    const put = random.pick([
      () => Buffer.from(part.map((byte) => byte ^ (1 << random.integer(0, 7)))),
      () => Buffer.alloc(0),
      () => Buffer.concat([part, part]),
      () => Buffer.concat([part, random.bytes(random.integer(1, 8), DATA)]),
    ]);
    bytes = Buffer.concat([bytes.subarray(0, start), put(), after]);
  }
  return bytes;
}

describe("mutated cookie files", () => {
  it("are read as sections that are written and read the same, or are malformed", () => {
    const random = new Random(7);
    const ends = new Map<string | undefined, number>();

    for (let run = 0; run < RUNS; run += 1) {
      const bytes = mutate(random, Buffer.from(random.pick(FILES), "latin1"));
      const end = codeOf(() => {
        const sections = parseCookieFile(bytes, 0);
        assert.deepEqual(parseCookieFile(writeCookieFile(sections), 0), sections, `run ${run}`);
      });
      ends.set(end, (ends.get(end) ?? 0) + 1);
    }

    assert.deepEqual([...ends.keys()].sort(), ["COOKIE_FILE_MALFORMED", undefined]);
    assert.ok([...ends.values()].every((count) => count > RUNS / 20));
  });
});
