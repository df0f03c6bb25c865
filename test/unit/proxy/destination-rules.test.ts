/** Which addresses a proxy reaches for anybody. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DestinationRules } from "#src/proxy/destination-rules.js";

/** The first and the last of each network, in the forms that resolvers answer. */
const INSIDE = [
  ["0.0.0.0", "0.255.255.255"],
  ["10.0.0.0", "10.255.255.255"],
  ["100.64.0.0", "100.127.255.255"],
  ["127.0.0.0", "127.255.255.255"],
  ["169.254.0.0", "169.254.255.255"],
  ["172.16.0.0", "172.31.255.255"],
  ["192.0.0.0", "192.0.0.255"],
  ["192.0.2.0", "192.0.2.255"],
  ["192.88.99.0", "192.88.99.255"],
  ["192.168.0.0", "192.168.255.255"],
  ["198.18.0.0", "198.19.255.255"],
  ["198.51.100.0", "198.51.100.255"],
  ["203.0.113.0", "203.0.113.255"],
  ["224.0.0.0", "255.255.255.255"],
  ["::", "::1", "::127.0.0.1", "::ffff:255"],
  ["::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:10.0.0.1", "::ffff:0:127.0.0.1"],
  ["64:ff9b::127.0.0.1", "64:ff9b::ffff:ffff", "64:ff9b:1::", "64:ff9b:1:ffff::7f00:1"],
  ["100::", "100::ffff:ffff:ffff:ffff", "100:0:0:1::1"],
  ["2001::", "2001:0:7f00:1::", "2001:2::1", "2001:10::1", "2001:1ff::1"],
  ["2001:db8::", "2001:db8:ffff::1", "2002:7f00:1::", "2002:ffff::1"],
  ["3fff::", "3fff:fff::1", "5f00::1", "fc00::1", "fdff::1"],
  ["fe80::1", "fe80::1%eth0", "febf::1%2", "fec0::1", "feff::1", "ff02::1", "ffff::1"],
].flat();

/** Right in front of one of the networks, or right behind. */
const OUTSIDE = [
  ["1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255"],
  ["128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0"],
  ["191.255.255.255", "192.0.1.0", "192.0.3.0", "192.88.98.255", "192.88.100.0"],
  ["192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "198.51.99.255"],
  ["198.51.101.0", "203.0.112.255", "203.0.114.0", "223.255.255.255", "::ffff:8.8.8.8"],
  ["64:ff9a::1", "64:ff9b:0:1::1", "64:ff9b:2::", "100:0:0:2::", "2001:200::", "2001:db7::"],
  ["2001:db9::", "2003::1", "3ffe:ffff::1", "4000::1", "5f01::1", "fbff::1", "fe7f::1"],
].flat();

describe("a proxy's rules of destinations", () => {
  const rules = new DestinationRules();

  it("refuse whatever is not the public Internet's", () => {
    const reached = INSIDE.filter((address) => rules.allowsAddress(address, "some.example", 80));
    assert.deepEqual(reached, []);
  });

  it("let what lies beside it through", () => {
    const refused = OUTSIDE.filter((address) => !rules.allowsAddress(address, "some.example", 80));
    assert.deepEqual(refused, []);
  });

  it("know a name in any case of letters, with and without its dot", () => {
    const some = new DestinationRules({ deny: ["evil.example", ".bad.example"] });
    for (const name of ["EVIL.example", "evil.example.", "bad.example", "a.b.Bad.Example."]) {
      assert.equal(some.forbids(name, 80), true, name);
    }
    for (const name of ["notevil.example", "a.evil.example", "notbad.example"]) {
      assert.equal(some.forbids(name, 80), false, name);
    }
  });
});
