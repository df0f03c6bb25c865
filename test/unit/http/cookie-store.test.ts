import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CookieInit } from "#src/http/cookie/cookie.js";
import { CookieStore } from "#src/http/cookie/cookie-store.js";
import type { CookieStoreOptions } from "#src/http/cookie/cookie-store-options.js";
import { ManualClock } from "#src/time/clock.js";
import { netWarning } from "../../support/net-warning.js";
import { netError } from "../../support/packet-stream.js";

const URL_A = "https://a.com/";
const NOW = Date.UTC(2020, 0, 1);

function newStore(options: CookieStoreOptions = {}): { store: CookieStore; clock: ManualClock } {
  const clock = new ManualClock();
  clock.advance(NOW);
  return { store: new CookieStore({ clock, ...options }), clock };
}

function names(store: CookieStore): string[] {
  return store.list().map(({ name }) => name);
}

describe("CookieStore.set", () => {
  it("sets a host-only session cookie of the path / when told no more", () => {
    const { store } = newStore();

    const cookie = store.set({ name: "n", value: "v", domain: "A.com" });

    assert.deepEqual(cookie, {
      name: "n",
      value: "v",
      domain: "a.com",
      hostOnly: true,
      path: "/",
      expiresMs: undefined,
      secure: false,
      httpOnly: false,
      sameSite: undefined,
      createdMs: NOW,
    });
    assert.equal(store.cookieHeader(URL_A), "n=v");
    assert.equal(store.cookieHeader("https://www.a.com/"), undefined);
  });

  it("sets what it is told", () => {
    const { store } = newStore();
    const init: CookieInit = {
      name: "n",
      value: "",
      domain: ".a.com",
      hostOnly: false,
      path: "/p",
      maxAgeSeconds: 60,
      expiresMs: 5,
      secure: true,
      httpOnly: true,
      sameSite: "strict",
      createdMs: 7,
    };

    const cookie = store.set(init);

    const { maxAgeSeconds, ...rest } = init;
    assert.equal(maxAgeSeconds, 60);
    assert.deepEqual(cookie, { ...rest, domain: "a.com", expiresMs: NOW + 60_000 });
    assert.equal(store.cookieHeader("https://www.a.com/p/q"), "n=");
  });

  it("sets a cookie for an address, host-only or not: it is the same", () => {
    const { store } = newStore();

    store.set({ name: "n", value: "v", domain: "10.0.0.1", hostOnly: false });

    assert.equal(store.cookieHeader("http://10.0.0.1/"), "n=v");
  });

  it("takes a cookie back with another value", () => {
    const { store } = newStore();
    store.setFromHeader("n=v; Max-Age=60; HttpOnly; Path=/x", URL_A);
    const [cookie] = store.list();
    assert.ok(cookie);

    const changed = store.set({ ...cookie, value: "w" });

    assert.deepEqual(changed, { ...cookie, value: "w" });
    assert.equal(store.count, 1);
  });

  it("removes the cookie, and answers undefined, when it sets one that has expired", () => {
    const { store } = newStore();
    const key = { name: "n", domain: "a.com" };
    for (const expiry of [{ maxAgeSeconds: 0 }, { maxAgeSeconds: -1 }, { expiresMs: NOW }]) {
      store.set({ ...key, value: "v" });

      assert.equal(store.set({ ...key, value: "", ...expiry }), undefined);
      assert.equal(store.count, 0);
    }
  });

  it("lets no time be later than the end of the year 9999", () => {
    const { store } = newStore();
    const init = { name: "n", value: "v", domain: "a.com" };
    const last = Date.parse("9999-12-31T23:59:59Z");

    assert.equal(store.set({ ...init, expiresMs: Number.MAX_VALUE })?.expiresMs, last);
    assert.equal(store.set({ ...init, maxAgeSeconds: 2 ** 53 - 1 })?.expiresMs, last);
  });

  const wrong: readonly (readonly [what: string, init: object, message: RegExp])[] = [
    ["no name", { name: "" }, /cookie\.name must be text that is not empty/],
    ["a name with =", { name: "a=b" }, /cookie\.name/],
    ["a name that is no text", { name: 1 }, /cookie\.name .* not 1$/],
    ["a value with an LF", { value: "a\r\nSet: b" }, /cookie\.value/],
    ["a value with ;", { value: "a; b" }, /cookie\.value/],
    ["a value beyond Latin-1", { value: "€" }, /cookie\.value/],
    ["a value with a space before it", { value: " a" }, /cookie\.value/],
    ["no domain", { domain: undefined }, /cookie\.domain must be a host name .* not undefined$/],
    ["an empty domain", { domain: "" }, /cookie\.domain/],
    ["a URL as domain", { domain: "https://a.com/" }, /cookie\.domain/],
    ["a domain of 255 bytes", { domain: `${"a".repeat(250)}.comx` }, /cookie\.domain/],
    ["a path without its slash", { path: "x" }, /cookie\.path/],
    ["a path of 1,025 bytes", { path: `/${"x".repeat(1_024)}` }, /cookie\.path/],
    ["a path with a control character", { path: "/\x7f" }, /cookie\.path/],
    ["a domain with dots before it", { domain: "..a.com" }, /cookie\.domain/],
    ["a part of a second", { maxAgeSeconds: 0.5 }, /cookie\.maxAgeSeconds/],
    ["an expiry that is no number", { expiresMs: Number.NaN }, /cookie\.expiresMs .* not NaN$/],
    ["a flag that is no boolean", { secure: 1 }, /cookie\.secure must be true or false, not 1$/],
    ["another SameSite", { sameSite: "Strict" }, /cookie\.sameSite must be one of/],
    ["an option there is not", { expires: 1 }, /cookie has no option "expires"/],
    ["a public suffix", { domain: "co.uk", hostOnly: false }, /"n" can't be set: public-suffix/],
    ["a prefix that is not kept", { name: "__Host-n" }, /can't be set: prefix/],
    ["more than 4,096 bytes", { value: "v".repeat(4_096) }, /too-long, maxCookieBytes is 4096/],
  ];
  for (const [what, change, message] of wrong) {
    it(`throws for ${what}`, () => {
      const { store } = newStore();
      const init = { name: "n", value: "v", domain: "a.com", ...change } as CookieInit;

      assert.throws(() => store.set(init), netError("INVALID_ARGUMENT", message));
      assert.equal(store.count, 0);
    });
  }

  it("shows no value in its errors", () => {
    const { store } = newStore();

    assert.throws(
      () => store.set({ name: "n", value: "TOPSECRET;", domain: "a.com" }),
      (error) => error instanceof Error && !error.message.includes("TOPSECRET"),
    );
  });
});

describe("CookieStore's get, list, delete and clear", () => {
  function filled(): { store: CookieStore; clock: ManualClock } {
    const world = newStore();
    for (const [name, domain, path] of [
      ["a", "a.com", "/"],
      ["b", "a.com", "/x"],
      ["a", "www.a.com", "/"],
      ["c", "b.com", "/x"],
    ] as const) {
      world.store.set({ name, value: `${domain}${path}`, domain, path });
    }
    return world;
  }

  it("get one cookie by domain, path and name, the path / when it is left out", () => {
    const { store } = filled();

    assert.equal(store.get({ domain: "A.COM", name: "a" })?.value, "a.com/");
    assert.equal(store.get({ domain: "a.com", path: "/x", name: "b" })?.value, "a.com/x");
    assert.equal(store.get({ domain: "a.com", name: "b" }), undefined);
    assert.equal(store.get({ domain: "com", name: "a" }), undefined);
  });

  it("list by any part, in the order of creation", () => {
    const { store } = filled();
    const values = (filter: object): string[] => store.list(filter).map(({ value }) => value);

    assert.deepEqual(values({}), ["a.com/", "a.com/x", "www.a.com/", "b.com/x"]);
    assert.deepEqual(values({ domain: "a.com" }), ["a.com/", "a.com/x"]);
    assert.deepEqual(values({ path: "/x" }), ["a.com/x", "b.com/x"]);
    assert.deepEqual(values({ name: "a" }), ["a.com/", "www.a.com/"]);
    assert.deepEqual(values({ domain: "a.com", path: "/x", name: "a" }), []);
  });

  it("delete one cookie, and say whether it was there", () => {
    const { store } = filled();

    assert.equal(store.delete({ domain: "a.com", path: "/x", name: "b" }), true);
    assert.equal(store.delete({ domain: "a.com", path: "/x", name: "b" }), false);
    assert.equal(store.count, 3);
  });

  it("clear by any part, and say how many there were", () => {
    const { store } = filled();

    assert.equal(store.clear({ domain: "a.com", path: "/x" }), 1);
    assert.equal(store.clear({ name: "a" }), 2);
    assert.equal(store.clear(), 1);
    assert.equal(store.clear(), 0);
  });

  it("throw for a part there is not, instead of taking it for all", () => {
    const { store } = filled();
    const misspelt = { domian: "a.com" } as object;

    assert.throws(() => store.clear(misspelt), netError("INVALID_ARGUMENT", /"domian"/));
    assert.throws(() => store.list({ path: "x" }), { code: "INVALID_ARGUMENT" });
    assert.equal(store.count, 4);
  });

  it("never show what has expired", () => {
    const { store, clock } = newStore();
    store.set({ name: "n", value: "v", domain: "a.com", maxAgeSeconds: 1 });

    clock.advance(1_000);

    assert.equal(store.count, 0);
    assert.equal(store.get({ name: "n", domain: "a.com" }), undefined);
    assert.deepEqual(store.list(), []);
    assert.equal(store.delete({ name: "n", domain: "a.com" }), false);
  });

  it("removeExpired removes what has expired, no more, and says how many", () => {
    const { store, clock } = newStore();
    for (const [name, maxAgeSeconds] of [
      ["a", 1],
      ["b", 2],
      ["c", 3],
    ] as const) {
      store.set({ name, value: "v", domain: "a.com", maxAgeSeconds });
    }
    store.set({ name: "session", value: "v", domain: "a.com" });

    clock.advance(2_000);

    assert.equal(store.removeExpired(), 2);
    assert.equal(store.removeExpired(), 0);
    assert.deepEqual(names(store), ["c", "session"]);
  });

  it("removeExpired removes of what has expired only what the filter names", () => {
    const { store, clock } = newStore();
    for (const [name, domain, path] of [
      ["a", "a.com", "/"],
      ["b", "a.com", "/deep"],
      ["c", "b.com", "/"],
    ] as const) {
      store.set({ name, value: "v", domain, path, maxAgeSeconds: 1 });
    }
    store.set({ name: "lives", value: "v", domain: "a.com", path: "/deep", maxAgeSeconds: 60 });

    clock.advance(1_000);

    assert.equal(store.removeExpired({ domain: "A.com", path: "/deep" }), 1);
    assert.equal(store.removeExpired({ domain: "a.com", path: "/deep" }), 0);
    assert.equal(store.removeExpired({ domain: "b.com" }), 1);
    assert.equal(store.removeExpired(), 1);
    assert.deepEqual(names(store), ["lives"]);
  });
});

describe("what a CookieStore gives", () => {
  it("can't be changed behind its back", () => {
    const { store } = newStore();
    store.setFromHeader("n=v", URL_A);
    const [cookie] = store.list();
    assert.ok(cookie);

    assert.throws(() => Object.assign(cookie, { value: "w" }), TypeError);
    assert.equal(store.cookieHeader(URL_A), "n=v");
  });
});

describe("CookieStore's requests", () => {
  it("go to a URL, its text, or its three parts", () => {
    const { store } = newStore();
    store.setFromHeader("n=v; Secure; Path=/p", new URL("https://a.com/"));

    assert.equal(store.cookieHeader("https://a.com/p"), "n=v");
    assert.equal(store.cookieHeader(new URL("https://a.com/p")), "n=v");
    const parts = { protocol: "https:", hostname: "A.com", pathname: "/p" };
    assert.equal(store.cookieHeader(parts), "n=v");
    assert.deepEqual(
      store.cookiesFor(parts).map(({ name }) => name),
      ["n"],
    );
  });

  it("throw for what is no URL with a host, and for contexts there are not", () => {
    const { store } = newStore();

    for (const target of ["", "a.com", "/path", "file:///x", "data:,x"]) {
      assert.throws(() => store.cookieHeader(target), { code: "INVALID_ARGUMENT" }, target);
      assert.throws(() => store.setFromHeader("n=v", target), { code: "INVALID_ARGUMENT" });
    }
    const context = { sameSiteContext: "Lax" } as object;
    assert.throws(() => store.cookieHeader(URL_A, context), { code: "INVALID_ARGUMENT" });
    assert.throws(() => store.cookieHeader(URL_A, { sameSite: "lax" } as object), {
      code: "INVALID_ARGUMENT",
    });
  });

  it("to this machine count as secure with secureOnLoopback only", () => {
    const hosts = ["localhost", "app.localhost", "127.0.0.1", "127.8.9.1", "[::1]"];
    const elsewhere = ["128.0.0.1", "127.example.com", "localhost.example.com", "[::2]"];
    const outcomes = (secureOnLoopback: boolean, list: readonly string[]): string[] =>
      list.map((host) =>
        newStore({ secureOnLoopback }).store.setFromHeader("n=v; Secure", `http://${host}/`),
      );

    assert.deepEqual(new Set(outcomes(false, hosts)), new Set(["insecure"]));
    assert.deepEqual(new Set(outcomes(true, hosts)), new Set(["stored"]));
    assert.deepEqual(new Set(outcomes(true, elsewhere)), new Set(["insecure"]));
  });
});

describe("CookieStore's report of what it ignores", () => {
  it("tells the reason, the text and the host, and counts", () => {
    const told: unknown[] = [];
    const { store } = newStore({ onIgnore: (...report) => told.push(report) });

    store.setFromHeader("nonsense", URL_A);
    store.setFromHeader("n=v; Domain=com", URL_A);
    store.setFromHeader("n=v", URL_A);
    store.setFromHeader("n=; Max-Age=0", URL_A);

    assert.deepEqual(told, [
      ["malformed", "nonsense", "a.com"],
      ["public-suffix", "n=v; Domain=com", "a.com"],
    ]);
    const { ignoredCounts, storedCount, cookieCount } = store.stats;
    assert.deepEqual([ignoredCounts.malformed, ignoredCounts["public-suffix"]], [1, 1]);
    assert.deepEqual([storedCount, cookieCount], [1, 0]);
  });

  it("goes on when onIgnore throws, with a process warning", async () => {
    const { store } = newStore({
      onIgnore: () => {
        throw new Error("mine");
      },
    });
    const warning = netWarning();

    const outcome = store.setFromHeader("nonsense", URL_A);

    const error = await warning;
    assert.equal(outcome, "malformed");
    assert.ok(netError("HANDLER_FAILED", /onIgnore/)(error));
  });
});

describe("CookieStore's limits", () => {
  it("takes name and value of maxCookieBytes together, and no byte more", () => {
    const { store } = newStore({ maxCookieBytes: 5 });

    assert.equal(store.setFromHeader("abc=de; Path=/long/enough", URL_A), "stored");
    assert.equal(store.setFromHeader("abc=def", URL_A), "too-long");
    assert.equal(store.stats.ignoredCounts["too-long"], 1);
  });

  it("takes no default path above 1,024 bytes", () => {
    const { store } = newStore();
    const url = (bytes: number): string => `https://a.com/${"x".repeat(bytes - 1)}/page`;

    assert.equal(store.setFromHeader("n=v", url(1_024)), "stored");
    assert.equal(store.setFromHeader("n=v", url(1_025)), "too-long");
  });

  it("drives out the longest unused of a domain above maxCookiesPerDomain", () => {
    const { store } = newStore({ maxCookiesPerDomain: 3 });
    for (const name of ["a", "b", "c"]) store.setFromHeader(`${name}=v; Path=/${name}`, URL_A);
    store.setFromHeader("other=v", "https://b.com/");
    store.cookieHeader("https://a.com/a");

    store.setFromHeader("d=v", URL_A);

    assert.deepEqual(names(store), ["a", "c", "other", "d"]);
    assert.equal(store.stats.evictedCount, 1);
  });

  it("drives out cookies of a domain that are not Secure before those that are", () => {
    const { store } = newStore({ maxCookiesPerDomain: 2 });
    for (const text of ["a=v; Secure", "b=v", "c=v", "d=v; Secure", "e=v", "f=v; Secure"]) {
      store.setFromHeader(text, URL_A);
    }

    assert.deepEqual(names(store), ["d", "f"]);
  });

  it("drives out the longest unused of all above maxCookies", () => {
    const { store } = newStore({ maxCookies: 3 });
    for (const host of ["a", "b", "c"]) store.setFromHeader(`${host}=v`, `https://${host}.com/`);
    store.cookieHeader("https://a.com/");

    store.setFromHeader("d=v", "https://d.com/");

    assert.deepEqual(names(store), ["a", "c", "d"]);
    assert.equal(store.stats.evictedCount, 1);
  });

  it("drives nothing out for a cookie that replaces another, nor while expired ones can go", () => {
    const { store, clock } = newStore({ maxCookies: 2, maxCookiesPerDomain: 2 });
    store.setFromHeader("a=v", URL_A);
    store.setFromHeader("b=v; Max-Age=1", URL_A);
    store.setFromHeader("a=w", URL_A);
    clock.advance(1_000);

    store.setFromHeader("c=v", URL_A);

    assert.deepEqual(names(store), ["a", "c"]);
    assert.equal(store.stats.evictedCount, 0);
  });

  it("stays within its limits under a flood", () => {
    const { store } = newStore({ maxCookies: 100, maxCookiesPerDomain: 10 });

    for (let index = 0; index < 5_000; index += 1) {
      store.setFromHeader(`n${index}=v`, `https://h${index % 37}.com/`);
      assert.ok(store.count <= 100);
    }

    assert.equal(store.count, 100);
    assert.equal(store.stats.evictedCount, 4_900);
  });

  const wrong: readonly object[] = [
    { maxCookies: 0 },
    { maxCookies: 1_000_001 },
    { maxCookiesPerDomain: 0 },
    { maxCookieBytes: 8_001 },
    { maxCookieBytes: 1.5 },
    { secureOnLoopback: 1 },
    { onIgnore: "log" },
    { maxCookie: 1 },
  ];
  for (const options of wrong) {
    it(`refuses the options ${JSON.stringify(options)}`, () => {
      assert.throws(() => new CookieStore(options), { code: "INVALID_ARGUMENT" });
    });
  }
});

describe("CookieStore's JSON", () => {
  it("brings every cookie back as it was, session cookies too", () => {
    const { store, clock } = newStore();
    store.setFromHeader("a=1; Max-Age=60; Secure; HttpOnly; SameSite=Lax; Path=/x", URL_A);
    clock.advance(1);
    store.setFromHeader("b=; Domain=a.com", "https://www.a.com/");
    store.set({ name: "c", value: "\u00e9", domain: "::1" });

    const copy = CookieStore.fromJSON(JSON.parse(JSON.stringify(store)), { clock });

    assert.deepEqual(copy.list(), store.list());
    assert.equal(copy.count, 3);
  });

  it("keeps the order of use", () => {
    const { store, clock } = newStore();
    for (const name of ["a", "b"]) store.setFromHeader(`${name}=v; Path=/${name}`, URL_A);
    store.cookieHeader("https://a.com/a");

    const copy = CookieStore.fromJSON(store.toJSON(), { clock, maxCookies: 1 });

    assert.deepEqual(names(copy), ["a"]);
  });

  it("keeps the order of the Cookie field, whatever was used last", () => {
    const { store, clock } = newStore();
    for (const [name, domain] of [
      ["a", "a.com"],
      ["b", "www.a.com"],
    ] as const) {
      store.set({ name, value: "v", domain, hostOnly: false });
      clock.advance(1);
    }
    store.cookieHeader(URL_A);

    const copy = CookieStore.fromJSON(store.toJSON(), { clock });

    assert.equal(copy.toJSON().cookies[0]?.name, "b");
    assert.equal(copy.cookieHeader("https://www.a.com/"), "a=v; b=v");
  });

  it("leaves out what has expired, and what the rules of now forbid", () => {
    const { store, clock } = newStore();
    store.set({ name: "a", value: "1", domain: "a.com", maxAgeSeconds: 1 });
    store.set({ name: "b", value: "long", domain: "a.com" });
    store.set({ name: "c", value: "3", domain: "a.com" });
    const json = store.toJSON();
    clock.advance(1_000);

    const copy = CookieStore.fromJSON(json, { clock, maxCookieBytes: 2 });

    assert.deepEqual(names(copy), ["c"]);
    assert.equal(copy.stats.ignoredCounts["too-long"], 1);
    assert.equal(store.toJSON().cookies.length, 2);
  });

  const good = { name: "n", value: "v", domain: "a.com" };
  const wrong: readonly (readonly [json: unknown, message: RegExp])[] = [
    [null, /must be an object, not null/],
    ["{}", /must be an object/],
    [[], /must be an object/],
    [{}, /must have version 1/],
    [{ version: 2, cookies: [] }, /must have version 1/],
    [{ version: 1, cookies: {} }, /a list of cookies/],
    [{ version: 1, cookies: [good, 5] }, /cookies\[1\] must be an object, not 5/],
    [{ version: 1, cookies: [{ ...good, name: "a\n" }] }, /cookies\[0\]\.name/],
    [{ version: 1, cookies: [{ ...good, expiresMs: "never" }] }, /cookies\[0\]\.expiresMs/],
    [{ version: 1, cookies: [{ ...good, hostOnly: null }] }, /cookies\[0\]\.hostOnly/],
  ];
  for (const [json, message] of wrong) {
    it(`is refused when it is ${JSON.stringify(json)}`, () => {
      assert.throws(() => CookieStore.fromJSON(json), netError("INVALID_ARGUMENT", message));
    });
  }
});

describe("the machine's clock", () => {
  it("is the default", () => {
    const store = new CookieStore();

    const cookie = store.set({ name: "n", value: "v", domain: "a.com", maxAgeSeconds: 60 });

    assert.ok(Math.abs((cookie?.createdMs ?? 0) - Date.now()) < 60_000);
    assert.equal(store.cookieHeader(URL_A), "n=v");
  });
});
