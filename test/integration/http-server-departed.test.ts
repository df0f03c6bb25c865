/** Peers that go away while there is something for them: who still gives, is told. */
import assert from "node:assert/strict";
import { createReadStream, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import type { EngineName, NetError } from "hp-socket";
import type { HttpExchange, ResponseSource } from "hp-socket/http";
import { availableEngines } from "../support/engine-list.js";
import { httpServer, rawPeer } from "../support/http-world.js";
import { until } from "../support/until.js";

const GET = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

const folder = mkdtempSync(join(tmpdir(), "hp-socket-departed-"));
after(() => rmSync(folder, { recursive: true }));
const large = join(folder, "large.bin");
writeFileSync(large, "");
// With nothing in it, so that it costs nothing to write.
truncateSync(large, 64_000_000);

const turn = (): Promise<void> => new Promise((next) => setImmediate(next));

/** Sources that give one piece and then nothing, and note that they are told. */
const SILENT: Record<string, (told: string[]) => ResponseSource> = {
  "a generator that waits": async function* (told) {
    try {
      yield "first";
      for (let count = 0; count < 50; count++) await turn();
      yield "second";
    } finally {
      told.push("returned");
    }
  },
  "an iterator that never gives more": (told) => {
    let count = 0;
    return {
      [Symbol.asyncIterator]: () => ({
        next: () =>
          count++ === 0
            ? Promise.resolve({ done: false, value: "first" })
            : new Promise<never>(() => {}),
        return: async () => {
          told.push("returned");
          return { done: true, value: undefined };
        },
      }),
    };
  },
  "a web stream that never gives more": (told) =>
    new ReadableStream<string>({
      start: (controller) => controller.enqueue("first"),
      cancel: () => {
        told.push("cancelled");
      },
    }) as unknown as ResponseSource,
};

for (const engine of availableEngines()) {
  describe(`responses to peers that go away, on ${engine}`, () => departed(engine));
}

function departed(engine: EngineName): void {
  for (const [what, source] of Object.entries(SILENT)) {
    it(`tell ${what}, and resolve false`, async (test) => {
      const told: string[] = [];
      let isWhole: boolean | undefined;
      const server = await httpServer(test, {
        engine,
        async onRequest(exchange) {
          isWhole = await exchange.respondStream(200, {}, source(told));
        },
      });
      const peer = await rawPeer(test, server);

      peer.send(GET);
      await peer.came("first");
      peer.socket.resetAndDestroy();
      await until(() => told.length > 0 && isWhole !== undefined);

      assert.equal(isWhole, false);
      assert.equal(told.length, 1);
    });
  }

  it("destroy a stream of Node's, also one whose response comes too late", async (test) => {
    const streams = [createReadStream(large), createReadStream(large)];
    const exchanges: HttpExchange[] = [];
    const server = await httpServer(test, {
      engine,
      onRequest(exchange) {
        exchanges.push(exchange);
      },
    });
    const peer = await rawPeer(test, server);
    peer.send(GET + GET);
    await until(() => exchanges.length === 2);
    const [first, second] = exchanges as [HttpExchange, HttpExchange];
    peer.socket.pause();

    const going = first.respondStream(200, {}, streams[0] as ResponseSource);
    peer.socket.resetAndDestroy();
    const results = [
      await going,
      await second.respondStream(200, {}, streams[1] as ResponseSource),
    ];

    assert.deepEqual(results, [false, false]);
    await until(() => streams.every(({ closed }) => closed));
  });

  it("let a loop of write and drained come to its end, with CONNECTION_CLOSED", async (test) => {
    const codes: string[] = [];
    let writeCount = 0;
    let isReady = false;
    const server = await httpServer(test, {
      engine,
      async onRequest(exchange) {
        const writer = exchange.startResponse(200);
        writer.write("first");
        await until(() => isReady);
        try {
          for (;;) {
            writeCount++;
            if (!writer.write("more")) await writer.drained();
          }
        } catch (error) {
          codes.push((error as NetError).code);
        }
      },
    });
    const peer = await rawPeer(test, server);

    peer.send(GET);
    await peer.came("first");
    peer.socket.resetAndDestroy();
    await until(() => server.connectionCount === 0);
    isReady = true;
    await until(() => codes.length > 0);

    assert.deepEqual(codes, ["CONNECTION_CLOSED"]);
    assert.equal(writeCount, 1);
  });

  it("end the same loop when a deadline has responded for it", async (test) => {
    const codes: string[] = [];
    let held: HttpExchange | undefined;
    const server = await httpServer(test, {
      engine,
      responseTimeoutMs: 20,
      onRequest: (exchange) => {
        held = exchange;
      },
    });
    const peer = await rawPeer(test, server);

    peer.send(GET);
    assert.equal((await peer.answer()).statusCode, 503);
    const writer = held?.startResponse(200);
    for (let count = 0; count < 10 && codes.length === 0; count++) {
      if (writer?.write("late") === true) continue;
      await writer?.drained().catch((error: NetError) => codes.push(error.code));
    }

    assert.deepEqual(codes, ["CONNECTION_CLOSED"]);
  });

  it("read no more of a file, and resolve", async (test) => {
    let statusCode: number | undefined;
    let sentBytes = 0;
    const server = await httpServer(test, {
      engine,
      async onRequest(exchange) {
        statusCode = await exchange.respondFile(large);
      },
      onClose: () => {
        sentBytes = server.stats.sentBytes;
      },
    });
    const peer = await rawPeer(test, server);
    peer.socket.pause();

    peer.send(GET);
    await until(() => server.stats.sentBytes > 0);
    peer.socket.resetAndDestroy();
    await until(() => statusCode !== undefined);

    assert.equal(statusCode, 200);
    assert.ok(sentBytes < 32_000_000, `${sentBytes}`);
  });

  it("let the process turn while a source never waits", async (test) => {
    let turnCount = 0;
    let isOver = false;
    function* tiny(): Generator<string> {
      for (let count = 0; count < 50_000; count++) yield "x";
    }
    const server = await httpServer(test, {
      engine,
      async onRequest(exchange) {
        await exchange.respondStream(200, {}, tiny());
        isOver = true;
      },
    });
    const peer = await rawPeer(test, server);

    peer.send(GET);
    await until(() => peer.received.length > 0);
    while (!isOver) {
      turnCount++;
      await turn();
    }

    assert.ok(turnCount > 100, `${turnCount}`);
  });
}
