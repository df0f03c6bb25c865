/** UDP over IPv6, on every engine: peers of both families, groups of an interface. */
import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { describe, it } from "node:test";
import { listInterfaces } from "hp-socket";
import { UdpCast, UdpClient, UdpServer } from "hp-socket/udp";
import { availableEngines } from "../support/engine-list.js";
import { rounds, until } from "../support/until.js";

const hasIpv6 = listInterfaces().some(({ host }) => host === "::1");
const skip = hasIpv6 ? false : "this machine has no IPv6";

/** An interface with an address of its own link: multicast goes by it. */
function linkInterface(): { readonly name: string; readonly address: string } | undefined {
  for (const [name, addresses = []] of Object.entries(networkInterfaces())) {
    const own = addresses.find(({ address }) => address.startsWith("fe80:"));
    if (own !== undefined) return { name, address: own.address };
  }
  return undefined;
}

for (const engine of availableEngines()) {
  describe(`UDP over IPv6 on ${engine}`, { skip }, () => {
    it("serves peers of both families on one socket", async () => {
      const server = new UdpServer({
        engine,
        onReceive: (connection, datagram) => connection.send(datagram),
      });
      const { port } = await server.listen({ host: "::" });
      const sixth = new UdpClient({ engine });
      const fourth = new UdpClient({ engine });

      await sixth.connect({ host: "::1", port });
      await fourth.connect({ host: "127.0.0.1", port });
      assert.equal(String(await sixth.request("six")), "six");
      assert.equal(String(await fourth.request("four")), "four");

      const hosts = server.connectionIds().map((id) => server.connection(id)?.remoteAddress?.host);
      assert.deepEqual(hosts.sort(), ["::1", "::ffff:127.0.0.1"]);
      assert.equal(sixth.remoteAddress?.host, "::1");
      await Promise.all([sixth.stop(), fourth.stop()]);
      await until(() => server.connectionCount === 0);
      await server.stop();
    });

    it("casts to a group of an interface, of all senders or of some", async (t) => {
      const own = linkInterface();
      if (own === undefined) {
        t.skip("no interface has an address of its own link");
        return;
      }
      const heard: string[] = [];
      const make = (name: string) =>
        new UdpCast({
          engine,
          multicastLoop: true,
          onReceive: (_, datagram, from) => heard.push(`${name} ${datagram} ${from.family}`),
          onError: (_, error) => heard.push(error.message),
        });
      const target = { group: "ff02::7319", port: 20_319, interfaceHost: `::%${own.name}` };
      const [all, some, none] = [make("all"), make("some"), make("none")];
      await all.open(target);
      await some.open({ ...target, sources: [own.address] });
      await none.open({ ...target, sources: ["fe80::dead:beef"] });

      all.send("hello");
      await until(() => heard.length >= 2);
      await rounds();

      assert.deepEqual(heard.sort(), ["all hello IPv6", "some hello IPv6"]);
      await Promise.all([all.stop(), some.stop(), none.stop()]);
    });
  });
}
