import assert from "node:assert/strict";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { CookieStore } from "#src/http/cookie/cookie-store.js";
import { ManualClock } from "#src/time/clock.js";
import { netError } from "../../support/packet-stream.js";

const EXAMPLE = "example.com /\n\tsid;abc123;1893456000;1;0;2\n";
const NOW = Date.UTC(2020, 0, 1);

const top = mkdtempSync(join(tmpdir(), "cookies-"));
after(() => rmSync(top, { recursive: true }));

/** A path in a folder of its own, with this file in it. */
function newPath(content?: string): string {
  const path = join(mkdtempSync(join(top, "x")), "cookies.txt");
  if (content !== undefined) writeFileSync(path, content, "latin1");
  return path;
}

function newStore(): { store: CookieStore; clock: ManualClock } {
  const clock = new ManualClock();
  clock.advance(NOW);
  return { store: new CookieStore({ clock }), clock };
}

function read(path: string): string {
  return readFileSync(path, "latin1");
}

describe("CookieStore.loadFile", () => {
  it("takes the example (HP §3.6), for hosts below the domain too", async () => {
    const { store } = newStore();

    const count = await store.loadFile(newPath(EXAMPLE));

    assert.equal(count, 1);
    assert.deepEqual(store.list(), [
      {
        name: "sid",
        value: "abc123",
        domain: "example.com",
        hostOnly: false,
        path: "/",
        expiresMs: 1_893_456_000_000,
        secure: false,
        httpOnly: true,
        sameSite: "lax",
        createdMs: NOW,
      },
    ]);
    assert.equal(store.cookieHeader("https://www.example.com/"), "sid=abc123");
  });

  it("takes all for host-only when told so", async () => {
    const { store } = newStore();

    await store.loadFile(newPath(EXAMPLE), { hostOnly: true });

    assert.equal(store.list()[0]?.hostOnly, true);
    assert.equal(store.cookieHeader("https://www.example.com/"), undefined);
  });

  it("takes for host-only what can't be otherwise", async () => {
    const { store } = newStore();
    const line = (name: string): string => `\t${name};v;1893456000;0;1;0\n`;
    const path = newPath(
      `co.uk /\n${line("a")}localhost /\n${line("b")}10.0.0.1 /\n${line("c")}a.com /\n${line("__Host-d")}`,
    );

    assert.equal(await store.loadFile(path), 4);
    assert.ok(store.list().every(({ hostOnly }) => hostOnly));
  });

  it("leaves out and counts what no rule lets in", async () => {
    const { store } = newStore();
    const path = newPath(
      `${"x".repeat(255)}.com /\n\ta;v;1893456000;0;0;0\na/b /\n\tb;v;1893456000;0;0;0\na.com /\n\tc=d;v;1893456000;0;0;0\n\t__Secure-e;v;1893456000;0;0;0\n\tf;v;1893456000;0;0;0\n`,
    );

    assert.equal(await store.loadFile(path), 1);
    assert.equal(store.stats.ignoredCounts["too-long"], 1);
    assert.equal(store.stats.ignoredCounts.malformed, 2);
    assert.equal(store.stats.ignoredCounts.prefix, 1);
    assert.equal(store.list()[0]?.name, "f");
  });

  it("merges, and prefers what is in memory (HP §3.6)", async () => {
    const { store } = newStore();
    store.set({ name: "sid", value: "memory", domain: "example.com" });
    store.set({ name: "other", value: "kept", domain: "example.com" });

    const count = await store.loadFile(newPath(`${EXAMPLE}\tnew;1;1893456000;0;0;0\n`));

    assert.equal(count, 1);
    assert.deepEqual(
      store.list().map(({ name, value }) => `${name}=${value}`),
      ["sid=memory", "other=kept", "new=1"],
    );
  });

  it("takes the file's cookie for one in memory that has expired", async () => {
    const { store, clock } = newStore();
    store.set({ name: "sid", value: "memory", domain: "example.com", maxAgeSeconds: 1 });
    clock.advance(1_000);

    await store.loadFile(newPath(EXAMPLE));

    assert.equal(store.list()[0]?.value, "abc123");
  });

  it("puts the file in the place of what is in memory without keepExisting", async () => {
    const { store } = newStore();
    store.set({ name: "sid", value: "memory", domain: "example.com" });
    store.set({ name: "other", value: "gone", domain: "example.com" });

    await store.loadFile(newPath(EXAMPLE), { keepExisting: false });

    assert.deepEqual(
      store.list().map(({ value }) => value),
      ["abc123"],
    );
  });

  it("takes an expiry beyond the year 9999 for its end", async () => {
    const { store } = newStore();

    await store.loadFile(newPath("a.com /\n\tn;v;9223372036854775807;0;0;0\n"));

    assert.equal(store.list()[0]?.expiresMs, Date.parse("9999-12-31T23:59:59Z"));
  });

  it("leaves out what has expired", async () => {
    const { store, clock } = newStore();
    clock.advance(1_893_456_000_000 - NOW);

    assert.equal(await store.loadFile(newPath(EXAMPLE)), 0);
  });

  it("changes nothing when the file is malformed", async () => {
    const { store } = newStore();
    store.set({ name: "n", value: "v", domain: "a.com" });
    const path = newPath(`${EXAMPLE}\tbroken\n`);

    await assert.rejects(
      store.loadFile(path, { keepExisting: false }),
      netError("COOKIE_FILE_MALFORMED", /^line 3 /),
    );
    assert.deepEqual(
      store.list().map(({ name }) => name),
      ["n"],
    );
  });

  it("rejects for a file that is not there, unless it may be missing", async () => {
    const { store } = newStore();
    const path = newPath();

    await assert.rejects(store.loadFile(path), {
      code: "COOKIE_FILE_UNAVAILABLE",
      systemCode: "ENOENT",
      fault: "system",
    });
    assert.equal(await store.loadFile(path, { mayBeMissing: true }), 0);
  });

  it("rejects for a folder, and for more than 64 MiB", async () => {
    const { store } = newStore();
    const path = newPath("");
    truncateSync(path, 64 * 1024 ** 2 + 1);

    await assert.rejects(store.loadFile(top), { code: "COOKIE_FILE_UNAVAILABLE" });
    await assert.rejects(store.loadFile(path), netError("COOKIE_FILE_MALFORMED", /67108864/));
  });

  it("rejects for options there are not", async () => {
    const { store } = newStore();

    await assert.rejects(store.loadFile(newPath(""), { keepExists: true } as object), {
      code: "INVALID_ARGUMENT",
    });
    await assert.rejects(store.saveFile(newPath(), { keepExisting: 1 } as object), {
      code: "INVALID_ARGUMENT",
    });
  });
});

describe("CookieStore.saveFile", () => {
  it("writes the example as it was read (HP §3.6)", async () => {
    const { store } = newStore();
    await store.loadFile(newPath(EXAMPLE));
    const path = newPath();

    await store.saveFile(path);

    assert.equal(read(path), EXAMPLE);
  });

  it("leaves out session cookies, but not the line of their domain and path", async () => {
    const { store } = newStore();
    store.setFromHeader("s=1", "https://a.com/");
    store.setFromHeader("p=; Max-Age=1; Secure", "https://a.com/x/");
    const path = newPath();

    await store.saveFile(path);

    assert.equal(read(path), `a.com /\na.com /x\n\tp; ;${NOW / 1000 + 1};0;1;0\n`);
  });

  it("rounds an expiry up to a whole second", async () => {
    const { store, clock } = newStore();
    clock.advance(500);
    store.setFromHeader("n=v; Max-Age=1", "https://a.com/");
    const path = newPath();

    await store.saveFile(path);

    assert.equal(read(path), `a.com /\n\tn;v;${NOW / 1000 + 2};0;0;0\n`);
  });

  it("brings back what it can tell, for every cookie a header can set", async () => {
    const { store, clock } = newStore();
    for (const text of [
      'q="a b,c"; Max-Age=100; Path=/',
      "u=\u00c3\u00a0; Max-Age=100; Path=/a b",
      "j=1; Max-Age=100",
      "e=a=b; Max-Age=100; HttpOnly; Secure; SameSite=Strict; Domain=a.com",
      `${"n".repeat(96)}=${"v".repeat(4_000)}; Max-Age=9999999999999; Path=/${"x".repeat(1_023)}`,
    ]) {
      assert.equal(store.setFromHeader(text, "https://www.a.com/app;id=1/x"), "stored");
    }
    const path = newPath();
    await store.saveFile(path);
    const copy = new CookieStore({ clock });

    await copy.loadFile(path);

    const told = (from: CookieStore): object[] =>
      from.list().map((cookie) => ({ ...cookie, hostOnly: undefined }));
    assert.deepEqual(told(copy), told(store));
  });

  it("writes the longest cookie that a store can have", async () => {
    const clock = new ManualClock();
    clock.advance(NOW);
    const store = new CookieStore({ clock, maxCookieBytes: 8_000 });
    store.setFromHeader(`n=${"v".repeat(7_999)}; Max-Age=${"9".repeat(20)}`, "https://a.com/");
    const path = newPath();

    await store.saveFile(path);

    assert.equal(await new CookieStore({ clock, maxCookieBytes: 8_000 }).loadFile(path), 1);
  });

  it("puts its cookies in the place of the file's, so that deleted ones stay deleted", async () => {
    const { store } = newStore();
    const path = newPath(EXAMPLE);
    await store.loadFile(path);
    store.clear();

    await store.saveFile(path);

    assert.equal(read(path), "");
  });

  it("takes the file's cookies in before with keepExisting, and prefers its own (HP §3.6)", async () => {
    const { store } = newStore();
    const path = newPath(`${EXAMPLE}\told;1;1893456000;0;0;0\n`);
    store.set({ name: "sid", value: "memory", domain: "example.com", maxAgeSeconds: 60 });

    await store.saveFile(path, { keepExisting: true });

    const expires = NOW / 1000 + 60;
    assert.equal(
      read(path),
      `example.com /\n\tsid;memory;${expires};0;0;0\n\told;1;1893456000;0;0;0\n`,
    );
    assert.equal(store.count, 2);
  });

  it("makes a new file with keepExisting, and leaves a malformed one as it is", async () => {
    const { store } = newStore();
    const fresh = newPath();
    const broken = newPath("nonsense\n");

    await store.saveFile(fresh, { keepExisting: true });

    assert.equal(read(fresh), "");
    await assert.rejects(store.saveFile(broken, { keepExisting: true }), {
      code: "COOKIE_FILE_MALFORMED",
    });
    assert.equal(read(broken), "nonsense\n");
  });

  it("writes what is in the store when the turn of the save has come", async () => {
    const { store } = newStore();
    const path = newPath();
    const set = (name: string): unknown =>
      store.set({ name, value: "v", domain: "a.com", expiresMs: 1_893_456_000_000 });

    set("a");
    const first = store.saveFile(path);
    const second = store.saveFile(path);
    set("b");
    await Promise.all([first, second]);

    assert.equal(read(path), "a.com /\n\ta;v;1893456000;0;0;0\n\tb;v;1893456000;0;0;0\n");
  });

  it("loses nothing when stores save to one file at the same time and keep what is there", async () => {
    const path = newPath();
    const stores = Array.from({ length: 20 }, () => newStore().store);
    for (const [index, store] of stores.entries()) {
      store.set({ name: `n${index}`, value: "v", domain: "a.com", maxAgeSeconds: 60 });
    }

    await Promise.all(stores.map((store) => store.saveFile(path, { keepExisting: true })));

    const { store } = newStore();
    assert.equal(await store.loadFile(path), 20);
    assert.deepEqual(readdirSync(join(path, "..")), ["cookies.txt"]);
  });

  it("makes a file that only its owner may read, and leaves the rights of one that is there", async () => {
    const { store } = newStore();
    const fresh = newPath();
    const present = newPath("");
    // A right that the mask of the process usually takes away.
    chmodSync(present, 0o662);

    await store.saveFile(fresh);
    await store.saveFile(present);

    assert.equal(statSync(fresh).mode & 0o777, 0o600);
    assert.equal(statSync(present).mode & 0o777, 0o662);
  });

  it("writes through a symbolic link", async () => {
    const { store } = newStore();
    const path = newPath("");
    const link = join(top, "link.txt");
    symlinkSync(path, link);
    store.setFromHeader("n=v; Max-Age=1", "https://a.com/");

    await store.saveFile(link);

    assert.match(read(path), /^a\.com/);
  });

  it("rejects where it can't write, and leaves nothing behind", async () => {
    const { store } = newStore();
    const folder = newPath();
    mkdirSync(folder);

    await assert.rejects(store.saveFile(folder), { code: "COOKIE_FILE_UNAVAILABLE" });
    await assert.rejects(store.saveFile(join(top, "no", "such", "folder")), {
      code: "COOKIE_FILE_UNAVAILABLE",
      systemCode: "ENOENT",
    });
    assert.deepEqual(readdirSync(join(folder, "..")), ["cookies.txt"]);
  });
});
