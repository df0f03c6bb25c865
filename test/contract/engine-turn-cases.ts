/** Contract cases: turns, and sinks that throw. */
import assert from "node:assert/strict";
import process from "node:process";
import { turns } from "../support/engine-wait.js";
import { until } from "../support/until.js";
import type { ContractCase } from "./engine-case.js";

/** Runs `body` with uncaught exceptions collected instead of ending the process. */
async function collectDefects(body: (defects: unknown[]) => Promise<void>): Promise<void> {
  const defects: unknown[] = [];
  process.setUncaughtExceptionCaptureCallback((defect) => defects.push(defect));
  try {
    await body(defects);
  } finally {
    process.setUncaughtExceptionCaptureCallback(null);
  }
}

/** Runs tasks after turns, and lives through sinks that throw. */
export const turnCases: readonly ContractCase[] = [
  {
    title: "runs a task after the sink call and its microtasks",
    async run(world) {
      const { client, server } = await world.pair();
      const order: string[] = [];
      server.onReceived = (): void => {
        order.push("sink");
        world.engine.afterTurn(() => order.push("task"));
        const chained = Promise.resolve().then(() => order.push("microtask"));
        void chained.then(() => {}).then(() => order.push("later microtask"));
      };

      client.socket.write(Buffer.from("x"));
      await until(() => order.includes("task"));

      assert.deepEqual(order, ["sink", "microtask", "later microtask", "task"]);
    },
  },
  {
    title: "runs each task once, in order, also outside of sink calls",
    async run(world) {
      const order: number[] = [];

      world.engine.afterTurn(() => order.push(1));
      world.engine.afterTurn(() => order.push(2));
      const immediately = order.length;
      await until(() => order.length === 2);
      await turns(5);

      assert.equal(immediately, 0);
      assert.deepEqual(order, [1, 2]);
    },
  },
  {
    title: "runs a task that a task has added",
    async run(world) {
      const order: string[] = [];

      world.engine.afterTurn(() => {
        order.push("first");
        world.engine.afterTurn(() => order.push("second"));
      });
      await until(() => order.length === 2);

      assert.deepEqual(order, ["first", "second"]);
    },
  },
  {
    title: "goes on with the other tasks when one throws, and does not hide it",
    async run(world) {
      await collectDefects(async (defects) => {
        const order: string[] = [];

        world.engine.afterTurn(() => {
          throw new Error("a task's defect");
        });
        world.engine.afterTurn(() => order.push("other"));
        await until(() => order.length === 1 && defects.length === 1);

        assert.equal((defects[0] as Error).message, "a task's defect");
      });
    },
  },
  {
    title: "goes on when a stream's sink throws, and does not hide it",
    async run(world) {
      await collectDefects(async (defects) => {
        const { client, server } = await world.pair();
        server.onReceived = (): void => {
          server.onReceived = () => {};
          throw new Error("a sink's defect");
        };
        client.onWritten = (): void => {
          client.onWritten = () => {};
          throw new Error("a second defect");
        };

        client.socket.write(Buffer.from("one"));
        await until(() => server.receivedBytes === 3 && defects.length === 2);
        client.socket.write(Buffer.from("two"));
        client.socket.finish();
        await until(() => server.isEnded);

        assert.equal(server.received().toString(), "onetwo");
      });
    },
  },
  {
    title: "closes the stream and goes on listening when the sink throws on accept",
    async run(world) {
      await collectDefects(async (defects) => {
        const listener = await world.listen();
        listener.onAccepted = (): boolean => {
          throw new Error("a sink's defect");
        };
        const lost = world.startConnect(listener.address!);
        await until(() => defects.length === 1 && (lost.isEnded || lost.isClosed));

        listener.onAccepted = () => true;
        const { client } = await world.pair(listener);

        assert.deepEqual(client.events, ["opened"]);
      });
    },
  },
];
