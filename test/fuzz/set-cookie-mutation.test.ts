import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { encodeCookies } from "#src/http/cookie/cookie-archive.js";
import { isWithin } from "#src/http/cookie/cookie-rules.js";
import { CookieStore } from "#src/http/cookie/cookie-store.js";
import { ManualClock } from "#src/time/clock.js";
import { fuzzRuns } from "../support/fuzz-runs.js";
import { Random } from "../support/random.js";

const RUNS = fuzzRuns(30_000);
const PIECES = [
  "n=v",
  "__Host-n=v",
  "=",
  ";",
  "; ",
  "Path=/",
  "Path=/dir",
  "Domain=example.com",
  "Domain=.com",
  "Domain=[::1]",
  "Domain=b\u00fccher.example.com",
  "Domain=%",
  "Domain=\u00ff\u00ff",
  "Max-Age=5",
  "Max-Age=-99999999999999999999",
  "Expires=Sun, 06 Nov 2033 08:49:37 GMT",
  "Expires=",
  "Secure",
  "HttpOnly",
  "SameSite=Lax",
  "\t",
  " ",
  "\0",
  "\r\n",
  "\u20ac",
  "x".repeat(1_100),
  `n=${"v".repeat(4_100)}`,
];
const URLS = [
  "https://www.example.com/dir/page",
  "http://example.com/",
  "http://a.b.example.com/x",
  "http://127.0.0.1/",
  "http://[::1]/",
  "http://localhost:81/a/",
  "https://user.github.io/",
];

describe("Set-Cookie put together at random", () => {
  it("never throws, never leaves the limits, and leaves only what can be sent and saved", () => {
    const random = new Random(11);
    const clock = new ManualClock();
    clock.advance(Date.UTC(2020, 0, 1));
    const store = new CookieStore({ clock, maxCookies: 40, maxCookiesPerDomain: 15 });
    const outcomes = new Set<string>();

    for (let run = 0; run < RUNS; run += 1) {
      const count = random.integer(1, 9);
      const noise = random.next() < 0.2 ? random.bytes(6).toString("latin1") : "";
      const text = `${Array.from({ length: count }, () => random.pick(PIECES)).join(random.pick(["", ";"]))}${noise}`;
      outcomes.add(store.setFromHeader(text, random.pick(URLS)));
      clock.advance(random.integer(0, 2_000));

      const url = random.pick(URLS);
      const header = store.cookieHeader(url) ?? "n=v";
      assert.doesNotMatch(header, /[^\x20-\x7e\x80-\xff]/, `run ${run}`);
      assert.ok(
        header.split("; ").every((pair) => pair.indexOf("=") > 0),
        `run ${run}: ${header}`,
      );
      const host = new URL(url).hostname.replace(/^\[|\]$/g, "");
      const cookies = store.cookiesFor(url);
      assert.ok(
        cookies.every(({ domain }) => isWithin(host, domain)),
        `run ${run}`,
      );
      assert.ok(store.count <= 40);
    }

    const written = encodeCookies(store.list());
    assert.ok(Buffer.from(written).length > 0);
    const copy = CookieStore.fromJSON(JSON.parse(JSON.stringify(store)), { clock });
    assert.equal(copy.count, store.count);
    assert.ok(outcomes.size >= 8, [...outcomes].join());
  });
});
