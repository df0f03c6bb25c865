import assert from "node:assert/strict";
import { isIP } from "node:net";
import { describe, it } from "node:test";
import fc from "fast-check";
import { addressText, compareIps, formatIp, parseHostPort, parseIp } from "hp-socket";

/** Texts that are near to addresses: most are none. */
const nearly = fc
  .array(
    fc.constantFrom(
      "0",
      "1",
      "25",
      "255",
      "256",
      "01",
      "ffff",
      "FFFF",
      "fffff",
      ":",
      "::",
      ".",
      "%",
    ),
    {
      maxLength: 17,
    },
  )
  .map((parts) => parts.join(""));
const ipv6Bytes = fc
  .array(fc.constantFrom(0, 0, 0, 1, 0x20, 0xff), { minLength: 16, maxLength: 16 })
  .map((bytes) => Uint8Array.from(bytes));

/** What WHATWG's serializer makes of it, which is RFC 5952 but for IPv4-mapped addresses. */
function textOfUrl(text: string): string {
  return new URL(`http://[${text}]/`).hostname.slice(1, -1);
}

describe("parseIp", () => {
  it("takes what node:net takes for an address, and nothing else", () => {
    const addresses = fc.oneof(nearly, fc.ipV4(), fc.ipV6(), fc.string());

    fc.assert(
      fc.property(addresses, (text) => {
        if (text.includes("%")) return;
        const ip = parseIp(text);
        assert.equal(ip !== undefined, isIP(text) !== 0, text);
      }),
      { numRuns: 3_000 },
    );
  });

  it("refuses ports, brackets, white space, octal and short forms, and what is no text", () => {
    const wrong = [
      "",
      "1.2.3",
      "1.2.3.4.5",
      "01.2.3.4",
      "1.2.3.4 ",
      "1.2.3.4:80",
      "0x7f.1",
      "[::1]",
    ];
    const wrong6 = ["::1::", ":::", "1::2::3", "1:2:3:4:5:6:7::8", "::1.2.3", "::1.2.3.4:5", "::g"];

    for (const text of [...wrong, ...wrong6, "::1%", "::1% ", "1.2.3.4%lo"]) {
      assert.equal(parseIp(text), undefined, text);
    }
    assert.equal(parseIp(undefined as unknown as string), undefined);
    assert.equal(parseIp("1".repeat(1_000_000)), undefined);
  });

  it("reads an IPv4-mapped address as IPv4, in every form", () => {
    for (const text of ["::ffff:192.0.2.1", "::FFFF:c000:201", "0:0:0:0:0:ffff:c000:0201"]) {
      const ip = parseIp(text);

      assert.equal(ip?.family, "IPv4");
      assert.deepEqual([...(ip?.bytes ?? [])], [192, 0, 2, 1]);
    }
    assert.equal(parseIp("::fffe:192.0.2.1")?.family, "IPv6");
    assert.equal(parseIp("::192.0.2.1")?.family, "IPv6");
  });

  it("keeps the zone of an IPv6 address", () => {
    assert.equal(parseIp("fe80::1%eth0")?.zone, "eth0");
    assert.equal(parseIp("fe80::1")?.zone, undefined);
  });
});

describe("formatIp", () => {
  it("has one text for one address, which is RFC 5952's", () => {
    fc.assert(
      fc.property(ipv6Bytes, (bytes) => {
        const long = Buffer.from(bytes)
          .toString("hex")
          .replace(/(....)(?!$)/g, "$1:");
        const ip = parseIp(long.toUpperCase());
        assert.ok(ip !== undefined);
        const text = formatIp(ip);
        if (ip.family === "IPv6") assert.equal(text, textOfUrl(long));
        assert.equal(formatIp({ bytes }), text);
        assert.deepEqual(parseIp(text), ip);
      }),
    );
  });

  it("writes the examples of RFC 5952", () => {
    const texts = {
      "2001:0db8:0000:0000:0001:0000:0000:0001": "2001:db8::1:0:0:1",
      "2001:db8:0:1:1:1:1:1": "2001:db8:0:1:1:1:1:1",
      "2001:0:0:1:0:0:0:1": "2001:0:0:1::1",
      "0:0:0:0:0:0:0:0": "::",
      "::FFFF:127.0.0.1": "127.0.0.1",
      "FE80::1%eth0": "fe80::1%eth0",
    };

    for (const [text, wanted] of Object.entries(texts)) {
      assert.equal(formatIp(parseIp(text) ?? { bytes: new Uint8Array() }), wanted);
    }
  });

  it("names the bytes that are no address", () => {
    assert.throws(() => formatIp({ bytes: new Uint8Array(5) }), {
      code: "INVALID_ARGUMENT",
      message: "an IP address has 4 or 16 bytes, not 5 bytes",
    });
  });
});

describe("compareIps", () => {
  it("orders by number, IPv4 first, texts of one address as equal", () => {
    const sorted = [
      "9.0.0.0",
      "10.0.0.0",
      "192.0.2.1",
      "::",
      "::1",
      "fe80::1",
      "fe80::1%a",
      "ff02::1",
    ];

    assert.deepEqual(sorted.toReversed().sort(compareIps), sorted);
    assert.equal(compareIps("::ffff:1.2.3.4", "1.2.3.4"), 0);
    assert.equal(compareIps("2001:DB8::", "2001:db8:0::0"), 0);
    assert.throws(() => compareIps("1.2.3.4", "here"), { code: "INVALID_ARGUMENT" });
  });
});

describe("parseHostPort", () => {
  it("reads what addressText writes", () => {
    const addresses = [
      { host: "127.0.0.1", port: 80, family: "IPv4" },
      { host: "2001:db8::1", port: 65_535, family: "IPv6" },
      { host: "fe80::1%eth0", port: 0, family: "IPv6" },
    ] as const;

    for (const { host, port, family } of addresses) {
      assert.deepEqual(parseHostPort(addressText({ host, port, family })), { host, port });
    }
    assert.deepEqual(parseHostPort("example.com:1"), { host: "example.com", port: 1 });
  });

  it("answers what addressText takes", () => {
    for (const text of ["example.com:1", "127.0.0.1:80", "[fe80::1%eth0]:0"]) {
      const found = parseHostPort(text);
      assert.equal(found && addressText(found), text);
    }
  });

  it("refuses what has no port, a port too great, or an IPv6 address without brackets", () => {
    const wrong = [
      "",
      "host",
      "host:",
      ":80",
      "host:65536",
      "host:-1",
      "::1:80",
      "[::1]",
      "[1.2.3.4]:80",
    ];

    for (const text of [...wrong, "[host]:80", "a b:80", "http://a:80", "user@host:80", "h:1 "]) {
      assert.equal(parseHostPort(text), undefined, text);
    }
  });
});
