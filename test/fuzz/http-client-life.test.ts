/**
 * Random lives of client connections: servers that respond, finish, reset, stall or talk nonsense at any
 * moment, requests of every kind that are called off at any moment. Every request settles, every source
 * is told, nothing is left.
 */
import assert from "node:assert/strict";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { NetError } from "hp-socket";
import { HttpAgent, type HttpRequestOptions } from "hp-socket/http";
import { availableEngines } from "../support/engine-list.js";
import { fuzzRuns } from "../support/fuzz-runs.js";
import { Random } from "../support/random.js";
import { until } from "../support/until.js";

const ROUNDS = fuzzRuns(60);
const REQUESTS = 24;

/** What a server does with one request. */
const DEEDS: readonly ((socket: Socket, random: Random) => void)[] = [
  (socket) => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
  (socket) => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
  (socket) => socket.write("HTTP/1.1 204 No\r\n\r\n"),
  (socket) =>
    socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
  (socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
  (socket) => socket.end("HTTP/1.1 200 OK\r\n\r\nok"),
  (socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"),
  (socket) => socket.end(),
  (socket) => socket.resetAndDestroy(),
  (socket) => {
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n");
    socket.write(Buffer.alloc(300_000));
  },
  (socket) => {
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok");
    setImmediate(() => socket.resetAndDestroy());
  },
  (socket) => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n"),
  (socket) => socket.write("nonsense\r\n\r\n"),
  (socket) =>
    socket.write("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
  (socket) => socket.write("HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nmore"),
  () => undefined,
];

/** A server that does something at random for each head that comes. */
async function erratic(test: TestContext, random: Random): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    socket.on("end", () => socket.end());
    socket.on("data", (bytes) => {
      const headCount = bytes.toString("latin1").split("HTTP/1.1\r\n").length - 1;
      for (let count = 0; count < headCount && !socket.destroyed; count++) {
        random.pick(DEEDS)(socket, random);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  test.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/** Sources that were opened, and not yet ended. */
class Sources {
  openCount = 0;

  async *chunks(count: number): AsyncGenerator<string> {
    this.openCount++;
    try {
      for (let index = 0; index < count; index++) {
        if (index % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
        yield "x".repeat(1 + index * 100);
      }
    } finally {
      this.openCount--;
    }
  }
}

async function ask(
  agent: HttpAgent,
  url: string,
  random: Random,
  sources: Sources,
): Promise<string> {
  const controller = new AbortController();
  const options: HttpRequestOptions = {
    url,
    method: random.pick(["GET", "PUT", "POST", "HEAD"]),
    signal: controller.signal,
    timeoutMs: random.pick([0, 20, 200]),
    headTimeoutMs: 300,
    bodyTimeoutMs: 300,
    expectContinue: random.integer(0, 5) === 0,
    ...(random.integer(0, 5) === 0 && { upgrade: "x" }),
  };
  const body = random.pick([
    undefined,
    "text",
    Buffer.alloc(100_000),
    sources.chunks(random.integer(0, 40)),
  ]);
  const whole =
    options.method === "GET" || options.method === "HEAD"
      ? options
      : { ...options, body: body ?? null };
  const turns = random.integer(0, 30);
  const callOff = async (): Promise<void> => {
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
    controller.abort();
  };
  if (random.integer(0, 2) === 0) void callOff();
  const response = await agent.request(whole);
  const { upgraded } = response;
  if (upgraded !== undefined) {
    if (random.integer(0, 1) === 0) upgraded.read().discard();
    upgraded.connection.abort();
    return "upgraded";
  }
  if (random.integer(0, 3) === 0) response.body.discard();
  else await response.text();
  return "done";
}

for (const engine of availableEngines()) {
  describe(`random lives of HTTP client connections on ${engine}`, () => {
    it("settle every request, tell every source, and leave nothing", {
      timeout: 300_000,
    }, async (test) => {
      for (let seed = 1; seed <= ROUNDS; seed++) {
        const random = new Random(seed);
        const url = await erratic(test, random);
        const sources = new Sources();
        const agent = new HttpAgent({
          engine,
          maxConnectionsPerOrigin: random.integer(1, 6),
          queueTimeoutMs: 5_000,
        });

        const asked = Array.from({ length: REQUESTS }, () => ask(agent, url, random, sources));
        const results = await Promise.allSettled(asked);
        const idle = agent.stats;
        await agent.stop({ drainMs: random.pick([0, 50]) });

        for (const result of results) {
          if (result.status === "rejected")
            assert.ok(result.reason instanceof NetError, String(result.reason));
        }
        // One that waits for something of its own hears of the end when it has that.
        await until(() => sources.openCount === 0);
        assert.equal(idle.queuedCount, 0, `requests wait for ever with seed ${seed}`);
        assert.deepEqual(
          [agent.stats.connectionCount, agent.stats.originCount],
          [0, 0],
          `seed ${seed}`,
        );
      }
    });
  });
}
