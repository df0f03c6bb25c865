/** What connections of an HTTP server have while they are idle: nothing that only a request needs. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import v8 from "node:v8";
import type { HttpExchange } from "hp-socket/http";
import { RequestPipeline } from "#src/http/server/request-pipeline.js";
import { ServerExchange } from "#src/http/server/server-exchange.js";
import { RequestParser } from "#src/protocol/http1/parsing/request-parser.js";
import { httpMemory } from "../../support/http-memory.js";

const GET = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

const { queryObjects } = v8 as unknown as {
  queryObjects?: (type: unknown, options: { format: "summary" }) => string[];
};

/** What those that are counted are alike in, so that one look at the memory finds them all: it takes long. */
class Counted {}
const COUNTED = [RequestPipeline, RequestParser, ServerExchange];
for (const { prototype } of COUNTED) {
  let top: object = prototype;
  while (Object.getPrototypeOf(top) !== Object.prototype) top = Object.getPrototypeOf(top);
  if (top !== Counted.prototype) Object.setPrototypeOf(top, Counted.prototype);
}

/** Living objects of each of the classes. */
function livingCounts(): number[] {
  const found = queryObjects?.(Counted, { format: "summary" }) ?? [];
  // An object that leads to itself has a mark before its name.
  const names = found.map((text) => /^(?:<ref \*\d+> )?(\w+) \{/.exec(text)?.[1]);
  return COUNTED.map(({ name }) => names.filter((each) => each === name).length);
}

describe("idle connections of an HTTP server", {
  skip: queryObjects === undefined ? "Node can't count" : false,
}, () => {
  it("share a parser", async () => {
    const before = livingCounts();
    const world = await httpMemory({ onRequest: (exchange) => exchange.respond(200) });
    const peers = [];
    for (let count = 0; count < 50; count++) peers.push(await world.peer());

    for (const peer of peers) await peer.send(GET + GET);
    const after = livingCounts();

    assert.deepEqual(
      after.map((count, index) => count - (before[index] as number)),
      [1, 1, 0],
    );
    for (const peer of peers) assert.equal(peer.received.match(/HTTP\/1\.1 200/g)?.length, 2);
  });

  it("share it with those that leave HTTP, and nothing of these is left in it", async () => {
    const before = livingCounts();
    const received: string[] = [];
    const world = await httpMemory({
      onRequest(exchange) {
        if (!exchange.isUpgrade) exchange.respond(200, {}, exchange.headers.get("x-a") ?? "none");
        else {
          const receiver = {
            onReceive: (_: unknown, bytes: Buffer) => void received.push(`${bytes}`),
          };
          exchange.upgrade(receiver, { Upgrade: "x" });
        }
      },
    });
    const upgrade = GET.replace("Host", "Connection: Upgrade\r\nUpgrade: x\r\nX-A: secret\r\nHost");
    for (let count = 0; count < 20; count++) await (await world.peer()).send(`${upgrade}early`);
    const after = livingCounts();
    const other = await world.peer();
    await other.send(GET);

    assert.deepEqual(
      after.map((count, index) => count - (before[index] as number)),
      [1, 1, 0],
    );
    assert.deepEqual(received, new Array(20).fill("early"));
    assert.match(other.received, /\r\n\r\nnone$/);
  });

  it("keep one in the middle of a message only", async () => {
    const [, before = 0] = livingCounts();
    const waiting: HttpExchange[] = [];
    const world = await httpMemory({
      onRequest: (exchange) => {
        waiting.push(exchange);
      },
    });
    const peers = [await world.peer(), await world.peer(), await world.peer()];

    await peers[0]?.send(GET.slice(0, 10));
    await peers[1]?.send(GET);
    await peers[2]?.send("\r\n");
    assert.equal((livingCounts()[1] as number) - before, 3);
    await peers[0]?.send(GET.slice(10));
    await peers[2]?.send(GET);
    for (const exchange of waiting) exchange.respond(200, {}, exchange.path);
    await world.pass(0);
    await peers[1]?.send(GET);
    waiting.at(-1)?.respond(200, {}, "again");
    await world.pass(0);

    assert.equal(world.server.stats.exchangeCount, 0);
    for (const peer of peers) assert.match(peer?.received ?? "", /\r\n\r\n\//);
    assert.match(peers[1]?.received ?? "", /again$/);
  });

  it("leave nothing of one connection to the next", async () => {
    const codes: string[] = [];
    const world = await httpMemory({
      onRequest: (exchange) => exchange.respond(200, {}, exchange.headers.get("x-a") ?? "none"),
      onParseError: (_connection, error) => codes.push(error.code),
    });
    const [broken, other, third] = [await world.peer(), await world.peer(), await world.peer()];

    await other.send(GET.replace("Host", "X-A: secret\r\nHost"));
    await broken.send("what?\r\n\r\n");
    await third.send(GET);
    await other.send(GET);

    assert.deepEqual(codes, ["HTTP_MALFORMED"]);
    assert.match(other.received, /secret[\s\S]*none$/);
    assert.match(third.received, /\r\n\r\nnone$/);
  });

  it("hold requests to the limits of the time in which they come", async () => {
    const world = await httpMemory({ onRequest: (exchange) => exchange.respond(200) });
    const peer = await world.peer();

    await peer.send(GET);
    world.server.configure({ maxHeadBytes: 64 });
    await peer.send(GET.replace("Host", `X-A: ${"x".repeat(100)}\r\nHost`));

    assert.match(peer.received, /HTTP\/1\.1 200 [\s\S]*HTTP\/1\.1 431 /);
  });
});
