import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { NetError } from "hp-socket";
import { crc32c } from "#src/protocol/proxy-header/crc32c.js";
import { type ProxyHeader, TLV, tlvText } from "#src/protocol/proxy-header/proxy-header.js";
import { ProxyHeaderReader, sslOf } from "#src/protocol/proxy-header/proxy-header-reader.js";
import {
  encodeProxyHeaderV1,
  encodeProxyHeaderV2,
} from "#src/protocol/proxy-header/proxy-header-writer.js";
import { everyChunking } from "../../support/every-chunking.js";
import { Random } from "../../support/random.js";

interface Found {
  readonly header: ProxyHeader | undefined;
  readonly error: NetError | undefined;
  readonly rest: string;
}

function read(chunks: readonly Buffer[], maxBytes?: number): Found {
  const reader = new ProxyHeaderReader(maxBytes);
  let header: ProxyHeader | undefined;
  let error: NetError | undefined;
  let rest = "";
  const sink = {
    proxyHeader: (found: ProxyHeader) => {
      assert.equal(header, undefined);
      header = found;
    },
    proxyHeaderFailed: (fault: NetError) => {
      assert.equal(error, undefined);
      error = fault;
    },
  };
  for (const chunk of chunks) rest += chunk.toString("latin1", reader.feed(chunk, sink));
  return { header, error, rest };
}

const ENDS4 = {
  source: { host: "192.0.2.1", port: 56_324 },
  destination: { host: "198.51.100.1", port: 443 },
};
const ENDS6 = {
  source: { host: "2001:db8::1", port: 1 },
  destination: { host: "2001:db8::2", port: 65_535 },
};

describe("PROXY headers", () => {
  const line = Buffer.from("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\nGET");
  for (const { title, chunks } of everyChunking(line, 1)) {
    it(`of version 1 are read, and no more: ${title}`, () => {
      const { header, rest } = read(chunks);
      assert.deepEqual(header, { version: 1, isLocal: false, ...ENDS4, tlvs: [] });
      assert.equal(rest, "GET");
    });
  }

  const tlvs = [
    { type: TLV.authority, value: Buffer.from("a.example") },
    { type: TLV.alpn, value: Buffer.from("h2") },
    { type: 0xe0, value: Buffer.alloc(0) },
  ];
  const binary = encodeProxyHeaderV2(ENDS6, { tlvs, checksum: true });
  for (const { title, chunks } of everyChunking(Buffer.concat([binary, Buffer.from("GET")]), 2)) {
    it(`of version 2 are read with their values: ${title}`, () => {
      const { header, rest } = read(chunks);
      assert.ok(header);
      assert.deepEqual(header, { version: 2, isLocal: false, ...ENDS6, tlvs });
      assert.equal(tlvText(header, TLV.authority), "a.example");
      assert.equal(tlvText(header, TLV.netns), undefined);
      assert.equal(rest, "GET");
    });
  }

  it("are written as they are read", () => {
    for (const ends of [ENDS4, ENDS6]) {
      for (const bytes of [encodeProxyHeaderV1(ends), encodeProxyHeaderV2(ends)]) {
        const { header } = read([bytes]);
        assert.deepEqual([header?.source, header?.destination], [ends.source, ends.destination]);
      }
    }
    const mixed = { source: ENDS4.source, destination: ENDS6.destination };
    assert.equal(
      encodeProxyHeaderV1(mixed).toString(),
      "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 56324 65535\r\n",
    );
  });

  it("say nothing of a relay's own connections, whatever their block says", () => {
    assert.equal(read([Buffer.from("PROXY UNKNOWN\r\n")]).header?.isLocal, true);
    const more = "PROXY UNKNOWN ffff:f... 192.0.2.1 anything at all\r\n";
    assert.equal(read([Buffer.from(more)]).header?.source, undefined);
    assert.deepEqual(read([encodeProxyHeaderV2(undefined)]).header, {
      version: 2,
      isLocal: true,
      source: undefined,
      destination: undefined,
      tlvs: [],
    });
    const forged = Buffer.from(encodeProxyHeaderV2(ENDS4));
    forged[12] = 0x20;
    assert.equal(read([forged]).header?.source, undefined);
    // Also one that could not be read.
    assert.equal(
      read([Buffer.concat([binary.subarray(0, 12), Buffer.from([0x20, 0, 0, 1, 9])])]).error,
      undefined,
    );
  });

  it("of families without IP have no addresses, and are nobody's own", () => {
    const unix = Buffer.concat([encodeProxyHeaderV2(undefined), Buffer.alloc(216)]);
    unix[12] = 0x21;
    unix[13] = 0x31;
    unix.writeUInt16BE(216, 14);
    const { header } = read([unix]);
    assert.equal(header?.source, undefined);
    assert.equal(header?.isLocal, false);
  });

  for (const text of [
    "GET / HTTP/1.1\r\n",
    "PROXZ",
    "proxy TCP4 1.1.1.1 1.1.1.1 1 1\r\n",
    "PROXY TCP4 1.1.1.1 1.1.1.1 1\r\n",
    "PROXY TCP4 1.1.1.1 1.1.1.1 1 1 1\r\n",
    "PROXY TCP4  1.1.1.1 1.1.1.1 1 1\r\n",
    "PROXY TCP4 1.1.1.1 1.1.1.1 01 1\r\n",
    "PROXY TCP4 1.1.1.1 1.1.1.1 65536 1\r\n",
    "PROXY TCP4 1.1.1 1.1.1.1 1 1\r\n",
    "PROXY TCP4 01.1.1.1 1.1.1.1 1 1\r\n",
    "PROXY TCP4 ::1 ::1 1 1\r\n",
    "PROXY TCP6 1.1.1.1 1.1.1.1 1 1\r\n",
    "PROXY TCP6 fe80::1%lo ::1 1 1\r\n",
    "PROXY UDP4 1.1.1.1 1.1.1.1 1 1\r\n",
    "PROXY TCP4 1.1.1.1 1.1.1.1 1 1\n",
    `PROXY UNKNOWN ${"x".repeat(100)}\r\n`,
    "\r\n\r\n\0\r\nQUIX",
  ]) {
    it(`are not ${JSON.stringify(text.slice(0, 50))}`, () => {
      const { error, header } = read([Buffer.from(text.padEnd(120, "\n"))]);
      assert.equal(error?.code, "PROXY_HEADER_MALFORMED");
      assert.equal(header, undefined);
    });
  }

  it("are refused as soon as they can be none", () => {
    assert.ok(read([Buffer.from("G")]).error);
    assert.ok(read([Buffer.from("P"), Buffer.from("U")]).error);
    assert.equal(read([Buffer.from("PROX")]).error, undefined);
  });

  for (const [name, change] of [
    ["another version", (bytes: Buffer) => (bytes[12] = 0x31)],
    ["another command", (bytes: Buffer) => (bytes[12] = 0x22)],
    ["another family", (bytes: Buffer) => (bytes[13] = 0x41)],
    ["another transport", (bytes: Buffer) => (bytes[13] = 0x23)],
    ["too short a block", (bytes: Buffer) => bytes.writeUInt16BE(20, 14)],
    ["a value that is cut off", (bytes: Buffer) => bytes.writeUInt16BE(bytes.length - 17, 14)],
    ["a wrong checksum", (bytes: Buffer) => (bytes[20] = 9)],
  ] as const) {
    it(`of version 2 are refused for ${name}`, () => {
      const bytes = Buffer.from(binary);
      change(bytes);
      assert.equal(read([bytes]).error?.code, "PROXY_HEADER_MALFORMED");
    });
  }

  it("have a longest length", () => {
    const long = encodeProxyHeaderV2(ENDS4, { tlvs: [{ type: 0xe0, value: Buffer.alloc(4_066) }] });
    const { error } = read([long.subarray(0, 16)]);
    assert.equal(error?.code, "PROXY_HEADER_TOO_LONG");
    assert.match(error?.message ?? "", /4097 bytes is longer than maxHeaderBytes \(4096\)/);
    assert.equal(read([long], 4_097).error, undefined);
    const value = Buffer.alloc(65_535);
    assert.throws(
      () => encodeProxyHeaderV2(ENDS4, { tlvs: [{ type: 1, value }] }),
      /at most 65535/,
    );
  });

  it("tell of the client's TLS", () => {
    const part = (type: number, text: string): Buffer =>
      Buffer.concat([Buffer.from([type, 0, text.length]), Buffer.from(text)]);
    const value = Buffer.concat([
      Buffer.from([3, 0, 0, 0, 0]),
      part(TLV.sslVersion, "TLSv1.3"),
      part(TLV.sslCommonName, "me"),
    ]);
    const { header } = read([encodeProxyHeaderV2(ENDS4, { tlvs: [{ type: TLV.ssl, value }] })]);
    assert.ok(header);
    assert.deepEqual(sslOf(header), {
      isSecured: true,
      hasCertificate: true,
      isVerified: true,
      version: "TLSv1.3",
      commonName: "me",
      cipher: undefined,
    });
    assert.equal(sslOf({ ...header, tlvs: [] }), undefined);
    // Nobody is verified who has shown nothing, although HAProxy says 0 of him as well; nor who has failed.
    for (const [bits, result] of [
      [0, 0],
      [1, 0],
      [3, 1],
    ] as const) {
      const other = Buffer.from([bits, 0, 0, 0, result]);
      const ssl = sslOf({ ...header, tlvs: [{ type: TLV.ssl, value: other }] });
      assert.equal(ssl?.isVerified, false, `${bits}`);
    }
    assert.equal(
      sslOf({ ...header, tlvs: [{ type: TLV.ssl, value: value.subarray(0, 4) }] }),
      undefined,
    );
  });

  it("refuse what can't be written", () => {
    const bad = { code: "INVALID_ARGUMENT" };
    const name = { host: "a.example", port: 1 };
    assert.throws(() => encodeProxyHeaderV2({ ...ENDS4, source: name }), bad);
    assert.throws(
      () => encodeProxyHeaderV1({ ...ENDS4, source: { host: "1.1.1.1", port: -1 } }),
      bad,
    );
    assert.throws(
      () => encodeProxyHeaderV2(ENDS4, { tlvs: [{ type: 256, value: Buffer.alloc(0) }] }),
      bad,
    );
  });

  it("never throw, and read no more than they are", () => {
    const random = new Random(5);
    for (let round = 0; round < 30_000; round++) {
      const bytes = Buffer.from(random.next() < 0.5 ? binary : line);
      for (let edit = random.integer(1, 5); edit > 0; edit--) {
        bytes[random.integer(0, bytes.length - 1)] = random.integer(0, 255);
      }
      const { header, error } = read([bytes.subarray(0, random.integer(1, bytes.length))]);
      assert.ok(header === undefined || error === undefined);
    }
  });

  it("have the checksum of RFC 3309", () => {
    assert.equal(crc32c(Buffer.from("123456789"), 9), 0xe3069283);
  });
});
