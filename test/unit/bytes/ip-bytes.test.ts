import assert from "node:assert/strict";
import { isIP } from "node:net";
import { describe, it } from "node:test";
import { formatIpv4, formatIpv6, parseIp } from "#src/bytes/ip-bytes.js";
import { Random } from "../../support/random.js";

const hex = (bytes: Uint8Array | undefined): string | undefined =>
  bytes && Buffer.from(bytes).toString("hex");

describe("IP addresses as bytes", () => {
  const parsed: readonly (readonly [text: string, bytes: string])[] = [
    ["127.0.0.1", "7f000001"],
    ["255.255.255.255", "ffffffff"],
    ["::", "00000000000000000000000000000000"],
    ["::1", "00000000000000000000000000000001"],
    ["1::", "00010000000000000000000000000000"],
    ["2001:db8::8a2e:370:7334", "20010db800000000" + "00008a2e03707334"],
    ["1:2:3:4:5:6:7:8", "00010002000300040005000600070008"],
    ["::ffff:192.0.2.1", "00000000000000000000ffffc0000201"],
    ["64:ff9b::192.0.2.33", "0064ff9b0000000000000000c0000221"],
    ["FE80::ABCD%lo", "fe80000000000000000000000000abcd"],
  ];

  for (const [text, bytes] of parsed) {
    it(`parses ${text}`, () => {
      assert.equal(hex(parseIp(text)), bytes);
    });
  }

  for (const text of [
    "",
    "localhost",
    "1.2.3",
    "1.2.3.256",
    "1::2::3",
    ":::",
    "[::1]",
    "::g",
    "127.1",
    "010.0.0.1",
    "0x7f.0.0.1",
    "2130706433",
    "::1%",
  ]) {
    it(`takes ${JSON.stringify(text)} for no address`, () => {
      assert.equal(parseIp(text), undefined);
    });
  }

  it("takes for addresses what Node does", () => {
    const random = new Random(11);
    const alphabet = [
      "0",
      "1",
      "25",
      "255",
      "256",
      "ff",
      "FFFF",
      "fffff",
      ":",
      "::",
      ".",
      "01",
      "x",
    ];
    const seeds = ["", "1.2.3.4", "::", "1:2:3:4:5:6:7:8", "::1.2.3.4", "1:2:3:4:5:6:1.2.3.4"];
    let familyCount = 0;
    for (let round = 0; round < 20_000; round++) {
      let text = seeds[random.integer(0, seeds.length - 1)] ?? "";
      for (let edit = random.integer(0, 3); edit > 0; edit--) {
        const at = random.integer(0, text.length);
        const piece = alphabet[random.integer(0, alphabet.length - 1)] ?? "";
        text = text.slice(0, at) + piece + text.slice(at + random.integer(0, 1));
      }
      const family = isIP(text);
      familyCount += family === 0 ? 0 : 1;
      const length = parseIp(text)?.length;
      assert.equal(length, family === 0 ? undefined : family === 4 ? 4 : 16, text);
    }
    assert.ok(familyCount > 1_000);
  });

  // RFC 5952 §4.2: the longest run of zero groups is left out, the first of equals, never one.
  const formatted: readonly (readonly [bytes: string, text: string])[] = [
    ["00000000000000000000000000000000", "::"],
    ["00000000000000000000000000000001", "::1"],
    ["00010000000000000000000000000000", "1::"],
    ["20010db8000000010001000100010001", "2001:db8:0:1:1:1:1:1"],
    ["20010db8000000000001000000000001", "2001:db8::1:0:0:1"],
    ["20010000000000010000000000000001", "2001:0:0:1::1"],
    ["00000000000000000000ffffc0000201", "::ffff:192.0.2.1"],
    ["fe80000000000000abcd000000000001", "fe80::abcd:0:0:1"],
  ];

  for (const [bytes, text] of formatted) {
    it(`writes ${text}`, () => {
      assert.equal(formatIpv6(Buffer.from(`ff${bytes}`, "hex"), 1), text);
    });
  }

  it("reads back what it writes", () => {
    const random = new Random(3);
    for (let round = 0; round < 2_000; round++) {
      const bytes = Buffer.alloc(16);
      for (let index = 0; index < 16; index += 2) {
        if (random.next() < 0.5) bytes.writeUInt16BE(random.integer(0, 65_535), index);
      }

      assert.equal(hex(parseIp(formatIpv6(bytes, 0))), hex(bytes));
      assert.equal(hex(parseIp(formatIpv4(bytes, 4))), hex(bytes.subarray(4, 8)));
    }
  });
});
