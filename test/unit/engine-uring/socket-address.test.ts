import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { describe, it } from "node:test";
import type { Address } from "#src/engine/engine.js";
import { decodeAddress, encodeAddress, zoneOf } from "#src/engine/uring/sockets/socket-address.js";

const ADDRESSES: readonly (readonly [address: Address, bytes: string])[] = [
  [{ host: "127.0.0.1", port: 8_080, family: "IPv4" }, "02001f907f0000010000000000000000"],
  [{ host: "::1", port: 443, family: "IPv6" }, `0a0001bb00000000${"00".repeat(15)}0100000000`],
  [
    { host: "2001:db8::5", port: 0, family: "IPv6" },
    `0a000000000000002001 0db8${"00".repeat(11)}0500000000`.replace(" ", ""),
  ],
  [{ path: "/run/x" }, "01002f72756e2f7800"],
  [{ path: "\0abstract" }, "0100006162737472616374"],
];

describe("socket addresses", () => {
  for (const [address, bytes] of ADDRESSES) {
    const name = "path" in address ? JSON.stringify(address.path) : address.host;

    it(`have the kernel's form: ${name}`, () => {
      assert.equal(Buffer.from(encodeAddress(address)).toString("hex"), bytes);
    });

    it(`are read back: ${name}`, () => {
      assert.deepEqual(decodeAddress(Buffer.from(bytes, "hex")), address);
    });
  }

  it("of unnamed sockets have an empty path", () => {
    assert.deepEqual(decodeAddress(Buffer.from("0100", "hex")), { path: "" });
  });

  it("of other families are undefined", () => {
    assert.equal(decodeAddress(Buffer.from("1000ffff", "hex")), undefined);
    assert.equal(decodeAddress(Buffer.alloc(0)), undefined);
  });

  it("carry the number of an interface as their zone", () => {
    const bytes = Buffer.from(encodeAddress({ host: "fe80::1%7", port: 1, family: "IPv6" }));

    assert.equal(bytes.readUInt32LE(24), 7);
    assert.match((decodeAddress(bytes) as { host: string }).host, /^fe80::1%/);
  });

  it("know interfaces by name", (context) => {
    const named = Object.entries(networkInterfaces()).flatMap(([name, entries]) =>
      (entries ?? [])
        .filter((entry) => entry.family === "IPv6" && entry.scopeid !== 0)
        .map((entry) => [name, entry.family === "IPv6" ? entry.scopeid : 0] as const),
    );
    const [first] = named;
    if (first === undefined) {
      context.skip("no interface here has a link-local IPv6 address");
      return;
    }

    assert.equal(zoneOf(`fe80::1%${first[0]}`), first[1]);
  });

  const misuses: readonly (readonly [title: string, address: Address, message: RegExp])[] = [
    ["a name", { host: "localhost", port: 1, family: "IPv4" }, /IP address, not "localhost"/],
    ["a port", { host: "::1", port: 65_536, family: "IPv6" }, /port must be .* not 65536/],
    ["an interface", { host: "fe80::1%none9", port: 1, family: "IPv6" }, /interface "none9"/],
    ["an empty path", { path: "" }, /1 to 107 bytes, not 0/],
    ["a long path", { path: "ä".repeat(54) }, /1 to 107 bytes, not 108/],
  ];

  for (const [title, address, message] of misuses) {
    it(`throw for ${title} that can't be`, () => {
      assert.throws(() => encodeAddress(address), { code: "INVALID_ARGUMENT", message });
    });
  }
});
