import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { HttpSyncClient, type SyncBody } from "hp-socket/http";
import { firstEngine } from "../support/engine-list.js";
import { httpSyncClient } from "../support/http-client-world.js";
import { echoPeer, scriptedPeer } from "../support/thread-peer.js";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const HALF = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nha";

const engine = firstEngine();
/** Of several tests: a client takes long to start, and each failure has to leave it as it was. */
const patient = new HttpSyncClient({ engine, limits: { maxBodyBytes: 4 } });
const hasty = new HttpSyncClient({
  engine,
  requestTimeoutMs: 200,
  localHost: "127.0.0.2",
  noDelay: false,
  keepAlive: false,
});
after(() => {
  patient.close();
  hasty.close();
});

describe("HttpSyncClient: what fails", () => {
  // What comes right before a reset hides it on systems where Node is told of both at once.
  for (const [name, answer, code] of [
    ["a head that is broken off", { send: "HTTP/1.1 200", afterwards: "finish" }, "HTTP_TRUNCATED"],
    ["a body that is broken off", { send: HALF, afterwards: "finish" }, "HTTP_TRUNCATED"],
    [
      "a reset in a body",
      { send: HALF, afterwards: "reset" },
      /^(CONNECTION_RESET|HTTP_TRUNCATED)$/,
    ],
    ["an end without an answer", { afterwards: "finish" }, "CONNECTION_CLOSED"],
    ["an answer that is none", { send: "SSH-2.0\r\n\r\n" }, "HTTP_MALFORMED"],
    ["silence", {}, "REQUEST_TIMEOUT"],
    ["a body that stalls", { send: HALF }, "REQUEST_TIMEOUT"],
  ] as const) {
    it(`throws ${code} for ${name}, and the next call works`, async (test) => {
      const peer = await scriptedPeer(test, [answer], [{ send: OK }]);
      const sync = (code === "REQUEST_TIMEOUT" ? hasty : patient).connect(peer.origin);

      // POST is not repeated by itself.
      assert.throws(() => sync.post("/", "x"), { name: "NetError", code });
      const next = sync.request({ timeoutMs: 10_000 });

      assert.equal(next.text(), "ok");
      assert.equal((await peer.report()).connectionCount, 2);
    });
  }

  it("throws for a tunnel that is not made and a handshake that is not answered, and the next call works", async (test) => {
    const [silent, good] = [await scriptedPeer(test, []), await echoPeer(test)];
    const proxy = { url: silent.origin, noProxy: "127.0.0.1" };
    const sync = httpSyncClient(test, { engine, connectTimeoutMs: 200, proxy });

    for (const [url, code] of [
      ["https://far.example", "CONNECT_TIMEOUT"],
      [silent.origin.replace("http", "https"), "HANDSHAKE_TIMEOUT"],
    ] as const) {
      assert.throws(() => sync.connect(url), { code });
      assert.throws(() => sync.openUrl("GET", url), { code });

      assert.equal(sync.openUrl("GET", good.origin).status, 200);
    }
  });

  it("throws CONNECTION_REFUSED where nobody listens, from each call until somebody does", async (test) => {
    const peer = await echoPeer(test);
    const sync = patient;

    assert.throws(() => sync.connect("http://127.0.0.1:1"), { code: "CONNECTION_REFUSED" });
    assert.throws(() => sync.get("/"), { code: "CONNECTION_REFUSED", fault: "remote" });
    assert.equal(sync.openUrl("GET", peer.origin).status, 200);
  });

  it("throws HOST_NOT_FOUND or RESOLVE_FAILED for a name that nobody has", () => {
    const sync = patient;

    assert.throws(
      () => sync.openUrl("GET", "http://nobody.invalid/"),
      ({ code }: { code: string }) => code === "HOST_NOT_FOUND" || code === "RESOLVE_FAILED",
    );
  });

  it("throws HTTP_BODY_TOO_LARGE above maxBodyBytes", async (test) => {
    const peer = await echoPeer(test);
    const sync = patient.connect(peer.origin);

    assert.equal(sync.post("/", "four").text(), "four");
    assert.throws(() => sync.post("/", "above"), { code: "HTTP_BODY_TOO_LARGE" });
  });
});

describe("HttpSyncClient: where it connects from", () => {
  it("is localHost, and throws ADDRESS_NOT_AVAILABLE where this machine has no such address", async (test) => {
    const peer = await scriptedPeer(test, [{ send: OK }]);
    const wrong = httpSyncClient(test, { localHost: "203.0.113.1" });

    assert.equal(hasty.connect(peer.origin).request({ timeoutMs: 10_000 }).text(), "ok");
    assert.throws(() => wrong.connect(peer.origin), { code: "ADDRESS_NOT_AVAILABLE" });
  });
});

describe("HttpSyncClient: misuse", () => {
  it("throws INVALID_ARGUMENT at once for options that can't be", () => {
    for (const options of [
      { engine: "memory" },
      { listener: { onTypo: () => {} } },
      { listener: { onBody: 1 } },
      { listener: null },
      { connectTimeoutMs: -1 },
      { requestTimeoutMs: 0.5 },
      { useCookies: 1 },
      { proxy: "ftp://x" },
      { tls: { verify: "maybe" } },
      { limits: { maxBodyBytes: 2 ** 33 } },
      { headTimeoutMs: 1 },
    ]) {
      assert.throws(
        () => httpSyncClientOf(options),
        { code: "INVALID_ARGUMENT" },
        describeIt(options),
      );
    }
  });

  it("throws INVALID_ARGUMENT for requests that can't be, and goes on", async (test) => {
    const peer = await echoPeer(test);
    const sync = patient.connect(peer.origin);
    const wrong: readonly (() => unknown)[] = [
      () => sync.request({ method: "A B" }),
      () => sync.request({ method: Symbol("x") as unknown as string }),
      () => sync.request({ method: "CONNECT" }),
      () => sync.get("x"),
      () => sync.get("@evil.example/"),
      () => sync.get("/", { "a b": "c" }),
      () => sync.get("/", { a: "b\r\nc: d" }),
      () => sync.get("/", { a: (() => "b") as unknown as string }),
      () => sync.get("/", 5 as unknown as Record<string, string>),
      () => sync.post("/", 5 as unknown as SyncBody),
      () => sync.post("/", (function* () {})() as unknown as SyncBody),
      () => sync.post("/", new Blob(["x"]) as unknown as SyncBody),
      () => sync.get("/", { "X-Text": "snowman \u2603" }),
      () => sync.get("/", { Host: ["a", "b"] }),
      () => sync.request({ method: "GE T" }),
      () => sync.openUrl("GE T", "http://nowhere.invalid/"),
      () => sync.openUrl("GET", "http://nowhere.invalid/", { Upgrade: "web socket" }),
      () => sync.request({ timeoutMs: -1 }),
      () => sync.request({ typo: 1 } as object),
      () => sync.openUrl("GET", "ftp://127.0.0.1/"),
      () => sync.openUrl("GET", peer.origin, {}, undefined, { force: true } as object),
    ];

    for (const call of wrong) assert.throws(call, { code: "INVALID_ARGUMENT" }, String(call));

    assert.equal(sync.get("/").status, 200);
    assert.equal((await peer.report()).connectionCount, 1);
  });

  it("throws INVALID_STATE for a request without a server", (test) => {
    assert.throws(() => httpSyncClient(test, {}).get("/"), { code: "INVALID_STATE" });
  });

  it("throws what the worker can't start with, from each call", (test) => {
    const sync = httpSyncClient(test, { tls: { caFile: "/no/such/file.pem" } });

    for (const _ of [1, 2]) {
      assert.throws(() => sync.connect("https://127.0.0.1:1"), { name: "NetError" });
    }
  });
});

function httpSyncClientOf(options: object): unknown {
  return new HttpSyncClient(options);
}

const describeIt = (options: object): string => Object.keys(options).join();
