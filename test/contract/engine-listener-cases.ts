/** Contract cases: listeners. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { linkSync } from "node:fs";
import { createServer } from "node:net";
import type { IpAddress } from "#src/engine/engine.js";
import { turns } from "../support/engine-wait.js";
import { loopback } from "../support/engine-world.js";
import { refusingPort } from "../support/refusing-port.js";
import { until } from "../support/until.js";
import type { ContractCase } from "./engine-case.js";

const bindCases: readonly ContractCase[] = [
  {
    title: "chooses a port when it is asked for port 0",
    async run(world) {
      const first = await world.listen();
      const second = await world.listen();

      const [one, two] = [first.address as IpAddress, second.address as IpAddress];
      assert.ok(one.port > 0 && two.port > 0);
      assert.notEqual(one.port, two.port);
      assert.deepEqual(one, loopback(one.port));
    },
  },
  {
    title: "fails a second listener on an address with ADDRESS_IN_USE",
    async run(world) {
      const first = await world.listen();

      const second = world.startListen(first.address!);
      await until(() => second.isClosed);

      assert.deepEqual(second.events, ["closed ADDRESS_IN_USE"]);
      assert.equal(second.error?.operation, "listen");
      assert.deepEqual(first.events, ["opened"]);
    },
  },
  {
    title: "fails a listener on an address that is not here with ADDRESS_NOT_AVAILABLE",
    async run(world) {
      const listener = world.startListen({ host: "203.0.113.1", port: 0, family: "IPv4" });

      await until(() => listener.isClosed);

      assert.deepEqual(listener.events, ["closed ADDRESS_NOT_AVAILABLE"]);
    },
  },
  {
    title: "listens and connects by path",
    needs: "pathAddress",
    async run(world) {
      const address = { path: world.path() };
      const listener = await world.listen(address);

      const { client, server } = await world.pair(listener);
      client.socket.write(Buffer.from("by path"));
      await until(() => server.receivedBytes === 7);

      assert.deepEqual(listener.address, address);
      assert.deepEqual(client.socket.remoteAddress(), address);
      assert.deepEqual(server.socket.localAddress(), address);
      assert.equal(client.socket.setKeepAlive(false), false);
    },
  },
  {
    title: "fails a second listener on a path with ADDRESS_IN_USE, and the first goes on",
    needs: "pathAddress",
    async run(world) {
      const address = { path: world.path() };
      const first = await world.listen(address);

      const second = world.startListen(address);
      await until(() => second.isClosed);
      const { client } = await world.pair(first);

      assert.deepEqual(second.events, ["closed ADDRESS_IN_USE"]);
      assert.deepEqual(client.events, ["opened"]);
    },
  },
  {
    title: "takes over the path of a listener that died",
    needs: "pathAddress",
    async run(world) {
      const path = world.path();
      // Who dies does not remove its socket: this one keeps a second name.
      const dying = createServer().listen(`${path}-2`);
      await once(dying, "listening");
      linkSync(`${path}-2`, path);
      dying.close();
      await once(dying, "close");

      const listener = await world.listen({ path });
      const { client } = await world.pair(listener);

      assert.deepEqual(client.events, ["opened"]);
    },
  },
  {
    title: "shares a port between listeners that ask for it",
    needs: "reusePort",
    async run(world) {
      const first = await world.listen(loopback(), { reusePort: true });
      const second = await world.listen(first.address!, { reusePort: true });

      for (let count = 0; count < 40; count++) world.startConnect(first.address!);
      await until(() => first.accepted.length + second.accepted.length === 40);

      assert.ok(first.accepted.length > 0 && second.accepted.length > 0);
    },
  },
  {
    title: "takes IPv4 connections on an IPv6 listener with dualStack, and none without",
    async run(world, context) {
      const address: IpAddress = { host: "::", port: 0, family: "IPv6" };
      const dual = world.startListen(address, { dualStack: true });
      await until(() => dual.isOpened || dual.isClosed);
      if (dual.error !== undefined) {
        context.skip(`no IPv6 here: ${dual.error.message}`);
        return;
      }
      const single = await world.listen({ ...address, port: await refusingPort(context) });

      const reaching = world.startConnect(loopback((dual.address as IpAddress).port));
      const refused = world.startConnect(loopback((single.address as IpAddress).port));
      await until(() => reaching.isOpened && refused.isClosed);

      assert.deepEqual(refused.events, ["closed CONNECTION_REFUSED"]);
    },
  },
];

const acceptCases: readonly ContractCase[] = [
  {
    title: "accepts many connections at once, each with its own stream",
    async run(world) {
      const listener = await world.listen();
      const clients = Array.from({ length: 50 }, () => world.startConnect(listener.address!));
      await until(() => clients.every((client) => client.isOpened));

      for (const [index, client] of clients.entries()) {
        client.socket.write(Buffer.from([index]));
      }
      await until(() => listener.accepted.every((server) => server.receivedBytes === 1));

      const seen = listener.accepted.map((server) => server.received()[0]).sort();
      assert.deepEqual(seen, clients.map((_, index) => index).sort());
    },
  },
  {
    title: "closes a stream for which there is no sink, and goes on accepting",
    async run(world) {
      const listener = await world.listen();
      listener.onAccepted = () => false;
      const refused = world.startConnect(listener.address!);
      await until(() => refused.isEnded || refused.isClosed);

      listener.onAccepted = () => true;
      const { client } = await world.pair(listener);

      assert.deepEqual(client.events, ["opened"]);
      assert.equal(listener.accepted.length, 1);
    },
  },
  {
    title: "lets a sink reset the stream that it refuses",
    async run(world) {
      const listener = await world.listen();
      listener.onAccepted = (stream): boolean => {
        stream.socket.reset();
        return false;
      };

      const refused = world.startConnect(listener.address!);
      await until(() => refused.isClosed);

      assert.equal(refused.error?.code, "CONNECTION_RESET");
    },
  },
  {
    title: "lets a sink close the stream that it accepts",
    async run(world) {
      const listener = await world.listen();
      listener.onAccepted = (stream): boolean => {
        stream.socket.close();
        return true;
      };

      world.startConnect(listener.address!);
      await until(() => listener.accepted[0]?.isClosed === true);

      assert.deepEqual(listener.accepted[0]?.events, ["closed"]);
    },
  },
];

const closeCases: readonly ContractCase[] = [
  {
    title: "closes a listener; the streams that it accepted live on",
    async run(world) {
      const { client, server, listener } = await world.pair();

      listener.listener!.close();
      listener.listener!.close();
      await until(() => listener.isClosed);
      client.socket.write(Buffer.from("still here"));
      await until(() => server.receivedBytes === 10);

      assert.deepEqual(listener.events, ["opened", "accepted", "closed"]);
      assert.deepEqual(client.events, ["opened", "written 10"]);
    },
  },
  {
    title: "refuses connections once the listener has closed, and frees the address",
    async run(world) {
      const listener = await world.listen();
      const address = listener.address!;
      listener.listener!.close();
      await until(() => listener.isClosed);

      const client = world.startConnect(address);
      await until(() => client.isClosed);
      const again = await world.listen(address);

      assert.deepEqual(client.events, ["closed CONNECTION_REFUSED"]);
      assert.deepEqual(again.address, address);
    },
  },
  {
    title: "closes a listener that is not open yet without ever opening it",
    async run(world) {
      const listener = world.startListen(loopback());

      listener.listener!.close();
      await until(() => listener.isClosed);
      await turns(5);

      assert.deepEqual(listener.events, ["closed"]);
    },
  },
  {
    title: "closes a listener from inside its sink",
    async run(world) {
      const listener = await world.listen();
      listener.onAccepted = (): boolean => {
        listener.listener!.close();
        return true;
      };

      const client = world.startConnect(listener.address!);
      await until(() => listener.isClosed && client.isOpened);

      assert.deepEqual(listener.events, ["opened", "accepted", "closed"]);
    },
  },
];

/** Binding, accepting and closing of listeners. */
export const listenerCases: readonly ContractCase[] = [...bindCases, ...acceptCases, ...closeCases];
