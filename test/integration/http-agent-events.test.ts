/** What an agent tells of its connections and responses, and what it makes them with. */
import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { describe, it } from "node:test";
import type { EngineName } from "hp-socket";
import {
  CookieStore,
  HttpAgent,
  type HttpAgentConnection,
  type HttpAgentOptions,
  HttpClient,
} from "hp-socket/http";
import { availableEngines } from "../support/engine-list.js";
import { httpAgent, httpClient } from "../support/http-client-world.js";
import { nodeServer, type ScriptedPeer, scriptedServer } from "../support/http-scripted-server.js";
import { until } from "../support/until.js";

async function answerAll(peer: ScriptedPeer): Promise<void> {
  for (;;) {
    await peer.request().catch(() => peer.finish());
    if (peer.hasEnded || peer.isClosed) return;
    peer.answer(String(peer.index));
  }
}

/** Handlers that write down what they are told, with the id of the connection. */
function notes(told: string[]): HttpAgentOptions {
  const note =
    (name: string) =>
    ({ id }: HttpAgentConnection, ...values: readonly unknown[]): undefined => {
      told.push([id, name, ...values.map(String)].join(" "));
    };
  return {
    onPrepareConnect: note("prepare"),
    onConnect: note("connect"),
    onHandshake: note("handshake"),
    onMessageBegin: note("begin"),
    onStatusLine: note("status"),
    onHeader: note("header"),
    onHeadersComplete: ({ id }, { statusCode }) => void told.push(`${id} head ${statusCode}`),
    onBody: note("body"),
    onMessageComplete: note("complete"),
    onClose: ({ id }, { code }) => void told.push(`${id} close ${code}`),
    onShutdown: () => told.push("shutdown"),
  };
}

function events(engine: EngineName): void {
  it("are told for each connection in their order, the end last and once", async (test) => {
    const server = await scriptedServer(test, answerAll);
    const told: string[] = [];
    let sentBytes = 0;
    const agent = httpAgent(test, {
      engine,
      ...notes(told),
      onSend: (_connection, byteCount) => {
        sentBytes += byteCount;
      },
    });

    const asked = [1, 2].map(async () => (await agent.request({ url: server.origin })).text());
    await Promise.all(asked);
    const ids = agent.connectionIds();
    const connections = ids.map((id) => agent.connection(id));
    await agent.stop();

    assert.equal(ids.length, 2);
    assert.deepEqual(
      connections.map((connection) => connection?.id),
      ids,
    );
    for (const [index, id] of ids.entries()) {
      const body = connections[index]?.stats.receivedBytes;
      assert.ok(body !== undefined && body > 0);
      assert.deepEqual(
        told
          .filter((one) => one.startsWith(`${id} `))
          .map((one) => one.split(" ").slice(1, 3).join(" ")),
        [
          "prepare",
          "connect",
          "handshake",
          "begin",
          "status 200",
          "header Content-Length",
          "head 200",
          `body ${told.filter((one) => one.startsWith(`${id} body`))[0]?.at(-1)}`,
          "complete undefined",
          "close CLOSED",
        ],
      );
    }
    assert.equal(told.at(-1), "shutdown");
    assert.ok(sentBytes >= 2 * "GET / HTTP/1.1\r\n\r\n".length);
  });

  for (const name of ["onPrepareConnect", "onConnect", "onHandshake"] as const) {
    it(`lets ${name} refuse a connection: its request rejects with REFUSED`, async (test) => {
      const server = await scriptedServer(test, (peer) => peer.ended());
      const reasons: string[] = [];
      const agent = httpAgent(test, {
        engine,
        [name]: () => false,
        onClose: (_connection, { code }) => void reasons.push(code),
      });

      await assert.rejects(agent.request({ url: server.origin }), { code: "REFUSED" });

      await until(() => reasons.length === 1);
      assert.deepEqual(reasons, ["REFUSED"]);
      assert.equal(agent.stats.connectionCount, 0);
    });
  }

  it("end their connection with HANDLER_FAILED when one throws, and name it", async (test) => {
    const server = await scriptedServer(test, answerAll);
    const agent = httpAgent(test, {
      engine,
      onStatusLine: () => {
        throw new Error("no more");
      },
      onClose: () => undefined,
    });

    await assert.rejects(agent.request({ url: server.origin }), {
      code: "HANDLER_FAILED",
      message: /onStatusLine failed: no more/,
    });
  });

  it("tell of the end of a connection that could not be made", async (test) => {
    const reasons: string[] = [];
    const agent = httpAgent(test, {
      engine,
      onClose: (_connection, { code }) => void reasons.push(code),
    });

    const asked = agent.request({ url: "http://127.0.0.1:1/" });

    await assert.rejects(asked, { code: "CONNECTION_REFUSED" });
    await until(() => reasons.length === 1);
    assert.deepEqual(reasons, ["CONNECTION_REFUSED"]);
  });

  it("are called in the context in which the agent was made", async (test) => {
    const server = await scriptedServer(test, answerAll);
    const user = new AsyncLocalStorage<string>();
    const stores = new Set<string | undefined>();
    const look = (): undefined => {
      stores.add(user.getStore());
    };
    const agent = user.run("maker", () =>
      httpAgent(test, {
        engine,
        context: look,
        onPrepareConnect: look,
        onConnect: look,
        onHandshake: look,
        onSend: look,
        onHeadersComplete: look,
        onBody: look,
        onClose: look,
      }),
    );

    await user.run("asker", async () => (await agent.request({ url: server.origin })).text());
    await agent.stop();
    user.disable();

    assert.deepEqual([...stores], ["maker"]);
  });

  it("hand a connection over that has left HTTP", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      await peer.request();
      peer.send("HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nearly");
    });
    let early = "";
    const agent = httpAgent(test, {
      engine,
      onUpgrade: (_connection, upgraded) => {
        upgraded.attach({
          onReceive: (_, bytes) => {
            early += bytes;
          },
        });
      },
    });

    await agent.request({ url: server.origin, upgrade: "x" });

    await until(() => early === "early");
  });
}

function settings(engine: EngineName): void {
  it("gives each connection a context of its own", async (test) => {
    const server = await scriptedServer(test, answerAll);
    let count = 0;
    const seen: number[] = [];
    const agent = new HttpAgent<{ readonly number: number }>({
      engine,
      context: () => ({ number: ++count }),
      onMessageComplete: ({ context }) => void seen.push(context.number),
    });
    test.after(() => agent.stop({ drainMs: 0 }));

    const ask = async (): Promise<string> => (await agent.request({ url: server.origin })).text();
    await Promise.all([ask(), ask()]);
    await ask();

    assert.equal(seen.length, 3);
    assert.deepEqual(new Set(seen), new Set([1, 2]));
  });

  it("binds connections to localHost, and takes addresses of the family alone", async (test) => {
    const server = await scriptedServer(test, answerAll);
    const agent = httpAgent(test, { engine, localHost: "127.0.0.2", family: "IPv4" });
    const other = httpAgent(test, { engine, family: "IPv6" });

    await (await agent.request({ url: server.origin })).text();

    assert.equal(server.peers[0]?.socket.remoteAddress, "127.0.0.2");
    await assert.rejects(other.request({ url: server.origin }), { code: "HOST_NOT_FOUND" });
  });

  it("sets noDelay and keepAlive, and refuses what they can't be", async (test) => {
    const server = await scriptedServer(test, answerAll);
    const agent = httpAgent(test, { engine, noDelay: false, keepAlive: { idleMs: 30_000 } });

    await (await agent.request({ url: server.origin })).text();
    const [id = 0] = agent.connectionIds();

    assert.equal(typeof agent.connection(id)?.setKeepAlive({ idleMs: 40_000 }), "object");
    for (const wrong of [
      { noDelay: 1 },
      { keepAlive: 5 },
      { keepAlive: { idleMs: 1 } },
      { localHost: 5 },
      { family: "IPv5" },
      { useCookies: 1 },
      { context: 1 },
      { onConnect: 1 },
      { onShutdown: 1 },
    ]) {
      const options = wrong as object;
      const what = JSON.stringify(wrong);
      assert.throws(
        () => new HttpAgent({ engine, ...options }),
        { code: "INVALID_ARGUMENT" },
        what,
      );
      if ("onShutdown" in wrong) continue;
      assert.throws(
        () => new HttpClient({ engine, ...options }),
        { code: "INVALID_ARGUMENT" },
        what,
      );
    }
  });

  it("switches cookies for the agent as a whole, and for a request otherwise", async (test) => {
    const server = await nodeServer(test, ({ headers }, response) => {
      response.setHeader("Set-Cookie", "id=1").end(headers.cookie ?? "none");
    });
    const cookies = new CookieStore();
    const agent = httpAgent(test, { engine, cookies, useCookies: false });
    const ask = async (useCookies?: boolean): Promise<string> => {
      const options = { url: server.origin, ...(useCookies !== undefined && { useCookies }) };
      return await (await agent.request(options)).text();
    };

    const off = [await ask(), await ask(), cookies.count];
    const once = [await ask(true), await ask(true), await ask()];
    agent.useCookies = true;
    const on = [await ask(), await ask(false)];

    assert.deepEqual(off, ["none", "none", 0]);
    assert.deepEqual(once, ["none", "id=1", "none"]);
    assert.deepEqual(on, ["id=1", "none"]);
    assert.throws(() => Object.assign(agent, { useCookies: 1 }), { code: "INVALID_ARGUMENT" });
  });

  it("closes a kept connection after the lower of its own and the announced time", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      await peer.request();
      peer.answer("", "Keep-Alive: timeout=60\r\n");
      await peer.ended();
      peer.finish();
    });
    const agent = httpAgent(test, { engine, idleTimeoutMs: 30 });
    const longer = httpAgent(test, { engine, idleTimeoutMs: 30, maxIdleTimeoutMs: 60_000 });

    await (await agent.request({ url: server.origin })).text();
    await (await longer.request({ url: server.origin })).text();

    await until(() => agent.stats.connectionCount === 0);
    assert.equal(longer.stats.idleCount, 1);
  });
}

function waiting(engine: EngineName): void {
  it("is bounded by queueTimeoutMs where no connection can be made for it", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      await peer.request();
    });
    const agent = httpAgent(test, { engine, maxConnectionsPerOrigin: 1, queueTimeoutMs: 40 });
    const first = agent.request({ url: server.origin });
    first.catch(() => {});

    const second = agent.request({ url: server.origin });
    const third = agent.request({ url: server.origin, queueTimeoutMs: 0, timeoutMs: 80 });

    await assert.rejects(second, {
      code: "HTTP_QUEUE_TIMEOUT",
      fault: "limit",
      message: /queueTimeoutMs \(40\)/,
    });
    await assert.rejects(third, { code: "REQUEST_TIMEOUT" });
    assert.equal(agent.stats.queuedCount, 0);
    assert.equal(agent.stats.connectionCount, 1);
  });

  it("of a client is bounded by it, too", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      await peer.request();
    });
    const client = httpClient(test, { engine, queueTimeoutMs: 40 });
    await client.connect(server.origin);
    client.get("/").catch(() => {});

    await assert.rejects(client.get("/"), { code: "HTTP_QUEUE_TIMEOUT" });
  });

  it("does not count connecting, which has a time of its own", async (test) => {
    const server = await scriptedServer(test, (peer) => peer.ended());
    const agent = httpAgent(test, { engine, queueTimeoutMs: 10, connectTimeoutMs: 60 });
    // TLS with somebody who says nothing: the handshake never ends.
    const asked = agent.request({ url: `https://127.0.0.1:${server.port}/` });

    await assert.rejects(asked, { code: "HANDSHAKE_TIMEOUT" });
  });
}

function proxies(engine: EngineName): void {
  it("is the request's own, none, or the agent's", async (test) => {
    const server = await nodeServer(test, (_request, response) => response.end("direct"));
    const saying = (what: string) =>
      scriptedServer(test, async (peer) => {
        for (;;) {
          await peer.request();
          peer.answer(what);
        }
      });
    const own = await saying("agent's");
    const other = await saying("request's");
    const agent = httpAgent(test, { engine, proxy: own.origin });
    const ask = async (proxy?: string | false): Promise<string> => {
      const options = { url: server.origin, ...(proxy !== undefined && { proxy }) };
      return await (await agent.request(options)).text();
    };

    const texts = [await ask(), await ask(other.origin), await ask(false), await ask()];
    const fetched = await (await agent.fetch(server.origin, { proxy: other.origin })).text();

    assert.deepEqual(texts, ["agent's", "request's", "direct", "agent's"]);
    assert.equal(fetched, "request's");
    assert.match(other.peers[0]?.received ?? "", /^GET http:\/\/127/);
    assert.equal(other.peers.length, 1, "connections to a proxy are kept by proxy");
    await assert.rejects(ask("ftp://proxy"), { code: "INVALID_ARGUMENT" });
  });

  it("shares no connection between credentials", async (test) => {
    const proxy = await scriptedServer(test, async (peer) => {
      for (;;) peer.answer(/Basic (\S+)/.exec(await peer.request())?.[1]);
    });
    const agent = httpAgent(test, { engine });
    const ask = async (user: string): Promise<string> => {
      const given = `http://${user}:x@127.0.0.1:${proxy.port}`;
      return await (await agent.request({ url: "http://origin.example/", proxy: given })).text();
    };

    const users = [await ask("a"), await ask("b"), await ask("a")];

    assert.deepEqual(
      users.map((one) => Buffer.from(one, "base64").toString()),
      ["a:x", "b:x", "a:x"],
    );
    assert.equal(proxy.peers.length, 2);
  });

  it("of a client is chosen when it connects", async (test) => {
    const proxy = await scriptedServer(test, async (peer) => {
      for (;;) peer.answer(await peer.request());
    });
    const client = httpClient(test, { engine });

    await client.connect("http://origin.example/", { proxy: proxy.origin });
    const text = await (await client.get("/page")).text();

    assert.match(text, /^GET http:\/\/origin\.example\/page HTTP/);
  });
}

for (const engine of availableEngines()) {
  describe(`the events of an agent on ${engine}`, () => events(engine));
  describe(`the settings of an agent on ${engine}`, () => settings(engine));
  describe(`a request that waits for a connection on ${engine}`, () => waiting(engine));
  describe(`the proxy of a request on ${engine}`, () => proxies(engine));
}
