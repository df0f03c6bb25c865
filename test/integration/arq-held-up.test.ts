/** A process that is held up for longer than a link may be dead: what its peer has sent meanwhile lies in the kernel. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it } from "node:test";
import { Worker } from "node:worker_threads";
import { ArqClient } from "hp-socket/arq";
import { availableEngines } from "../support/engine-list.js";
import { until } from "../support/until.js";

const CONVERSATION = 7;
const DEAD_LINK_MS = 1_000;

/** A peer on a thread of its own that acknowledges each segment of a stock KCP at once. */
const PEER = `
  const { parentPort } = require("node:worker_threads");
  const socket = require("node:dgram").createSocket("udp4");
  socket.on("message", (bytes, { port }) => {
    for (let at = 0; at + 24 <= bytes.length; at += 24 + bytes.readUInt32LE(at + 20)) {
      if (bytes[at + 4] !== 81) continue;
      const ack = Buffer.from(bytes.subarray(at, at + 24));
      ack[4] = 82;
      ack.writeUInt16LE(128, 6);
      ack.writeUInt32LE(bytes.readUInt32LE(at + 12) + 1, 16);
      ack.writeUInt32LE(0, 20);
      socket.send(ack, port, "127.0.0.1");
    }
  });
  socket.bind(0, "127.0.0.1", () => parentPort.postMessage(socket.address().port));
`;

for (const engine of availableEngines()) {
  describe(`a process with ARQ that is held up, on ${engine}`, () => {
    it("takes no peer for dead, and sends nothing again, before it has read what came meanwhile", {
      timeout: 60_000,
    }, async (test) => {
      const peer = new Worker(PEER, { eval: true });
      test.after(() => peer.terminate());
      const [port] = (await once(peer, "message")) as [number];
      const ends: string[] = [];
      const client = new ArqClient({
        engine,
        conversation: CONVERSATION,
        deadLinkMs: DEAD_LINK_MS,
        onClose: (_, { code }) => void ends.push(code),
      });
      test.after(() => client.stop({ drainMs: 0 }));
      await client.connect({ host: "127.0.0.1", port });

      for (let round = 0; round < 5; round++) {
        await sentUnread(client);
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, DEAD_LINK_MS + 200);
        client.send("behind");
        await until(() => ends.length > 0 || client.linkStats?.pendingSegments === 0);
        assert.deepEqual(ends, []);
      }
      assert.equal(client.linkStats?.timedOutSegments, 0);
    });
  });
}

/** Resolves when something was sent that is not acknowledged, as far as has been read. */
async function sentUnread(client: ArqClient): Promise<void> {
  const isOnTheWay = (): boolean => (client.linkStats?.inFlightSegments ?? 0) > 0;
  for (;;) {
    client.send("before");
    // A turn ends in a tick, or in the phase of immediates: nothing is read in between.
    for (let tick = 0; tick < 10 && !isOnTheWay(); tick++) {
      await new Promise<void>((resolve) => process.nextTick(resolve));
    }
    if (!isOnTheWay()) await new Promise<void>((resolve) => setImmediate(resolve));
    if (isOnTheWay()) return;
  }
}
