import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PeerNames, peerAddressOf } from "#src/engine/uring/sockets/peer-names.js";
import { encodeAddress } from "#src/engine/uring/sockets/socket-address.js";

const wordsOf = (host: string, port: number): Int32Array => {
  const bytes = Buffer.alloc(32);
  const family = host.includes(":") ? "IPv6" : "IPv4";
  Buffer.from(encodeAddress({ host, port, family })).copy(bytes);
  return new Int32Array(bytes.buffer, bytes.byteOffset, 8);
};

describe("names of peers", () => {
  it("are those of who has the slot now, whoever had it before", () => {
    const names = new PeerNames();
    names.put(3, wordsOf("2001:db8::1", 7), 0);
    assert.deepEqual(peerAddressOf(names.get(3)), { host: "2001:db8::1", port: 7, family: "IPv6" });

    names.put(3, wordsOf("192.0.2.1", 8), 0);
    assert.deepEqual(peerAddressOf(names.get(3)), { host: "192.0.2.1", port: 8, family: "IPv4" });
    names.put(3, wordsOf("::ffff:127.0.0.1", 9), 0);
    assert.equal(peerAddressOf(names.get(3))?.port, 9);
  });

  it("are kept for any number of slots", () => {
    const names = new PeerNames();
    names.put(5_000, wordsOf("192.0.2.1", 8), 0);
    names.put(1, wordsOf("192.0.2.2", 9), 0);
    assert.equal(peerAddressOf(names.get(5_000))?.host, "192.0.2.1");
    assert.equal(peerAddressOf(names.get(1))?.host, "192.0.2.2");
  });
});
