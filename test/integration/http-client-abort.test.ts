/**
 * A request that is called off, by its signal or by its time, at each moment of its life, over each face of the
 * client: it ends with the right error, the connection is not used again in a state that nobody knows, and nothing is
 * left: no connection, no wait, no listener on the signal, no source of a body that was not told.
 */
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { Readable } from "node:stream";
import { describe, it, type TestContext } from "node:test";
import { gzipSync } from "node:zlib";
import type { EngineName } from "hp-socket";
import {
  createFetch,
  HttpAgent,
  type HttpAgentOptions,
  HttpClient,
  type HttpFetchInit,
  type HttpFollowOptions,
} from "hp-socket/http";
import { chooseEngine } from "#src/engine/choose-engine.js";
import type { Engine } from "#src/engine/engine.js";
import { availableEngines } from "../support/engine-list.js";
import {
  type ScriptedPeer,
  type ScriptedServer,
  scriptedServer,
} from "../support/http-scripted-server.js";
import { until } from "../support/until.js";

/** How a request is asked for: resolves when all of the response was read. */
interface Face {
  readonly name: string;
  /** Whether it makes its connection with the request, follows redirects, decodes, waits for a connection. */
  readonly does: ReadonlySet<Ability>;
  /** Whether it is tried with `timeoutMs`, too: that is the same on all of them. */
  readonly isTimed?: boolean;
  /** Rejects as `fetch` does. */
  readonly isWeb: boolean;
  ask(world: World, target: string, options: HttpFollowOptions): Promise<string>;
}

type Ability = "connects" | "follows" | "decodes" | "queues";

/** What asks, and what it is to leave behind. */
interface World {
  readonly agent: HttpAgent;
  readonly client: HttpClient;
  /** Rejections of what was asked before. */
  readonly server: ScriptedServer;
}

const FACES: readonly Face[] = [
  {
    name: "agent.request",
    does: new Set(["connects", "queues"]),
    isWeb: false,
    async ask({ agent }, url, options) {
      return (await agent.request({ ...options, url })).text();
    },
  },
  {
    name: "agent.follow",
    isTimed: true,
    does: new Set(["connects", "queues", "follows", "decodes"]),
    isWeb: false,
    async ask({ agent }, url, options) {
      return (await agent.follow(url, options)).text();
    },
  },
  {
    name: "agent.fetch",
    does: new Set(["connects", "queues", "follows", "decodes"]),
    isWeb: true,
    async ask({ agent }, url, options) {
      return (await agent.fetch(url, options as HttpFetchInit)).text();
    },
  },
  {
    name: "createFetch, a Request",
    does: new Set(["connects", "queues", "follows", "decodes"]),
    isWeb: true,
    async ask({ agent }, url, { signal, method, body, headers, ...options }) {
      const init = { signal, method, body, headers, duplex: "half" } as RequestInit;
      const request = new Request(url, init);
      return (await createFetch(agent)(request, options as HttpFetchInit)).text();
    },
  },
  {
    name: "client.request",
    isTimed: true,
    does: new Set(),
    isWeb: false,
    async ask({ client }, url, options) {
      const { pathname } = new URL(url);
      const response = await client.request({ ...options, path: pathname });
      return response.text();
    },
  },
];

/** Where a request stands when it is called off. */
interface Moment {
  readonly name: string;
  readonly needs?: Ability;
  /** Of a scheme, port and path of its own. */
  readonly target?: (server: ScriptedServer) => string;
  readonly agent?: (server: ScriptedServer) => HttpAgentOptions;
  readonly options?: () => HttpFollowOptions & { told?: () => boolean };
  readonly script: (peer: ScriptedPeer) => Promise<unknown>;
  /** Whether it stands there. */
  readonly isReached: (server: ScriptedServer, world: World) => boolean;
  /** Connections that are left: those of others. */
  readonly left?: number;
  /** Only by the signal. */
  readonly isBefore?: boolean;
  readonly prepare?: (world: World) => Promise<void>;
}

const BLOCK = new Uint8Array(65_536).fill(0x78);
/** More than the kernel takes of a peer that does not read. */
const LARGE = Buffer.alloc(5_000_000, "x");
const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const silent = (peer: ScriptedPeer): Promise<void> => peer.ended();
const headCame = ({ peers }: ScriptedServer): boolean =>
  peers.at(-1)?.received.includes("\r\n\r\n") === true;

/** Answers the request with `text`, and says no more. */
const says = (text: string) => async (peer: ScriptedPeer) => {
  await peer.request();
  peer.send(text);
  await peer.ended();
};

/** A body of every form, without end where that can be, and whether its source was told. */
const UPLOADS: readonly (readonly [string, () => HttpFollowOptions & { told?: () => boolean }])[] =
  [
    ["bytes", () => ({ body: LARGE })],
    [
      "form data",
      () => {
        const form = new FormData();
        form.set("file", new Blob([LARGE]), "f");
        return { body: form };
      },
    ],
    [
      "a generator",
      () => {
        let isTold = false;
        async function* blocks(): AsyncGenerator<Uint8Array> {
          try {
            for (;;) yield BLOCK;
          } finally {
            isTold = true;
          }
        }
        return { body: blocks(), told: () => isTold };
      },
    ],
    [
      "a stream of Node",
      () => {
        const stream = new Readable({
          read() {
            this.push(BLOCK);
          },
        });
        return { body: stream, told: () => stream.destroyed };
      },
    ],
    [
      "a stream of the web",
      () => {
        let isTold = false;
        const stream = new ReadableStream<Uint8Array>({
          pull: (controller) => controller.enqueue(new Uint8Array(BLOCK)),
          cancel() {
            isTold = true;
          },
        });
        return { body: stream, told: () => isTold };
      },
    ],
  ];

/** A source that never gives anything. */
function never(): HttpFollowOptions & { told: () => boolean } {
  let isTold = false;
  const body = new ReadableStream<Uint8Array>({
    cancel() {
      isTold = true;
    },
  });
  return { method: "PUT", body, told: () => isTold };
}

const MOMENTS: readonly Moment[] = [
  {
    name: "before it is asked for",
    isBefore: true,
    script: silent,
    isReached: () => true,
  },
  {
    name: "in the look-up",
    needs: "connects",
    target: ({ port }) => `http://silent.example:${port}/`,
    script: silent,
    isReached: () => true,
  },
  {
    name: "in the look-up, with a source",
    needs: "connects",
    target: ({ port }) => `http://silent.example:${port}/`,
    options: never,
    script: silent,
    isReached: () => true,
  },
  { name: "while it connects", needs: "connects", script: silent, isReached: () => true },
  {
    name: "in the greeting of a SOCKS proxy",
    needs: "connects",
    agent: ({ port }) => ({ proxy: `socks5://127.0.0.1:${port}` }),
    script: silent,
    isReached: ({ peers }) => peers[0]?.received.startsWith("\x05") === true,
  },
  {
    name: "in the CONNECT of a proxy",
    needs: "connects",
    target: () => "https://localhost:1/",
    agent: ({ port }) => ({ proxy: `http://127.0.0.1:${port}` }),
    script: silent,
    isReached: headCame,
  },
  {
    name: "in half a response of a proxy to CONNECT",
    needs: "connects",
    target: () => "https://localhost:1/",
    agent: ({ port }) => ({ proxy: `http://127.0.0.1:${port}` }),
    script: says("HTTP/1.1 200 Conn"),
    isReached: headCame,
  },
  {
    name: "in the handshake of TLS",
    needs: "connects",
    target: ({ port }) => `https://localhost:${port}/`,
    script: silent,
    isReached: ({ peers }) => (peers[0]?.received.length ?? 0) > 100,
  },
  {
    name: "in the handshake of TLS behind a proxy",
    needs: "connects",
    target: () => "https://localhost:1/",
    agent: ({ port }) => ({ proxy: `http://127.0.0.1:${port}` }),
    script: says("HTTP/1.1 200 OK\r\n\r\n"),
    isReached: ({ peers }) => (peers[0]?.received.split("\r\n\r\n")[1]?.length ?? 0) > 100,
  },
  {
    name: "while it waits for a connection",
    needs: "queues",
    agent: () => ({ maxConnectionsPerOrigin: 1 }),
    options: never,
    script: silent,
    async prepare({ agent, server }) {
      const url = `${server.origin}/holds`;
      agent.request({ url }).catch(() => {});
      await until(() => headCame(server));
    },
    isReached: (_server, { agent }) => agent.stats.queuedCount === 1,
    left: 1,
  },
  { name: "behind the head", script: silent, isReached: headCame },
  {
    name: "while it waits for 100",
    options: () => ({ ...never(), expectContinue: true }),
    agent: () => ({ continueTimeoutMs: 60_000 }),
    script: silent,
    isReached: headCame,
  },
  {
    name: "behind an interim response",
    script: says("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
    isReached: headCame,
  },
  { name: "in the status line", script: says("HTTP/1.1 20"), isReached: headCame },
  { name: "in the head", script: says("HTTP/1.1 200 OK\r\nContent-Le"), isReached: headCame },
  {
    name: "behind the head of the response",
    script: says("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"),
    isReached: headCame,
  },
  {
    name: "in the body",
    script: says("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"),
    isReached: headCame,
  },
  { name: "in the size of a chunk", script: says(`${CHUNKED}4\r\nhalf\r\n1`), isReached: headCame },
  { name: "in a chunk", script: says(`${CHUNKED}8\r\nhalf`), isReached: headCame },
  {
    name: "in the trailers",
    script: says(`${CHUNKED}4\r\nhalf\r\n0\r\nX-Sum: 1`),
    isReached: headCame,
  },
  {
    name: "in a body without length",
    script: says("HTTP/1.1 200 OK\r\n\r\nhalf"),
    isReached: headCame,
  },
  {
    name: "in a body that is decoded",
    needs: "decodes",
    script: async (peer) => {
      await peer.request();
      peer.send("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1000\r\n\r\n");
      peer.send(gzipSync("half").subarray(0, 15));
      await peer.ended();
    },
    isReached: headCame,
  },
  {
    name: "in the body of a redirect",
    needs: "follows",
    script: async (peer) => {
      if (!(await peer.request()).startsWith("GET /b ")) {
        peer.send("HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 10\r\n\r\nhalf");
      }
      await peer.ended();
    },
    isReached: ({ peers }) => peers.some(({ received }) => received.includes("GET /b ")),
  },
  {
    name: "behind a redirect",
    needs: "follows",
    script: async (peer) => {
      await peer.request();
      peer.send("HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n");
      await peer.request().catch(() => {});
      await peer.ended();
    },
    isReached: ({ peers }) => peers.some(({ received }) => received.includes("GET /b ")),
  },
  ...UPLOADS.map(
    ([name, options]): Moment => ({
      name: `while it sends ${name}`,
      options: () => ({ method: "PUT", ...options() }),
      script: async (peer) => {
        // No more is read: what the kernel does not take stays with the client.
        peer.socket.once("data", () => peer.socket.pause());
        await until(() => peer.isClosed);
      },
      isReached: ({ peers }) => (peers.at(-1)?.received.length ?? 0) > 0,
    }),
  ),
  {
    name: "while its source gives nothing",
    options: never,
    script: silent,
    isReached: headCame,
  },
  {
    name: "while its source gives nothing, in the body of the response",
    options: never,
    script: async (peer) => {
      await until(() => peer.received.includes("\r\n\r\n"));
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
      await peer.ended();
    },
    isReached: headCame,
  },
];

/** An engine to which one name never resolves. */
function engineFor(name: EngineName): Engine {
  const engine = chooseEngine(name);
  return new Proxy(engine, {
    get(target, key) {
      if (key === "resolve") {
        return (host: string, signal?: AbortSignal) =>
          host === "silent.example"
            ? new Promise((_resolve, reject) => {
                signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
              })
            : target.resolve(host, signal);
      }
      const value = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

type Means = "signal" | "timeoutMs";

async function check(
  test: TestContext,
  engine: EngineName,
  face: Face,
  moment: Moment,
  means: Means,
): Promise<void> {
  let isOver = false;
  const server = await scriptedServer(test, async (peer) => {
    // A request that is called off may not come whole.
    if (!isOver) return await moment.script(peer).catch(() => undefined);
    // A connection that was called off may be seen only now.
    for (;;) {
      const request = await peer.request().catch(() => undefined);
      if (request === undefined) return undefined;
      peer.answer("fresh");
    }
  });
  const shared: HttpAgentOptions = {
    engine: engineFor(engine) as never,
    ...moment.agent?.(server),
  };
  const { proxy, maxConnectionsPerOrigin, ...numbers } = shared;
  const agent = new HttpAgent(shared);
  const client = new HttpClient(numbers as never);
  const world = { agent, client, server };
  test.after(() => agent.stop({ drainMs: 0 }));
  test.after(() => client.stop());
  if (!face.does.has("connects")) await client.connect(server.origin);
  await moment.prepare?.(world);
  const controller = new AbortController();
  const { signal } = controller;
  const cause = new Error("enough");
  const { told, ...options } = moment.options?.() ?? {};
  const by: HttpFollowOptions = means === "signal" ? { signal } : { timeoutMs: 60 };
  const target = moment.target?.(server) ?? `${server.origin}/asked`;

  if (moment.isBefore === true) controller.abort(cause);
  let error: unknown;
  const asked = face.ask(world, target, { ...options, ...by }).then(
    () => assert.fail("it resolved"),
    (reason: unknown) => {
      error = reason;
    },
  );
  if (means === "signal" && moment.isBefore !== true) {
    await until(() => moment.isReached(server, world) || error !== undefined);
    for (let turn = 0; turn < 5; turn++) await new Promise((next) => setImmediate(next));
    assert.equal(error, undefined);
    controller.abort(cause);
  }
  await asked;

  const { code } = error as { code?: string };
  if (means === "timeoutMs") assert.equal(code, "REQUEST_TIMEOUT");
  else if (face.isWeb) assert.equal(error, cause);
  else {
    assert.equal(code, "ABORTED");
    assert.equal((error as Error).cause, cause);
  }
  if (moment.isBefore === true) {
    assert.equal(client.isOpen, !face.does.has("connects"));
    return;
  }
  assert.equal(getEventListeners(signal, "abort").length, 0);
  const left = moment.left ?? 0;
  await until(
    () =>
      agent.stats.connectionCount === left && (client.connection?.state ?? "closed") === "closed",
  );
  assert.equal(agent.stats.queuedCount, 0);
  if (told !== undefined) await until(told);
  await until(() => {
    for (const { socket } of server.peers) socket.resume();
    return server.peers.filter(({ isClosed, hasEnded }) => !isClosed && !hasEnded).length === left;
  });

  isOver = true;
  if (proxy !== undefined || left > 0) return;
  if (!face.does.has("connects")) await client.connect(server.origin);
  assert.equal(await face.ask(world, `${server.origin}/next`, {}), "fresh");
}

for (const engine of availableEngines()) {
  for (const face of FACES) {
    describe(`${face.name} on ${engine}`, { concurrency: 8 }, () => {
      for (const moment of MOMENTS) {
        if (moment.needs !== undefined && !face.does.has(moment.needs)) continue;
        for (const means of ["signal", "timeoutMs"] as const) {
          if (means === "timeoutMs" && (moment.isBefore === true || !face.isTimed)) continue;
          it(`is called off by ${means} ${moment.name}`, { timeout: 20_000 }, (test) =>
            check(test, engine, face, moment, means),
          );
        }
      }
    });
  }
}
