/** Contract cases: datagrams. */
import assert from "node:assert/strict";
import type { DatagramProbe } from "../support/engine-probe.js";
import { turns } from "../support/engine-wait.js";
import { loopback } from "../support/engine-world.js";
import { until } from "../support/until.js";
import type { ContractCase } from "./engine-case.js";

const texts = (probe: DatagramProbe): string[] =>
  probe.received.map(({ bytes }) => bytes.toString());

const GROUP = "239.255.73.19";

const sendCases: readonly ContractCase[] = [
  {
    title: "carries datagrams both ways, with the sender's address",
    needs: "datagram",
    async run(world) {
      const one = await world.datagram();
      const two = await world.datagram();

      one.send(7, Buffer.from("ping"), two.address);
      await until(() => two.received.length === 1);
      two.send(8, Buffer.from("pong"), two.received[0]!.from);
      await until(() => one.received.length === 1 && one.sent.length + two.sent.length === 2);

      assert.deepEqual(two.received[0]!.from, one.address);
      assert.deepEqual([texts(two), texts(one)], [["ping"], ["pong"]]);
      assert.deepEqual(one.sent, [{ token: 7, error: undefined }]);
      assert.deepEqual(two.sent, [{ token: 8, error: undefined }]);
    },
  },
  {
    title: "keeps what it has lent until the tasks of the turn have run, where it says so",
    needs: "datagram",
    async run(world) {
      const one = await world.datagram();
      const two = await world.datagram();
      const lent: Buffer[] = [];
      const seen: string[] = [];
      two.onReceive = (bytes) => {
        if (!two.socket.keepsTurn) return;
        lent.push(bytes);
        if (lent.length > 1) return;
        world.engine.afterTurn(() => {
          for (const view of lent.splice(0)) seen.push(view.toString());
        });
      };

      const sent = Array.from({ length: 40 }, (_, index) => "x".repeat(index + 1));
      for (const [token, text] of sent.entries()) one.send(token, Buffer.from(text), two.address);
      await until(() => two.received.length === sent.length);
      await turns(3);

      assert.deepEqual(seen, two.socket.keepsTurn ? texts(two) : []);
    },
  },
  {
    title: "carries empty datagrams",
    needs: "datagram",
    async run(world) {
      const one = await world.datagram();
      const two = await world.datagram();

      one.send(1, new Uint8Array(0), two.address);
      one.send(2, Buffer.from("next"), two.address);
      await until(() => two.received.length === 2);

      assert.deepEqual(texts(two), ["", "next"]);
    },
  },
  {
    title: "answers each of many sends under way once",
    needs: "datagram",
    async run(world) {
      const one = await world.datagram();
      const two = await world.datagram();

      for (let token = 0; token < 50; token++) {
        one.send(token, Buffer.from(`datagram ${token}`), two.address);
      }
      await until(() => one.sent.length === 50 && two.received.length === 50);
      await turns(5);

      const tokens = one.sent.map(({ token }) => token).sort((a, b) => a - b);
      assert.deepEqual(tokens, [...Array(50).keys()]);
      assert.ok(one.sent.every(({ error }) => error === undefined));
      assert.equal(new Set(texts(two)).size, 50);
    },
  },
  {
    title: "sends a run as one send: every datagram comes whole and in order, the last one shorter",
    needs: "datagram",
    async run(world) {
      const one = await world.datagram();
      const two = await world.datagram();
      const pieces = Array.from({ length: 64 }, (_, index) =>
        Buffer.alloc(index === 63 ? 7 : 600, index),
      );

      one.sendRun(5, pieces, two.address);
      one.send(6, Buffer.from("behind"), two.address);
      await until(() => two.received.length === 65 && one.sent.length === 2);

      assert.deepEqual(
        two.received.map(({ bytes }) => bytes),
        [...pieces, Buffer.from("behind")],
      );
      assert.ok(two.received.every(({ from }) => from.port === one.address!.port));
      const tokens = one.sent.map(({ token }) => token).sort((a, b) => a - b);
      assert.deepEqual(tokens, [5, 6]);
      assert.equal(one.failedCount, 0);
    },
  },
  {
    title: "sends a run to the peer",
    needs: "datagram",
    async run(world) {
      const peer = await world.datagram();
      const one = await world.datagram({ peer: peer.address! });

      one.sendRun(1, [Buffer.from("one"), Buffer.from("two"), Buffer.from("3")]);
      await until(() => peer.received.length === 3 && one.sent.length === 1);

      assert.deepEqual(texts(peer), ["one", "two", "3"]);
    },
  },
  {
    title: "tells of a run how many of it failed",
    needs: "datagram",
    async run(world) {
      const one = await world.datagram();
      const to = { host: "255.255.255.255", port: one.address!.port, family: "IPv4" } as const;

      one.sendRun(1, [Buffer.from("one"), Buffer.from("two")], to);
      await until(() => one.sent.length === 1);

      assert.equal(one.sent[0]!.error?.systemCode, "EACCES");
      assert.equal(one.failedCount, 2);
      assert.equal(one.isClosed, false);
    },
  },
  {
    title: "takes datagrams of the peer alone, and sends to it by default",
    needs: "datagram",
    async run(world) {
      const peer = await world.datagram();
      const stranger = await world.datagram();
      const one = await world.datagram({ peer: peer.address! });

      stranger.send(1, Buffer.from("not for you"), one.address);
      one.send(2, Buffer.from("hello"));
      await until(() => peer.received.length === 1 && stranger.sent.length === 1);
      peer.send(3, Buffer.from("welcome"), peer.received[0]!.from);
      await until(() => one.received.length === 1);
      await turns(10);

      assert.deepEqual(texts(one), ["welcome"]);
      assert.deepEqual(texts(peer), ["hello"]);
    },
  },
  {
    title: "fails a datagram that is too long with EMSGSIZE, and the socket goes on",
    needs: "datagram",
    async run(world) {
      const one = await world.datagram();
      const two = await world.datagram();

      one.send(1, Buffer.alloc(65_508), two.address);
      await until(() => one.sent.length === 1);
      one.send(2, Buffer.alloc(1_400, "a"), two.address);
      await until(() => one.sent.length === 2 && two.received.length === 1);

      assert.equal(one.sent[0]!.error?.systemCode, "EMSGSIZE");
      assert.equal(one.sent[0]!.error?.operation, "send");
      assert.equal(one.sent[1]!.error, undefined);
      assert.equal(two.received[0]!.bytes.length, 1_400);
    },
  },
  {
    title: "goes on when the peer is gone",
    needs: "datagram",
    async run(world) {
      const gone = await world.datagram();
      const other = await world.datagram();
      const { address } = gone;
      gone.socket.close();
      await until(() => gone.isClosed);
      const one = await world.datagram({ peer: address! });

      for (let token = 0; token < 5; token++) one.send(token, Buffer.from("anyone?"));
      await until(() => one.sent.length === 5);
      other.send(9, Buffer.from("still here"), other.address);
      await until(() => other.received.length === 1);

      assert.equal(one.isClosed, false);
      const told = [...one.refusals, ...one.sent.flatMap(({ error }) => error ?? [])];
      assert.ok(told.every(({ code }) => code === "CONNECTION_REFUSED"));
    },
  },
  {
    title: "misses nothing that fits while datagrams are paused",
    needs: "datagram",
    async run(world) {
      const one = await world.datagram();
      const two = await world.datagram();
      two.socket.pause();
      await turns(5);

      for (let token = 0; token < 10; token++) {
        one.send(token, Buffer.from(String(token)), two.address);
      }
      await until(() => one.sent.length === 10);
      await turns(20);
      const earlyCount = two.received.length;
      two.socket.resume();
      await until(() => two.received.length === 10);

      assert.ok(earlyCount <= 1, "at most what was on its way came in the pause");
      assert.deepEqual(texts(two), ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    },
  },
  {
    title: "sends to a group, and hears it once joined",
    needs: "datagram",
    async run(world, context) {
      const one = await world.datagram({ address: { ...loopback(), host: "0.0.0.0" } });
      const to = { host: GROUP, port: one.address!.port, family: "IPv4" } as const;
      try {
        one.socket.joinGroup({ group: GROUP, interfaceHost: "127.0.0.1" });
      } catch (error) {
        context.skip(`no multicast here: ${String(error)}`);
        return;
      }
      one.socket.setMulticastTtl(1);
      one.socket.setMulticastLoop(true);
      const two = await world.datagram({ peer: to });

      two.send(1, Buffer.from("to all"));
      await until(() => two.sent.length === 1);
      if (two.sent[0]!.error !== undefined) {
        context.skip(`no route to a group here: ${two.sent[0]!.error.message}`);
        return;
      }
      await until(() => one.received.length === 1);
      one.socket.leaveGroup({ group: GROUP, interfaceHost: "127.0.0.1" });
      two.send(2, Buffer.from("unheard"));
      await until(() => two.sent.length === 2);
      await turns(10);

      assert.deepEqual(texts(one), ["to all"]);
    },
  },
];

const groupCases: readonly ContractCase[] = [
  {
    title: "refuses memberships and interfaces that can't be, and joins nothing instead",
    needs: "datagram",
    async run(world) {
      const one = await world.datagram({ address: { ...loopback(), host: "0.0.0.0" } });
      const refused = [
        { group: "nobody" },
        { group: GROUP, interfaceHost: "nobody" },
        { group: GROUP, interfaceHost: "::1" },
        { group: GROUP, source: "::1" },
        { group: "ff02::7%nobody" },
        { group: "ff02::7", interfaceHost: "::%nobody" },
        { group: "ff02::7", interfaceHost: "::1" },
        { group: "ff02::7", source: "127.0.0.1" },
      ];
      for (const membership of refused) {
        for (const call of ["joinGroup", "leaveGroup"] as const) {
          assert.throws(
            () => one.socket[call](membership),
            { code: "INVALID_ARGUMENT", operation: "configure" },
            `${call} ${JSON.stringify(membership)}`,
          );
        }
      }
      assert.throws(() => one.socket.setMulticastInterface("nobody"), { code: "INVALID_ARGUMENT" });
    },
  },
  {
    title: "hears of a group the sources alone that it has joined for",
    needs: "datagram",
    async run(world, context) {
      const one = await world.datagram({ address: { ...loopback(), host: "0.0.0.0" } });
      const to = { host: GROUP, port: one.address!.port, family: "IPv4" } as const;
      const wanted = { group: GROUP, interfaceHost: "127.0.0.1", source: "127.0.0.1" };
      const unwanted = { group: GROUP, interfaceHost: "127.0.0.1", source: "127.9.9.9" };
      try {
        one.socket.joinGroup(unwanted);
      } catch (error) {
        context.skip(`no multicast here: ${String(error)}`);
        return;
      }
      const two = await world.datagram();
      two.socket.setMulticastInterface("127.0.0.1");
      two.socket.setMulticastLoop(true);

      two.send(1, Buffer.from("unheard"), to);
      await until(() => two.sent.length === 1);
      if (two.sent[0]!.error !== undefined) {
        context.skip(`no route to a group here: ${two.sent[0]!.error.message}`);
        return;
      }
      two.send(2, Buffer.from("first"), loopback(one.address!.port));
      await until(() => texts(one).includes("first"));
      one.socket.joinGroup(wanted);
      two.send(3, Buffer.from("heard"), to);
      await until(() => texts(one).includes("heard"));
      one.socket.leaveGroup(wanted);
      two.send(4, Buffer.from("not any more"), to);
      two.send(5, Buffer.from("last"), loopback(one.address!.port));
      await until(() => texts(one).includes("last"));

      assert.deepEqual(texts(one), ["first", "heard", "last"]);
    },
  },
];

const lifeCases: readonly ContractCase[] = [
  {
    title: "shares a port between datagram sockets that ask for it, or says that it can't",
    needs: "datagram",
    async run(world) {
      const can = world.engine.capabilities.reusePort === true;
      if (!can) {
        assert.throws(() => world.startDatagram({ reusePort: true }), { code: "NOT_SUPPORTED" });
        return;
      }
      const one = await world.datagram({ reusePort: true });

      const two = await world.datagram({ reusePort: true, address: one.address! });

      assert.deepEqual(two.address, one.address);
    },
  },
  {
    title: "fails a datagram socket on an address in use",
    needs: "datagram",
    async run(world) {
      const one = await world.datagram();

      const second = world.startDatagram({ address: one.address! });
      await until(() => second.isClosed);

      assert.deepEqual(second.events, ["closed ADDRESS_IN_USE"]);
    },
  },
  {
    title: "fails a datagram socket on an address that is not here",
    needs: "datagram",
    async run(world) {
      const address = { host: "203.0.113.1", port: 0, family: "IPv4" } as const;

      const probe = world.startDatagram({ address });
      await until(() => probe.isClosed);

      assert.deepEqual(probe.events, ["closed ADDRESS_NOT_AVAILABLE"]);
    },
  },
  {
    title: "closes a datagram socket once, and takes later calls without a word",
    needs: "datagram",
    async run(world) {
      const one = await world.datagram();
      const two = await world.datagram();
      one.send(1, Buffer.from("on its way"), two.address);

      one.socket.close();
      one.socket.close();
      await until(() => one.isClosed);
      one.send(2, Buffer.from("late"), two.address);
      one.socket.pause();
      one.socket.resume();
      await turns(5);

      assert.equal(one.events.at(-1), "closed");
      assert.ok(!texts(two).includes("late"));
    },
  },
  {
    title: "closes a datagram socket that is not open yet without ever opening it",
    needs: "datagram",
    async run(world) {
      const probe = world.startDatagram();

      probe.socket.close();
      await until(() => probe.isClosed);
      await turns(5);

      assert.deepEqual(probe.events, ["closed"]);
    },
  },
];

/** Datagram sockets. */
export const datagramCases: readonly ContractCase[] = [...sendCases, ...groupCases, ...lifeCases];
