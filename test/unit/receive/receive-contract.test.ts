import { Buffer } from "node:buffer";
import fc from "fast-check";
import { delimiter } from "#src/receive/delimiter.js";
import { fixedLength } from "#src/receive/fixed-length.js";
import { type LengthPrefixOptions, lengthPrefix } from "#src/receive/length-prefix.js";
import { pack } from "#src/receive/pack.js";
import { startEnd } from "#src/receive/start-end.js";
import { receiveContract } from "../../contract/receive-contract.js";

const LARGEST_PACK = Buffer.alloc(4_194_303, "0123456789x");
const LARGE = LARGEST_PACK.subarray(0, 256 * 1024);

/** Room for a packet with a part of its mark, where the peer's end makes that a packet. */
const ROOMY_MAX = LARGE.length + 64;
const anyBytes = bytesOf(fc.nat(255), 80);

/** Few different bytes, so that marks appear, overlap and are cut in the packets. */
const abcBytes = bytesOf(fc.constantFrom(0x61, 0x62, 0x63, 0x0d, 0x0a), 24);

function bytesOf(byte: fc.Arbitrary<number>, maxLength: number): fc.Arbitrary<Buffer> {
  return fc.array(byte, { maxLength }).map((bytes) => Buffer.from(bytes));
}

receiveContract({
  title: "pack",
  model: pack({ flag: 0x169, maxPacketBytes: 4_194_303 }),
  packet: anyBytes,
  large: LARGEST_PACK,
  cutFrame: "truncated",
});

const lengthPrefixes: readonly LengthPrefixOptions[] = [
  { format: "uint-be", bytes: 4 },
  { format: "uint-le", bytes: 8, offset: 3, adjustment: -7 },
  { format: "uint-be", bytes: 3, prefix: Buffer.from("HP"), includesHeader: true },
  { format: "ascii", bytes: 8, adjustment: 4 },
  { format: "ebcdic", bytes: 7, includesHeader: true, adjustment: -2 },
  { format: "bcd", bytes: 4, offset: 1 },
  { format: "varint" },
  { format: "varint", offset: 2, includesHeader: true, adjustment: -125 },
];
for (const options of lengthPrefixes) {
  receiveContract({
    title: `lengthPrefix ${JSON.stringify(options)}`,
    model: lengthPrefix({ ...options, maxPacketBytes: LARGE.length }),
    packet: anyBytes,
    large: LARGE,
    cutFrame: "truncated",
  });
}

receiveContract({
  title: "lengthPrefix that keeps the head",
  model: lengthPrefix({
    format: "uint-be",
    bytes: 3,
    offset: 1,
    maxPacketBytes: LARGE.length,
    stripHead: false,
  }),
  packet: anyBytes.chain((body) => fc.nat(255).map((first) => headed(first, body))),
  large: headed(7, LARGE.subarray(4)),
  cutFrame: "truncated",
});

function headed(first: number, body: Buffer): Buffer {
  const head = Buffer.of(first, 0, 0, 0);
  head.writeUIntBE(body.length, 1, 3);
  return Buffer.concat([head, body]);
}

for (const end of ["\n", "\r\n", "aab", "aa", "abcab", "abcabcabb"]) {
  for (const lastPacket of ["deliver", "refuse"] as const) {
    receiveContract({
      title: `delimiter ${JSON.stringify(end)}, last packet: ${lastPacket}`,
      model: delimiter({ delimiter: end, maxPacketBytes: ROOMY_MAX, lastPacket }),
      packet: abcBytes,
      large: LARGE,
      cutFrame: lastPacket === "deliver" ? "delivered" : "truncated",
    });
  }
}

receiveContract({
  title: "fixedLength",
  model: fixedLength({ bytes: 5 }),
  packet: fc.uint8Array({ minLength: 5, maxLength: 6 }).map((bytes) => Buffer.from(bytes)),
  largeModel: fixedLength({ bytes: LARGE.length }),
  large: LARGE,
  cutFrame: "truncated",
});

const marks: readonly (readonly [string, string])[] = [
  ["\u0002", "\u0003"],
  ["a", "a"],
  ["aab", "aba"],
  ["abab", "bb"],
];
for (const [start, end] of marks) {
  for (const between of ["refuse", "skip"] as const) {
    receiveContract({
      title: `startEnd ${JSON.stringify([start, end])}, between: ${between}`,
      model: startEnd({ start, end, maxPacketBytes: LARGE.length, between }),
      packet: abcBytes,
      large: LARGE,
      cutFrame: "truncated",
    });
  }
}
