/** Random lives of reliable connections over bad links: one end for each, nothing left, nothing thrown. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { it } from "node:test";
import { ArqAgent, type ArqConnection, ArqServer } from "hp-socket/arq";
import { fuzzRuns } from "../support/fuzz-runs.js";
import { memoryWorld } from "../support/memory-world.js";
import { Random } from "../support/random.js";

const SEEDS = fuzzRuns(80);

it(`ends each connection once, whatever both sides do, for ${SEEDS} seeds`, async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = new Random(seed);
    const link = { seed, lossRate: random.next() * 0.3, delayMs: random.integer(0, 40) };
    const { engine, clock } = memoryWorld({ link: { ...link, duplicateRate: 0.1 } });
    const ended = new Map<number, number>();
    const opened = new Set<number>();
    const handlers = {
      onReceive: (connection: ArqConnection, message: Buffer): void => {
        act(connection, message.length);
      },
      onClose: (connection: ArqConnection): void => {
        ended.set(connection.id, (ended.get(connection.id) ?? 0) + 1);
      },
    };
    const act = (connection: ArqConnection, length: number): void => {
      const step = random.integer(0, 14);
      if (step === 0) connection.close();
      else if (step === 1) connection.abort();
      else if (step === 2) connection.pause();
      else if (step === 3) connection.resume();
      else if (step === 13) connection.publish("all", "news");
      else if (step === 14) {
        if (!connection.subscribe("all")) connection.unsubscribe("all");
      } else if (step < 8)
        connection.send(Buffer.alloc(random.integer(0, 4_000)), { expiresMs: 50 });
      else connection.send(Buffer.alloc(length));
    };
    const server = new ArqServer({
      engine,
      maxNewPerSecond: 0,
      ...handlers,
      onAccept: ({ id }) => void opened.add(id),
    });
    const agent = new ArqAgent({ engine, ...handlers, onConnect: ({ id }) => void opened.add(id) });
    const listening = server.listen({ host: "127.0.0.1", port: 5_555 });
    await engine.settle();
    await listening;

    for (let step = 0; step < 60; step++) {
      if (random.next() < 0.2) {
        const timeoutMs = random.pick([50, 5_000]);
        agent.connect({ port: 5_555, timeoutMs }).catch(() => undefined);
      }
      for (const side of [server, agent]) {
        for (const id of side.connectionIds()) {
          const connection = side.connection(id);
          if (connection !== undefined && random.next() < 0.3) act(connection, 10);
        }
      }
      await engine.advance(random.integer(1, 60), 5);
    }
    const stops = [agent.stop({ drainMs: 1_000 }), server.stop({ drainMs: 1_000 })];
    await Promise.all([...stops, engine.advance(20_000, 50)]);

    assert.equal(server.connectionCount + agent.connectionCount, 0, `seed ${seed}`);
    for (const id of opened) assert.equal(ended.get(id), 1, `seed ${seed}, connection ${id}`);
    assert.deepEqual([...server.topics(), ...agent.topics()], [], `seed ${seed}`);
    assert.equal(clock.timerCount, 0, `seed ${seed}`);
  }
});
