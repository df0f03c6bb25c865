/** Contract cases: ends and cuts, changed memory, async context. */
import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { patternBytes, patternView } from "../support/byte-pattern.js";
import { turns } from "../support/engine-wait.js";
import { until } from "../support/until.js";
import type { ContractCase } from "./engine-case.js";

const MIB = 1_048_576;

const endCases: readonly ContractCase[] = [
  {
    title: "tells a reset behind data as a reset, never as an end",
    async run(world) {
      const listener = await world.listen();
      for (let round = 0; round < 30; round++) {
        const { client, server } = await world.pair(listener);
        client.onWritten = () => client.socket.reset();

        client.socket.write(patternBytes(0, 100));
        await until(() => server.isClosed);

        assert.equal(server.events.at(-1), "closed CONNECTION_RESET");
        assert.equal(server.isEnded, false, server.events.join(", "));
      }
    },
  },
  {
    title: "tells a reset behind data also when our side has finished",
    async run(world) {
      const listener = await world.listen();
      for (let round = 0; round < 30; round++) {
        const { client, server } = await world.pair(listener);
        server.socket.finish();
        await until(() => client.isEnded);
        client.onWritten = () => client.socket.reset();

        client.socket.write(patternBytes(0, 100));
        await until(() => server.isClosed);

        assert.equal(server.events.at(-1), "closed CONNECTION_RESET");
        assert.equal(server.isEnded, false, server.events.join(", "));
      }
    },
  },
  {
    title: "tells the end behind data as an end, whichever side finishes first",
    async run(world) {
      const listener = await world.listen();
      for (const isServerFirst of [false, true]) {
        const { client, server } = await world.pair(listener);
        if (isServerFirst) {
          server.socket.finish();
          await until(() => client.isEnded);
        }
        client.socket.write(patternBytes(0, 100));
        client.socket.finish();
        await until(() => server.isEnded);
        await turns(5);

        assert.equal(server.receivedBytes, 100);
        assert.equal(server.events.at(-1), "ended");
      }
    },
  },
  {
    title: "tells the end behind data by path",
    needs: "pathAddress",
    async run(world) {
      const listener = await world.listen({ path: world.path() });
      const { client, server } = await world.pair(listener);
      client.onWritten = () => client.socket.close();

      client.socket.write(patternBytes(0, 100));
      await until(() => server.isEnded);
      await turns(5);

      assert.equal(server.events.at(-1), "ended");
    },
  },
  {
    title: "keeps to the bound of what comes after a pause, at each of many pauses",
    async run(world) {
      const { client, server } = await world.pair();
      const total = 4 * MIB;
      let isPaused = false;
      let aheadBytes = 0;
      let mostAheadBytes = 0;
      server.onReceived = (bytes): void => {
        if (isPaused) aheadBytes += bytes.length;
        mostAheadBytes = Math.max(mostAheadBytes, aheadBytes);
        server.forget();
        if (isPaused) return;
        isPaused = true;
        server.socket.pause();
        setImmediate(() => {
          isPaused = false;
          aheadBytes = 0;
          server.socket.resume();
        });
      };

      client.socket.write(patternView(0, total));
      await until(() => server.receivedBytes === total, 30_000);

      assert.ok(mostAheadBytes <= 131_072, `${mostAheadBytes} bytes came after a pause`);
    },
  },
];

const memoryCases: readonly ContractCase[] = [
  {
    title: "closes a stream whose pieces have another length by now, and goes on with others",
    async run(world) {
      const { client, server, listener } = await world.pair();
      const other = await world.pair(listener);
      const kept = new Uint8Array(new ArrayBuffer(100));
      structuredClone(kept.buffer, { transfer: [kept.buffer] });

      client.socket.writeAll([Buffer.from("head"), kept], 104);
      other.client.socket.writeAll([Buffer.from("he"), Buffer.from("ad")], 4);
      await until(() => client.isClosed && other.server.receivedBytes === 4);
      await until(() => server.isEnded || server.isClosed);

      assert.equal(client.error?.code, "INVALID_ARGUMENT");
      assert.equal(client.writtenCount, 0);
      assert.equal(server.receivedBytes, 0);
    },
  },
];

const contextCases: readonly ContractCase[] = [
  {
    title: "calls sinks and tasks in its own async context, whoever connects, sends or closes",
    async run(world) {
      const users = new AsyncLocalStorage<string>();
      const seen = new Set<string>();
      const note = (what: string): void => {
        const user = users.getStore();
        if (user !== undefined) seen.add(`${what} sees the store of ${user}`);
      };
      const listener = await users.run("listener", () => world.listen());
      listener.onAccepted = (): boolean => {
        note("accepted");
        return true;
      };
      const client = users.run("connector", () => world.startConnect(listener.address!));
      client.onOpened = () => note("opened");
      await until(() => client.isOpened && listener.accepted.length === 1);
      const server = listener.accepted[0]!;
      server.onReceived = (): void => {
        note("received");
        users.run("server", () => server.socket.write(Buffer.from("response")));
        users.run("task", () => world.engine.afterTurn(() => note("task")));
      };
      server.onWritten = () => note("server's written");
      client.onWritten = () => note("client's written");
      client.onReceived = () => note("client's received");
      client.onClosed = () => note("closed");

      users.run("sender", () => client.socket.write(Buffer.from("request")));
      users.run("asker", () => world.engine.afterTurn(() => note("task")));
      await until(() => client.receivedBytes === 8 && server.writtenCount === 1);
      users.run("pauser", () => {
        client.socket.pause();
        client.socket.resume();
      });
      users.run("closer", () => client.socket.close());
      await until(() => client.isClosed);
      // A store makes Node follow every promise of the process.
      users.disable();

      assert.deepEqual([...seen], []);
    },
  },
];

const zoneCases: readonly ContractCase[] = [
  {
    title: "refuses an address in a zone that is not there",
    async run(world) {
      const address = { host: "fe80::1%no-such-if", port: 9, family: "IPv6" } as const;

      assert.throws(() => world.startListen(address), { code: "INVALID_ARGUMENT" });
      assert.throws(() => world.startConnect(address), { code: "INVALID_ARGUMENT" });
    },
  },
];

/** What the newer rules say. */
export const ruleCases: readonly ContractCase[] = [
  ...endCases,
  ...memoryCases,
  ...contextCases,
  ...zoneCases,
];
