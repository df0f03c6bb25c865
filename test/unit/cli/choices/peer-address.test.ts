import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readPeerAddress } from "#src/cli/choices/peer-address.js";
import { UsageError } from "#src/cli/command-line.js";

describe("readPeerAddress", () => {
  for (const [text, host, port] of [
    ["127.0.0.1:5555", "127.0.0.1", 5_555],
    ["example.org:80", "example.org", 80],
    ["[::1]:65535", "::1", 65_535],
    ["[fe80::1%eth0]:1", "fe80::1%eth0", 1],
  ] as const) {
    it(`reads ${text}`, () => {
      assert.deepEqual(readPeerAddress([text], undefined), { text, connect: { host, port } });
    });
  }

  it("takes a path instead", () => {
    const peer = readPeerAddress([], "/run/x.sock");

    assert.deepEqual(peer, { text: "/run/x.sock", connect: { path: "/run/x.sock" } });
  });

  for (const text of [
    "",
    "host",
    "host:",
    ":1",
    "host:0",
    "host:65536",
    "host:x",
    "::1:80",
    "[::1]",
  ]) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(() => readPeerAddress([text], undefined), UsageError);
    });
  }

  it("refuses none, and both", () => {
    assert.throws(() => readPeerAddress([], undefined), UsageError);
    assert.throws(() => readPeerAddress(["h:1"], "/run/x.sock"), UsageError);
  });
});
