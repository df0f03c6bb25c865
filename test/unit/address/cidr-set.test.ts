import assert from "node:assert/strict";
import { BlockList } from "node:net";
import { describe, it } from "node:test";
import fc from "fast-check";
import { CidrSet, formatIp, listInterfaces, parseIp } from "hp-socket";

const byte = fc.constantFrom(0, 1, 10, 127, 128, 254, 255);
const ipBytes = fc.oneof(
  fc.array(byte, { minLength: 4, maxLength: 4 }),
  fc.array(byte, { minLength: 16, maxLength: 16 }).filter((bytes) => bytes[10] !== 255),
);

interface Network {
  readonly host: string;
  readonly prefixLength: number;
  readonly family: "ipv4" | "ipv6";
}

function networkOf(bytes: readonly number[], share: number): Network {
  const bits = bytes.length * 8;
  const prefixLength = Math.floor(share * bits);
  const masked = bytes.map((value, index) => {
    const kept = Math.min(8, Math.max(0, prefixLength - index * 8));
    return value & (0xff << (8 - kept));
  });
  const host = formatIp({ bytes: Uint8Array.from(masked) });
  return { host, prefixLength, family: bits === 32 ? "ipv4" : "ipv6" };
}

const network = fc
  .tuple(ipBytes, fc.double({ min: 0, max: 1, noNaN: true }))
  .map(([bytes, share]) => networkOf(bytes, share));

const textOf = ({ host, prefixLength }: Network): string => `${host}/${prefixLength}`;

describe("CidrSet", () => {
  it("has the addresses that node:net's BlockList has", () => {
    const addresses = fc.array(ipBytes, { minLength: 20, maxLength: 20 });

    fc.assert(
      fc.property(fc.array(network, { maxLength: 20 }), addresses, (networks, tested) => {
        const set = new CidrSet(networks.map(textOf));
        // One for each family: it takes IPv4 addresses for a part of ::/0.
        const oracles = { ipv4: new BlockList(), ipv6: new BlockList() };
        for (const { host, prefixLength, family } of networks) {
          oracles[family].addSubnet(host, prefixLength, family);
        }
        for (const bytes of tested) {
          const address = formatIp({ bytes: Uint8Array.from(bytes) });
          const family = bytes.length === 4 ? "ipv4" : "ipv6";
          assert.equal(set.has(address), oracles[family].check(address, family), address);
        }
      }),
    );
  });

  it("is after deletes what it would be without the adds", () => {
    fc.assert(
      fc.property(fc.uniqueArray(network, { selector: textOf }), fc.nat(), (networks, count) => {
        const texts = networks.map(textOf);
        const gone = texts.slice(0, count % (texts.length + 1));
        const set = new CidrSet(texts);
        for (const text of gone) assert.equal(set.delete(text), true);
        for (const text of gone) assert.equal(set.delete(text), false);

        const kept = texts.slice(gone.length);
        assert.equal(set.size, kept.length);
        assert.deepEqual([...set].sort(), kept.sort());
      }),
    );
  });

  it("finds the smallest network", () => {
    const set = new CidrSet([
      "10.0.0.0/8",
      "10.1.0.0/16",
      "10.1.2.3",
      "0.0.0.0/0",
      "2001:db8::/32",
    ]);

    assert.equal(set.match("10.1.2.3"), "10.1.2.3/32");
    assert.equal(set.match("10.1.2.4"), "10.1.0.0/16");
    assert.equal(set.match("10.2.0.0"), "10.0.0.0/8");
    assert.equal(set.match("11.0.0.0"), "0.0.0.0/0");
    assert.equal(set.match("2001:DB8:1::"), "2001:db8::/32");
    assert.equal(set.match("::1"), undefined);
  });

  it("takes IPv4-mapped addresses and networks for IPv4", () => {
    const set = new CidrSet(["::ffff:10.0.0.0/104", "192.0.2.1"]);

    assert.deepEqual([...set], ["192.0.2.1/32", "10.0.0.0/8"]);
    assert.ok(set.has("10.9.9.9"));
    assert.ok(set.has("::ffff:10.9.9.9"));
    assert.ok(set.has("::ffff:c000:201"));
    assert.equal(new CidrSet(["::/0"]).has("::ffff:10.0.0.1"), false);
    assert.equal(new CidrSet(["::ffff:0:0/96"]).match("1.2.3.4"), "0.0.0.0/0");
  });

  it("does not look at zones", () => {
    assert.ok(new CidrSet(["fe80::/10"]).has("fe80::1%eth0"));
    assert.throws(() => new CidrSet(["fe80::%eth0/10"]), { code: "INVALID_ARGUMENT" });
  });

  it("says what is wrong with a network", () => {
    const messages = {
      "10.0.0.1/8":
        'the network "10.0.0.1/8" has bits behind its prefix; the network is 10.0.0.0/8',
      "10.0.0.0/33": 'the network "10.0.0.0/33" must have a prefix length from 0 to 32',
      "::/129": 'the network "::/129" must have a prefix length from 0 to 128',
      "10.0.0.0/08": 'the network "10.0.0.0/08" must have a prefix length from 0 to 32',
      "10.0.0.0/": 'the network "10.0.0.0/" must have a prefix length from 0 to 32',
      "10.0.0/8": 'the network "10.0.0/8" must be an IP address with or without a /prefix',
      "::ffff:0:0/95":
        'the network "::ffff:0:0/95" is IPv4-mapped, and its prefix must have 96 bits at least',
    };

    for (const [text, message] of Object.entries(messages)) {
      assert.throws(() => new CidrSet([text]), { code: "INVALID_ARGUMENT", message });
    }
    assert.throws(() => new CidrSet("10.0.0.0/8"), { message: /networks must be a list/ });
    assert.throws(() => new CidrSet([undefined as unknown as string]), { message: /undefined/ });
    assert.throws(() => new CidrSet().has("localhost"), {
      code: "INVALID_ARGUMENT",
      message: 'address must be an IP address, not "localhost"',
    });
  });

  it("asks as many tables as there are lengths, not as there are networks", () => {
    const set = new CidrSet();
    for (let index = 0; index < 10_000; index++) set.add(`10.${index >> 8}.${index & 255}.0/24`);
    let asked = 0;
    const { get } = Map.prototype;
    Map.prototype.get = function counted(this: Map<unknown, unknown>, key: unknown): unknown {
      asked++;
      return get.call(this, key);
    };

    try {
      assert.equal(set.has("10.38.255.1"), true);
      assert.equal(set.has("10.200.0.1"), false);
    } finally {
      Map.prototype.get = get;
    }

    assert.equal(set.size, 10_000);
    assert.equal(asked, 2);
  });
});

describe("listInterfaces", () => {
  it("tells the loopback with its network", () => {
    const loopback = listInterfaces().find(({ host }) => host === "127.0.0.1");

    assert.equal(loopback?.prefixLength, 8);
    assert.equal(loopback.network, "127.0.0.0/8");
    assert.equal(loopback.broadcast, "127.255.255.255");
    assert.equal(loopback.isInternal, true);
    assert.equal(loopback.zone, undefined);
  });

  it("tells networks that have the address, and broadcast addresses of IPv4 alone", () => {
    for (const { host, network, family, broadcast } of listInterfaces()) {
      assert.equal(parseIp(host)?.family, family);
      const set = new CidrSet([network]);
      assert.ok(set.has(host));
      if (broadcast !== undefined) assert.ok(family === "IPv4" && set.has(broadcast));
    }
  });
});
