import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { HttpAgent, HttpServer } from "hp-socket/http";
import { type CliRun, runCommand, startCommand } from "../support/cli-run.js";

describe("hp-socket proxy", () => {
  async function origin(test: TestContext): Promise<string> {
    const server = new HttpServer({ onRequest: (exchange) => exchange.respond(200, {}, "hello") });
    test.after(() => server.stop({ drainMs: 0 }));
    const { port } = await server.listen({ host: "127.0.0.1" });
    return `http://127.0.0.1:${port}/`;
  }

  async function status(url: string, proxy: string): Promise<unknown> {
    await using agent = new HttpAgent({ proxy });
    return await agent.request({ url, timeoutMs: 5_000 }).then(
      async (response) => {
        await response.bytes();
        return response.status;
      },
      (error: { code: string }) => error.code,
    );
  }

  function start(test: TestContext, ...words: readonly string[]): CliRun {
    return startCommand(test, ["proxy", "--port", "0", ...words]);
  }

  it("says where it listens, serves HTTP and SOCKS, and says at its end what it has done", async (test) => {
    const url = await origin(test);
    const program = start(test, "--to-private", "127.0.0.0/8");
    const port = await program.readyPort();

    assert.equal(await status(url, `http://127.0.0.1:${port}`), 200);
    assert.equal(await status(url, `socks5://127.0.0.1:${port}`), 200);
    program.kill("SIGTERM");

    assert.equal(await program.ended, 0);
    assert.match(program.stdout, /^READY 127\.0\.0\.1:\d+ engine=\w+$/m);
    assert.match(program.stdout, /^connections - 2 /m);
  });

  it("writes a log of what it serves, with what may be in it and nothing more", async (test) => {
    const url = await origin(test);
    const words = ["--to-private", "127.0.0.1", "--user", "me:secret"];
    for (const format of ["combined", "json"]) {
      const program = start(test, ...words, "--access-log", format);
      const port = await program.readyPort();
      assert.equal(await status(`${url}?q=1`, `http://me:secret@127.0.0.1:${port}`), 200);
      assert.equal(await status(url, `socks5://me:secret@127.0.0.1:${port}`), 200);
      assert.equal(await status(url, `http://me:wrong@127.0.0.1:${port}`), 407);
      program.kill("SIGTERM");
      assert.equal(await program.ended, 0);
      const lines = program.stdout.split("\n").slice(1, 4);
      const { host } = new URL(url);
      if (format === "json") {
        const [first, second, third] = lines.map((line) => JSON.parse(line));
        assert.deepEqual([first.method, first.target, first.status], ["GET", url, 200]);
        assert.deepEqual([first.user, first.remoteAddress, first.error], ["me", "127.0.0.1", null]);
        assert.ok(Math.abs(Date.parse(first.time) - Date.now()) < 60_000);
        assert.deepEqual([second, third].map(({ protocol }) => protocol).sort(), [
          "http",
          "socks5",
        ]);
      } else {
        const all = lines.join("\n");
        const time = String.raw`\[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000\]`;
        assert.match(
          all,
          new RegExp(`^127.0.0.1 - me ${time} "GET ${url} http" 200 5 "-" "-"$`, "m"),
        );
        assert.match(
          all,
          new RegExp(`^127.0.0.1 - me ${time} "CONNECT ${host} socks5" - \\d+ "-" "-"$`, "m"),
        );
        assert.match(
          all,
          new RegExp(`^127.0.0.1 - - ${time} "GET ${url} http" 407 \\d+ "-" "-"$`, "m"),
        );
      }
      assert.doesNotMatch(program.stdout, /secret|wrong|q=1/);
    }
  });

  it("reaches nothing private unless it is told to", async (test) => {
    const url = await origin(test);
    const program = start(test);
    const port = await program.readyPort();

    assert.equal(await status(url, `http://127.0.0.1:${port}`), 403);
    assert.equal(await status(url, `socks5://127.0.0.1:${port}`), "PROXY_REFUSED");
  });

  it("wants one of its users, and lets in the networks that it is told", async (test) => {
    const url = await origin(test);
    const program = start(
      test,
      ...["--to-private", "127.0.0.1", "--user", "me:pa:ss", "--user", "you:x"],
      ...["--allow", "127.0.0.0/8"],
    );
    const port = await program.readyPort();

    assert.equal(await status(url, `http://me:pa%3Ass@127.0.0.1:${port}`), 200);
    assert.equal(await status(url, `http://you:x@127.0.0.1:${port}`), 200);
    assert.equal(await status(url, `http://me:x@127.0.0.1:${port}`), 407);
    assert.equal(await status(url, `socks5://me:x@127.0.0.1:${port}`), "PROXY_AUTHENTICATION");
    const other = start(test, "--allow", "192.0.2.0/24", "--to-private", "127.0.0.1");
    const code = await status(url, `http://127.0.0.1:${await other.readyPort()}`);
    assert.notEqual(code, 200);
  });

  for (const [words, complaint] of [
    [["--host", "0.0.0.0"], /needs --allow or --user/],
    [["--allow", "10.0.0.0/33"], /--allow/],
    [["--user", "nobody"], /--user/],
    [["--port", "65536"], /--port/],
  ] as const) {
    it(`refuses ${words.join(" ")}`, async () => {
      const { code, stderr } = await runCommand(["proxy", ...words]);

      assert.notEqual(code, 0);
      assert.match(stderr, complaint);
    });
  }
});
