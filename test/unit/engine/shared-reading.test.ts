import assert from "node:assert/strict";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { describe, test } from "node:test";
import { RecycledMemory } from "#src/engine/node/recycled-memory.js";
import {
  MAX_OWN_BUFFERS,
  type SharedReader,
  SharedReading,
} from "#src/engine/node/shared-reading.js";
import { until } from "../../support/until.js";

const LARGE = Buffer.alloc(1_048_576, "large");

/** Sockets that read by a `SharedReading`, and their peers. */
async function sockets(count: number, keepsBytes: boolean, use: (world: World) => Promise<void>) {
  const world = new World();
  const server = createServer((socket) => {
    assert.ok(world.reading.lend(socket, keepsBytes));
    world.accepted.push(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  for (let opened = 0; opened < count; opened++) world.peers.push(connect(port, "127.0.0.1"));
  await until(() => world.accepted.length === count);
  try {
    await use(world);
  } finally {
    for (const socket of [...world.accepted, ...world.peers]) socket.destroy();
    server.close();
  }
}

class World implements SharedReader {
  readonly memory = new RecycledMemory();
  readonly reading: SharedReading = new SharedReading(this, this.memory);
  readonly accepted: Socket[] = [];
  readonly peers: Socket[] = [];
  readonly takenOver: Buffer[] = [];
  readonly kept: Buffer[] = [];
  receivedBytes = 0;
  keepsLent = false;

  lent(_: Socket, bytes: Buffer): void {
    this.receivedBytes += bytes.length;
    if (this.keepsLent && this.memory.keep(bytes)) this.kept.push(bytes);
  }

  given(_: Socket, bytes: Buffer): void {
    this.receivedBytes += bytes.length;
    this.takenOver.push(bytes);
  }
}

describe("the buffer that plain sockets share", () => {
  test("is left for one of the socket's own while much comes, and taken again when little does", async () => {
    await sockets(1, false, async (world) => {
      world.peers[0]?.write(LARGE);
      await until(() => world.receivedBytes === LARGE.length);
      world.peers[0]?.write("little");
      await until(() => world.receivedBytes === LARGE.length + 6);

      assert.equal(world.reading.ownCount, 0);
      assert.ok(world.memory.freeCount >= 1, "its segment is for others");
    });
  });

  test("is read into by all but a bounded number of sockets", async () => {
    const count = MAX_OWN_BUFFERS + 10;
    await sockets(count, false, async (world) => {
      for (const peer of world.peers) peer.write(LARGE);
      await until(() => world.receivedBytes === count * LARGE.length);

      assert.ok(world.reading.ownCount <= MAX_OWN_BUFFERS);
      for (const socket of world.accepted) socket.destroy();
      await until(() => world.reading.ownCount === 0);
    });
  });

  test("lets what is kept lie as it is, whatever comes behind", async () => {
    await sockets(2, false, async (world) => {
      world.keepsLent = true;
      for (const [index, peer] of world.peers.entries())
        peer.write(Buffer.alloc(500_000, index + 1));
      await until(() => world.receivedBytes === 1_000_000);

      assert.ok(world.kept.length > 0);
      for (const bytes of world.kept) assert.ok(bytes.every((byte) => byte === bytes[0]));
      for (const bytes of world.kept) world.memory.release(bytes);
    });
  });

  test("gives large reads away where the receiver keeps its bytes", async () => {
    await sockets(1, true, async (world) => {
      world.peers[0]?.write(LARGE);
      await until(() => world.receivedBytes === LARGE.length);

      const memories = new Set(world.takenOver.map(({ buffer }) => buffer));
      assert.ok(world.takenOver.length > 0);
      assert.equal(memories.size, world.takenOver.length);
    });
  });
});
