/** Casts and nodes on every engine, real and in memory. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { EngineChoice, NetError } from "hp-socket";
import { MemoryEngine } from "hp-socket/testing";
import {
  type CastOpenOptions,
  UdpCast,
  type UdpCastOptions,
  UdpNode,
  type UdpNodeOptions,
} from "hp-socket/udp";
import { availableEngines } from "../support/engine-list.js";
import { rounds, until } from "../support/until.js";

const GROUP = "239.255.73.20";
const HOST = "127.0.0.1";

/** Opens casts on one port; undefined, and the test skipped, where there is no multicast. */
async function open(
  context: TestContext,
  cast: UdpCast,
  options: CastOpenOptions,
): Promise<boolean> {
  try {
    await cast.open(options);
    return true;
  } catch (error) {
    context.skip(`no multicast here: ${String(error)}`);
    return false;
  }
}

/** A port that nobody has. */
async function freePort(engine: EngineChoice): Promise<number> {
  const node = new UdpNode({ engine });
  const { port } = await node.open({ host: HOST });
  await node.stop();
  return port;
}

function suite(title: string, engineFor: () => EngineChoice): void {
  describe(title, () => {
    it("a node counts sends that find no room as dropped", async () => {
      const node = new UdpNode({ engine: engineFor(), maxPendingBytes: 1_000 });
      const { port } = await node.open({ host: HOST });
      const to = { host: HOST, port };

      const answers = [node.send(to, Buffer.alloc(900)), node.send(to, Buffer.alloc(900))];
      const { droppedCount, missedCount } = node.stats;
      await node.stop();

      assert.notEqual(answers[0], false);
      assert.deepEqual([answers[1], droppedCount, missedCount], [false, 1, 0]);
    });

    it("a node sends to whomever it hears, and hears who answers", async () => {
      const engine = engineFor();
      const heard: string[] = [];
      const events: string[] = [];
      const echo = new UdpNode({
        engine,
        onReceive: (node, datagram, from) => node.send(from, datagram),
        onClose: (_, { code }) => events.push(`close ${code}`),
        onShutdown: () => events.push("shutdown"),
      });
      const asks: UdpNodeOptions = {
        engine,
        onReceive: (_, datagram, from) => heard.push(`${datagram} of ${from.host}:${from.port}`),
      };
      const address = await echo.open({ host: HOST });
      const one = new UdpNode(asks);
      const two = new UdpNode(asks);
      await one.open({ host: HOST });
      await two.open({ host: HOST });

      assert.equal(one.send(address, "one"), true);
      two.send({ host: HOST, port: address.port }, "two");
      two.send(address, "");
      await until(() => heard.length === 3);

      const from = `${HOST}:${address.port}`;
      assert.deepEqual(heard.sort(), [` of ${from}`, `one of ${from}`, `two of ${from}`]);
      assert.equal(two.stats.sentBytes, 3);
      await Promise.all([echo.stop(), one.stop(), two.stop()]);
      assert.deepEqual(events, ["close CLOSED", "shutdown"]);
    });

    it("a node throws for what is no address or too long, and is told of what fails", async () => {
      const errors: NetError[] = [];
      const node = new UdpNode({
        engine: engineFor(),
        maxDatagramBytes: 65_507,
        onError: (_, error) => errors.push(error),
      });
      assert.equal(node.send({ host: HOST, port: 9 }, "not open"), false);
      await node.open({ host: HOST });

      assert.throws(() => node.send({ host: "localhost", port: 9 }, "x"), {
        code: "INVALID_ARGUMENT",
      });
      assert.throws(() => node.send({ host: HOST, port: 0 }, "x"), { code: "INVALID_ARGUMENT" });
      assert.throws(() => node.send({ host: HOST, port: 9 }, Buffer.alloc(65_508)), {
        code: "PACKET_INVALID",
      });
      assert.throws(() => node.sendCast("x"), { code: "INVALID_STATE" });
      node.send({ host: "255.255.255.255", port: 9 }, "no broadcast asked for");
      await until(() => errors.length === 1);

      assert.equal(errors[0]!.code, "ACCESS_DENIED");
      assert.equal(node.stats.failedCount, 1);
      node.send({ host: "::1", port: 9 }, "of the other family");
      await until(() => errors.length === 2);
      assert.equal(errors[1]!.code, "ADDRESS_NOT_AVAILABLE");
      await node.stop();
    });

    it("a failing handler is told, and ends nothing", async () => {
      const engine = engineFor();
      const errors: string[] = [];
      const node = new UdpNode({
        engine,
        onReceive: async (_, datagram) => {
          if (datagram.length === 3) throw new Error("bad");
          throw new Error("worse");
        },
        onError: (_, error, peer) => errors.push(`${error.code} ${error.message} ${peer?.host}`),
      });
      const address = await node.open({ host: HOST });
      const other = new UdpNode({ engine });
      await other.open({ host: HOST });

      other.send(address, "one");
      other.send(address, "three");
      await until(() => errors.length === 2);

      assert.deepEqual(errors.sort(), [
        `HANDLER_FAILED onReceive failed: bad ${HOST}`,
        `HANDLER_FAILED onReceive failed: worse ${HOST}`,
      ]);
      assert.equal(node.isOpen, true);
      await node.stop();
      await other.stop();
    });

    it("casts hear each other by their group, and themselves with multicastLoop", async (t) => {
      const engine = engineFor();
      const heard: string[] = [];
      const port = await freePort(engine);
      const make = (name: string, options: UdpCastOptions = {}) =>
        new UdpCast({
          engine,
          onReceive: (_, datagram) => heard.push(`${name} ${datagram}`),
          ...options,
        });
      const one = make("one", { multicastLoop: true });
      const two = make("two", { multicastLoop: true });
      const target = { group: GROUP, port, interfaceHost: HOST };
      if (!(await open(t, one, target)) || !(await open(t, two, target))) return;

      assert.deepEqual(one.castAddress, { host: GROUP, port });
      one.send("hello");
      await until(() => heard.length === 2);
      one.configure({ multicastTtl: 0 });
      two.send("last");
      await until(() => heard.length >= 4);
      await rounds();

      assert.deepEqual(heard.sort(), ["one hello", "one last", "two hello", "two last"]);
      await one.stop();
      await two.stop();
    });

    it("a cast hears the sources it asks for, and no others", async (t) => {
      const engine = engineFor();
      const heard: string[] = [];
      const port = await freePort(engine);
      const wanted = new UdpCast({ engine, onReceive: (_, data) => heard.push(`wanted ${data}`) });
      const others = new UdpCast({ engine, onReceive: (_, data) => heard.push(`others ${data}`) });
      const target = { group: GROUP, port, interfaceHost: HOST };
      if (!(await open(t, wanted, { ...target, sources: [HOST] }))) return;
      await others.open({ ...target, sources: ["127.9.9.9"] });
      const node = new UdpNode({ engine, multicastLoop: true });
      await node.open({ host: HOST, cast: { ...target, sources: [HOST] } });

      node.sendCast("hello");
      await until(() => heard.length > 0);
      await rounds();

      assert.deepEqual(heard, ["wanted hello"]);
      await Promise.all([wanted.stop(), others.stop(), node.stop()]);
    });

    it("broadcasts reach all who listen, or are told to fail", async (t) => {
      const engine = engineFor();
      const heard: string[] = [];
      const errors: NetError[] = [];
      const port = await freePort(engine);
      const one = new UdpCast({
        engine,
        onReceive: (_, datagram, from) => heard.push(`${datagram} ${from.family}`),
        onError: (_, error) => errors.push(error),
      });
      await one.open({ broadcast: true, port });
      one.send("to all");
      await until(() => heard.length + errors.length > 0);

      if (errors.length > 0) t.skip(`no broadcast here: ${errors[0]!.message}`);
      else assert.deepEqual(heard, ["to all IPv4"]);
      await one.stop();
    });

    it("two nodes answer one peer, whose address only one of them has heard", async () => {
      const engine = engineFor();
      const heard: string[] = [];
      const other = new UdpNode({ engine });
      const first = new UdpNode({
        engine,
        onReceive(node, _, from) {
          for (const number of [1, 2]) {
            node.send(from, `first ${number}`);
            other.send(from, `other ${number}`);
          }
        },
      });
      const asks = new UdpNode({
        engine,
        onReceive: (_, datagram, from) => heard.push(`${datagram} from ${from.port}`),
      });
      const address = await first.open({ host: HOST });
      const { port } = await other.open({ host: HOST });
      await asks.open({ host: HOST });
      asks.send(address, "x");
      await until(() => heard.length === 4);

      assert.deepEqual(heard.sort(), [
        `first 1 from ${address.port}`,
        `first 2 from ${address.port}`,
        `other 1 from ${port}`,
        `other 2 from ${port}`,
      ]);
      assert.equal(other.stats.sentBytes, 14, "each counts its own");
      for (const node of [first, other, asks]) await node.stop();
    });

    it("refuses options that can't be, and can be opened again", async () => {
      const engine = engineFor();
      const cast = new UdpCast({ engine });
      const bad = [
        {},
        { port: 1 },
        { port: 1, group: GROUP, broadcast: true },
        { port: 0, group: GROUP },
      ];
      for (const options of bad) {
        await assert.rejects(cast.open(options as never), { code: "INVALID_ARGUMENT" });
      }
      await assert.rejects(cast.open({ port: 1, broadcast: true, sources: [HOST] } as never), {
        code: "INVALID_ARGUMENT",
      });
      assert.throws(() => new UdpCast({ multicastTtl: 256 }), { code: "INVALID_ARGUMENT" });
      assert.throws(() => new UdpCast({ onEnd: () => undefined } as never), {
        code: "INVALID_ARGUMENT",
      });

      const node = new UdpNode({ engine });
      for (let time = 0; time < 3; time++) {
        await node.open({ host: HOST });
        await assert.rejects(node.open({ host: HOST }), { code: "INVALID_STATE" });
        await node.stop();
        assert.equal(node.state, "stopped");
      }
      const stopped = node.open({ host: HOST });
      void node.stop();
      await assert.rejects(stopped, { code: "STOPPED" });
    });
  });
}

for (const engine of availableEngines()) suite(`UdpCast and UdpNode on ${engine}`, () => engine);
suite("UdpCast and UdpNode in memory", () => new MemoryEngine());
