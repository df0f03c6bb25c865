/** Our proxy with the clients of others: curl, ncat and Chromium. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, it } from "node:test";
import { type EngineName, TcpServer } from "hp-socket";
import type { AccessRecord, ProxyServer } from "hp-socket/proxy";
import { availableEngines, firstEngine } from "../support/engine-list.js";
import { httpServer } from "../support/http-world.js";
import { browser, openPage } from "../support/other-browser.js";
import { otherProgram } from "../support/other-program.js";
import { proxyServer } from "../support/proxy-world.js";
import { until } from "../support/until.js";

const LIMIT_MS = 20_000;
const curl = otherProgram("curl");
const ncat = otherProgram("ncat");
/** Curl may resolve localhost by itself, to either. */
const destinations = { allow: ["127.0.0.0/8", "::1", "localhost"] };
/** What curl can do; the first two are tried on each engine. */
const SCHEMES = ["http", "socks5h", "socks4", "socks4a", "socks5"];
const USERS = { me: "pa ss:w@rd" };

for (const engine of availableEngines()) {
  describe(`a proxy with curl on ${engine}`, { skip: curl.skip }, () => servesCurl(engine));
  describe(`a proxy with ncat on ${engine}`, { skip: ncat.skip }, () => servesNcat(engine));
  describe(`a proxy with a browser on ${engine}`, { skip: browser.skip }, () =>
    servesBrowser(engine),
  );
}

/** Runs a program to its end. */
function run(
  program: string,
  words: readonly string[],
  input = "",
): Promise<{ readonly output: string; readonly isFine: boolean }> {
  return new Promise((resolve) => {
    const child = execFile(program, words, { timeout: LIMIT_MS }, (error, output) =>
      resolve({ output, isFine: error === null }),
    );
    child.stdin?.end(input);
  });
}

function servesCurl(engine: EngineName): void {
  const isFirst = engine === firstEngine();
  for (const scheme of isFirst ? SCHEMES : SCHEMES.slice(0, 2)) {
    for (const [way, words] of [
      ["as it likes", []],
      ...(scheme === "http" ? [["by a tunnel", ["--proxytunnel"]] as const] : []),
    ] as const) {
      it(`takes ${scheme} ${way}, with and without authentication`, async (test) => {
        const origin = await httpServer(test, {
          engine,
          onRequest: async (exchange) =>
            exchange.respond(200, {}, `${exchange.method} ${(await exchange.body.bytes()).length}`),
        });
        const open = await proxyServer(test, engine, { destinations });
        const closed = await proxyServer(test, engine, { destinations, authenticate: USERS });
        const ask = (from: ProxyServer, user: string): ReturnType<typeof run> =>
          run(
            curl.program,
            [
              ...["-sS", "--noproxy", "", "-x", `${scheme}://${user}127.0.0.1:${from.port}`],
              ...["--data-binary", "@-", ...words, `http://localhost:${origin.port}/a`],
            ],
            "x".repeat(100_000),
          );

        assert.deepEqual(await ask(open, ""), { output: "POST 100000", isFine: true });
        const known = await ask(closed, "me:pa%20ss%3Aw%40rd@");
        // SOCKS 4 has no passwords.
        assert.equal(known.output === "POST 100000", !scheme.startsWith("socks4"));
        for (const user of ["me:wrong@", "you:pa%20ss%3Aw%40rd@", ""]) {
          assert.notEqual((await ask(closed, user)).output, "POST 100000");
        }
        assert.equal(closed.stats.madeTunnelCount, closed.stats.tunnelCount + madeBy(scheme, way));
      });
    }
  }
}

/** Tunnels that the one client with the right password makes. */
function madeBy(scheme: string, way: string): number {
  if (scheme.startsWith("socks4")) return 0;
  return scheme === "http" && way !== "by a tunnel" ? 0 : 1;
}

function servesNcat(engine: EngineName): void {
  for (const type of ["http", "socks4", "socks5"]) {
    it(`passes what ncat sends and its end on, by ${type}`, async (test) => {
      const server = new TcpServer({
        engine,
        halfOpen: true,
        onReceive: (connection, bytes) => void connection.send(bytes),
        onEnd: (connection) => void connection.finish(),
      });
      test.after(() => server.stop({ drainMs: 0 }));
      await server.listen({ host: "127.0.0.1" });
      const through = await proxyServer(test, engine, {
        destinations,
        ...(type !== "socks4" && { authenticate: USERS }),
      });
      const text = "0123456789".repeat(10_000);

      const { output } = await run(
        ncat.program,
        [
          ...["--proxy", `127.0.0.1:${through.port}`, "--proxy-type", type],
          ...(type === "socks4" ? [] : ["--proxy-auth", `me:${USERS.me}`]),
          ...["127.0.0.1", `${server.port}`],
        ],
        text,
      );

      assert.equal(output, text);
      await until(() => through.stats.tunnelCount === 0);
    });
  }
}

const PAGE = `<!doctype html><meta charset="utf-8"><script type="module">
const posted = await (await fetch("/echo", { method: "POST", body: "x".repeat(300_000) })).text();
const many = await Promise.all(Array.from({ length: 20 }, () => fetch("/echo").then((one) => one.text())));
await fetch("/report", { method: "POST", body: JSON.stringify([posted.length, many.length]) });
</script>`;

function servesBrowser(engine: EngineName): void {
  for (const scheme of ["http", "socks5", "socks4"]) {
    it(`carries a page and what it asks for, by ${scheme}`, async (test) => {
      let report: unknown;
      const origin = await httpServer(test, {
        engine,
        async onRequest(exchange) {
          const body = await exchange.body.text();
          if (exchange.path === "/report") report = JSON.parse(body);
          if (exchange.path !== "/") exchange.respond(200, {}, body);
          else exchange.respond(200, { "Content-Type": "text/html" }, PAGE);
        },
      });
      const records: AccessRecord[] = [];
      const through = await proxyServer(test, engine, {
        destinations,
        onAccess: (one) => records.push(one),
      });

      openPage(test, `http://127.0.0.1:${origin.port}/`, [
        `--proxy-server=${scheme}://127.0.0.1:${through.port}`,
        // A browser reaches this machine directly unless told otherwise.
        "--proxy-bypass-list=<-loopback>",
      ]);
      await until(() => report !== undefined, 60_000);

      assert.deepEqual(report, [300_000, 20]);
      assert.equal(through.stats.requestCount > 20, scheme === "http");
      assert.equal(through.stats.socksCount > 0, scheme !== "http");
    });
  }
}
