/** Sources of uploads: when they are told that nothing more is wanted, in whose context they run, and who else runs. */
import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { Readable } from "node:stream";
import { describe, it, type TestContext } from "node:test";
import type { EngineName } from "hp-socket";
import type { BodyChunks, HttpAgent, HttpRequestOptions } from "hp-socket/http";
import { availableEngines } from "../support/engine-list.js";
import { httpAgent } from "../support/http-client-world.js";
import {
  bodyOf,
  nodeServer,
  type ScriptedServer,
  scriptedServer,
} from "../support/http-scripted-server.js";
import { until } from "../support/until.js";

const BLOCK = Buffer.alloc(65_536, "x");

/** A source, and what it was told. */
class Told {
  readonly body: ReadableStream<Uint8Array> | BodyChunks;
  isAsked = false;
  isEnded = false;

  constructor(makeBody: (told: Told) => Told["body"]) {
    this.body = makeBody(this);
  }
}

/** Sources that have more than anybody takes, or wait for ever. */
const SOURCES: Readonly<Record<string, (told: Told) => Told["body"]>> = {
  "an async generator": async function* (told) {
    try {
      for (;;) {
        told.isAsked = true;
        yield BLOCK;
      }
    } finally {
      told.isEnded = true;
    }
  },
  "a generator": function* (told) {
    try {
      for (;;) {
        told.isAsked = true;
        yield BLOCK;
      }
    } finally {
      told.isEnded = true;
    }
  },
  "a web stream that has nothing at the moment": (told) =>
    new ReadableStream<Uint8Array>({
      pull: (controller) => {
        if (told.isAsked) return new Promise(() => {});
        told.isAsked = true;
        controller.enqueue(BLOCK);
        return undefined;
      },
      cancel: () => {
        told.isEnded = true;
      },
    }),
  "a stream of Node that has nothing at the moment": (told) =>
    new Readable({
      read() {
        if (!told.isAsked) this.push(BLOCK);
        told.isAsked = true;
      },
      destroy(error, done) {
        told.isEnded = true;
        done(error);
      },
    }),
  "an iterator": (told) => ({
    [Symbol.asyncIterator]: () => ({
      next: async () => {
        told.isAsked = true;
        return { done: false, value: BLOCK };
      },
      return: async () => {
        told.isEnded = true;
        return { done: true, value: undefined };
      },
    }),
  }),
};

interface World {
  readonly server: ScriptedServer;
  readonly agent: HttpAgent;
}

/** A server that takes the head of a request and nothing of its body. */
async function unwilling(test: TestContext, engine: EngineName): Promise<World> {
  const server = await scriptedServer(test, async (peer) => {
    await until(() => peer.received.includes("\r\n\r\n") || peer.isClosed);
    peer.socket.pause();
  });
  return { server, agent: httpAgent(test, { engine }) };
}

/** How a request ends, once its body is on its way: what is asked for besides, and what ends it. */
type EndOf = (
  world: World,
  timeoutMs: number,
) => { options: Partial<HttpRequestOptions>; end: () => void };

const ENDS: Readonly<Record<string, EndOf>> = {
  "its signal": () => {
    const controller = new AbortController();
    return { options: { signal: controller.signal }, end: () => controller.abort() };
  },
  "its time": (_, timeoutMs) => ({ options: { timeoutMs }, end: () => {} }),
  "a reset of the server": ({ server }) => ({
    options: {},
    end: () => server.peers[0]?.reset(),
  }),
};

/** Whether a source was told before its request rejected; undefined: that did so before it asked the source. */
async function isTold(
  world: World,
  told: Told,
  { options, end }: ReturnType<EndOf>,
): Promise<boolean | undefined> {
  const { origin: url, peers } = world.server;
  let isOver = false;
  const wasEnded = world.agent.request({ url, method: "PUT", body: told.body, ...options }).then(
    () => assert.fail("there was a response"),
    () => {
      isOver = true;
      return told.isEnded;
    },
  );
  await until(
    () => isOver || (told.isAsked && peers.some(({ received }) => received.includes("PUT"))),
  );
  end();
  const wasTold = await wasEnded;
  return told.isAsked ? wasTold : undefined;
}

function endings(engine: EngineName): void {
  for (const [what, make] of Object.entries(SOURCES)) {
    for (const [how, plan] of Object.entries(ENDS)) {
      it(`has been told before the request rejects: ${what}, ended by ${how}`, async (test) => {
        const world = await unwilling(test, engine);
        let wasTold: boolean | undefined;
        // On a busy machine the time may be over too early: then there is more of it.
        for (let timeoutMs = 60; wasTold === undefined && timeoutMs < 20_000; timeoutMs *= 4) {
          wasTold = await isTold(world, new Told(make), plan(world, timeoutMs));
        }

        assert.equal(wasTold, true);
      });
    }

    it(`is told when its request never gets a connection: ${what}`, async (test) => {
      const server = await scriptedServer(test, (peer) => peer.ended());
      const agent = httpAgent(test, { engine, maxConnectionsPerOrigin: 1 });
      agent.request({ url: server.origin }).catch(() => {});
      const told = new Told(make);

      const asked = agent.request({
        url: server.origin,
        method: "PUT",
        body: told.body,
        timeoutMs: 30,
      });

      await assert.rejects(asked, { code: "REQUEST_TIMEOUT" });
      // A generator that was never asked has nothing to clean up, and is over.
      const rest = Symbol.iterator in told.body ? told.body[Symbol.iterator]().next() : undefined;
      assert.ok(told.isEnded || rest?.done !== false);
    });
  }

  it("is not told of a request that can't be sent, which may be tried again", async (test) => {
    const server = await nodeServer(test, async (request, response) => {
      response.end(await bodyOf(request));
    });
    const agent = httpAgent(test, { engine });
    const body = new Blob(["content"]).stream();
    const put = { url: server.origin, method: "PUT", body };

    await assert.rejects(agent.request({ ...put, headers: { "a b": "c" } }), {
      code: "INVALID_ARGUMENT",
    });
    const response = await agent.request(put);

    assert.equal(await response.text(), "content");
  });

  it("may end its own request while it is asked", async (test) => {
    const { server, agent } = await unwilling(test, engine);
    const controller = new AbortController();
    let isEnded = false;
    function* body(): Generator<Uint8Array> {
      try {
        yield BLOCK;
        controller.abort();
        yield BLOCK;
      } finally {
        isEnded = true;
      }
    }

    const { signal } = controller;
    const asked = agent.request({ url: server.origin, method: "PUT", body: body(), signal });

    await assert.rejects(asked, { code: "ABORTED" });
    assert.equal(isEnded, true);
  });

  it("that cleans up for ever, or fails at that, keeps nobody waiting", async (test) => {
    const { server, agent } = await unwilling(test, engine);
    const ends = [
      () => new Promise<never>(() => {}),
      () => Promise.reject(new Error("no")),
      () => {
        throw new Error("no");
      },
    ];

    for (const end of ends) {
      const body = {
        [Symbol.asyncIterator]: () => ({
          next: async () => ({ done: false, value: BLOCK }),
          return: end,
        }),
      };
      const asked = agent.request({ url: server.origin, method: "PUT", body, timeoutMs: 30 });
      await assert.rejects(asked, { code: "REQUEST_TIMEOUT" });
    }
  });
}

function contexts(engine: EngineName): void {
  it("is that of its request, whoever else uses the connection", async (test) => {
    const server = await nodeServer(test, async (request, response) => {
      response.writeProcessing();
      response.end(await bodyOf(request));
    });
    const agent = httpAgent(test, { engine, maxConnectionsPerOrigin: 1 });
    const user = new AsyncLocalStorage<number>();
    const wrong: string[] = [];
    const look = (what: string, index: number): void => {
      if (user.getStore() !== index) wrong.push(`${what} of ${index}: ${user.getStore()}`);
    };
    async function* body(index: number): AsyncGenerator<string> {
      for (let count = 0; count < 3; count++) {
        look("next", index);
        yield `${count}`;
      }
      look("end", index);
    }

    const asked = Array.from({ length: 8 }, (_, index) =>
      user.run(index, async () => {
        const response = await agent.request({
          url: server.origin,
          method: "PUT",
          body: body(index),
          trailers: () => {
            look("trailers", index);
            return {};
          },
          onInterim: () => look("onInterim", index),
        });
        look("response", index);
        return await response.text();
      }),
    );

    assert.deepEqual(await Promise.all(asked), Array(8).fill("012"));
    user.disable();
    assert.deepEqual(wrong, []);
  });
}

function starving(engine: EngineName): void {
  for (const [what, body] of [
    ["tiny pieces", () => Array(3_000).fill(Buffer.alloc(100))],
    ["nothing but empty pieces", () => Array(3_000).fill(Buffer.alloc(0))],
    ["large pieces", () => Array(400).fill(BLOCK)],
  ] as const) {
    it(`leaves the event loop its turns: ${what}`, async (test) => {
      const server = await nodeServer(test, async (request, response) => {
        for await (const _ of request);
        response.end();
      });
      const agent = httpAgent(test, { engine });
      let count = 0;
      let countAtTurn = 0;
      let mostBetween = 0;
      function* counted(): Generator<Buffer> {
        for (const piece of body()) {
          count++;
          mostBetween = Math.max(mostBetween, count - countAtTurn);
          yield piece;
        }
      }
      let isOver = false;
      const turn = (): void => {
        countAtTurn = count;
        if (!isOver) setImmediate(turn);
      };
      turn();

      const response = await agent.request({ url: server.origin, method: "PUT", body: counted() });
      isOver = true;

      assert.equal(response.status, 200);
      assert.ok(mostBetween <= 200, `${mostBetween} pieces in one turn`);
    });
  }
}

for (const engine of availableEngines()) {
  describe(`the source of an upload on ${engine}`, () => endings(engine));
  describe(`the context of a source on ${engine}`, () => contexts(engine));
  describe(`a source that never waits on ${engine}`, () => starving(engine));
}
