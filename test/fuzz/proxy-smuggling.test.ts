/**
 * Sound, nearly sound and broken messages through the proxy, both ways. Parsers of another kind stand at both ends: what
 * leaves the proxy is one sound message for each that the proxy has taken, or there is none.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, type IncomingMessage, request as requestByNode } from "node:http";
import { type AddressInfo, createConnection, createServer } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { type AccessRecord, type ProxyRequest, ProxyServer } from "hp-socket/proxy";
import { availableEngines } from "../support/engine-list.js";
import { fuzzRuns } from "../support/fuzz-runs.js";
import { bodyOf, nodeServer } from "../support/http-scripted-server.js";
import { messageStream } from "../support/http1-corpus.js";
import { Random } from "../support/random.js";
import { until } from "../support/until.js";

const STREAMS = fuzzRuns(1_000);
const AT_A_TIME = 25;

for (const engine of availableEngines()) {
  for (const isShown of [false, true]) {
    describe(`messages through a proxy on ${engine}, ${isShown ? "past handlers" : "straight"}`, () => {
      it("reach the origin as the requests that the proxy has taken, or not at all", {
        timeout: 120_000,
      }, async (test) => {
        const seen: string[] = [];
        const faults: string[] = [];
        const origin = await nodeServer(test, async (request, response) => {
          const body = await bodyOf(request).catch(() => undefined);
          if (body !== undefined) seen.push(`${request.method} ${request.url} ${body.length}`);
          response.end("taken");
        });
        origin.server.on("connect", (request, socket) => {
          faults.push(`CONNECT ${request.url}`);
          socket.destroy();
        });
        origin.server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
          // It knows fewer methods than there are.
          const isSound = ["HPE_INVALID_METHOD", "ECONNRESET", "EPIPE"].includes(error.code ?? "");
          if (!isSound) faults.push(`${error.code} ${error.message}`);
          socket.destroy();
        });
        const asked: string[] = [];
        const records: AccessRecord[] = [];
        const proxy = new ProxyServer({
          engine,
          destinations: { allow: ["127.0.0.1"] },
          ...(isShown && {
            onRequest: ({ method, url }: ProxyRequest) =>
              void asked.push(`${method} ${pathOf(url)}`),
          }),
          onTunnel: () => false,
          onHandlerError: (error) => faults.push(error.message),
          onAccess: (record) => {
            records.push(record);
            if (!isShown) asked.push(`${record.method} ${pathOf(record.target)}`);
          },
        });
        test.after(() => proxy.stop({ drainMs: 0 }));
        await proxy.listen();

        await inTurns(STREAMS, async (seed) => {
          const random = new Random(seed);
          const stream = toOrigin(messageStream(random, "request"), origin.port);
          await spoken(test, proxy.port, stream);
        });
        await until(() => proxy.connectionCount === 0);

        assert.deepEqual(faults, []);
        // Each is one that the application has seen; a mutated one may not have reached the origin.
        const isAsked = new Map<string, number>();
        for (const one of asked) isAsked.set(one, (isAsked.get(one) ?? 0) + 1);
        for (const one of seen) {
          const [method, path = ""] = one.split(" ");
          const key = `${method} ${path === "*" ? "/" : path.replace(/\?.*/, "")}`;
          const count = isAsked.get(key) ?? 0;
          assert.ok(count > 0, `the proxy was not asked for ${one}`);
          isAsked.set(key, count - 1);
        }
        assert.ok(seen.length > STREAMS / 10, `only ${seen.length} of ${STREAMS} arrived`);
        assert.ok(records.some(({ status }) => status === 400));
      });

      it("come back as one response each, or not at all", { timeout: 120_000 }, async (test) => {
        let stream: Buffer = Buffer.alloc(0);
        const origin = createServer((socket) => {
          socket.on("error", () => {});
          socket.once("data", () => socket.end(stream));
        });
        test.after(() => origin.close());
        origin.listen(0, "127.0.0.1");
        await once(origin, "listening");
        const { port } = origin.address() as AddressInfo;
        const faults: string[] = [];
        const proxy = new ProxyServer({
          engine,
          destinations: { allow: ["127.0.0.1"] },
          ...(isShown && { onResponse() {} }),
          onHandlerError: (error) => faults.push(error.message),
        });
        test.after(() => proxy.stop({ drainMs: 0 }));
        await proxy.listen();
        const ends = new Map<string, number>();

        for (let seed = 1; seed <= STREAMS / 2; seed++) {
          stream = messageStream(new Random(seed), "response");
          const end = await askedByNode(proxy.port, port);
          assert.doesNotMatch(end, /^HPE_/, `seed ${seed}: ${stream.toString("latin1")}`);
          ends.set(end, (ends.get(end) ?? 0) + 1);
        }

        assert.deepEqual(faults, []);
        assert.ok(
          (ends.get("200") ?? 0) > STREAMS / 25 && (ends.get("502") ?? 0) > STREAMS / 25,
          `${[...ends]}`,
        );
      });
    });
  }
}

/** Runs `count` tasks, some at a time. */
async function inTurns(count: number, task: (seed: number) => Promise<void>): Promise<void> {
  for (let first = 1; first <= count; first += AT_A_TIME) {
    const seeds = Array.from(
      { length: Math.min(AT_A_TIME, count - first + 1) },
      (_, at) => first + at,
    );
    await Promise.all(seeds.map(task));
  }
}

function pathOf(url: string): string {
  const path = url.replace(/^http:\/\/[^/?]*/i, "").replace(/\?.*/, "");
  return path === "" ? "/" : path;
}

/** Gives the request lines of a stream whole URLs. */
function toOrigin(stream: Buffer, port: number): Buffer {
  const text = stream
    .toString("latin1")
    .replaceAll(/^([A-Z]+ )(\/\S*)(?= HTTP)/gm, `$1http://127.0.0.1:${port}$2`)
    .replaceAll(/^([A-Z]+ )http:\/\/a(?=[/ ])/gm, `$1http://127.0.0.1:${port}`);
  return Buffer.from(text, "latin1");
}

/** Sends a stream and its end; resolves when the proxy has closed. */
async function spoken(test: TestContext, port: number, stream: Buffer): Promise<void> {
  const socket = createConnection(port, "127.0.0.1");
  test.after(() => socket.destroy());
  socket.on("error", () => {});
  socket.resume();
  socket.end(stream);
  await new Promise((resolve) => socket.once("close", resolve));
}

/** What a client of Node gets by the proxy: a status, or the code of an error. */
async function askedByNode(proxyPort: number, port: number): Promise<string> {
  const agent = new Agent({ keepAlive: false });
  const path = `http://127.0.0.1:${port}/`;
  const request = requestByNode({ host: "127.0.0.1", port: proxyPort, path, agent });
  // It may be reset behind its response as well.
  request.on("error", () => {});
  request.end();
  try {
    const [response] = (await once(request, "response")) as [IncomingMessage];
    await bodyOf(response);
    return String(response.statusCode);
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}
