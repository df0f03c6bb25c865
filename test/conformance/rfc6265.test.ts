/**
 * RFC 6265 in its order: what a user agent does with Set-Cookie and Cookie, seen from outside. What
 * RFC 6265bis changes or adds is named by "bis" and its section.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Cookie, SetCookieOutcome } from "#src/http/cookie/cookie.js";
import { CookieStore } from "#src/http/cookie/cookie-store.js";
import { ManualClock } from "#src/time/clock.js";

const URL_A = "https://www.example.com/dir/page";

/** A store at the beginning of 2020. */
function newStore(): { store: CookieStore; clock: ManualClock } {
  const clock = new ManualClock();
  clock.advance(Date.UTC(2020, 0, 1));
  return { store: new CookieStore({ clock }), clock };
}

/** The cookie that one Set-Cookie leaves. */
function setOne(setCookie: string, url = URL_A): Cookie | undefined {
  const { store } = newStore();
  store.setFromHeader(setCookie, url);
  return store.list()[0];
}

function outcomeOf(setCookie: string, url = URL_A): SetCookieOutcome {
  return newStore().store.setFromHeader(setCookie, url);
}

/** What a request to `url` carries after one Set-Cookie from `from`. */
function sentTo(url: string, setCookie: string, from: string): string | undefined {
  const { store } = newStore();
  store.setFromHeader(setCookie, from);
  return store.cookieHeader(url);
}

describe("RFC 6265 §3.1 examples", () => {
  it("returns a session cookie, limits it by Path and Domain, and removes it by an old Expires", () => {
    const { store } = newStore();
    const url = "https://example.com/";

    store.setFromHeader("SID=31d4d96e407aad42; Path=/; Secure; HttpOnly", url);
    store.setFromHeader("lang=en-US; Path=/; Domain=example.com", url);
    const both = store.cookieHeader(url);
    const below = store.cookieHeader("https://www.example.com/");
    store.setFromHeader(
      "lang=; Path=/; Domain=example.com; Expires=Sun, 06 Nov 1994 08:49:37 GMT",
      url,
    );

    assert.equal(both, "SID=31d4d96e407aad42; lang=en-US");
    assert.equal(below, "lang=en-US");
    assert.equal(store.cookieHeader(url), "SID=31d4d96e407aad42");
  });
});

describe("RFC 6265 §5.1.1 dates", () => {
  const dates: readonly (readonly [date: string, expected: string])[] = [
    ["Sun, 06 Nov 2033 08:49:37 GMT", "2033-11-06T08:49:37Z"],
    ["Sunday, 06-Nov-33 08:49:37 GMT", "2033-11-06T08:49:37Z"],
    ["Sun Nov  6 08:49:37 2033", "2033-11-06T08:49:37Z"],
    ["Sun, 06-Nov-2033 08:49:37 GMT", "2033-11-06T08:49:37Z"],
    ["06 Nov 2033 08:49:37", "2033-11-06T08:49:37Z"],
    ["2033 Nov 6 08:49:37", "2033-11-06T08:49:37Z"],
    ["08:49:37 6 nov 2033", "2033-11-06T08:49:37Z"],
    ["6 NOVEMBER 2033 8:4:7", "2033-11-06T08:04:07Z"],
    ["6 novelty 2033 08:49:37", "2033-11-06T08:49:37Z"],
    ["06/Nov/2033/08:49:37", "2033-11-06T08:49:37Z"],
    ["\t06,Nov,2033,08:49:37\t", "2033-11-06T08:49:37Z"],
    ["Sun, 06 Nov 2033 08:49:37 PST", "2033-11-06T08:49:37Z"],
    ["Sun, 06 Nov 2033 08:49:37 +0800", "2033-11-06T08:49:37Z"],
    ["06 Nov 2033x 08:49:37y", "2033-11-06T08:49:37Z"],
    ["06th Nov 2033 08:49:37", "2033-11-06T08:49:37Z"],
    ["06 Nov 69 08:49:37", "2069-11-06T08:49:37Z"],
    ["06 Nov 00 08:49:37", "2000-11-06T08:49:37Z"],
    ["29 Feb 2032 23:59:59", "2032-02-29T23:59:59Z"],
    ["31 Dec 9999 23:59:59", "9999-12-31T23:59:59Z"],
    ["1 Jan 2033 0:0:0", "2033-01-01T00:00:00Z"],
    ["1 Jan 2033 00:00:00 2 Feb 2034 01:01:01", "2033-01-01T00:00:00Z"],
  ];
  for (const [date, expected] of dates) {
    it(`reads ${JSON.stringify(date)}`, () => {
      const { store } = newStore();
      const isPast = Date.parse(expected) <= Date.UTC(2020, 0, 1);

      const outcome = store.setFromHeader(`n=v; Expires=${date}`, URL_A);

      assert.equal(outcome, isPast ? "expired" : "stored");
      if (!isPast) assert.equal(store.list()[0]?.expiresMs, Date.parse(expected));
    });
  }

  for (const date of [
    "06 Nov 70 08:49:37",
    "06 Nov 99 08:49:37",
    "1 Jan 2020 00:00:00",
    "1 Jan 1601 00:00:00",
  ]) {
    it(`takes ${JSON.stringify(date)} for past`, () => {
      assert.equal(outcomeOf(`n=v; Expires=${date}`), "expired");
    });
  }

  const failures = [
    "",
    "never",
    "0",
    "-1",
    "06 Nov 2033",
    "06 Nov 08:49:37",
    "06 2033 08:49:37",
    "Nov 2033 08:49:37",
    "06 Nov 2033 08:49",
    "06 Nov 2033 24:00:00",
    "06 Nov 2033 08:60:00",
    "06 Nov 2033 08:00:60",
    "0 Nov 2033 08:49:37",
    "32 Nov 2033 08:49:37",
    "30 Feb 2033 08:49:37",
    "29 Feb 2033 08:49:37",
    "06 Nov 1600 08:49:37",
    "06 Nov 3 08:49:37",
    "06 Nov 20333 08:49:37",
    "006 Nov 2033 08:49:37",
    "06 Nov 2033 008:49:37",
    "06 Nov 2033 08:49:377",
    "06 No 2033 08:49:37",
    "2033-11-06T08:49:37Z",
    "2000000000",
  ];
  for (const date of failures) {
    it(`ignores an Expires of ${JSON.stringify(date)}, and the cookie lives for the session`, () => {
      const cookie = setOne(`n=v; Expires=${date}`);

      assert.equal(cookie?.value, "v");
      assert.equal(cookie?.expiresMs, undefined);
    });
  }
});

describe("RFC 6265 §5.1.2 canonical host names", () => {
  it("takes upper and lower case for the same, and names beyond ASCII for their A-labels", () => {
    assert.equal(sentTo("https://EXAMPLE.com/", "n=v", "https://example.COM/"), "n=v");
    assert.equal(
      sentTo(
        "https://xn--bcher-kva.example/",
        "n=v; Domain=b\u00fccher.example",
        "https://a.b\u00fccher.example/",
      ),
      "n=v",
    );
  });
});

describe("RFC 6265 §5.1.3 domain matching", () => {
  const cases: readonly (readonly [from: string, domain: string, to: string, isSent: boolean])[] = [
    ["example.com", "example.com", "example.com", true],
    ["example.com", "example.com", "www.example.com", true],
    ["www.example.com", "example.com", "a.b.example.com", true],
    ["www.example.com", ".example.com", "example.com", true],
    ["www.example.com", "EXAMPLE.COM", "example.com", true],
    ["example.com", "example.com", "notexample.com", false],
    ["example.com", "example.com", "example.com.evil.org", false],
    ["example.com", "example.com", "com", false],
    ["a.example.com", "a.example.com", "example.com", false],
    ["a.example.com", "a.example.com", "b.example.com", false],
  ];
  for (const [from, domain, to, isSent] of cases) {
    it(`${isSent ? "sends" : "does not send"} to ${to} what ${from} sets for ${domain}`, () => {
      const sent = sentTo(`https://${to}/`, `n=v; Domain=${domain}`, `https://${from}/`);

      assert.equal(sent, isSent ? "n=v" : undefined);
    });
  }

  it("matches IP addresses as a whole only", () => {
    assert.equal(sentTo("http://127.0.0.1/", "n=v; Domain=127.0.0.1", "http://127.0.0.1/"), "n=v");
    assert.equal(outcomeOf("n=v; Domain=0.0.1", "http://127.0.0.1/"), "domain-mismatch");
    assert.equal(sentTo("http://2.127.0.1/", "n=v", "http://127.0.0.1/"), undefined);
    assert.equal(sentTo("http://[::1]:81/", "n=v", "http://[0:0::1]:80/"), "n=v");
    assert.equal(sentTo("http://[::1]/", "n=v; Domain=[::1]", "http://[::1]/"), "n=v");
    assert.equal(sentTo("http://[::2]/", "n=v", "http://[::1]/"), undefined);
  });

  it("does not send what an address has as its last labels", () => {
    const { store } = newStore();
    store.set({ name: "n", value: "v", domain: "0.0.1", hostOnly: false });

    assert.equal(
      store.cookieHeader({ protocol: "http:", hostname: "127.0.0.1", pathname: "/" }),
      undefined,
    );
  });
});

describe("RFC 6265 §5.1.4 paths", () => {
  const defaults: readonly (readonly [path: string, expected: string])[] = [
    ["", "/"],
    ["/", "/"],
    ["/file", "/"],
    ["/dir/", "/dir"],
    ["/dir/file", "/dir"],
    ["/dir/sub/file?a=/b/c#/d", "/dir/sub"],
    ["//", "/"],
    ["/app;id=1/page", "/app;id=1"],
  ];
  for (const [path, expected] of defaults) {
    it(`has the default path ${expected} for a request to ${JSON.stringify(path)}`, () => {
      assert.equal(setOne("n=v", `https://example.com${path}`)?.path, expected);
    });
  }

  it("takes no query of a request target into the default path", () => {
    const { store } = newStore();
    const target = { protocol: "http:", hostname: "example.com", pathname: "/a/b?c=/d/e" };

    store.setFromHeader("n=v", target);

    assert.equal(store.list()[0]?.path, "/a");
    assert.equal(store.cookieHeader({ ...target, pathname: "/a?x" }), "n=v");
  });

  const matches: readonly (readonly [cookie: string, request: string, isSent: boolean])[] = [
    ["/", "/", true],
    ["/", "/anything/below", true],
    ["/foo", "/foo", true],
    ["/foo", "/foo/", true],
    ["/foo", "/foo/bar", true],
    ["/foo", "/foobar", false],
    ["/foo", "/", false],
    ["/foo/", "/foo", false],
    ["/foo/", "/foo/bar", true],
    ["/foo/", "/foo/", true],
    ["/FOO", "/foo", false],
    ["/a%20b", "/a%20b/c", true],
    ["/a", "/%61", false],
    ["/foo", "/x/foo", false],
  ];
  for (const [cookie, request, isSent] of matches) {
    it(`${isSent ? "sends" : "does not send"} a cookie of ${cookie} to ${request}`, () => {
      const sent = sentTo(`https://a.com${request}`, `n=v; Path=${cookie}`, "https://a.com/");

      assert.equal(sent, isSent ? "n=v" : undefined);
    });
  }
});

describe("RFC 6265 §5.2 Set-Cookie", () => {
  const pairs: readonly (readonly [setCookie: string, header: string | undefined])[] = [
    ["n=v", "n=v"],
    ["  n \t=  v \t ", "n=v"],
    ["n=", "n="],
    ["n=a=b==", "n=a=b=="],
    ['n="quoted value"', 'n="quoted value"'],
    ['n="a; b"', 'n="a'],
    ["n=a b,c", "n=a b,c"],
    ["n=v;", "n=v"],
    ["n=v;;;", "n=v"],
    ["n=v; nonsense; x=y", "n=v"],
    ["$Version=1", "$Version=1"],
    ["na me=v", "na me=v"],
    ["n=\u00e9\u00a0", "n=\u00e9\u00a0"],
    ["=v", undefined],
    ["  =v", undefined],
    ["=", undefined],
    ["v", undefined],
    ["", undefined],
    [";", undefined],
    ["; Path=/", undefined],
    ["; n=v", undefined],
  ];
  for (const [setCookie, header] of pairs) {
    it(`${header === undefined ? "ignores" : "takes"} ${JSON.stringify(setCookie)}`, () => {
      const { store } = newStore();

      const outcome = store.setFromHeader(setCookie, URL_A);

      assert.equal(outcome, header === undefined ? "malformed" : "stored");
      assert.equal(store.cookieHeader(URL_A), header);
    });
  }

  for (const code of [0, 1, 8, 10, 11, 12, 13, 27, 31, 127]) {
    it(`ignores what has the control character ${code} anywhere (bis §5.6)`, () => {
      const control = String.fromCharCode(code);

      for (const text of [
        `n${control}m=v`,
        `n=v${control}w`,
        `n=v; Path=/${control}`,
        `n=v; x${control}`,
      ]) {
        assert.equal(outcomeOf(text), "malformed");
      }
    });
  }

  it("ignores what could not be sent back as octets", () => {
    assert.equal(outcomeOf("n=\u20ac"), "malformed");
    assert.equal(outcomeOf("n\u0100=v"), "malformed");
  });

  it("knows attributes by name without case, and takes the last of each", () => {
    const cookie = setOne(
      "n=v; PATH=/a; path = /b ; HTTPONLY; secure=whatever; max-AGE=1; MAX-age=60; samesite=STRICT",
    );

    assert.deepEqual(
      [cookie?.path, cookie?.httpOnly, cookie?.secure, cookie?.sameSite],
      ["/b", true, true, "strict"],
    );
    assert.equal(cookie?.expiresMs, Date.UTC(2020, 0, 1) + 60_000);
  });

  it("has no attribute for what is not named", () => {
    const cookie = setOne("n=v", "https://example.com/a/b");

    assert.deepEqual(cookie, {
      name: "n",
      value: "v",
      domain: "example.com",
      hostOnly: true,
      path: "/a",
      expiresMs: undefined,
      secure: false,
      httpOnly: false,
      sameSite: undefined,
      createdMs: Date.UTC(2020, 0, 1),
    });
  });
});

describe("RFC 6265 §5.2.2 Max-Age", () => {
  const YEAR_9999 = 253_402_300_799_000;
  const start = Date.UTC(2020, 0, 1);
  const cases: readonly (readonly [value: string, expected: number | undefined])[] = [
    ["1", start + 1_000],
    ["31536000", start + 31_536_000_000],
    ["00060", start + 60_000],
    ["99999999999999999999", YEAR_9999],
    ["9".repeat(400), YEAR_9999],
    ["", undefined],
    ["1.5", undefined],
    ["+1", undefined],
    ["1s", undefined],
    ["0x10", undefined],
    ["-", undefined],
  ];
  for (const [value, expected] of cases) {
    it(`takes ${JSON.stringify(value.slice(0, 22))} for ${expected ?? "no expiry"}`, () => {
      assert.equal(setOne(`n=v; Max-Age=${value}`)?.expiresMs, expected);
    });
  }

  for (const value of ["0", "-0", "-1", `-${"9".repeat(400)}`]) {
    it(`removes the cookie for ${value.slice(0, 22)}`, () => {
      const { store } = newStore();
      store.setFromHeader("n=v; Max-Age=60", URL_A);

      assert.equal(store.setFromHeader(`n=gone; Max-Age=${value}`, URL_A), "expired");
      assert.equal(store.cookieHeader(URL_A), undefined);
    });
  }
});

describe("RFC 6265 §5.2.3 Domain", () => {
  it("ignores an empty one: the cookie is host-only", () => {
    for (const attribute of ["Domain", "Domain=", "Domain= ", "Domain=."]) {
      assert.equal(setOne(`n=v; ${attribute}`)?.hostOnly, true, attribute);
    }
  });

  it("drops one leading dot, not two", () => {
    assert.equal(setOne("n=v; Domain=.example.com")?.domain, "example.com");
    assert.equal(outcomeOf("n=v; Domain=..example.com"), "malformed");
  });

  it("takes white space around the value away, and refuses a domain that has some behind its dot", () => {
    for (const space of [" ", "\t", " \t "]) {
      assert.equal(setOne(`n=v; Domain=${space}.example.com${space}`)?.domain, "example.com");
      assert.equal(outcomeOf(`n=v; Domain=.${space}example.com`), "malformed");
      assert.equal(outcomeOf(`n=v; Domain=${space}.${space}example.com`), "malformed");
    }
  });

  it("takes U+00A0 for no white space, in any attribute", () => {
    for (const value of ["\u00a0example.com", ".\u00a0example.com", "example.com\u00a0"]) {
      assert.notEqual(outcomeOf(`n=v; Domain=${value}`), "stored", JSON.stringify(value));
    }
    assert.equal(setOne("n=v; Path=\u00a0/")?.path, "/dir");
    assert.equal(setOne("n=v; Max-Age=\u00a060")?.expiresMs, undefined);
    assert.equal(setOne("n=v; \u00a0Secure")?.secure, false);
    assert.equal(setOne("n=v; HttpOnly\u00a0; Path=/")?.httpOnly, false);
    assert.equal(setOne("n=v; SameSite=Strict\u00a0")?.sameSite, undefined);
  });
});

describe("RFC 6265 §5.2.4 Path", () => {
  it("takes the default path for one that is empty or does not begin with a slash", () => {
    for (const attribute of ["Path", "Path=", "Path=x", "Path=https://a.com/", 'Path="/"']) {
      assert.equal(setOne(`n=v; ${attribute}`)?.path, "/dir", attribute);
    }
  });

  it("keeps what is given as it is", () => {
    assert.equal(setOne("n=v; Path=/a//b/../c%2F")?.path, "/a//b/../c%2F");
  });
});

describe("RFC 6265 §5.2.5 and §5.2.6 Secure and HttpOnly", () => {
  it("are set by their name, whatever their value", () => {
    const cookie = setOne("n=v; Secure=false; HttpOnly=0");

    assert.deepEqual([cookie?.secure, cookie?.httpOnly], [true, true]);
  });
});

describe("RFC 6265bis §5.6.7 SameSite", () => {
  it("is strict, lax or none, and anything else is none given", () => {
    const values = ["Strict", "LAX", "none", "", "bogus"].map(
      (value) => setOne(`n=v; SameSite=${value}`)?.sameSite,
    );

    assert.deepEqual(values, ["strict", "lax", "none", undefined, undefined]);
  });
});

describe("RFC 6265 §5.3 storage model", () => {
  it("lets Max-Age go before Expires, in any order", () => {
    const expires = "Expires=Sun, 06 Nov 2033 08:49:37 GMT";
    const expected = Date.UTC(2020, 0, 1) + 5_000;

    assert.equal(setOne(`n=v; Max-Age=5; ${expires}`)?.expiresMs, expected);
    assert.equal(setOne(`n=v; ${expires}; Max-Age=5`)?.expiresMs, expected);
    assert.equal(setOne(`n=v; ${expires}; Max-Age=x`)?.expiresMs, Date.UTC(2033, 10, 6, 8, 49, 37));
  });

  it("counts Max-Age from the receipt, however often the cookie is used", () => {
    const { store, clock } = newStore();
    store.setFromHeader("n=v; Max-Age=10", URL_A);

    clock.advance(6_000);
    const inTime = store.cookieHeader(URL_A);
    clock.advance(4_000);

    assert.equal(inTime, "n=v");
    assert.equal(store.cookieHeader(URL_A), undefined);
  });

  const suffixes: readonly (readonly [domain: string, host: string])[] = [
    ["com", "www.example.com"],
    ["co.uk", "www.example.co.uk"],
    ["github.io", "user.github.io"],
    ["xn--55qx5d.cn", "a.xn--55qx5d.cn"],
    ["local", "printer.local"],
    ["localhost", "a.localhost"],
    ["unknown-top", "a.unknown-top"],
  ];
  for (const [domain, host] of suffixes) {
    it(`refuses ${host} the public suffix ${domain} (step 5)`, () => {
      assert.equal(outcomeOf(`n=v; Domain=${domain}`, `https://${host}/`), "public-suffix");
    });
  }

  for (const host of ["github.io", "com", "localhost", "intranet"]) {
    it(`takes a cookie of ${host} for itself as host-only (step 5)`, () => {
      const cookie = setOne(`n=v; Domain=${host}`, `http://${host}/`);

      assert.deepEqual([cookie?.domain, cookie?.hostOnly], [host, true]);
      assert.equal(
        sentTo(`http://a.${host}/`, `n=v; Domain=${host}`, `http://${host}/`),
        undefined,
      );
    });
  }

  for (const domain of ["other.com", "b.example.com", "a.www.example.com", "ample.com", "%"]) {
    it(`refuses www.example.com the domain ${domain} (step 6)`, () => {
      assert.equal(
        outcomeOf(`n=v; Domain=${domain}`),
        domain === "%" ? "public-suffix" : "domain-mismatch",
      );
    });
  }

  it("sends a cookie without Domain to its host alone (step 6)", () => {
    assert.equal(sentTo("https://www.example.com/", "n=v", "https://example.com/"), undefined);
    assert.equal(sentTo("https://example.com/", "n=v", "https://example.com/"), "n=v");
  });

  it("takes no HttpOnly cookie from what is not HTTP (step 10)", () => {
    const { store } = newStore();

    const outcome = store.setFromHeader("n=v; HttpOnly", URL_A, { nonHttpApi: true });

    assert.equal(outcome, "http-only");
    assert.equal(store.count, 0);
  });

  it("lets what is not HTTP replace no HttpOnly cookie (step 11.2)", () => {
    const { store } = newStore();
    store.setFromHeader("n=v; HttpOnly", URL_A);

    const outcome = store.setFromHeader("n=w", URL_A, { nonHttpApi: true });

    assert.equal(outcome, "http-only");
    assert.equal(store.cookieHeader(URL_A), "n=v");
  });

  it("replaces the cookie of the same name, domain and path, whole, and keeps when it was created (step 11)", () => {
    const { store, clock } = newStore();
    store.setFromHeader("n=v; Path=/; Max-Age=60; HttpOnly; SameSite=Lax", URL_A);
    clock.advance(1_000);

    store.setFromHeader("n=w; Path=/", URL_A);

    const [cookie, ...others] = store.list();
    assert.deepEqual(others, []);
    assert.deepEqual(
      [cookie?.value, cookie?.expiresMs, cookie?.httpOnly, cookie?.sameSite, cookie?.createdMs],
      ["w", undefined, false, undefined, Date.UTC(2020, 0, 1)],
    );
  });

  it("tells cookies apart by name with case, by domain, by path", () => {
    const { store } = newStore();

    for (const text of ["n=1", "N=2", "n=3; Path=/", "n=4; Domain=example.com"]) {
      store.setFromHeader(text, URL_A);
    }

    assert.equal(store.count, 4);
  });

  it("takes no Secure cookie from an insecure connection (bis §5.7)", () => {
    assert.equal(outcomeOf("n=v; Secure", "http://example.com/"), "insecure");
    assert.equal(outcomeOf("n=v; Secure", "ws://example.com/"), "insecure");
    assert.equal(outcomeOf("n=v; Secure", "https://example.com/"), "stored");
    assert.equal(outcomeOf("n=v; Secure", "wss://example.com/"), "stored");
  });

  const shadows: readonly (readonly [setCookie: string, url: string, outcome: SetCookieOutcome])[] =
    [
      ["n=evil; Path=/login", "http://www.example.com/", "insecure"],
      ["n=evil; Path=/login/en", "http://www.example.com/", "insecure"],
      ["n=evil; Domain=example.com; Path=/login", "http://a.example.com/", "insecure"],
      ["n=evil; Path=/login", "http://a.www.example.com/", "insecure"],
      ["n=; Max-Age=0; Path=/login", "http://www.example.com/", "insecure"],
      ["n=fine; Path=/", "http://www.example.com/", "stored"],
      ["n=fine; Path=/login", "http://other.com/", "stored"],
      ["m=fine; Path=/login", "http://www.example.com/", "stored"],
      ["n=fine; Path=/login", "https://www.example.com/", "stored"],
    ];
  for (const [setCookie, url, outcome] of shadows) {
    it(`leaves Secure cookies alone (bis §5.7): ${setCookie} from ${url} is ${outcome}`, () => {
      const { store } = newStore();
      store.setFromHeader(
        "n=v; Secure; Path=/login; Domain=www.example.com",
        "https://www.example.com/",
      );

      assert.equal(store.setFromHeader(setCookie, url), outcome);
    });
  }

  const prefixes: readonly (readonly [setCookie: string, outcome: SetCookieOutcome])[] = [
    ["__Secure-n=v; Secure", "stored"],
    ["__Secure-n=v", "prefix"],
    ["__SECURE-n=v", "prefix"],
    ["__Host-n=v; Secure; Path=/", "stored"],
    ["__Host-n=v; Path=/", "prefix"],
    ["__Host-n=v; Secure", "prefix"],
    ["__Host-n=v; Secure; Path=/dir", "prefix"],
    ["__Host-n=v; Secure; Path=/; Domain=www.example.com", "prefix"],
    ["__hOsT-n=v; Secure; Path=/; Domain=example.com", "prefix"],
    ["__Hostile=v", "stored"],
  ];
  for (const [setCookie, outcome] of prefixes) {
    it(`holds names to their prefix (bis §5.7): ${setCookie} is ${outcome}`, () => {
      assert.equal(outcomeOf(setCookie), outcome);
    });
  }

  it("takes from another site only what has SameSite=None (bis §5.7)", () => {
    const outcomes = ["n=v; SameSite=Strict", "n=v; SameSite=Lax", "n=v", "n=v; SameSite=None"].map(
      (text) => newStore().store.setFromHeader(text, URL_A, { sameSiteContext: "none" }),
    );

    assert.deepEqual(outcomes, ["cross-site", "cross-site", "cross-site", "stored"]);
  });

  it("removes a cookie that is set again with an expiry in the past", () => {
    const { store } = newStore();
    store.setFromHeader("n=v", URL_A);

    const outcome = store.setFromHeader("n=v; Expires=Thu, 01 Jan 1970 00:00:00 GMT", URL_A);

    assert.equal(outcome, "expired");
    assert.equal(store.count, 0);
  });
});

describe("RFC 6265 §5.4 Cookie", () => {
  it("has no value when no cookie applies", () => {
    assert.equal(newStore().store.cookieHeader(URL_A), undefined);
  });

  it("puts longer paths first, and of equal ones the elder (step 2)", () => {
    const { store, clock } = newStore();
    for (const text of ["a=1; Path=/", "b=2; Path=/dir", "c=3; Path=/", "d=4; Path=/dir/page"]) {
      store.setFromHeader(text, URL_A);
      clock.advance(1);
    }
    store.setFromHeader("a=5; Path=/", URL_A);

    assert.equal(store.cookieHeader(URL_A), "d=4; b=2; a=5; c=3");
  });

  it("orders cookies of one moment as they came, over domains too", () => {
    const { store } = newStore();
    store.setFromHeader("z=1; Path=/; Domain=example.com", URL_A);
    store.setFromHeader("a=2; Path=/", URL_A);
    store.setFromHeader("m=3; Path=/; Domain=example.com", URL_A);
    store.setFromHeader("z=1; Path=/; Domain=example.com", URL_A);

    assert.equal(store.cookieHeader(URL_A), "z=1; a=2; m=3");
  });

  it("sends every cookie of a name that applies", () => {
    const { store } = newStore();
    store.setFromHeader("n=host; Path=/", URL_A);
    store.setFromHeader("n=dir; Path=/dir", URL_A);

    assert.equal(store.cookieHeader(URL_A), "n=dir; n=host");
  });

  it("sends Secure cookies over secure connections alone", () => {
    const from = "https://example.com/";

    assert.equal(sentTo("http://example.com/", "n=v; Secure", from), undefined);
    assert.equal(sentTo("ws://example.com/", "n=v; Secure", from), undefined);
    assert.equal(sentTo("wss://example.com/", "n=v; Secure", from), "n=v");
    assert.equal(sentTo("http://example.com/", "n=v", from), "n=v");
  });

  it("keeps HttpOnly cookies from what is not HTTP", () => {
    const { store } = newStore();
    store.setFromHeader("n=v; HttpOnly", URL_A);
    store.setFromHeader("m=w", URL_A);

    assert.equal(store.cookieHeader(URL_A, { nonHttpApi: true }), "m=w");
    assert.equal(store.cookieHeader(URL_A), "n=v; m=w");
  });

  it("sends by SameSite what the context allows (bis §5.8.3)", () => {
    const { store } = newStore();
    store.setFromHeader("s=1; SameSite=Strict", URL_A);
    store.setFromHeader("l=2; SameSite=Lax", URL_A);
    store.setFromHeader("d=3", URL_A);
    store.setFromHeader("n=4; SameSite=None", URL_A);

    assert.equal(store.cookieHeader(URL_A), "s=1; l=2; d=3; n=4");
    assert.equal(store.cookieHeader(URL_A, { sameSiteContext: "strict" }), "s=1; l=2; d=3; n=4");
    assert.equal(store.cookieHeader(URL_A, { sameSiteContext: "lax" }), "l=2; d=3; n=4");
    assert.equal(store.cookieHeader(URL_A, { sameSiteContext: "none" }), "n=4");
  });

  it("does not send what has expired, from the very moment", () => {
    const { store, clock } = newStore();
    store.setFromHeader("n=v; Max-Age=1", URL_A);

    clock.advance(999);
    const before = store.cookieHeader(URL_A);
    clock.advance(1);

    assert.equal(before, "n=v");
    assert.equal(store.cookieHeader(URL_A), undefined);
  });
});

describe("RFC 6265 §6.1 limits", () => {
  it("takes a cookie of 4,096 bytes, 50 of a domain, and 3,000 in all", () => {
    const { store } = newStore();

    assert.equal(store.setFromHeader(`n=${"v".repeat(4_095)}`, "https://big.com/"), "stored");
    for (let index = 0; index < 2_999; index += 1) {
      store.setFromHeader(`n${index}=v`, `https://host-${Math.floor(index / 50)}.com/`);
    }

    assert.equal(store.count, 3_000);
    assert.equal(store.stats.evictedCount, 0);
  });

  it("ignores attributes above 1,024 bytes (bis §5.6)", () => {
    const long = "x".repeat(1_024);
    const cookie = setOne(
      `n=v; Path=/${long}; Domain=${long}a; Max-Age=60; Path=/b; Path=/${long}`,
    );

    assert.deepEqual([cookie?.path, cookie?.hostOnly], ["/b", true]);
    assert.equal(cookie?.expiresMs, Date.UTC(2020, 0, 1) + 60_000);
    assert.equal(setOne(`n=v; Path=/${long.slice(1)}`)?.path.length, 1_024);
  });
});

describe("RFC 6265 §8.5 ports and schemes", () => {
  it("are the same to a cookie", () => {
    assert.equal(sentTo("http://example.com:8080/", "n=v", "https://example.com:8443/"), "n=v");
  });
});
