/** TLS servers of ours, as other people's clients see them: curl and Chromium over HTTPS, and `gnutls-cli`. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { it, type TestContext } from "node:test";
import { HttpServer } from "hp-socket/http";
import { browser } from "../support/other-browser.js";
import { otherProgram } from "../support/other-program.js";
import { describeTls } from "../support/tls-certificates.js";
import { secureServer } from "../support/tls-world.js";
import { until } from "../support/until.js";

const curl = otherProgram("curl");
const gnutls = otherProgram("gnutls-cli");

/** Runs a program to its end; answers what it has printed, its errors last, and its exit code. */
async function output(
  program: string,
  words: readonly string[],
): Promise<readonly [text: string, code: number | null]> {
  const child = spawn(program, words, { stdio: ["ignore", "pipe", "pipe"] });
  const [pieces, errors]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on("data", (bytes: Buffer) => void pieces.push(bytes));
  child.stderr.on("data", (bytes: Buffer) => void errors.push(bytes));
  const [code] = (await once(child, "close")) as [number | null];
  return [Buffer.concat([...pieces, ...errors]).toString("latin1"), code];
}

describeTls("TLS for other people's clients", (certificates) => {
  const { server: pair } = certificates;
  const authority = certificates.path("authority.pem");

  for (const version of ["1.2", "1.3"]) {
    it(`serves curl over TLS ${version}`, { skip: curl.skip }, async (test) => {
      const body = Buffer.alloc(300_000, "body ");
      const server = new HttpServer({
        tls: pair,
        onRequest: (exchange) => void exchange.respond(200, {}, body),
      });
      test.after(() => server.stop({ drainMs: 0 }));
      await server.listen({ host: "127.0.0.1" });
      const words = [`--tlsv${version}`, "--tls-max", version, "--cacert", authority, "-sS", "-v"];
      const url = `https://localhost:${server.port}/`;

      const [text, code] = await output("curl", [...words, "-4", url, url]);
      const [, refused] = await output("curl", ["-sS", "-4", url]);

      assert.equal(code, 0);
      assert.equal(text.split("body ").length - 1, 120_000);
      assert.match(text, new RegExp(`TLSv${version}`));
      // Its authority is not known there.
      assert.equal(refused, 60);
    });
  }

  it("serves Chromium over HTTPS", { skip: browser.skip }, async (test) => {
    const server = new HttpServer({
      tls: pair,
      onRequest: (exchange) =>
        void exchange.respond(200, { "content-type": "text/html" }, "<p>served over TLS</p>"),
    });
    test.after(() => server.stop({ drainMs: 0 }));
    await server.listen({ host: "127.0.0.1" });
    const words = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"];
    const url = `https://127.0.0.1:${server.port}/`;

    const [text] = await output(browser.program, [
      ...words,
      `--user-data-dir=${certificates.path("profile")}`,
      "--ignore-certificate-errors",
      "--dump-dom",
      url,
    ]);

    assert.match(text, /served over TLS/);
  });

  function startGnutls(test: TestContext, port: number, ...words: readonly string[]): Gnutls {
    const basis = ["--x509cafile", authority, "--port", String(port), "localhost"];
    return new Gnutls(test, [...words, ...basis]);
  }

  for (const version of ["1.2", "1.3"]) {
    it(`serves gnutls-cli over TLS ${version}`, { skip: gnutls.skip }, async (test) => {
      const world = await secureServer(test, pair);
      const peer = startGnutls(
        test,
        world.port,
        "--priority",
        `NORMAL:-VERS-ALL:+VERS-TLS${version}`,
      );
      await until(() => world.secured.length === 1);

      peer.type("hello, gnutls\n");
      await until(() => peer.output.includes("hello, gnutls"));
      const protocol = world.secured[0]?.tls?.protocol;
      world.secured[0]?.close();
      await until(() => world.reasons.length === 1);

      assert.match(peer.output, /certificate is trusted/);
      assert.equal(protocol, `TLSv${version}`);
      assert.equal(world.reasons[0]?.code, "CLOSED");
    });
  }
});

/** A running gnutls-cli. */
class Gnutls {
  output = "";
  readonly #child;

  constructor(test: TestContext, words: readonly string[]) {
    const child = spawn("gnutls-cli", words);
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
      });
    }
    child.stdin.on("error", () => {});
    const ended = once(child, "close");
    test.after(async () => {
      child.kill("SIGKILL");
      await ended;
    });
  }

  type(text: string): void {
    this.#child.stdin.write(text);
  }
}
