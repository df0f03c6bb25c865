/** Peers that send ahead without pause don't keep others from their turn. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { EngineName } from "hp-socket";
import { availableEngines } from "../support/engine-list.js";
import { httpMemory } from "../support/http-memory.js";
import { httpServer, rawPeer } from "../support/http-world.js";
import { until } from "../support/until.js";

const request = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`;

for (const engine of availableEngines()) {
  describe(`turns of an HTTP server on ${engine}`, () => turns(engine));
}

function turns(engine: EngineName): void {
  it("have at most 64 requests of one connection, in their order", async (test) => {
    const counts: number[] = [];
    let count = 0;
    let number = 0;
    const endTurn = (): void => {
      counts.push(count);
      count = 0;
    };
    const server = await httpServer(test, {
      engine,
      onRequest(exchange) {
        if (count++ === 0) setImmediate(endTurn);
        exchange.respond(200, {}, `${number++}`);
      },
    });
    const peer = await rawPeer(test, server);

    peer.send(request("/").repeat(1_500));
    const bodies = (await peer.answers(1_500)).map(({ body }) => body);

    assert.deepEqual(bodies, [...bodies.keys()].map(String));
    assert.ok(Math.max(...counts) <= 64, `${Math.max(...counts)}`);
  });

  it("are given up early by handlers that take long", async (test) => {
    const counts: number[] = [];
    let count = 0;
    const endTurn = (): void => {
      counts.push(count);
      count = 0;
    };
    const server = await httpServer(test, {
      engine,
      onRequest(exchange) {
        if (count++ === 0) setImmediate(endTurn);
        const startMs = performance.now();
        while (performance.now() - startMs < 1);
        exchange.respond(200);
      },
    });
    const peer = await rawPeer(test, server);

    peer.send(request("/").repeat(128));
    await peer.answers(128);

    assert.ok(Math.max(...counts) <= 32, `${Math.max(...counts)}`);
  });

  it("come to a lone request while others send ahead without pause", async (test) => {
    let others = 0;
    let othersBefore = 0;
    const server = await httpServer(test, {
      engine,
      onRequest(exchange) {
        if (exchange.path === "/lone") othersBefore = others;
        else others++;
        exchange.respond(200);
      },
    });
    const busy = await Promise.all(Array.from({ length: 8 }, () => rawPeer(test, server)));
    const lone = await rawPeer(test, server);

    for (const peer of busy) peer.send(request("/").repeat(5_000));
    lone.send(request("/lone"));
    await lone.answer();
    await until(() => others === 40_000, 30_000);

    assert.ok(othersBefore < 30_000, `${othersBefore}`);
  });
}

describe("turns of an HTTP server in memory", () => {
  it("go on with what waits, whoever holds it up meanwhile", async () => {
    const world = await httpMemory({
      maxPipelined: 4,
      async onRequest(exchange) {
        if (exchange.id % 3 === 0) await Promise.resolve();
        exchange.respond(200, {}, `${exchange.id}`);
      },
    });
    const peer = await world.peer();

    await peer.send(request("/").repeat(500));
    await world.pass(0);

    const ids = [...peer.received.matchAll(/\r\n\r\n(\d+)(?=HTTP|$)/g)].map(([, id]) => Number(id));
    assert.deepEqual(
      ids,
      ids.map((_, index) => index + 1),
    );
    assert.equal(ids.length, 500);
  });
});
