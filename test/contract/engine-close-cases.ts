/** Contract cases: half-close, close and reset. */
import assert from "node:assert/strict";
import { isPattern, patternBytes, patternView } from "../support/byte-pattern.js";
import { turns } from "../support/engine-wait.js";
import { until } from "../support/until.js";
import type { ContractCase } from "./engine-case.js";

const MIB = 1_048_576;

const finishCases: readonly ContractCase[] = [
  {
    title: "tells the end of the peer while our side still writes",
    async run(world) {
      const { client, server } = await world.pair();

      client.socket.finish();
      client.socket.finish();
      await until(() => server.isEnded);
      server.socket.write(patternBytes(0, 100_000));
      await until(() => client.receivedBytes === 100_000 && server.writtenCount === 1);
      server.socket.finish();
      await until(() => client.isEnded);

      assert.deepEqual(server.events, ["ended", "written 100000"]);
      assert.ok(isPattern(client.received(), 0));
    },
  },
  {
    title: "keeps a stream whose both sides have finished until it is closed",
    async run(world) {
      const { client, server } = await world.pair();
      client.socket.finish();
      server.socket.finish();
      await until(() => client.isEnded && server.isEnded);
      await turns(20);
      assert.deepEqual(client.events, ["opened", "ended"]);
      assert.deepEqual(server.events, ["ended"]);

      client.socket.close();
      server.socket.reset();
      await until(() => client.isClosed && server.isClosed);

      assert.deepEqual(client.events, ["opened", "ended", "closed"]);
      assert.deepEqual(server.events, ["ended", "closed"]);
    },
  },
  {
    title: "sends the end behind the write under way",
    async run(world) {
      const { client, server } = await world.pair();

      client.socket.write(patternView(0, 4 * MIB));
      client.socket.finish();
      await until(() => server.isEnded);

      assert.equal(server.receivedBytes, 4 * MIB);
      assert.ok(isPattern(server.received(), 0));
      assert.deepEqual(client.events, ["opened", `written ${4 * MIB}`]);
    },
  },
];

const closingCases: readonly ContractCase[] = [
  {
    title: "closes: what was written still arrives, and then the end",
    async run(world) {
      const { client, server } = await world.pair();
      client.onWritten = () => client.socket.close();

      client.socket.write(patternBytes(0, 1_000));
      await until(() => client.isClosed && server.isEnded);

      assert.deepEqual(client.events, ["opened", "written 1000", "closed"]);
      assert.ok(isPattern(server.received(), 0));
      assert.equal(server.receivedBytes, 1_000);
      assert.equal(server.isClosed, false);
    },
  },
  {
    title: "resets: the peer is closed with CONNECTION_RESET",
    async run(world) {
      const { client, server } = await world.pair();

      server.socket.reset();
      await until(() => client.isClosed && server.isClosed);

      assert.deepEqual(server.events, ["closed"]);
      assert.deepEqual(client.events, ["opened", "closed CONNECTION_RESET"]);
      assert.equal(client.error?.fault, "remote");
    },
  },
  {
    title: "resets after finish: the peer that still writes is closed with CONNECTION_RESET",
    async run(world) {
      const { client, server } = await world.pair();
      server.onWritten = () => server.socket.write(patternBytes(0, 1_000));

      client.socket.finish();
      client.socket.reset();
      server.socket.write(patternBytes(0, 1_000));
      await until(() => client.isClosed && server.isClosed);

      assert.deepEqual(client.events, ["opened", "closed"]);
      assert.equal(server.events.at(-1), "closed CONNECTION_RESET");
    },
  },
  {
    title: "resets in the middle of a write without telling it written",
    async run(world) {
      const { client, server } = await world.pair();
      server.socket.pause();
      client.socket.write(patternView(0, 32 * MIB));
      await turns(20);

      client.socket.reset();
      await until(() => client.isClosed);
      server.socket.resume();
      // With bytes unread, a poll for reading can tell a reset as an end (libuv does).
      await until(() => server.isClosed || server.isEnded);

      assert.deepEqual(client.events, ["opened", "closed"]);
      assert.ok(server.receivedBytes < 32 * MIB);
    },
  },
  {
    title: "closes in the middle of a write without telling it written",
    async run(world) {
      const { client, server } = await world.pair();
      server.socket.pause();
      client.socket.write(patternView(0, 32 * MIB));
      await turns(20);

      client.socket.close();
      await until(() => client.isClosed);
      await turns(5);

      assert.deepEqual(client.events, ["opened", "closed"]);
    },
  },
  {
    title: "closes once, however often it is asked to",
    async run(world) {
      const { client, server } = await world.pair();

      client.socket.close();
      client.socket.reset();
      client.socket.close();
      server.socket.reset();
      server.socket.close();
      await until(() => client.isClosed && server.isClosed);
      await turns(5);

      assert.deepEqual(client.events, ["opened", "closed"]);
      assert.deepEqual(server.events, ["closed"]);
    },
  },
  {
    title: "tells nothing but closed once it was closed inside a call of the sink",
    async run(world) {
      const { client, server } = await world.pair();
      client.onReceived = () => client.socket.close();

      server.socket.write(patternView(0, MIB));
      await until(() => client.isClosed);
      await turns(5);

      assert.deepEqual(client.events, ["opened", "received", "closed"]);
    },
  },
  {
    title: "ends writes to a peer that has gone with CONNECTION_RESET",
    async run(world) {
      const { client, server } = await world.pair();
      client.onWritten = () => client.socket.write(patternBytes(0, 1_000));

      server.socket.close();
      await until(() => server.isClosed);
      client.socket.write(patternBytes(0, 1_000));
      await until(() => client.isClosed);

      assert.equal(client.events.at(-1), "closed CONNECTION_RESET");
    },
  },
  {
    title: "takes calls on a closed stream without a word",
    async run(world) {
      const { client, server } = await world.pair();
      client.socket.close();
      await until(() => client.isClosed);

      client.socket.write(Buffer.from("late"));
      client.socket.writeAll([Buffer.from("late")], 4);
      client.socket.finish();
      client.socket.pause();
      client.socket.resume();
      client.socket.setNoDelay(true);
      client.socket.ref();
      client.socket.unref();
      await until(() => server.isEnded);
      await turns(5);

      assert.deepEqual(client.events, ["opened", "closed"]);
      assert.equal(server.receivedBytes, 0);
    },
  },
  {
    title: "gives every stream its closed when both ends close at once",
    async run(world) {
      const listener = await world.listen();
      for (let count = 0; count < 20; count++) {
        const { client, server } = await world.pair(listener);
        client.socket.write(patternBytes(0, 100));
        server.socket.write(patternBytes(0, 100));
        client.socket.close();
        server.socket.close();
        await until(() => client.isClosed && server.isClosed);

        assert.equal(client.error, undefined);
        assert.equal(server.error, undefined);
      }
    },
  },
];

/** Half-close, close and reset. */
export const closeCases: readonly ContractCase[] = [...finishCases, ...closingCases];
