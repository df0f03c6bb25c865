import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { NetError } from "hp-socket";
import { httpSyncClient } from "../support/http-client-world.js";
import { echoPeer, scriptedPeer } from "../support/thread-peer.js";
import { describeTls, tlsEngines } from "../support/tls-certificates.js";
import { runFirst, startedWorkers } from "../support/worker-fate.js";

const CHILD = fileURLToPath(new URL("../support/sync-client-child.js", import.meta.url));
const ENDLESS = { send: "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nbegin" };

describe("the process of an HttpSyncClient", () => {
  it("ends by itself after the top level of a module has made clients, and called with one", async (test) => {
    const peer = await echoPeer(test);

    const run = spawnSync(process.execPath, [CHILD, "call", peer.origin], { timeout: 20_000 });

    assert.deepEqual([run.status, String(run.stdout), String(run.stderr)], [0, "200\n", ""]);
  });

  for (const task of ["exit", "thread"]) {
    it(`ends when it is told to while a response does not end (${task})`, async (test) => {
      const peer = await scriptedPeer(test, [ENDLESS]);

      const run = spawnSync(process.execPath, [CHILD, task, peer.origin], { timeout: 20_000 });

      assert.deepEqual([run.status, String(run.stderr)], [7, ""]);
    });
  }

  it("may be a worker thread", async (test) => {
    const peer = await echoPeer(test);
    const file = new URL("../support/sync-client-thread.js", import.meta.url);

    const thread = new Worker(file, { workerData: peer.origin });
    const [[text], [code]] = await Promise.all([once(thread, "message"), once(thread, "exit")]);

    assert.deepEqual([text, code], ["from a thread", 0]);
  });
});

/** Has the worker do this when it is told to make a request. */
const dying = (code: string): string =>
  `require("node:worker_threads").parentPort.on("message", (order) => {
    if (order.kind === "request") setImmediate(() => { ${code} });
  });`;

describe("the worker of an HttpSyncClient", () => {
  it("makes each call throw at once when it can't be loaded, and says where and why", (test) => {
    test.after(() => runFirst(undefined));
    runFirst("delete globalThis.WeakMap;");
    const sync = httpSyncClient(test, {});
    // The files that tell of errors and time are among those that may be missing.
    runFirst("globalThis.Error = undefined;");

    for (const why of [/WeakMap is not defined/, /undefined/]) {
      assert.throws(
        () => sync.connect("http://127.0.0.1:1"),
        ({ code, message }: NetError) => {
          assert.equal(code, "NOT_SUPPORTED");
          assert.match(message, /the worker of the client can't be loaded by .*sync-worker\.js: /);
          assert.match(message, why);
          return true;
        },
      );
    }
  });

  it("makes the call throw STOPPED when it dies, and is replaced, also when it died between two calls", {
    timeout: 60_000,
  }, async (test) => {
    test.after(() => runFirst(undefined));
    const good = { send: "HTTP/1.1 204 No\r\n\r\n" };
    const peer = await scriptedPeer(test, [ENDLESS], [ENDLESS], [good], [good]);
    runFirst(dying("throw new Error('defect')"));
    const sync = httpSyncClient(test, { requestTimeoutMs: 0 }).connect(peer.origin);
    // The next one ends without a sign.
    runFirst(dying("process.removeAllListeners('exit'); process.exit(1)"));

    for (const _ of [1, 2]) {
      assert.throws(() => sync.get("/"), {
        code: "STOPPED",
        message: /^the worker of the client /,
      });
    }

    runFirst(undefined);
    assert.equal(sync.get("/").status, 204);
    await startedWorkers().at(-1)?.terminate();
    assert.equal(sync.get("/").status, 204);
    assert.equal((await peer.report()).connectionCount, 4);
  });
});

describeTls("HttpSyncClient over TLS", (certificates, engine) => {
  const { ca } = certificates;

  it("verifies the server, and throws TLS_CERTIFICATE for one that is not trusted", async (test) => {
    const trusted = await echoPeer(test, certificates.server);
    const other = await echoPeer(test, certificates.selfSigned);
    const sync = httpSyncClient(test, { tls: { ca: [Buffer.from(ca)] } });

    assert.throws(() => sync.openUrl("GET", other.origin), { code: "TLS_CERTIFICATE" });
    const answer = sync.openUrl("POST", trusted.origin, {}, "secret");

    assert.equal(answer.text(), "secret");
    assert.ok(answer.timing.tlsMs > 0);
  });

  // What goes to the worker is the same on all engines, and a worker takes long to start.
  if (engine !== tlsEngines()[0]) return;

  it("takes certificates as text and from files, and any server by its options", async (test) => {
    const peer = await echoPeer(test, certificates.server);

    for (const tls of [
      { ca },
      { caFile: certificates.path("authority.pem") },
      { verify: "none" },
    ] as const) {
      assert.equal(httpSyncClient(test, { tls }).openUrl("GET", peer.origin).status, 200);
    }
  });
});
