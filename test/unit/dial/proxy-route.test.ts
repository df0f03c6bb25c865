import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ProxyHop } from "#src/dial/proxy-hop.js";
import {
  MAX_PROXY_HOPS,
  type ProxyDestination,
  ProxyRouter,
  proxyFromEnvironment,
} from "#src/dial/proxy-route.js";

const TO: ProxyDestination = { host: "a.example", port: 443, scheme: "https" };

describe("ProxyHop", () => {
  for (const [url, protocol, host] of [
    ["http://p", "http", "p:80"],
    ["http://p:3128", "http", "p:3128"],
    ["socks5://p", "socks5", "p:1080"],
    ["socks5h://p:1", "socks5", "p:1"],
    ["socks://[::1]", "socks5", "[::1]:1080"],
    ["socks4a://p", "socks4", "p:1080"],
  ] as const) {
    it(`reads ${url}`, () => {
      const hop = new ProxyHop(url);
      assert.deepEqual([hop.protocol, hop.host, hop.username], [protocol, host, undefined]);
    });
  }

  it("takes credentials from the URL, decoded, unless they are given", () => {
    const hop = new ProxyHop("socks5://a%40b:p%3A%zz@p");
    assert.deepEqual([hop.username, hop.password], ["a@b", "p%3A%zz"]);
    const given = new ProxyHop({ url: "http://a:b@p", username: "c", password: "d" });
    assert.equal(given.authorization, `Basic ${Buffer.from("c:d").toString("base64")}`);
    assert.equal(new ProxyHop({ url: "http://a:b@p", username: "c" }).password, "");
    assert.notEqual(new ProxyHop("http://a:b@p").key, new ProxyHop("http://a:c@p").key);
    assert.notEqual(new ProxyHop("http://a:b@p").key, new ProxyHop("socks5://a:b@p:80").key);
  });

  for (const given of [
    "",
    "p:3128",
    "ftp://p",
    "https://p",
    "http://",
    "http://p:0",
    "http://me:secret@[x",
    "http://me:secret@secret@[x",
    "http://me:secret/secret@host",
    "me:secret@host:x",
  ]) {
    it(`refuses ${given.replaceAll("secret", "…")} and says nothing of passwords`, () => {
      assert.throws(
        () => new ProxyHop(given),
        (error: Error & { code?: string }) => {
          assert.equal(error.code, "INVALID_ARGUMENT");
          assert.doesNotMatch(error.message, /secret/);
          return true;
        },
      );
    });
  }

  it("refuses options that there are not", () => {
    const bad = { code: "INVALID_ARGUMENT" };
    assert.throws(() => new ProxyHop({ url: "http://p", user: "x" } as never), bad);
    assert.throws(() => new ProxyHop({ url: "http://p", noProxy: 1 } as never), bad);
    assert.throws(() => new ProxyHop({ url: "http://p", noProxy: "a:b:c]" }), bad);
    assert.throws(() => new ProxyHop(7 as never), bad);
  });
});

describe("ProxyRouter", () => {
  it("finds the same route for what never changes", () => {
    const router = new ProxyRouter(["http://a", "socks5://b"]);
    const route = router.route(TO);
    assert.deepEqual(
      route?.hops.map((hop) => hop.host),
      ["a:80", "b:1080"],
    );
    assert.equal(router.route(TO), route);
    assert.equal(route?.forward, undefined);
    assert.equal(new ProxyRouter("http://a").route(TO)?.forward?.host, "a:80");
    assert.equal(new ProxyRouter("socks5://a").route(TO)?.forward, undefined);
  });

  it("goes directly without a choice, by false, by noProxy, and where a function says so", () => {
    assert.equal(new ProxyRouter(undefined).route(TO), undefined);
    assert.equal(new ProxyRouter(false).route(TO), undefined);
    assert.equal(new ProxyRouter("http://a").route(TO, false), undefined);
    assert.equal(new ProxyRouter(() => undefined).route(TO), undefined);
    const url = "http://a";
    assert.equal(new ProxyRouter({ url, noProxy: ".example" }).route(TO), undefined);
    assert.ok(new ProxyRouter({ url, noProxy: "a.example:80" }).route(TO));
  });

  it("asks a function for each destination", () => {
    const seen: ProxyDestination[] = [];
    const router = new ProxyRouter((destination) => {
      seen.push(destination);
      return destination.port === 443 ? "http://a" : ["http://b", "http://c"];
    });
    assert.equal(router.route(TO)?.hops.length, 1);
    assert.equal(router.route({ ...TO, port: 80 })?.hops.length, 2);
    assert.deepEqual(seen, [TO, { ...TO, port: 80 }]);
  });

  it("keeps no more routes than it has room for", () => {
    let index = 0;
    const router = new ProxyRouter(() => `http://p${index}`);
    for (index = 0; index < 1_000; index++) {
      assert.equal(router.route(TO)?.first.hostname, `p${index}`);
    }
  });

  it("tells of a function that throws, and of one that answers what can't be", () => {
    const failing = new ProxyRouter(() => {
      throw Object.create(null);
    });
    assert.throws(() => failing.route(TO), { code: "HANDLER_FAILED" });
    assert.throws(() => new ProxyRouter(() => 7 as never).route(TO), { code: "INVALID_ARGUMENT" });
  });

  it("refuses chains that can't be", () => {
    const bad = { code: "INVALID_ARGUMENT", message: /1 to 8 proxies, not / };
    assert.throws(() => new ProxyRouter([]), bad);
    const long = Array.from({ length: MAX_PROXY_HOPS + 1 }, () => "http://a");
    assert.throws(() => new ProxyRouter(long), bad);
    assert.ok(new ProxyRouter(long.slice(1)));
    for (const choice of [null, 7, true, {}, [7]]) {
      assert.throws(() => ProxyRouter.assert(choice), { code: "INVALID_ARGUMENT" });
    }
  });
});

describe("proxyFromEnvironment", () => {
  const route = (environment: Record<string, string>, scheme: ProxyDestination["scheme"]) =>
    new ProxyRouter(proxyFromEnvironment(environment)).route({ ...TO, scheme })?.first.host;

  it("goes by the scheme", () => {
    const environment = {
      http_proxy: "http://plain:1",
      HTTPS_PROXY: "secure:2",
      ALL_PROXY: "socks5://all:3",
    };
    assert.equal(route(environment, "http"), "plain:1");
    assert.equal(route(environment, "https"), "secure:2");
    assert.equal(route(environment, "tcp"), "all:3");
    assert.equal(route(environment, "tls"), "all:3");
  });

  it("reads lower case first, no HTTP_PROXY, and NO_PROXY", () => {
    assert.equal(route({ https_proxy: "low:1", HTTPS_PROXY: "up:1" }, "https"), "low:1");
    assert.equal(route({ HTTP_PROXY: "http://cgi:1" }, "http"), undefined);
    assert.equal(
      route({ all_proxy: "http://p:1", NO_PROXY: "b.example, .EXAMPLE" }, "https"),
      undefined,
    );
    assert.equal(route({ all_proxy: "http://p:1", NO_PROXY: "" }, "https"), "p:1");
    assert.equal(route({}, "https"), undefined);
    assert.throws(() => proxyFromEnvironment({ ALL_PROXY: "ftp://x" }), {
      code: "INVALID_ARGUMENT",
    });
  });
});
