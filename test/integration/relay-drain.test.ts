/** What goes through a relay, spliced where the engine can, when one side or the relay itself ends. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { describe, it, type TestContext } from "node:test";
import type { EngineName } from "hp-socket";
import { Relay, type RelayOptions, type RelayRecord } from "hp-socket/proxy";
import { patternBytes } from "../support/byte-pattern.js";
import { availableEngines } from "../support/engine-list.js";
import { turns, untilQuiet } from "../support/engine-wait.js";
import { until } from "../support/until.js";

const MIB = 1_048_576;

/** Both ends of a tunnel, each of which may finish alone. */
interface Ends {
  readonly relay: Relay;
  readonly client: Socket;
  readonly destination: Socket;
  readonly records: readonly RelayRecord[];
}

async function ends(
  test: TestContext,
  engine: EngineName,
  options: Partial<RelayOptions> = {},
): Promise<Ends> {
  const server = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  test.after(() => void server.close());
  await once(server, "listening");
  const records: RelayRecord[] = [];
  const relay = new Relay({
    engine,
    to: [`127.0.0.1:${(server.address() as AddressInfo).port}`],
    onRelayed: (record) => records.push(record),
    ...options,
  });
  test.after(() => relay.stop({ drainMs: 0 }));
  const { port } = await relay.listen();
  const accepted = once(server, "connection");
  const client = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const [destination] = (await accepted) as [Socket];
  for (const socket of [client, destination]) {
    socket.on("error", () => {});
    test.after(() => void socket.destroy());
  }
  return { relay, client, destination, records };
}

/** What comes until the end, or until the connection breaks. */
function gathered(socket: Socket): {
  readonly pieces: Buffer[];
  readonly bytes: () => Buffer;
  isEnded: boolean;
} {
  const pieces: Buffer[] = [];
  const all = { pieces, bytes: () => Buffer.concat(pieces), isEnded: false };
  socket.on("data", (piece: Buffer) => void pieces.push(piece));
  socket.on("end", () => {
    all.isEnded = true;
  });
  return all;
}

const PATTERN = patternBytes(0, 24 * MIB);

for (const engine of availableEngines()) {
  describe(`what goes through a relay on ${engine}`, () => {
    for (const isToDestination of [true, false]) {
      const way = isToDestination ? "to the destination" : "to the client";
      it(`arrives whole ${way}, and then the end, when the relay stops meanwhile`, async (test) => {
        const { relay, client, destination } = await ends(test, engine);
        const [from, to] = isToDestination ? [client, destination] : [destination, client];
        // The other direction has ended, so that this one is half of a tunnel.
        to.end();
        from.resume();
        await once(from, "end");
        from.end(PATTERN);
        await until(() => relay.stats.receivedBytes > 0 || relay.stats.sentBytes > 0);
        const stopping = relay.stop({ drainMs: 20_000 });
        const all = gathered(to);
        await until(() => to.destroyed || all.isEnded);

        assert.ok(all.isEnded);
        assert.ok(all.bytes().equals(PATTERN), `${all.bytes().length} bytes`);
        assert.deepEqual(await stopping, { drainedCount: 1, cutCount: 0 });
      });
    }

    it("still goes to the destination when the client has gone before the drain is over", async (test) => {
      const stalled = await ends(test, engine);
      stalled.client.write(PATTERN);
      await untilQuiet(() => stalled.relay.stats.receivedBytes, 50);
      // So much is received while the destination reads nothing; of a little less, the end is received as well.
      const bytes = PATTERN.subarray(0, stalled.relay.stats.receivedBytes - 32_768);
      const { relay, client, destination } = await ends(test, engine);
      destination.end();
      client.resume();
      await once(client, "end");
      client.end(bytes);
      await untilQuiet(() => relay.stats.receivedBytes, 50);
      assert.equal(relay.stats.receivedBytes, bytes.length);

      const stopping = relay.stop({ drainMs: 20_000 });
      // Time for a stop that looks at clients alone to be over.
      await turns(5);
      const all = gathered(destination);
      await until(() => destination.destroyed || all.isEnded);

      assert.ok(all.isEnded);
      assert.ok(all.bytes().equals(bytes), `${all.bytes().length} bytes`);
      await stopping;
    });

    it("counts exactly, whatever the size of the pieces", async (test) => {
      const { client, destination, records } = await ends(test, engine);
      destination.pipe(destination);
      const back = gathered(client);
      let at = 0;
      for (const [byteCount, pieceBytes] of [
        [20_000, 1_000],
        [4 * MIB, 131_072],
        [20_000, 1_000],
      ] as const) {
        for (let sentBytes = 0; sentBytes < byteCount; sentBytes += pieceBytes) {
          client.write(PATTERN.subarray(at, at + pieceBytes));
          at += pieceBytes;
          await until(() => back.pieces.reduce((sum, { length }) => sum + length, 0) === at);
        }
      }
      client.end();
      await until(() => records.length === 1);

      assert.ok(back.bytes().equals(PATTERN.subarray(0, at)));
      const [record] = records as [RelayRecord];
      assert.deepEqual([record.fromClientBytes, record.toClientBytes], [at, at]);
    });

    it("keeps a tunnel open as long as something comes, and silence ends it", async (test) => {
      const { client, destination, records } = await ends(test, engine, {
        tunnelIdleTimeoutMs: 1_000,
      });
      destination.resume();
      const beginMs = performance.now();
      let lastMs = beginMs;
      while (lastMs - beginMs < 1_500 && records.length === 0) {
        client.write(PATTERN.subarray(0, MIB));
        await new Promise((resolve) => setTimeout(resolve, 20));
        lastMs = performance.now();
      }
      assert.equal(records.length, 0);
      await until(() => records.length === 1);

      assert.equal(records[0]?.error?.code, "IDLE_TIMEOUT");
      assert.ok(performance.now() - lastMs > 900);
    });
  });
}
