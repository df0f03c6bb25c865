import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CidrSet } from "hp-socket";
import { AccessControl, accessBy } from "#src/connection/access/access-control.js";
import {
  type AccessOptions,
  type AccessRules,
  readAccess,
} from "#src/connection/access/access-options.js";

const rules = (options: AccessOptions): AccessRules => readAccess(options) as AccessRules;
const control = (options: AccessOptions): AccessControl => new AccessControl(rules(options));

describe("AccessControl: lists", () => {
  it("lets in whom allow names, and nobody whom deny names", () => {
    const access = control({ allow: ["10.0.0.0/8", "2001:db8::/32"], deny: ["10.6.0.0/16"] });
    const codes = ["10.1.2.3", "10.6.0.1", "192.0.2.1", "2001:db8::1", "2001:db9::1", undefined];

    const found = codes.map((host) => access.refusal(host, 0));

    const no = "ACCESS_REFUSED";
    assert.deepEqual(found, [undefined, no, no, undefined, no, no]);
  });

  it("takes an IPv4-mapped address for the IPv4 address", () => {
    const access = control({ deny: ["10.0.0.0/8"], maxConnectionsPerAddress: 1 });
    assert.equal(access.refusal("::ffff:10.0.0.1", 0), "ACCESS_REFUSED");
    access.entered(1, "::ffff:192.0.2.1", 0);
    assert.equal(access.refusal("192.0.2.1", 0), "ADDRESS_LIMIT");
  });

  it("refuses mapped prefixes that have the whole of IPv4 and more, and what is no list", () => {
    for (const allow of [["::ffff:10.0.0.0/8"], "10.0.0.0/8", [7], {}] as never[]) {
      assert.throws(() => readAccess({ allow }), { code: "INVALID_ARGUMENT" });
    }
    assert.throws(() => readAccess({ ipv6PrefixLength: 0 }), /access\.ipv6PrefixLength/);
    assert.throws(() => readAccess({ maxPerAddress: 1 } as never), { code: "INVALID_ARGUMENT" });
  });

  it("lets nobody in by an empty list, and goes by a set as it is at the time", () => {
    const allow = new CidrSet();
    const access = control({ allow });
    assert.equal(access.refusal("192.0.2.1", 0), "ACCESS_REFUSED");
    allow.add("192.0.2.0/24");
    assert.equal(access.refusal("192.0.2.1", 0), undefined);
  });
});

describe("AccessControl: limits of an address", () => {
  it("counts connections until they have ended", () => {
    const access = control({ maxConnectionsPerAddress: 2 });
    access.entered(1, "192.0.2.1", 0);
    access.entered(2, "192.0.2.1", 0);
    assert.equal(access.refusal("192.0.2.1", 0), "ADDRESS_LIMIT");
    assert.equal(access.refusal("192.0.2.2", 0), undefined);
    access.gone(1);
    access.gone(1);
    assert.equal(access.refusal("192.0.2.1", 0), undefined);
    access.gone(2);
    assert.equal(access.addressCount, 0);
  });

  it("takes the first bits of an IPv6 address for the address", () => {
    for (const [ipv6PrefixLength, other] of [
      [64, "2001:db8:0:1::"],
      [60, "2001:db8:0:10::"],
      [128, "2001:db8::2"],
    ] as const) {
      const access = control({ maxConnectionsPerAddress: 1, ipv6PrefixLength });
      access.entered(1, "2001:db8::1", 0);
      const same = ipv6PrefixLength === 128 ? "2001:db8::1" : "2001:db8::ffff";
      assert.equal(access.refusal(same, 0), "ADDRESS_LIMIT");
      assert.equal(access.refusal(other, 0), undefined, other);
    }
  });

  it("gives permits back as time passes, and never more than the burst", () => {
    const access = control({ newConnectionsPerSecond: 10, newConnectionBurst: 2 });
    let id = 0;
    const begun = (nowMs: number): number => {
      let count = 0;
      for (; access.refusal("192.0.2.1", nowMs) === undefined; count++) {
        access.entered(++id, "192.0.2.1", nowMs);
        access.gone(id);
      }
      assert.equal(access.refusal("192.0.2.1", nowMs), "ADDRESS_RATE_LIMIT");
      return count;
    };
    assert.deepEqual([0, 50, 100, 200, 60_000, 60_000].map(begun), [2, 0, 1, 1, 2, 0]);
  });

  it("remembers maxAddresses addresses, those seen last, and those with connections besides", () => {
    const access = control({ newConnectionsPerSecond: 1, maxAddresses: 100 });
    access.entered(1, "192.0.2.1", 0);
    for (let id = 2; id < 50_002; id++) {
      access.entered(id, `10.1.${id >> 8}.${id & 255}`, 0);
      access.gone(id);
    }
    assert.equal(access.addressCount, 101);
    assert.equal(access.refusal("192.0.2.1", 0), "ADDRESS_RATE_LIMIT");
    const [last, first] = [50_001, 2].map((id) => `10.1.${id >> 8}.${id & 255}`);
    assert.equal(access.refusal(last, 0), "ADDRESS_RATE_LIMIT");
    assert.equal(access.refusal(first, 0), undefined);
  });

  it("keeps what it knows when rules change, and says where it can't", () => {
    const access = control({ newConnectionsPerSecond: 1 });
    access.entered(1, "192.0.2.1", 0);
    const next = rules({ newConnectionsPerSecond: 2, maxConnectionsPerAddress: 1 });
    assert.equal(access.canTake(next), true);
    access.take(next);
    assert.equal(access.refusal("192.0.2.1", 0), "ADDRESS_LIMIT");
    assert.equal(access.canTake(rules({ ipv6PrefixLength: 56 })), false);
    assert.equal(control({ deny: [] }).canTake(next), false);
  });

  it("owes nobody for connections from before there was a rate", () => {
    const before = control({ maxConnectionsPerAddress: 100 });
    before.entered(0, "192.0.2.1", 0);
    for (let id = 1; id <= 1_000; id++) {
      before.entered(id, "192.0.2.1", 0);
      before.gone(id);
    }
    const next = rules({ maxConnectionsPerAddress: 100, newConnectionsPerSecond: 10 });
    const connections = [{ id: 0, remoteAddress: { host: "192.0.2.1", port: 1 } }] as never[];
    const access = accessBy(next, before, connections, 1_000) as AccessControl;
    for (let id = 1; id <= 10; id++) {
      assert.equal(access.refusal("192.0.2.1", 1_000), undefined, `${id}`);
      access.entered(id, "192.0.2.1", 1_000);
    }
    assert.equal(access.refusal("192.0.2.1", 1_000), "ADDRESS_RATE_LIMIT");
  });

  it("gives no permit twice for the same time, although a moment is told that lies before", () => {
    const access = control({ newConnectionsPerSecond: 1 });
    access.entered(1, "192.0.2.1", 10_000);
    for (let round = 0; round < 10; round++) {
      assert.equal(access.refusal("192.0.2.1", 10_900), "ADDRESS_RATE_LIMIT");
      assert.equal(access.refusal("192.0.2.1", 10_000), "ADDRESS_RATE_LIMIT");
    }
    assert.equal(access.refusal("192.0.2.1", 11_000), undefined);
  });

  it("remembers 65,536 of 200,000 addresses, whatever form they have", () => {
    const access = control({ newConnectionsPerSecond: 1, maxConnectionsPerAddress: 1 });
    for (let id = 1; id <= 100_000; id++) {
      const host = `2001:db8:${(id >> 16).toString(16)}:${(id & 0xffff).toString(16)}::1`;
      const other = `198.${18 + (id >> 16)}.${(id >> 8) & 255}.${id & 255}`;
      for (const each of [host, id % 2 === 0 ? other : `::ffff:${other}`]) {
        assert.equal(access.refusal(each, id), undefined);
        access.entered(id, each, id);
        access.gone(id);
      }
      if (id % 10_000 === 0) assert.ok(access.addressCount <= 65_536);
    }
    assert.ok(access.addressCount > 64_000);
  });
});
