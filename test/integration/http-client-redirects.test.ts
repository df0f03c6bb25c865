/** Redirects: every method and status, what Location may look like, what is left out on the way. */
import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { describe, it } from "node:test";
import type { EngineName } from "hp-socket";
import { CookieStore, HttpAgent, type HttpFollowOptions } from "hp-socket/http";
import { availableEngines } from "../support/engine-list.js";
import { httpAgent } from "../support/http-client-world.js";
import { HttpMemory } from "../support/http-memory.js";
import { bodyOf, nodeServer, scriptedServer } from "../support/http-scripted-server.js";

const STATUSES = [301, 302, 303, 307, 308] as const;
const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE"] as const;

/** Where a GET comes of it (RFC 9110 §15.4, Fetch: HTTP-redirect fetch); else the method stays. */
const BECOMES_GET = new Set(["301 POST", "302 POST", "303 POST", "303 PUT", "303 DELETE"]);

/** Locations, asked for at `/dir/page?q`, and the target that they lead to. */
const LOCATIONS: readonly (readonly [location: string, target: string])[] = [
  ["to", "/dir/to"],
  ["./to", "/dir/to"],
  ["../to", "/to"],
  ["/to", "/to"],
  ["?r=1", "/dir/page?r=1"],
  ["//HOST/to", "/to"],
  ["http://HOST/to", "/to"],
  ["HTTP://HOST/to#part", "/to"],
  ["http:/to", "/to"],
  ["http:to", "/dir/to"],
  ["/a b", "/a%20b"],
  ["/%zz", "/%zz"],
  ["/d/../to", "/to"],
  ["\\to", "/to"],
  ["/sch\u00c3\u00b6n", "/sch%C3%B6n"],
];

const SECRETS = {
  Authorization: "Basic c2VjcmV0",
  Cookie: "c=secret",
  "Proxy-Authorization": "secret",
};

for (const engine of availableEngines()) {
  describe(`methods and bodies behind a redirect on ${engine}`, () => methods(engine));
  describe(`Location on ${engine}`, () => locations(engine));
  describe(`what a redirect leaves out on ${engine}`, () => omissions(engine));
}

describe("the time of redirects", () => {
  it("is one for all: none is followed when it is over", async () => {
    let count = 0;
    const memory = await new HttpMemory({
      onRequest(exchange) {
        count++;
        exchange.respond(302, { Location: "/next", "Set-Cookie": "n=v" });
      },
    }).listen();
    const cookies = new CookieStore();
    cookies.setFromHeader = () => {
      memory.clock.advance(30);
      return "stored";
    };
    const agent = new HttpAgent({ engine: memory.engine, cookies });

    const asked = agent.follow("http://localhost/", { timeoutMs: 30, maxRedirects: 3 });
    const failed = assert.rejects(asked, { code: "REQUEST_TIMEOUT", message: /\(30\)/ });
    for (let turn = 0; turn < 5; turn++) await memory.pass(0);

    await failed;
    assert.equal(count, 1);
  });
});

function methods(engine: EngineName): void {
  it("are those that the standards say, in the matrix of all of them", async (test) => {
    const server = await nodeServer(test, async (request, response) => {
      const status = Number(request.url?.slice(1));
      const body = await bodyOf(request);
      if (status > 0) response.writeHead(status, { Location: "/" }).end();
      else response.setHeader("X-Seen", `${request.method} ${body}`).end();
    });
    const agent = httpAgent(test, { engine });

    for (const status of STATUSES) {
      for (const method of METHODS) {
        const body = method === "POST" || method === "PUT" ? "body" : null;
        const response = await agent.follow(`${server.origin}/${status}`, { method, body });
        const stays = !BECOMES_GET.has(`${status} ${method}`);
        const expected = stays ? `${method} ${body ?? ""}` : "GET ";
        assert.equal(response.headers.get("x-seen"), expected.trim(), `${status} ${method}`);
      }
    }
  });

  for (const [name, body] of [
    ["a Blob", () => new Blob(["body"])],
    ["bytes", () => Buffer.from("body")],
    ["form fields", () => new URLSearchParams("body")],
    ["a function", () => () => ["bo", "dy"]],
  ] as const) {
    it(`send the body again that was given as ${name}`, async (test) => {
      const seen: string[] = [];
      const server = await nodeServer(test, async (request, response) => {
        seen.push(await bodyOf(request));
        if (request.url === "/") response.writeHead(308, { Location: "/to" });
        response.end();
      });
      const agent = httpAgent(test, { engine });

      await agent.follow(server.origin, { method: "POST", body: body() });

      assert.deepEqual(seen, name === "form fields" ? ["body=", "body="] : ["body", "body"]);
    });
  }

  it("drop what describes the body, with the body", async (test) => {
    let seen: IncomingMessage["headers"] = {};
    const server = await nodeServer(test, (request, response) => {
      seen = request.headers;
      if (request.method === "POST") response.writeHead(303, { Location: "/" });
      response.end();
    });
    const agent = httpAgent(test, { engine });

    const headers = { "Content-Type": "a/b", "Content-Language": "de", "X-Kept": "yes" };
    await agent.follow(server.origin, { method: "POST", body: ["a", "b"], headers });

    const left = Object.keys(seen).filter((name) => /^content-|^transfer-|^x-/.test(name));
    assert.deepEqual(left, ["x-kept"]);
  });

  for (const status of [300, 304, 305, 306, 309]) {
    it(`leave ${status} alone, Location or not`, async (test) => {
      const server = await nodeServer(test, (_request, response) => {
        response.writeHead(status, { Location: "/to" }).end();
      });
      const agent = httpAgent(test, { engine });

      const response = await agent.follow(server.origin);

      assert.deepEqual([response.status, response.redirected], [status, false]);
    });
  }

  it("go on while the long body of a redirect is thrown away", async (test) => {
    const server = await nodeServer(test, (request, response) => {
      if (request.url === "/to") response.end("there");
      else response.writeHead(302, { Location: "/to" }).end(Buffer.alloc(5_000_000));
    });
    const agent = httpAgent(test, { engine });

    assert.equal(await (await agent.follow(server.origin)).text(), "there");
  });

  it("are not sent on when the signal was aborted between two of them", async (test) => {
    const controller = new AbortController();
    const seen: unknown[] = [];
    const server = await nodeServer(test, ({ url }, response) => {
      seen.push(url);
      if (url === "/2") controller.abort();
      else response.writeHead(302, { Location: "/2" }).end();
    });
    const agent = httpAgent(test, { engine });

    const asked = agent.follow(server.origin, { signal: controller.signal });

    await assert.rejects(asked, { code: "ABORTED" });
    assert.deepEqual(seen, ["/", "/2"]);
  });

  it("end in a circle of two servers with HTTP_REDIRECT_LIMIT", async (test) => {
    let count = 0;
    const circle = ["", ""];
    for (const place of [0, 1]) {
      const server = await nodeServer(test, (_request, response) => {
        count++;
        response.writeHead(307, { Location: circle[1 - place] }).end();
      });
      circle[place] = server.origin;
    }
    const agent = httpAgent(test, { engine });

    const asked = agent.follow(circle[0] ?? "", { method: "POST", body: "b", maxRedirects: 5 });

    await assert.rejects(asked, { code: "HTTP_REDIRECT_LIMIT", message: /maxRedirects \(5\)/ });
    assert.equal(count, 6);
  });
}

function locations(engine: EngineName): void {
  for (const [location, target] of LOCATIONS) {
    it(`leads from /dir/page?q to ${target} by ${location}`, async (test) => {
      const targets: string[] = [];
      const server = await scriptedServer(test, async (peer) => {
        for (const isFirst of [true, false]) {
          targets.push((await peer.request()).split(" ")[1] ?? "");
          const value = location.replace("HOST", `127.0.0.1:${server.port}`);
          const head = `HTTP/1.1 302 Found\r\nLocation: ${value}\r\nContent-Length: 0\r\n\r\n`;
          if (isFirst) peer.send(head);
          else peer.answer("there");
        }
      });
      const agent = httpAgent(test, { engine });

      const response = await agent.follow(`${server.origin}/dir/page?q`);

      assert.equal(await response.text(), "there");
      assert.deepEqual(targets, ["/dir/page?q", target]);
      assert.equal(response.url, `${server.origin}${target}`);
    });
  }

  it("can be empty, which is the same page: a circle", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      for (let count = 0; count < 4; count++) {
        await peer.request();
        peer.send("HTTP/1.1 302 Found\r\nLocation:\r\nContent-Length: 0\r\n\r\n");
      }
    });
    const agent = httpAgent(test, { engine, maxRedirects: 3 });

    await assert.rejects(agent.follow(server.origin), { code: "HTTP_REDIRECT_LIMIT" });
  });

  for (const location of ["http://[::1", "http://a b/", "//", "data:text/plain,a", "file:///etc"]) {
    it(`is refused as ${location}`, async (test) => {
      const server = await nodeServer(test, (_request, response) => {
        response.writeHead(302, { Location: location }).end();
      });
      const agent = httpAgent(test, { engine });

      await assert.rejects(agent.follow(server.origin), {
        code: "HTTP_REDIRECT_REFUSED",
        fault: "remote",
      });
    });
  }
}

function omissions(engine: EngineName): void {
  for (const [name, init, credentials] of [
    ["fields of the request", { headers: SECRETS }, ""],
    ["credentials in the URL", {}, "user:secret@"],
    ["the Host that was given", { host: "secret.example" }, ""],
  ] as readonly (readonly [string, HttpFollowOptions, string])[]) {
    it(`is, towards another port of the same host, ${name}`, async (test) => {
      let seen = "";
      const other = await nodeServer(test, ({ rawHeaders }, response) => {
        seen = rawHeaders.join("\n");
        response.end();
      });
      let first = "";
      const server = await nodeServer(test, ({ rawHeaders }, response) => {
        first = rawHeaders.join("\n");
        response.writeHead(302, { Location: other.origin }).end();
      });
      const agent = httpAgent(test, { engine });

      await agent.follow(server.origin.replace("//", `//${credentials}`), init);

      assert.match(first, /secret|Basic/);
      assert.doesNotMatch(seen, /secret|Basic/);
    });
  }

  for (const method of ["GET", "POST"]) {
    it(`is nothing on the same origin: ${method}`, async (test) => {
      const seen: unknown[] = [];
      const server = await nodeServer(test, ({ url, headers }, response) => {
        seen.push([headers.authorization, headers.cookie, headers.host]);
        if (url === "/") response.writeHead(302, { Location: "/to" });
        response.end();
      });
      const agent = httpAgent(test, { engine });

      await agent.follow(server.origin, { method, headers: SECRETS, host: "h.example" });

      const expected = [SECRETS.Authorization, SECRETS.Cookie, "h.example"];
      assert.deepEqual(seen, [expected, expected]);
    });

    it(`is no credential of the URL on the way to the whole URL of its origin: ${method}`, async (test) => {
      const seen: unknown[] = [];
      const server = await nodeServer(test, ({ url, headers }, response) => {
        seen.push(headers.authorization);
        if (url === "/") response.writeHead(302, { Location: `${server.origin}/to` });
        response.end();
      });
      const agent = httpAgent(test, { engine });

      await agent.follow(server.origin.replace("//", "//user:secret@"), { method });

      const expected = `Basic ${btoa("user:secret")}`;
      assert.deepEqual(seen, [expected, expected]);
    });
  }

  it("does not come back with the way home", async (test) => {
    const seen: string[] = [];
    const other = await nodeServer(test, (_request, response) => {
      response.writeHead(302, { Location: `${server.origin}/home` }).end();
    });
    const server = await nodeServer(test, ({ url, headers }, response) => {
      seen.push(`${url} ${headers.authorization ?? "-"}`);
      if (url === "/") response.writeHead(302, { Location: other.origin });
      response.end();
    });
    const agent = httpAgent(test, { engine, headers: { Authorization: "agent" } });

    await agent.follow(server.origin);

    assert.deepEqual(seen, ["/ agent", "/home -"]);
  });

  it("is not the cookie that the store has for the other origin", async (test) => {
    let seen: string | undefined;
    const other = await nodeServer(test, ({ headers }, response) => {
      seen = headers.cookie;
      response.end();
    });
    const server = await nodeServer(test, (_request, response) => {
      response.writeHead(302, { Location: other.origin.replace("127.0.0.1", "localhost") }).end();
    });
    const cookies = new CookieStore();
    cookies.setFromHeader("here=1", new URL(server.origin));
    cookies.setFromHeader("there=1", new URL("http://localhost/"));
    const agent = httpAgent(test, { engine, cookies });

    await agent.follow(server.origin);

    assert.equal(seen, "there=1");
  });
}
