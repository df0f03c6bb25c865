/** What the PROXY protocol allows and nothing else: compared with a second reading of §2.1 and §2.2. */
import assert from "node:assert/strict";
import { isIPv4, isIPv6 } from "node:net";
import { describe, it } from "node:test";
import { TLV } from "#src/protocol/proxy-header/proxy-header.js";
import { ProxyHeaderReader } from "#src/protocol/proxy-header/proxy-header-reader.js";
import {
  encodeProxyHeaderV1,
  encodeProxyHeaderV2,
} from "#src/protocol/proxy-header/proxy-header-writer.js";

const ENDS = {
  source: { host: "192.0.2.1", port: 56_324 },
  destination: { host: "198.51.100.1", port: 443 },
};
const ENDS6 = {
  source: { host: "2001:db8::1", port: 1 },
  destination: { host: "2001:db8::2", port: 65_535 },
};

/** `source` of a header, `none` where it has none, `refused`, or `more`: the header is not whole. */
function read(bytes: Buffer, maxBytes?: number): string {
  let said = "more";
  new ProxyHeaderReader(maxBytes).feed(bytes, {
    proxyHeader: ({ source }) => {
      said = source === undefined ? "none" : `${source.host} ${source.port}`;
    },
    proxyHeaderFailed: () => {
      said = "refused";
    },
  });
  return said;
}

/** Version 2 with these two bytes and a block of so many zeros; in it, the port 7 where IP addresses have it. */
function v2(versionAndCommand: number, family: number, blockBytes: number): Buffer {
  const bytes = Buffer.alloc(16 + blockBytes);
  encodeProxyHeaderV2(undefined).copy(bytes);
  bytes[12] = versionAndCommand;
  bytes[13] = family;
  bytes.writeUInt16BE(blockBytes, 14);
  return bytes;
}

const BLOCKS: Readonly<Record<number, number>> = {
  0: 0,
  17: 12,
  18: 12,
  33: 36,
  34: 36,
  49: 216,
  50: 216,
};

/** Zeros behind the addresses are TLVs of type 0 and length 0, three bytes each. */
function expected(versionAndCommand: number, family: number, blockBytes: number): string {
  if (versionAndCommand === 0x20) return "none";
  const least = BLOCKS[family];
  if (versionAndCommand !== 0x21 || least === undefined || blockBytes < least) return "refused";
  if ((blockBytes - least) % 3 !== 0) return "refused";
  if (family >> 4 === 1) return "0.0.0.0 0";
  return family >> 4 === 2 ? ":: 0" : "none";
}

describe("PROXY headers of version 2, all of them", () => {
  for (const blockBytes of [0, 11, 12, 13, 35, 36, 39, 215, 216, 217, 219]) {
    it(`with each version, command, family and transport, and ${blockBytes} bytes behind`, () => {
      for (let command = 0; command < 256; command++) {
        for (let family = 0; family < 256; family++) {
          const said = read(v2(command, family, blockBytes));
          if (said === expected(command, family, blockBytes)) continue;
          assert.equal(said, expected(command, family, blockBytes), `${command} ${family}`);
        }
      }
    });
  }

  it("are waited for to the last byte, whatever their length says, and no byte longer", () => {
    for (let length = 0; length <= 65_535; length += length < 300 ? 1 : 997) {
      const whole = v2(0x20, 0, length);
      assert.equal(read(whole, 65_551), "none");
      assert.equal(read(whole.subarray(0, -1), 65_551), "more");
    }
  });

  it("have values whose lengths end where the header does", () => {
    const tlvs = [
      { type: TLV.authority, value: Buffer.from("a.example") },
      { type: TLV.alpn, value: Buffer.from("h2") },
    ];
    const header = encodeProxyHeaderV2(ENDS, { tlvs });
    const firstAt = 16 + 12 + 1;
    const rest = header.length - firstAt - 2;
    for (let length = 0; length <= 65_535; length += length < 300 ? 1 : 997) {
      const lie = Buffer.from(header);
      lie.writeUInt16BE(length, firstAt);
      // From there on the bytes are read as values: what has no room for a head or its length is cut off.
      let at = firstAt + 2 + length;
      while (at + 3 <= lie.length) at += 3 + lie.readUInt16BE(at + 1);
      const isSound = length <= rest && at === lie.length;
      assert.equal(read(lie), isSound ? "192.0.2.1 56324" : "refused", `length ${length}`);
    }
  });
});

/** A second reading of §2.1. */
function expectedV1(text: string): string {
  const end = text.slice(0, 107).indexOf("\r\n");
  const line = end === -1 ? text.slice(0, 107) : text.slice(0, end);
  const start = "PROXY ";
  if (text.slice(0, start.length) !== start.slice(0, text.length)) return "refused";
  if (end === -1) return text.length < 107 ? "more" : "refused";
  const word = line.slice(start.length);
  if (word === "UNKNOWN" || word.startsWith("UNKNOWN ")) return "none";
  const match = /^(TCP4|TCP6) (\S+) (\S+) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4})$/.exec(word);
  if (match === null) return "refused";
  const [, family, source = "", destination = "", port, otherPort] = match;
  const isHost = (host: string): boolean =>
    family === "TCP4" ? isIPv4(host) : isIPv6(host) && !host.includes("%");
  if (!isHost(source) || !isHost(destination)) return "refused";
  return Number(port) > 65_535 || Number(otherPort) > 65_535 ? "refused" : "read";
}

describe("PROXY headers of version 1, changed in each place", () => {
  const ends = (text: string): string => (/^\S+ \d+$/.test(text) ? "read" : text);
  for (const ends4or6 of [ENDS, ENDS6]) {
    const line = encodeProxyHeaderV1(ends4or6).toString("latin1");

    it(`with each byte there is: ${line.trim()}`, () => {
      for (let at = 0; at < line.length; at++) {
        for (let byte = 0; byte < 256; byte++) {
          const text = line.slice(0, at) + String.fromCharCode(byte) + line.slice(at + 1);
          const said = ends(read(Buffer.from(text, "latin1")));
          // A `\r` of the mark that is gone: nothing ends the line yet.
          if (said === expectedV1(text)) continue;
          assert.equal(said, expectedV1(text), JSON.stringify(text));
        }
      }
    });

    it(`with a byte taken out, doubled, or cut off there: ${line.trim()}`, () => {
      for (let at = 0; at < line.length; at++) {
        for (const text of [
          line.slice(0, at) + line.slice(at + 1),
          line.slice(0, at + 1) + line.slice(at),
          line.slice(0, at),
        ]) {
          if (text === "") continue;
          assert.equal(
            ends(read(Buffer.from(text, "latin1"))),
            expectedV1(text),
            JSON.stringify(text),
          );
        }
      }
    });
  }

  it("has at most 107 bytes, its CRLF included", () => {
    for (const length of [106, 107, 108]) {
      const text = `${"PROXY UNKNOWN ".padEnd(length - 2, "x")}\r\n`;
      assert.equal(read(Buffer.from(text)), length > 107 ? "refused" : "none");
    }
  });
});
