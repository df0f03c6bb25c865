/** Contract cases: connecting, addresses, names and options. */
import assert from "node:assert/strict";
import type { IpAddress, KeepAlive, StreamOptions } from "#src/engine/engine.js";
import { turns } from "../support/engine-wait.js";
import { type EngineWorld, loopback, PLAIN_STREAM } from "../support/engine-world.js";
import { NOBODYS_PORT } from "../support/refusing-port.js";
import { until } from "../support/until.js";
import type { ContractCase } from "./engine-case.js";

/** A documentation address (RFC 5737): no host has it. */
const FOREIGN_HOST = "203.0.113.1";

/** An address where nobody listens, because the listener that was there has closed. */
async function deserted(world: EngineWorld): Promise<IpAddress> {
  const listener = await world.listen();
  listener.listener!.close();
  await until(() => listener.isClosed);
  return listener.address as IpAddress;
}

const connectCases: readonly ContractCase[] = [
  {
    title: "connects: each end knows the address of the other",
    async run(world) {
      const { client, server, listener } = await world.pair();

      assert.deepEqual(client.events, ["opened"]);
      assert.deepEqual(server.events, []);
      assert.deepEqual(client.socket.remoteAddress(), listener.address);
      assert.deepEqual(server.socket.localAddress(), listener.address);
      assert.deepEqual(server.socket.remoteAddress(), client.socket.localAddress());
    },
  },
  {
    title: "tells streams of a listener on all addresses by which one each peer has come",
    async run(world) {
      const listener = await world.listen({ host: "0.0.0.0", port: 0, family: "IPv4" });
      const { port } = listener.address as IpAddress;
      const ends = [];
      for (const host of ["127.0.0.1", "127.0.0.2"]) {
        const client = world.startConnect({ host, port, family: "IPv4" });
        await until(() => client.isOpened && listener.accepted.length > ends.length);
        ends.push({ client, server: listener.accepted.at(-1)! });
      }

      for (const { client, server } of ends) {
        assert.deepEqual(server.socket.localAddress(), client.socket.remoteAddress());
        assert.deepEqual(server.socket.remoteAddress(), client.socket.localAddress());
      }
    },
  },
  {
    title: "answers the peer's address after the stream has closed",
    async run(world) {
      const { client, server, listener } = await world.pair();
      const clientAddress = client.socket.localAddress();

      client.socket.reset();
      await until(() => client.isClosed && server.isClosed);

      assert.deepEqual(client.socket.remoteAddress(), listener.address);
      assert.deepEqual(server.socket.remoteAddress(), clientAddress);
    },
  },
  {
    title: "fails a connect with CONNECTION_REFUSED where nobody listens",
    async run(world) {
      const client = world.startConnect(loopback(NOBODYS_PORT));

      await until(() => client.isClosed);

      assert.deepEqual(client.events, ["closed CONNECTION_REFUSED"]);
      assert.equal(client.error?.operation, "connect");
      assert.equal(client.error?.systemCode, "ECONNREFUSED");
    },
  },
  {
    title: "fails a connect with CONNECTION_REFUSED where no path is",
    needs: "pathAddress",
    async run(world) {
      const client = world.startConnect({ path: world.path("nobody") });

      await until(() => client.isClosed);

      assert.deepEqual(client.events, ["closed CONNECTION_REFUSED"]);
    },
  },
  {
    title: "closes a connect under way with one closed and no error",
    async run(world) {
      const listener = await world.listen();
      const client = world.startConnect(listener.address!);

      client.socket.close();
      await until(() => client.isClosed);
      await turns(5);

      assert.deepEqual(client.events, ["closed"]);
    },
  },
  {
    title: "resets a connect under way with one closed and no error",
    async run(world) {
      const listener = await world.listen();
      const client = world.startConnect(listener.address!);

      client.socket.reset();
      await until(() => client.isClosed);
      await turns(5);

      assert.deepEqual(client.events, ["closed"]);
    },
  },
  {
    title: "connects from the local address and port that were asked for",
    async run(world) {
      const { port: localPort } = await deserted(world);

      const { client, server } = await world.pair(undefined, { localHost: "127.0.0.1", localPort });

      assert.deepEqual(client.socket.localAddress(), loopback(localPort));
      assert.deepEqual(server.socket.remoteAddress(), loopback(localPort));
    },
  },
  {
    title: "fails a connect from a local address that is not here",
    async run(world) {
      const listener = await world.listen();
      const client = world.startConnect(listener.address!, { localHost: FOREIGN_HOST });

      await until(() => client.isClosed);

      assert.deepEqual(client.events, ["closed ADDRESS_NOT_AVAILABLE"]);
      assert.equal(client.error?.operation, "connect");
    },
  },
  {
    title: "connects over IPv6",
    async run(world, context) {
      const address: IpAddress = { host: "::1", port: 0, family: "IPv6" };
      const listener = world.startListen(address);
      await until(() => listener.isOpened || listener.isClosed);
      if (listener.error !== undefined) {
        context.skip(`no IPv6 here: ${listener.error.message}`);
        return;
      }

      const { client, server } = await world.pair(listener);

      assert.deepEqual(client.socket.remoteAddress(), listener.address);
      assert.deepEqual(server.socket.localAddress(), listener.address);
      assert.deepEqual(server.socket.remoteAddress(), client.socket.localAddress());
      assert.equal((listener.address as IpAddress).family, "IPv6");
    },
  },
];

const resolveCases: readonly ContractCase[] = [
  {
    title: "resolves an address literal to itself",
    async run(world) {
      assert.deepEqual(await world.engine.resolve("192.0.2.7"), [
        { host: "192.0.2.7", family: "IPv4" },
      ]);
      assert.deepEqual(await world.engine.resolve("2001:db8::1"), [
        { host: "2001:db8::1", family: "IPv6" },
      ]);
    },
  },
  {
    title: "resolves localhost to loopback addresses",
    async run(world) {
      const found = await world.engine.resolve("localhost");

      assert.ok(found.length > 0);
      for (const { host, family } of found) {
        assert.equal(host, family === "IPv6" ? "::1" : "127.0.0.1");
      }
    },
  },
  {
    title: "rejects a name that is longer than any",
    async run(world) {
      const name = `${"a".repeat(60)}.`.repeat(5);

      await assert.rejects(world.engine.resolve(`${name}invalid`), { code: "HOST_NOT_FOUND" });
    },
  },
  {
    title: "rejects a name that has no address",
    async run(world) {
      await assert.rejects(world.engine.resolve("no-such-host.invalid"), (error: unknown) => {
        assert.ok(error instanceof Error && "code" in error && "operation" in error);
        // Without a name server the system can't tell whether the name is there.
        assert.match(String(error.code), /^(HOST_NOT_FOUND|RESOLVE_FAILED)$/);
        assert.equal(error.operation, "resolve");
        return true;
      });
    },
  },
];

async function assertOption(
  world: EngineWorld,
  name: "userTimeout" | "socketBuffers",
  options: Partial<StreamOptions>,
): Promise<void> {
  const stream = { ...PLAIN_STREAM, ...options };
  if (world.engine.capabilities[name] === true) {
    const listener = await world.listen(loopback(), { stream });
    const { client } = await world.pair(listener, { stream });
    assert.deepEqual(client.events, ["opened"]);
    return;
  }
  const refusal = { name: "NetError", code: "NOT_SUPPORTED" };
  assert.throws(() => world.startListen(loopback(), { stream }), refusal);
  assert.throws(() => world.startConnect(loopback(1), { stream }), refusal);
}

const optionCases: readonly ContractCase[] = [
  {
    title: "takes userTimeoutMs, or throws NOT_SUPPORTED as its capabilities say",
    run: (world) => assertOption(world, "userTimeout", { userTimeoutMs: 5_000 }),
  },
  {
    title: "takes buffer sizes, or throws NOT_SUPPORTED as its capabilities say",
    async run(world) {
      await assertOption(world, "socketBuffers", { receiveBufferBytes: 65_536 });
      await assertOption(world, "socketBuffers", { sendBufferBytes: 65_536 });
    },
  },
  {
    title: "answers the keep-alive that is in force",
    async run(world) {
      const { client, server } = await world.pair();
      const wanted: KeepAlive = { idleMs: 7_000, intervalMs: 3_000, count: 4 };
      const hasInterval = world.engine.capabilities.keepAliveInterval === true;

      for (const { socket } of [client, server]) {
        const expected = hasInterval ? wanted : { idleMs: 7_000 };
        assert.deepEqual(socket.setKeepAlive(wanted), expected);
        assert.deepEqual(socket.setKeepAlive({ idleMs: 9_000 }), { idleMs: 9_000 });
        assert.equal(socket.setKeepAlive(false), false);
      }
    },
  },
  {
    title: "carries bytes with every option of a stream set and changed",
    async run(world) {
      const stream: StreamOptions = { noDelay: true, keepAlive: { idleMs: 60_000 } };
      const listener = await world.listen(loopback(), { stream });
      const { client, server } = await world.pair(listener, { stream });
      client.socket.setNoDelay(false);
      server.socket.setNoDelay(false);
      client.socket.unref();
      client.socket.ref();

      client.socket.write(Buffer.from("after the change"));
      await until(() => server.receivedBytes === 16);

      assert.equal(server.received().toString(), "after the change");
    },
  },
  {
    title: "answers TCP_INFO, or undefined as its capabilities say",
    async run(world) {
      const { client } = await world.pair();

      const info = client.socket.tcpInfo();

      if (world.engine.capabilities.tcpInfo === true) {
        assert.ok(info !== undefined && info.roundTripMs >= 0 && info.sendSegmentBytes > 0);
      } else {
        assert.equal(info, undefined);
      }
    },
  },
];

/** Connecting, addresses, names and options. */
export const addressCases: readonly ContractCase[] = [
  ...connectCases,
  ...resolveCases,
  ...optionCases,
];
