import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { gzipSync } from "node:zlib";
import { runCommand } from "../support/cli-run.js";
import { bodyOf, nodeServer, scriptedServer } from "../support/http-scripted-server.js";
import { httpServer } from "../support/http-world.js";
import { describeTls } from "../support/tls-certificates.js";

/** A folder that goes with the test. */
function folder(test: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "hp-socket-http-"));
  test.after(() => rmSync(path, { recursive: true }));
  return path;
}

/** A server that tells what it got, in lines. */
async function tellingServer(test: TestContext): Promise<string> {
  const { origin } = await nodeServer(test, async (request, response) => {
    const body = await bodyOf(request);
    const fields = request.rawHeaders.join("|");
    response.end(`${request.method} ${request.url}\n${fields}\n${body}`);
  });
  return origin;
}

describe("hp-socket http", () => {
  it("asks with GET and writes the body, and nothing else", async (test) => {
    const origin = await tellingServer(test);

    const run = await runCommand(["http", `${origin}/a?b=c`]);

    const [line, fields, ...rest] = run.stdout.split("\n");
    assert.deepEqual([run.code, run.stderr, line, ...rest], [0, "", "GET /a?b=c", ""]);
    assert.match(fields ?? "", /User-Agent\|hp-socket\/\d+\.\d+\.\d+/);
  });

  it("takes a method, fields and a body; a URL without a scheme is one of HTTP", async (test) => {
    const origin = await tellingServer(test);
    const words = ["PUT", `${origin.replace("http://", "")}/x`, "--data", "tëxt"];

    const run = await runCommand([
      "http",
      ...words,
      "-H",
      "A: 1",
      "--header=a:2",
      "-H",
      "User-Agent: me",
    ]);

    assert.match(run.stdout, /^PUT \/x\n/);
    assert.match(run.stdout, /\|A\|1\|a\|2\|User-Agent\|me\|/);
    assert.match(run.stdout, /\|Content-Length\|5\|?.*\ntëxt$/m);
  });

  it("takes the usual methods in any capitals, others as they are, and -X", async (test) => {
    const origin = await tellingServer(test);

    const lower = await runCommand(["http", "put", origin]);
    const option = await runCommand(["http", origin, "-X", "patch"]);
    const other = await runCommand(["http", "PURGE", origin]);

    const lines = [lower, option, other].map(({ stdout }) => stdout.split("\n")[0]);
    assert.deepEqual(lines, ["PUT /", "PATCH /", "PURGE /"]);
  });

  it("logs in with -u", async (test) => {
    const origin = await tellingServer(test);

    const run = await runCommand(["http", origin, "-u", "Aladdin:open sesame"]);

    // The example of RFC 7617 §2.
    assert.match(run.stdout, /\|Authorization\|Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\|/);
  });

  it("shows both heads and the timing with -v, on standard error", async (test) => {
    const origin = await tellingServer(test);

    const run = await runCommand(["http", `${origin}/a?b`, "-v", "-H", "X-A: 1"]);

    assert.match(run.stdout, /^GET \/a\?b\n/);
    assert.match(run.stderr, /^> GET \/a\?b HTTP\/1\.1\n> Host: 127\.0\.0\.1:\d+\n> X-A: 1\n/);
    assert.match(run.stderr, /^< HTTP\/1\.1 200 OK\n< /m);
    assert.match(run.stderr, /^hp-socket http: lookup /m);
  });

  it("sends files and standard input as they are, with POST", async (test) => {
    const path = join(folder(test), "body");
    writeFileSync(path, "from a file");
    const origin = await tellingServer(test);

    const file = await runCommand(["http", origin, "--data", `@${path}`]);
    const input = await runCommand(["http", origin, "-d", "@-"], "from the input");
    const empty = await runCommand(["http", origin, "-d", ""]);

    assert.match(file.stdout, /^POST \/\n.*Content-Length\|11.*\nfrom a file$/);
    assert.match(input.stdout, /^POST \/\n.*Transfer-Encoding\|chunked.*\nfrom the input$/);
    assert.match(empty.stdout, /^POST \/\n.*Content-Length\|0.*\n$/);
  });

  it("shows the head with --include, and to HEAD in any case", async (test) => {
    const server = await httpServer(test, {
      onRequest: (exchange) => exchange.respond(201, { "X-A": "ä", Date: "now" }, "body"),
    });
    const url = `127.0.0.1:${server.port}`;

    const get = await runCommand(["http", url, "-i"]);
    const head = await runCommand(["http", "HEAD", url]);

    assert.match(get.stdout, /^HTTP\/1\.1 201 Created\r\nX-A: .+\r\n[\s\S]*\r\n\r\nbody$/);
    assert.match(head.stdout, /^HTTP\/1\.1 201 Created\r\n[\s\S]*Content-Length: 4\r\n\r\n$/);
  });

  it("follows redirects with --location only", async (test) => {
    const { origin } = await nodeServer(test, (request, response) => {
      if (request.url === "/b") response.end("there");
      else response.writeHead(302, { Location: "/b" }).end("elsewhere");
    });

    const stays = await runCommand(["http", `${origin}/a`]);
    const follows = await runCommand(["http", `${origin}/a`, "-L"]);

    assert.deepEqual([stays.stdout, follows.stdout], ["elsewhere", "there"]);
  });

  it("decodes with --compressed only", async (test) => {
    const { origin } = await nodeServer(test, ({ headers }, response) => {
      if (headers["accept-encoding"] === undefined) response.end("plain");
      else response.writeHead(200, { "Content-Encoding": "gzip" }).end(gzipSync("decoded"));
    });

    const plain = await runCommand(["http", origin]);
    const decoded = await runCommand(["http", origin, "--compressed"]);

    assert.deepEqual([plain.stdout, decoded.stdout], ["plain", "decoded"]);
  });

  it("ends with exit code 1 for a status of 400 and above with --fail only", async (test) => {
    const { origin } = await nodeServer(test, (_request, response) => {
      response.writeHead(404).end("not here");
    });

    const calm = await runCommand(["http", origin]);
    const strict = await runCommand(["http", origin, "--fail"]);

    assert.deepEqual([calm.code, calm.stdout, calm.stderr], [0, "not here", ""]);
    assert.deepEqual([strict.code, strict.stdout], [1, "not here"]);
    assert.equal(strict.stderr, "hp-socket http: the status is 404 Not Found\n");
  });

  it("tells how long the parts took with --timing", async (test) => {
    const origin = await tellingServer(test);

    const run = await runCommand(["http", origin, "--timing"]);

    assert.match(
      run.stderr,
      /^hp-socket http: lookup .* · connect .* · TLS 0 ns · first byte .* · total .* · \d+ B\n$/,
    );
  });

  it("keeps cookies in a file from one call to the next", async (test) => {
    const path = join(folder(test), "cookies");
    const seen: (string | undefined)[] = [];
    const { origin } = await nodeServer(test, ({ headers }, response) => {
      seen.push(headers.cookie);
      response.setHeader("Set-Cookie", ["kept=1; Max-Age=1000", "session=2"]).end();
    });

    const runs = [
      await runCommand(["http", origin, "--cookies", path]),
      await runCommand(["http", origin, "--cookies", path]),
    ];

    assert.deepEqual(
      runs.map(({ code, stderr }) => [code, stderr]),
      [
        [0, ""],
        [0, ""],
      ],
    );
    assert.deepEqual(seen, [undefined, "kept=1"]);
  });

  it("asks a proxy by the whole URL", async (test) => {
    const proxy = await tellingServer(test);

    const run = await runCommand(["http", "far.example/x", "--proxy", proxy]);

    assert.match(run.stdout, /^GET http:\/\/far\.example\/x\n/);
  });

  it("gives up after --timeout and --connect-timeout", async (test) => {
    const silent = await scriptedServer(test, (peer) => peer.ended());

    const late = await runCommand(["http", silent.origin, "--timeout", "0.1"]);
    const secure = silent.origin.replace("http", "https");
    const stuck = await runCommand(["http", secure, "--connect-timeout", "0.1"]);

    assert.deepEqual([late.code, stuck.code], [1, 1]);
    assert.match(late.stderr, /^hp-socket http: REQUEST_TIMEOUT: .*\n$/);
    assert.match(stuck.stderr, /^hp-socket http: (HANDSHAKE|CONNECT)_TIMEOUT: .*\n$/);
  });

  it("ends with exit code 1 when the body breaks off, and leaves what came", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      await peer.request();
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
      peer.finish();
    });
    const path = join(folder(test), "part");

    const run = await runCommand(["http", server.origin, "-o", path]);

    assert.equal(run.code, 1);
    assert.match(run.stderr, /^hp-socket http: HTTP_TRUNCATED: .*\n$/);
    assert.equal(readFileSync(path, "utf8"), "half");
  });

  it("says in one line what can't be written, and ends with exit code 1", async (test) => {
    const origin = await tellingServer(test);
    const path = join(folder(test), "no", "such", "folder");

    const run = await runCommand(["http", origin, "-o", path]);

    assert.equal(run.code, 1);
    assert.match(run.stderr, /^hp-socket http: SYSTEM_ERROR: .* can't be written: .*ENOENT.*\n$/);
    assert.equal(existsSync(path), false);
  });

  for (const [words, message] of [
    [[], /which URL/],
    [["ftp://x/"], /no URL of HTTP/],
    [["http://"], /no URL/],
    [["A B", "http://x/"], /no method/],
    [["CONNECT", "http://x/"], /tunnels/],
    [["x", "-H", "no colon"], /--header must be 'NAME: VALUE', not "no colon"/],
    [["x", "-d", "@/no/such/file"], /can't be sent: .*ENOENT/],
    [["x", "-d", "@/"], /it is a folder/],
    [["https://x", "--cert", "file"], /--cert and --key go together/],
    [["https://x", "--insecure", "--ca", "file"], /exclude each other/],
    [["x", "-k"], /--insecure goes with https:, not with http:/],
    [["x", "--ca", "file"], /--ca goes with https:, not with http:/],
    [["GET", "x", "-X", "PUT"], /take either "GET" or --method/],
    [["x", "--timeout", "soon"], /--timeout must be/],
    [["x", "-H", "Bad Name: x"], /--header/],
    [["x", "-H", "A: b\r\nC: d"], /--header/],
    [["GET", "x", "y"], /what is "y" for/],
  ] as const) {
    it(`ends with exit code 2 for: ${words.join(" ")}`, async () => {
      const run = await runCommand(["http", ...words]);

      assert.deepEqual([run.code, run.stdout], [2, ""]);
      assert.match(run.stderr, message);
      assert.equal(run.stderr.trimEnd().split("\n").length, 1);
    });
  }

  it("ends with exit code 1 where nobody listens", async () => {
    const run = await runCommand(["http", "http://127.0.0.1:1/"]);

    assert.equal(run.code, 1);
    assert.match(run.stderr, /^hp-socket http: CONNECTION_REFUSED: .*\n$/);
  });
});

describeTls("hp-socket http over TLS", (certificates) => {
  it("verifies by --ca, shows who it is by --cert, and takes all with --insecure", async (test) => {
    const { cert, key } = certificates.server;
    const server = await httpServer(test, {
      tls: { cert, key, ca: certificates.ca, clientCertificate: "request" },
      onRequest: (exchange) => {
        const { peerCertificate } = exchange.connection.tls ?? {};
        exchange.respond(200, {}, peerCertificate?.subject ?? "nobody");
      },
    });
    const url = `https://127.0.0.1:${server.port}/`;
    const ca = ["--ca", certificates.path("authority.pem")];
    const own = [
      "--cert",
      certificates.path("client.pem"),
      "--key",
      certificates.path("client.key"),
    ];

    const unknown = await runCommand(["http", url]);
    const trusted = await runCommand(["http", url, ...ca]);
    const known = await runCommand(["http", url, ...ca, ...own]);
    const careless = await runCommand(["http", url, "-k"]);

    assert.match(unknown.stderr, /TLS_CERTIFICATE/);
    assert.deepEqual([unknown.code, trusted.code, known.code, careless.code], [1, 0, 0, 0]);
    assert.deepEqual([trusted.stdout, careless.stdout], ["nobody", "nobody"]);
    assert.match(known.stdout, /client/);
  });
});
