/** Requests through proxies: absolute form for http, tunnels for https. */
import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { describe, it } from "node:test";
import type { EngineName, NetError } from "hp-socket";
import { HttpAgent, type ProxyOptions } from "hp-socket/http";
import { selfSignedCertificate } from "hp-socket/testing";
import { availableEngines } from "../support/engine-list.js";
import { httpAgent, httpClient } from "../support/http-client-world.js";
import { proxyServer } from "../support/http-proxy-server.js";
import {
  bodyOf,
  nodeServer,
  type ScriptedPeer,
  scriptedServer,
  secureNodeServer,
} from "../support/http-scripted-server.js";
import { until } from "../support/until.js";

const { cert, key } = selfSignedCertificate();
const TLS = { ca: cert };

/** `user:pässword`, as RFC 7617 has it with UTF-8. */
const BASIC = `Basic ${Buffer.from("user:pässword").toString("base64")}`;

/** Answers with what arrived. */
async function tell(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await bodyOf(request);
  const proxyFields = Object.keys(request.headers).filter((name) => name.startsWith("proxy"));
  response.end(`${request.method} ${request.url} ${body}${proxyFields.join()}`.trim());
}

/** What a proxy does with CONNECT, and what of it the error says. */
const REFUSALS: readonly (readonly [
  name: string,
  script: (peer: ScriptedPeer) => void,
  message: RegExp,
  code?: string,
])[] = [
  [
    "answers 407",
    (peer) => peer.send("HTTP/1.1 407 Who\r\nContent-Length: 3\r\n\r\nwho"),
    /responded with 407/,
    "PROXY_AUTHENTICATION",
  ],
  [
    "answers 502 and closes",
    (peer) => finish(peer, "HTTP/1.1 502 Bad\r\n\r\nbad"),
    /responded with 502/,
    "PROXY_DESTINATION",
  ],
  [
    "answers 302",
    (peer) => peer.send("HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n"),
    /responded with 302/,
  ],
  ["closes without an answer", (peer) => peer.finish(), /it closed the connection/],
  ["resets the connection", (peer) => peer.reset(), /made no tunnel/],
  ["closes within its head", (peer) => finish(peer, "HTTP/1.1 200 OK\r\nA"), /made no tunnel/],
  [
    "sends garbage",
    (peer) => peer.send("SSH-2.0-OpenSSH_9.2\r\n"),
    /made no tunnel/,
    "PROXY_MALFORMED",
  ],
  [
    "sends 1xx without end",
    (peer) => peer.send("HTTP/1.1 100 C\r\n\r\n".repeat(50)),
    /maxInterimResponses/,
    "PROXY_MALFORMED",
  ],
  [
    "sends a head without end",
    (peer) => peer.send(`HTTP/1.1 200 OK\r\n${"A: b\r\n".repeat(200)}`),
    /maxHeaderCount/,
    "PROXY_MALFORMED",
  ],
];

for (const engine of availableEngines()) {
  describe(`a proxy for http on ${engine}`, () => plain(engine));
  describe(`a proxy for https on ${engine}`, () => tunnels(engine));
  describe(`a proxy that makes no tunnel on ${engine}`, () => refusals(engine));
  describe(`exceptions from a proxy on ${engine}`, () => exceptions(engine));
}

describe("the option proxy", () => {
  for (const [name, proxy] of [
    ["with TLS to the proxy", "https://127.0.0.1:1"],
    ["without a scheme", "127.0.0.1:3128"],
    ["with a list that is none", { url: "http://h", noProxy: 1 } as unknown as ProxyOptions],
    ["with an exception whose port is none", { url: "http://h", noProxy: "a.example:http" }],
    ["with an unknown name", { url: "http://h", user: "u" } as ProxyOptions],
  ] as const) {
    it(`is refused ${name}`, () => {
      assert.throws(() => new HttpAgent({ proxy }), { code: "INVALID_ARGUMENT" });
    });
  }
});

function plain(engine: EngineName): void {
  it("is asked by the whole URL, over one connection for all origins", async (test) => {
    const servers = [await nodeServer(test, tell), await nodeServer(test, tell)];
    const proxy = await proxyServer(test);
    const agent = httpAgent(test, { engine, proxy: proxy.url });

    const answers: string[] = [];
    for (const { origin } of servers) {
      const options = { url: `${origin}/a?b#c`, method: "PUT", body: "body" };
      answers.push(await (await agent.request(options)).text());
    }

    assert.deepEqual(answers, ["PUT /a?b body", "PUT /a?b body"]);
    assert.deepEqual(
      proxy.seen.map(({ target, headers }) => [target, headers.host]),
      servers.map(({ origin }) => [`${origin}/a?b`, origin.slice("http://".length)]),
    );
    assert.deepEqual([agent.stats.originCount, agent.stats.connectionCount], [1, 1]);
  });

  for (const [name, withCredentials] of [
    ["in its URL", (host: string) => `http://user:p%C3%A4ssword@${host}`],
    [
      "as options",
      (host: string) => ({ url: `http://${host}`, username: "user", password: "pässword" }),
    ],
  ] as const) {
    it(`gets credentials that are given ${name}, and the origin does not`, async (test) => {
      const server = await nodeServer(test, tell);
      const proxy = await proxyServer(test, { authorization: BASIC });
      const agent = httpAgent(test, { engine, proxy: withCredentials(proxy.host) });

      const response = await agent.follow(server.origin);

      assert.equal(await response.text(), "GET /");
      assert.equal(proxy.seen[0]?.headers["proxy-authorization"], BASIC);
    });
  }

  it("answers 407 itself where it gets none", async (test) => {
    const server = await nodeServer(test, tell);
    const proxy = await proxyServer(test, { authorization: BASIC });
    const agent = httpAgent(test, { engine, proxy: proxy.url });

    const response = await agent.follow(server.origin);

    assert.equal(response.status, 407);
    assert.match(response.headers.get("proxy-authenticate") ?? "", /Basic/);
  });

  it("is used by an HttpClient, too", async (test) => {
    const server = await nodeServer(test, tell);
    const proxy = await proxyServer(test, { authorization: BASIC });
    const client = httpClient(test, { engine, proxy: `http://user:p%C3%A4ssword@${proxy.host}` });

    await client.connect(server.origin);
    const response = await client.get("/a");

    assert.equal(await response.text(), "GET /a");
    assert.equal(proxy.seen[0]?.target, `${server.origin}/a`);
  });
}

function tunnels(engine: EngineName): void {
  it("makes one tunnel for many requests, and sees host and port only", async (test) => {
    const server = await secureNodeServer(test, { cert, key }, tell);
    const proxy = await proxyServer(test, { authorization: BASIC });
    const url = `http://user:p%C3%A4ssword@${proxy.host}`;
    const agent = httpAgent(test, { engine, proxy: url, tls: TLS });

    const answers: string[] = [];
    for (const path of ["/1", "/2", "/3"]) {
      answers.push(await (await agent.follow(`${server.origin}${path}`)).text());
    }

    assert.deepEqual(answers, ["GET /1", "GET /2", "GET /3"]);
    assert.equal(proxy.seen.length, 1);
    const [{ method, target, headers } = assert.fail()] = proxy.seen;
    assert.deepEqual(
      { method, target, ...headers },
      {
        method: "CONNECT",
        target: `localhost:${server.port}`,
        host: `localhost:${server.port}`,
        "proxy-authorization": BASIC,
      },
    );
  });

  it("is no reason to trust another certificate", async (test) => {
    const server = await secureNodeServer(test, { cert, key }, tell);
    const proxy = await proxyServer(test);
    const agent = httpAgent(test, { engine, proxy: proxy.url });

    await assert.rejects(agent.follow(server.origin), { code: "TLS_CERTIFICATE" });
    await until(() => agent.stats.connectionCount === 0);
  });

  it("carries an HttpClient, which tells of one connection", async (test) => {
    const server = await secureNodeServer(test, { cert, key }, tell);
    const proxy = await proxyServer(test);
    const told: string[] = [];
    const client = httpClient(test, {
      engine,
      proxy: proxy.url,
      tls: TLS,
      onConnect: () => void told.push("connect"),
      onStatusLine: (_client, status) => void told.push(String(status)),
      onClose: (_client, { code }) => void told.push(code),
    });

    await client.connect(server.origin);
    await client.send({ path: "/a" });
    client.close();
    await until(() => told.length === 3);

    assert.deepEqual(told, ["connect", "200", "CLOSED"]);
  });

  it("repeats a request by a new tunnel when the kept one turns out to be dead", async (test) => {
    let count = 0;
    const server = await secureNodeServer(test, { cert, key }, (request, response) => {
      count++;
      if (count === 2) request.socket.destroy();
      else response.end(String(count));
    });
    const proxy = await proxyServer(test);
    const agent = httpAgent(test, { engine, proxy: proxy.url, tls: TLS });

    const first = await (await agent.follow(server.origin)).text();
    const second = await (await agent.follow(server.origin)).text();

    assert.deepEqual([first, second], ["1", "3"]);
    assert.equal(proxy.seen.length, 2);
  });
}

function finish(peer: ScriptedPeer, text: string): void {
  peer.send(text);
  peer.finish();
}

function refusals(engine: EngineName): void {
  for (const [name, script, message, code = "PROXY_REFUSED"] of REFUSALS) {
    it(`ends the request with ${code}: it ${name}`, async (test) => {
      const proxy = await scriptedServer(test, async (peer) => {
        await peer.request();
        script(peer);
      });
      const agent = httpAgent(test, { engine, proxy: proxy.origin });

      const asked = agent.follow("https://origin.example/");

      await assert.rejects(asked, { code, fault: "remote", message });
      await until(() => agent.stats.connectionCount === 0);
      assert.doesNotMatch(proxy.peers[0]?.received ?? "", /GET/);
    });
  }

  it("ends with CONNECT_TIMEOUT where the proxy stalls", async (test) => {
    const proxy = await scriptedServer(test, async (peer) => {
      await peer.request();
      peer.send("HTTP/1.1 200");
      await peer.ended();
    });
    const agent = httpAgent(test, { engine, proxy: proxy.origin, connectTimeoutMs: 50 });

    await assert.rejects(agent.follow("https://origin.example/"), {
      code: "CONNECT_TIMEOUT",
      message: /connectTimeoutMs/,
    });
    await until(() => agent.stats.connectionCount === 0);
  });

  it("ends with HANDSHAKE_TIMEOUT where the tunnel leads nowhere", async (test) => {
    const proxy = await scriptedServer(test, async (peer) => {
      await peer.request();
      peer.send("HTTP/1.1 200 OK\r\n\r\n");
      await peer.ended();
    });
    const agent = httpAgent(test, { engine, proxy: proxy.origin });

    // Where the machine is too slow for the tunnel itself, that is what is told, and there is more time for the next.
    let code = "CONNECT_TIMEOUT";
    for (let connectTimeoutMs = 50; code === "CONNECT_TIMEOUT"; connectTimeoutMs *= 2) {
      const asked = agent.follow("https://origin.example/", { connectTimeoutMs });
      code = await asked.then(
        () => "a response",
        (error: NetError) => error.code,
      );
    }

    assert.equal(code, "HANDSHAKE_TIMEOUT");
    await until(() => agent.stats.connectionCount === 0);
  });

  it("ends when the proxy speaks within the tunnel before TLS does", async (test) => {
    const proxy = await scriptedServer(test, async (peer) => {
      await peer.request();
      peer.send("HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n");
      await peer.ended();
    });
    const agent = httpAgent(test, { engine, proxy: proxy.origin });

    await assert.rejects(agent.follow("https://origin.example/"), {
      code: "PROXY_MALFORMED",
      message: /bytes of its own/,
    });
    await until(() => agent.stats.connectionCount === 0);
  });

  it("ends with PROXY_UNREACHABLE where there is no proxy", async (test) => {
    const gone = await scriptedServer(test, (peer) => peer.ended());
    const agent = httpAgent(test, { engine, proxy: "http://127.0.0.1:1" });
    assert.ok(gone.port > 0);

    await assert.rejects(agent.follow("https://origin.example/"), { code: "PROXY_UNREACHABLE" });
    await assert.rejects(agent.follow("http://origin.example/"), { code: "PROXY_UNREACHABLE" });
  });

  it("aborts while the tunnel is being made, and calls that off", async (test) => {
    const proxy = await scriptedServer(test, async (peer) => {
      await peer.request();
      await peer.ended();
    });
    const agent = httpAgent(test, { engine, proxy: proxy.origin });
    const controller = new AbortController();

    const asked = agent.follow("https://origin.example/", { signal: controller.signal });
    asked.catch(() => {});
    await until(() => proxy.peers[0]?.received.includes("\r\n\r\n") === true);
    controller.abort();

    await assert.rejects(asked, { code: "ABORTED" });
    await until(() => agent.stats.connectionCount === 0);
    await proxy.peers[0]?.ended();
  });
}

function exceptions(engine: EngineName): void {
  for (const [noProxy, goesDirectly] of [
    ["127.0.0.1", true],
    ["localhost, 127.0.0.1 ,example.com", true],
    ["*", true],
    [["127.0.0.1"], true],
    ["127.0.0.1:1", false],
    ["example.com", false],
    ["7.0.0.1", false],
    ["", false],
  ] as const) {
    it(`goes ${goesDirectly ? "directly" : "by the proxy"} with noProxy ${noProxy}`, async (test) => {
      const server = await nodeServer(test, tell);
      const proxy = await proxyServer(test);
      const agent = httpAgent(test, { engine, proxy: { url: proxy.url, noProxy } });

      const response = await agent.follow(server.origin);

      assert.equal(await response.text(), "GET /");
      assert.equal(proxy.seen.length, goesDirectly ? 0 : 1);
    });
  }

  it("takes the port of an exception into account, on the way of a redirect, too", async (test) => {
    const direct = await nodeServer(test, tell);
    const server = await nodeServer(test, (_request, response) => {
      response.writeHead(302, { Location: direct.origin }).end();
    });
    const proxy = await proxyServer(test);
    const noProxy = [`127.0.0.1:${direct.port}`];
    const agent = httpAgent(test, { engine, proxy: { url: proxy.url, noProxy } });

    const response = await agent.follow(server.origin);

    assert.equal(await response.text(), "GET /");
    assert.deepEqual(
      proxy.seen.map(({ target }) => target),
      [`${server.origin}/`],
    );
  });
}
