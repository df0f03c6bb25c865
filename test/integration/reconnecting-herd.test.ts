/** Five hundred clients of a server that goes away and comes back, in time moved by hand. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TcpClient, TcpServer } from "hp-socket";
import { memoryWorld } from "../support/memory-world.js";
import { seedMathRandom } from "../support/random.js";

const CLIENTS = 500;
const BUCKET_MS = 100;

describe("five hundred clients that come back", () => {
  it("do not come in one moment, neither at first nor when the server is back", async (test) => {
    seedMathRandom(test);
    const { engine, clock } = memoryWorld();
    /** Attempts in each tenth of a second. */
    let dials: number[] = [];
    let startMs = 0;
    engine.network.connectFate = () => {
      const bucket = Math.floor((clock.now() - startMs) / BUCKET_MS);
      dials[bucket] = (dials[bucket] ?? 0) + 1;
      return "answer";
    };
    const start = async (): Promise<TcpServer> => {
      const made = new TcpServer({ engine, onReceive() {} });
      await made.listen({ port: 7_000 });
      return made;
    };
    let server = await start();
    const clients = Array.from(
      { length: CLIENTS },
      () => new TcpClient({ engine, reconnect: true, onReceive() {} }),
    );
    await Promise.all(clients.map((client) => client.connect({ port: 7_000 })));
    const pass = async (ms: number): Promise<void> => {
      for (let passed = 0; passed < ms; passed += 50) {
        clock.advance(50);
        await new Promise(setImmediate);
      }
    };

    // All lose it at once: the first wait of 250 ms is spread, and so are those that follow.
    dials = [];
    startMs = clock.now();
    await server.stop({ drainMs: 0 });
    await pass(35_000);
    const away = Array.from(dials, (count) => count ?? 0);
    assert.ok(Math.max(...away.slice(0, 3)) < 350, `first: ${away.slice(0, 5)}`);
    assert.ok(Math.max(...away.slice(5)) < 200, `then: ${Math.max(...away.slice(5))}`);
    assert.ok(Math.max(...away.slice(300)) < 30, `later: ${Math.max(...away.slice(300))}`);

    // It comes back: all are there within twice the greatest wait, and no second sees three times the mean.
    dials = [];
    startMs = clock.now();
    server = await start();
    await pass(31_000);
    assert.equal(server.connectionCount, CLIENTS);
    const seconds = Array.from({ length: 30 }, (_, second) => {
      const inSecond = Array.from({ length: 10 }, (_, index) => dials[second * 10 + index] ?? 0);
      return inSecond.reduce((sum, count) => sum + count, 0);
    });
    const used = seconds.slice(0, seconds.findLastIndex((count) => count > 0) + 1);
    const mean = CLIENTS / used.length;
    assert.ok(Math.max(...used) <= 3 * mean, `${used} per second`);
    const most = Math.max(...Array.from(dials, (count) => count ?? 0));
    assert.ok(most < 30, `${most} in a tenth of a second`);

    await Promise.all(clients.map((client) => client.stop({ drainMs: 0 })));
    await server.stop({ drainMs: 0 });
  });
});
