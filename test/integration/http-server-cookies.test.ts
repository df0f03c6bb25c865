/** Cookies of requests, and those that responses set. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CookieStore, type HttpExchange, type SetCookieOptions } from "hp-socket/http";
import { cookiesOf, MAX_REQUEST_COOKIES } from "#src/http/server/cookies/request-cookies.js";
import { MAX_SET_COOKIES, ResponseCookies } from "#src/http/server/cookies/set-cookie.js";
import { httpAgent } from "../support/http-client-world.js";
import { httpMemory } from "../support/http-memory.js";
import { httpServer, rawPeer } from "../support/http-world.js";
import { describeTls } from "../support/tls-certificates.js";

const parsed = (...values: string[]): [string, string][] => [
  ...cookiesOf({ getAll: () => values }),
];

describe("the cookies of a request", () => {
  it("are pairs, as they were sent", () => {
    assert.deepEqual(parsed("a=1; b=2"), [
      ["a", "1"],
      ["b", "2"],
    ]);
    assert.deepEqual(parsed('a="x"; b=%20; c=x=y; d='), [
      ["a", '"x"'],
      ["b", "%20"],
      ["c", "x=y"],
      ["d", ""],
    ]);
    assert.deepEqual(parsed(" a = 1 ;\tb=\t2\t"), [
      ["a", "1"],
      ["b", "2"],
    ]);
    assert.deepEqual(parsed("a=1", "b=2"), [
      ["a", "1"],
      ["b", "2"],
    ]);
    assert.deepEqual(parsed(), []);
  });

  it("count once for each name, the first", () => {
    assert.deepEqual(parsed("a=deep; a=shallow"), [["a", "deep"]]);
  });

  it("are none where there is no pair", () => {
    assert.deepEqual(parsed("", ";;;", "a", "=x", " ; =; a;"), []);
    assert.deepEqual(parsed("a;b=1;c"), [["b", "1"]]);
  });

  it("may have names that mean something elsewhere", () => {
    const cookies = cookiesOf({ getAll: () => ["__proto__=1; constructor=2; toString=3"] });

    assert.equal(cookies.get("__proto__"), "1");
    assert.equal(cookies.get("hasOwnProperty"), undefined);
    assert.equal(cookies.size, 3);
  });

  it("are looked at up to a limit, and in time that grows with their length alone", () => {
    const many = Array.from({ length: 5_000 }, (_, index) => `c${index}=1`).join(";");
    const empty = ";".repeat(1_000_000);

    assert.equal(parsed(many).length, MAX_REQUEST_COOKIES);
    assert.deepEqual(parsed(empty, "a=1"), []);
    assert.deepEqual(parsed(`${" ".repeat(500_000)}a${" ".repeat(500_000)}=1`), [["a", "1"]]);
  });

  it("come with an exchange", async (test) => {
    const server = await httpServer(test, {
      onRequest: (exchange) => void exchange.respond(200, {}, exchange.cookies.get("id") ?? "none"),
    });
    const peer = await rawPeer(test, server);

    peer.send("GET / HTTP/1.1\r\nHost: h\r\nCookie: a=1; id=7\r\n\r\n");
    peer.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");

    assert.equal((await peer.answer()).body, "7");
    assert.equal((await peer.answer()).body, "none");
  });
});

const line = (
  name: string,
  value: string,
  options: SetCookieOptions = {},
  isSecure = false,
): string => {
  const cookies = new ResponseCookies(isSecure);
  cookies.set(name, value, options);
  return cookies.lines[0] ?? "";
};

describe("a cookie that is set", () => {
  it("has safe defaults", () => {
    assert.equal(line("id", "7"), "id=7; Path=/; HttpOnly; SameSite=Lax");
    assert.equal(line("id", "7", {}, true), "id=7; Path=/; Secure; HttpOnly; SameSite=Lax");
  });

  it("has what is asked for", () => {
    const options: SetCookieOptions = {
      domain: "example.com",
      path: "/a b",
      maxAgeSeconds: 60,
      expiresMs: 0,
      secure: true,
      httpOnly: false,
      sameSite: "none",
      partitioned: true,
    };
    assert.equal(
      line("id", '"7"', options),
      'id="7"; Path=/a b; Domain=example.com; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Secure; SameSite=None; Partitioned',
    );
  });

  it("can't be what a browser would not store, nor inject anything", () => {
    const refused: [string, string, SetCookieOptions?][] = [
      ["", "1"],
      ["a b", "1"],
      ["a;b", "1"],
      ["a=b", "1"],
      ["a\r\n", "1"],
      ["ä", "1"],
      ["a", "1;2"],
      ["a", "1 2"],
      ["a", "1,2"],
      ["a", "1\r\nSet-Cookie: b=2"],
      ["a", 'x"y'],
      ["a", "é"],
      ["a", "x".repeat(4_096)],
      ["a", 1 as unknown as string],
      ["a", "1", { path: "x" }],
      ["a", "1", { path: "/;Domain=evil" }],
      ["a", "1", { path: "/\r\n" }],
      ["a", "1", { path: `/${"x".repeat(1_024)}` }],
      ["a", "1", { domain: ".example.com" }],
      ["a", "1", { domain: "exa mple" }],
      ["a", "1", { domain: "" }],
      ["a", "1", { maxAgeSeconds: 1.5 }],
      ["a", "1", { expiresMs: Number.NaN }],
      ["a", "1", { sameSite: "Lax" as "lax" }],
      ["a", "1", { sameSite: "none" }],
      ["a", "1", { partitioned: true }],
      ["a", "1", { httponly: true } as SetCookieOptions],
      ["__Secure-a", "1"],
      ["__Host-a", "1"],
      ["__host-a", "1"],
      ["__Host-a", "1", { secure: true, domain: "example.com" }],
      ["__Host-a", "1", { secure: true, path: "/x" }],
    ];
    for (const [name, value, options] of refused) {
      assert.throws(() => line(name, value, options), { code: "INVALID_ARGUMENT" }, name + value);
    }
    assert.ok(line("__Host-a", "1", {}, true));
    assert.ok(line("__Host-a", "1", { secure: true, path: "/" }));
    assert.ok(line("a", "x".repeat(4_095)));
  });

  it("does not show its value in a message", () => {
    assert.throws(
      () => line("a", "se;cret"),
      (error: Error) => !error.message.includes("cret"),
    );
  });

  it("replaces one of the same name, domain and path, and there is a limit", () => {
    const cookies = new ResponseCookies(false);
    cookies.set("a", "1", {});
    cookies.set("a", "2", {});
    cookies.set("a", "3", { path: "/x" });
    assert.equal(cookies.lines.length, 2);
    assert.match(cookies.lines[0] ?? "", /^a=2;/);
    cookies.clear("a", { secure: true, partitioned: true });
    assert.equal(cookies.lines.length, 3);

    for (let count = 3; count < MAX_SET_COOKIES; count++) cookies.set(`c${count}`, "", {});
    assert.throws(() => cookies.set("one-more", "", {}), { code: "INVALID_ARGUMENT" });
  });

  it("is removed with the attributes it has", () => {
    const cookies = new ResponseCookies(true);
    cookies.clear("__Host-id", {});

    assert.deepEqual(cookies.lines, [
      "__Host-id=; Path=/; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Secure; HttpOnly; SameSite=Lax",
    ]);
  });
});

describe("responses that set cookies", () => {
  const responders: Record<string, (exchange: HttpExchange) => unknown> = {
    respond: (exchange) => exchange.respond(200, { "X-A": "1" }, "x"),
    "respond with pairs": (exchange) => exchange.respond(200, [["X-A", "1"]], "x"),
    startResponse: (exchange) => exchange.startResponse(200, { "X-A": "1" }).end(),
    respondError: (exchange) => exchange.respondError(403),
    respondRedirect: (exchange) => exchange.respondRedirect(303, "/"),
  };
  for (const [name, respond] of Object.entries(responders)) {
    it(`have a field for each: ${name}`, async (test) => {
      const server = await httpServer(test, {
        onRequest(exchange) {
          exchange.setCookie("a", "1");
          exchange.setCookie("b", "2", { path: "/x" });
          respond(exchange);
          assert.throws(() => exchange.setCookie("late", "1"), { code: "INVALID_STATE" });
        },
      });
      const peer = await rawPeer(test, server);

      peer.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
      await peer.answer();

      assert.match(peer.received, /\r\nSet-Cookie: a=1; Path=\/; HttpOnly; SameSite=Lax\r\n/);
      assert.match(peer.received, /\r\nSet-Cookie: b=2; Path=\/x; HttpOnly; SameSite=Lax\r\n/);
    });
  }

  it("set none when the handler fails, nor at a deadline", async (test) => {
    const server = await httpServer(test, {
      onRequest(exchange) {
        exchange.setCookie("session", "1");
        throw new Error("no");
      },
      onHandlerError: () => {},
    });
    const peer = await rawPeer(test, server);
    peer.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    const { statusCode, fields } = await peer.answer();
    assert.deepEqual([statusCode, fields.get("set-cookie")], [500, undefined]);

    const world = await httpMemory({
      responseTimeoutMs: 100,
      onRequest: (exchange) => exchange.setCookie("session", "1"),
    });
    const silent = await world.peer();
    await silent.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    await world.pass(200);
    assert.match(silent.received, /^HTTP\/1.1 503 /);
    assert.ok(!silent.received.includes("Set-Cookie"));
    await world.server.stop({ drainMs: 0 });
  });
});

describeTls("cookies of an HTTP server over TLS", ({ server: certificate, ca }) => {
  it("are Secure by themselves, and come back", async (test) => {
    const server = await httpServer(test, {
      tls: certificate,
      onRequest(exchange) {
        if (exchange.cookies.has("__Host-id")) exchange.respond(200, {}, "known");
        else {
          exchange.setCookie("__Host-id", "7");
          exchange.respond(200, {}, "new");
        }
      },
    });
    const agent = httpAgent(test, { cookies: new CookieStore(), tls: { ca } });
    const url = `https://localhost:${server.port}/`;

    const bodies: string[] = [];
    for (let count = 0; count < 2; count++) {
      const response = await agent.request({ url });
      bodies.push(await response.body.text());
    }

    assert.deepEqual(bodies, ["new", "known"]);
  });
});
