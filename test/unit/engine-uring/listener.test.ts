/** Listeners where it matters how the ring does it: a full table, accepts under way, paths. */
import assert from "node:assert/strict";
import { existsSync, renameSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { describe } from "node:test";
import type { IpAddress } from "#src/engine/engine.js";
import { loadForeignFunctions } from "#src/engine/uring/ring/foreign-functions.js";
import { makeUringEngine } from "#src/engine/uring/uring-engine.js";
import type { StreamProbe } from "../../support/engine-probe.js";
import { turns } from "../../support/engine-wait.js";
import { openDescriptors } from "../../support/open-descriptors.js";
import { until } from "../../support/until.js";
import { uringTest, withEngine } from "./uring-case.js";

/** Connections made by somebody else, so that they take no place in the engine's table. */
function connectPeers(port: number, count: number): Socket[] {
  return Array.from({ length: count }, () => {
    const socket = connect({ port, host: "127.0.0.1" });
    // Those for whom there is no place are reset.
    socket.on("error", () => {});
    return socket;
  });
}

describe("uring listener", () => {
  uringTest("backs off when no place is left for a socket, and goes on when there is one", () =>
    withEngine({ maxSockets: 8 }, async (world, engine) => {
      const listener = await world.listen();
      const peers = connectPeers((listener.address as IpAddress).port, 12);
      await until(() => listener.acceptErrors.length > 0);
      const acceptedThen = listener.accepted.length;
      const entersThen = engine.loop.ring.enterCount;
      const endMs = performance.now() + 400;
      await until(() => performance.now() > endMs);
      const enters = engine.loop.ring.enterCount - entersThen;
      const reports = listener.acceptErrors.length;

      for (const stream of listener.accepted) stream.socket.close();
      for (const peer of peers) peer.destroy();
      await until(() => listener.accepted.every((stream) => stream.isClosed));
      const late = await world.pair(listener);

      assert.equal(acceptedThen, 7, "the listener itself has a place");
      assert.equal(listener.acceptErrors[0]!.code, "DESCRIPTORS_EXHAUSTED");
      assert.ok(reports <= 4, `${reports} reports`);
      assert.ok(enters < 60, `${enters} enters while backing off`);
      assert.equal(late.client.isOpened, true);
    }),
  );

  uringTest("has no more sockets than the process may have descriptors", () => {
    const calls = { ...loadForeignFunctions(), descriptorLimit: (): number => 64 };

    assert.throws(() => makeUringEngine({ maxSockets: 65 }, calls), {
      code: "INVALID_ARGUMENT",
      message: "maxSockets (65) is more than RLIMIT_NOFILE (64) allows",
    });
  });

  uringTest("closes what is accepted while it closes, and leaves nothing behind", () =>
    withEngine({}, async (world, engine) => {
      const before = openDescriptors();
      for (let round = 0; round < 10; round++) {
        const listener = await world.listen();
        const clients: StreamProbe[] = [];
        for (let count = 0; count < 20; count++) {
          clients.push(world.startConnect(listener.address!));
        }
        await turns(round % 3);
        listener.listener!.close();
        await until(() => listener.isClosed);
        for (const { socket } of [...clients, ...listener.accepted]) socket.close();
        await until(() => [...clients, ...listener.accepted].every((stream) => stream.isClosed));
      }

      assert.equal(engine.loop.slots.heldCount, 0);
      assert.deepEqual(openDescriptors(), before);
    }),
  );

  uringTest("removes the file of its path when it closes", () =>
    withEngine({}, async (world) => {
      const path = world.path();
      const listener = await world.listen({ path });
      const existed = existsSync(path);

      listener.listener!.close();
      const existsThen = existsSync(path);
      await until(() => listener.isClosed);

      assert.deepEqual([existed, existsThen], [true, false]);
    }),
  );

  uringTest("leaves the file of its path alone when it has become somebody else's", () =>
    withEngine({}, async (world) => {
      const path = world.path();
      const listener = await world.listen({ path });
      renameSync(path, world.path("old"));
      const successor = createServer().listen(path);
      await until(() => successor.listening);

      listener.listener!.close();
      await until(() => listener.isClosed);
      const isThere = existsSync(path);
      successor.close();

      assert.equal(isThere, true);
    }),
  );

  uringTest("needs no file for a path that starts with a zero byte", () =>
    withEngine({}, async (world) => {
      const path = `\0hp-socket-test-${process.pid}`;
      const { client, server } = await world.pair(await world.listen({ path }));

      client.socket.write(Buffer.from("hello"));
      await until(() => server.receivedBytes === 5);

      assert.deepEqual(server.socket.localAddress(), { path });
      assert.equal(server.received().toString(), "hello");
    }),
  );
});
