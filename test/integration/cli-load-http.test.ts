import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { HttpServer, type HttpServerOptions } from "hp-socket/http";
import { runCommand, startCommand } from "../support/cli-run.js";
import { availableEngines } from "../support/engine-list.js";
import { scriptedServer } from "../support/http-scripted-server.js";
import { httpServer } from "../support/http-world.js";
import { describeTls } from "../support/tls-certificates.js";

const SHORT = ["--seconds", "0.1", "--warmup", "0.05", "--json"];
const COUNTED = ["--connections", "3", "--json", "--requests"];

async function urlOf(test: TestContext, options: HttpServerOptions): Promise<string> {
  return `http://127.0.0.1:${(await httpServer(test, options)).port}/`;
}

for (const engine of availableEngines()) {
  const load = (url: string, words: readonly string[]) =>
    runCommand(["load", url, "--engine", engine, ...words]);

  describe(`hp-socket load of a URL on ${engine}`, () => {
    for (const depth of [1, 16]) {
      it(`measures with ${depth} in flight`, async (test) => {
        let requestCount = 0;
        const url = await urlOf(test, {
          onRequest(exchange) {
            requestCount += 1;
            exchange.respond(200, {}, "Hello, World!");
          },
        });

        const words = ["--connections", "10", "--depth", String(depth), "--requests", "200"];
        const run = await load(url, [...words, "--json"]);

        assert.equal(run.code, 0, run.stderr);
        const figures = JSON.parse(run.stdout);
        assert.equal(figures.engine, engine);
        assert.deepEqual(figures.connections, { wanted: 10, opened: 10, failed: 0, replaced: 0 });
        assert.deepEqual(figures.statuses, { 200: figures.requests });
        assert.deepEqual(figures.errors, {});
        assert.deepEqual([figures.requests, requestCount], [200, 200]);
        assert.equal(figures.bodyBytes, 13 * figures.requests);
        assert.ok(figures.receivedBytesPerSecond > 13 * figures.requestsPerSecond);
        const { p50, p90, p99, p999, max } = figures.latencyUs;
        assert.ok(0 < p50 && p50 <= p90 && p90 <= p99 && p99 <= p999 && p999 <= max);
      });
    }

    it("sends exactly --requests, with method, fields and body", async (test) => {
      const seen = new Set<string>();
      let requestCount = 0;
      const url = await urlOf(test, {
        async onRequest(exchange) {
          requestCount += 1;
          const { method, target, headers } = exchange;
          seen.add(`${method} ${target} ${headers.get("a")} ${await exchange.body.text()}`);
          exchange.respond(204);
        },
      });
      const words = ["--method", "PUT", "-H", "A: b", "--data", "text", "--depth", "7"];

      const run = await load(`${url}x?y`, [...COUNTED, "100", ...words]);

      assert.equal(run.code, 0, run.stdout + run.stderr);
      assert.deepEqual(JSON.parse(run.stdout).statuses, { 204: 100 });
      assert.equal(requestCount, 100);
      assert.deepEqual([...seen], ["PUT /x?y b text"]);
    });

    it("makes connections anew that the server ends, and loses no request", async (test) => {
      let requestCount = 0;
      const url = await urlOf(test, {
        maxRequestsPerConnection: 4,
        onRequest(exchange) {
          requestCount += 1;
          exchange.respond(200, {}, "x");
        },
      });

      const run = await load(url, [...COUNTED, "50", "--depth", "3"]);

      assert.equal(run.code, 0, run.stdout + run.stderr);
      const figures = JSON.parse(run.stdout);
      assert.deepEqual([figures.requests, requestCount], [50, 50]);
      assert.ok(figures.connections.replaced >= 10);
      assert.equal(figures.connections.opened, 3);
    });

    for (const [name, answer] of [
      ["a body without length", "HTTP/1.1 200 OK\r\n\r\nto the end"],
      ["an old server", "HTTP/1.0 200 OK\r\nContent-Length: 10\r\n\r\nto the end"],
    ] as const) {
      it(`takes ${name} for a response, and its end for no error`, async (test) => {
        const server = await scriptedServer(test, async (peer) => {
          // The last connection may find nothing left to ask for.
          if ((await peer.request().catch(() => undefined)) === undefined) return;
          peer.send(answer);
          peer.finish();
          await peer.ended();
        });

        const run = await load(server.origin, [...COUNTED, "9"]);

        assert.equal(run.code, 0, run.stdout + run.stderr);
        const figures = JSON.parse(run.stdout);
        assert.deepEqual([figures.statuses, figures.bodyBytes], [{ 200: 9 }, 90]);
      });
    }

    it("reads chunks, interim responses and answers to HEAD", async (test) => {
      const chunks = "Transfer-Encoding: chunked\r\n\r\n";
      const server = await scriptedServer(test, async (peer) => {
        const head = `HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n${chunks}`;
        for (;;) {
          // The load ends by closing the connection.
          const request = await peer.request().catch(() => undefined);
          if (request === undefined) return;
          peer.send(request.startsWith("HEAD") ? head : `${head}3\r\nabc\r\n0\r\n\r\n`);
        }
      });

      const get = await load(server.origin, [...COUNTED, "20"]);
      const head = await load(server.origin, [...COUNTED, "20", "--method", "HEAD"]);

      assert.deepEqual([get.code, head.code], [0, 0], get.stdout + head.stdout);
      assert.deepEqual(JSON.parse(get.stdout).statuses, { 200: 20 });
      assert.equal(JSON.parse(get.stdout).bodyBytes, 60);
      assert.equal(JSON.parse(head.stdout).bodyBytes, 0);
    });

    it("ends with exit code 1 for a status of 400 and above, and counts it", async (test) => {
      let count = 0;
      const url = await urlOf(test, {
        onRequest: (exchange) => exchange.respond(count++ === 0 ? 503 : 200),
      });

      const run = await load(url, [...COUNTED, "10"]);

      assert.equal(run.code, 1);
      const { statuses, errors } = JSON.parse(run.stdout);
      assert.deepEqual([statuses, errors], [{ 200: 9, 503: 1 }, {}]);
    });

    for (const [code, answer, end] of [
      ["HTTP_MALFORMED", "nonsense\r\n\r\n", "none"],
      ["HTTP_TRUNCATED", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "finish"],
      ["CLOSED", "", "finish"],
    ] as const) {
      it(`ends with exit code 1 and ${code} for what is no answer`, async (test) => {
        const server = await scriptedServer(test, async (peer) => {
          await peer.request();
          peer.send(answer);
          if (end === "finish") peer.finish();
          await peer.ended();
        });

        const run = await load(server.origin, ["--connections", "2", ...SHORT]);

        assert.equal(run.code, 1);
        assert.deepEqual(JSON.parse(run.stdout).errors, { [code]: 2 });
      });
    }

    it("names the code when nobody listens", async () => {
      const run = await load("http://127.0.0.1:1/", ["--connections", "4", ...SHORT]);

      assert.equal(run.code, 1);
      assert.deepEqual(JSON.parse(run.stdout).errors, { CONNECTION_REFUSED: 4 });
    });

    it("tells which answers are missing", async (test) => {
      const url = await urlOf(test, { onRequest: () => new Promise(() => undefined) });

      const run = await load(url, ["--connections", "2", ...SHORT]);

      assert.equal(run.code, 1);
      assert.deepEqual(JSON.parse(run.stdout).errors, { MISSING_ANSWER: 2 });
    });
  });
}

describe("hp-socket load of a URL", () => {
  it("lasts --seconds after --warmup", async (test) => {
    let count = 0;
    const url = await urlOf(test, {
      onRequest(exchange) {
        count += 1;
        exchange.respond(200, {}, "x");
      },
    });

    const run = await runCommand(["load", url, "--connections", "2", ...SHORT]);

    assert.equal(run.code, 0, run.stderr);
    const { measuredMs, requests } = JSON.parse(run.stdout);
    assert.ok(measuredMs >= 90 && measuredMs < 30_000);
    assert.ok(requests < count);
  });

  it("prints a table without --json", async (test) => {
    const url = await urlOf(test, { onRequest: (exchange) => exchange.respond(200, {}, "x") });

    const run = await runCommand(["load", url, "--connections", "2", "--requests", "100"]);

    assert.equal(run.code, 0, run.stderr);
    assert.match(run.stdout, /^target +GET http:.*, engine \w+$/m);
    assert.match(run.stdout, /^connections {2}2 of 2 opened in .*, 0 failed$/m);
    assert.match(run.stdout, /^requests +[\d,]+\/s \([\d,]+ in /m);
    assert.match(run.stdout, /^bytes +.*\/s received, .* of bodies$/m);
    assert.match(run.stdout, /^latency +p50 .* p90 .* p99 .* p99\.9 .* max /m);
    assert.match(run.stdout, /^statuses +200 × 100$/m);
    assert.match(run.stdout, /^errors +none$/m);
  });

  it("ends early with its figures at SIGINT", async (test) => {
    let count = 0;
    const url = await urlOf(test, {
      onRequest(exchange) {
        count += 1;
        exchange.respond(200);
        if (count === 1_000) run.kill("SIGINT");
      },
    });
    const run = startCommand(test, ["load", url, "--seconds", "60", "--warmup", "0", "--json"]);

    const ended = await run.ended;

    assert.deepEqual(ended, 0, run.stdout + run.stderr);
    const figures = JSON.parse(run.stdout);
    assert.ok(figures.measuredMs < 30_000 && figures.requests > 0);
  });

  for (const [words, message] of [
    [["http://x/", "--size", "3"], /--size goes with HOST:PORT, not with a URL/],
    [["http://x/", "--tls"], /--tls goes with HOST:PORT, not with a URL/],
    [["http://x/", "--ca", "file"], /--ca goes with https:, not with http:/],
    [["127.0.0.1:1", "--method", "GET"], /--method goes with a URL, not with HOST:PORT/],
    [["http://x/", "--requests", "3", "--seconds", "1"], /exclude each other/],
    [["http://x/", "--requests", "3", "--warmup", "1"], /exclude each other/],
    [["http://x/", "--data", "@/no/such/file"], /can't be sent/],
    [["http://x/", "-H", "Content-Length: x"], /Content-Length/],
  ] as const) {
    it(`ends with exit code 2 for: ${words.join(" ")}`, async () => {
      const run = await runCommand(["load", ...words]);

      assert.deepEqual([run.code, run.stdout], [2, ""]);
      assert.match(run.stderr, message);
    });
  }
});

describeTls("hp-socket load of a URL over TLS", (certificates) => {
  it("measures, the server verified", async (test) => {
    const { server: tls } = certificates;
    const server = new HttpServer({ tls, onRequest: (exchange) => exchange.respond(200, {}, "x") });
    test.after(() => server.stop({ drainMs: 0 }));
    await server.listen({ host: "127.0.0.1" });
    const words = ["load", `https://127.0.0.1:${server.port}/`, ...COUNTED, "30"];

    const trusted = await runCommand([...words, "--ca", certificates.path("authority.pem")]);
    const unknown = await runCommand(words);

    assert.equal(trusted.code, 0, trusted.stdout + trusted.stderr);
    assert.deepEqual(JSON.parse(trusted.stdout).statuses, { 200: 30 });
    assert.equal(unknown.code, 1);
    assert.deepEqual(JSON.parse(unknown.stdout).errors, { TLS_CERTIFICATE: 3 });
  });
});
