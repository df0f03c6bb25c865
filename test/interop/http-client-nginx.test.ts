/** Our HTTP clients with nginx as the server, and with nginx in front of our server. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import type { EngineName } from "hp-socket";
import { selfSignedCertificate } from "hp-socket/testing";
import { patternBytes } from "../support/byte-pattern.js";
import { availableEngines } from "../support/engine-list.js";
import { httpAgent, httpClient } from "../support/http-client-world.js";
import { httpServer } from "../support/http-world.js";
import { nginxServer } from "../support/nginx-server.js";
import { otherProgram } from "../support/other-program.js";

const { skip } = otherProgram("nginx");
const TEXT = "All happy families are alike. ".repeat(20_000);
const BYTES = patternBytes(0, 5_000_000);
const FILES = { "html/text.txt": TEXT, "html/bytes.bin": BYTES };
const PLAIN = "server { listen 127.0.0.1:PORT; root FOLDER/html;";

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

for (const engine of availableEngines()) {
  describe(`HTTP clients with nginx on ${engine}`, { skip }, () => {
    files(engine);
    connections(engine);
    reverseProxy(engine);
  });
}

function files(engine: EngineName): void {
  it("read files, whole, in part, encoded in chunks, and not when they are known", async (test) => {
    const nginx = await nginxServer(test, `gzip on; gzip_types text/plain; ${PLAIN} }`, FILES);
    const agent = httpAgent(test, { engine });
    const url = `${nginx.origin}/bytes.bin`;

    const whole = await agent.follow(url);
    const bytes = await whole.bytes();
    const part = await agent.follow(url, { headers: { Range: "bytes=10-19" } });
    const etag = whole.headers.get("etag") ?? "";
    const known = await agent.follow(url, { headers: { "If-None-Match": etag } });
    const encoded = await agent.follow(`${nginx.origin}/text.txt`);
    const head = await agent.follow(url, { method: "HEAD" });
    const missing = await agent.follow(`${nginx.origin}/missing`);

    assert.equal(sha256(bytes), sha256(BYTES));
    assert.deepEqual([part.status, await part.bytes()], [206, BYTES.subarray(10, 20)]);
    assert.deepEqual([known.status, await known.text()], [304, ""]);
    assert.equal(encoded.headers.get("content-encoding"), "gzip");
    assert.equal(encoded.headers.get("transfer-encoding"), "chunked");
    assert.equal(await encoded.text(), TEXT);
    assert.equal(head.headers.get("content-length"), String(BYTES.length));
    assert.equal(missing.status, 404);
    assert.equal(agent.stats.connectionCount, 1);
  });

  it("follow its redirects", async (test) => {
    const server = `${PLAIN} location /old { return 301 /text.txt; }
      location /far { return 307 http://$http_host/old; } }`;
    const nginx = await nginxServer(test, server, FILES);
    const agent = httpAgent(test, { engine });

    const response = await agent.follow(`${nginx.origin}/far`);

    assert.equal(response.url, `${nginx.origin}/text.txt`);
    assert.equal(await response.text(), TEXT);
  });

  it("speak TLS with it, and resume", async (test) => {
    const { cert, key } = selfSignedCertificate();
    const server = `server { listen 127.0.0.1:PORT ssl; keepalive_timeout 0;
      ssl_certificate FOLDER/cert.pem; ssl_certificate_key FOLDER/key.pem;
      ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:a:1m;
      location / { return 200 "$ssl_protocol $ssl_session_reused"; } }`;
    const nginx = await nginxServer(test, server, { "cert.pem": cert, "key.pem": key });
    const agent = httpAgent(test, { engine, tls: { ca: cert } });
    const url = `https://localhost:${nginx.port}/`;

    const answers: string[] = [];
    for (let count = 0; count < 2; count++) answers.push(await (await agent.follow(url)).text());

    assert.deepEqual(answers, ["TLSv1.3 .", "TLSv1.3 r"]);
  });
}

function connections(engine: EngineName): void {
  it("see no error of a server that ends each connection after some requests", async (test) => {
    const nginx = await nginxServer(test, `${PLAIN} keepalive_requests 3; }`, FILES);
    const agent = httpAgent(test, { engine });

    for (let count = 0; count < 50; count++) {
      const response = await agent.request({ url: `${nginx.origin}/text.txt` });
      assert.equal((await response.bytes()).length, TEXT.length);
    }

    assert.equal(agent.stats.requestCount, 50);
  });

  it("see no error of a server that gives connections up early", async (test) => {
    const nginx = await nginxServer(test, `${PLAIN} keepalive_timeout 1ms; }`, FILES);
    const agent = httpAgent(test, { engine, idleTimeoutMs: 60_000 });

    for (let count = 0; count < 300; count++) {
      const response = await agent.request({ url: `${nginx.origin}/text.txt`, method: "HEAD" });
      assert.equal(response.status, 200);
      for (let turn = 0; turn < (count % 11) * 3; turn++) {
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  });

  it("ask many things at once", async (test) => {
    const nginx = await nginxServer(test, `${PLAIN} }`, FILES);
    const agent = httpAgent(test, { engine, maxConnectionsPerOrigin: 20 });
    const url = `${nginx.origin}/text.txt`;

    const asked = Array.from({ length: 200 }, async () => (await agent.follow(url)).bytes());
    const bodies = await Promise.all(asked);

    assert.ok(bodies.every((body) => body.length === TEXT.length));
    assert.ok(agent.stats.connectionCount <= 20);
  });

  it("have one connection, with an HttpClient", async (test) => {
    const nginx = await nginxServer(test, `${PLAIN} }`, FILES);
    const client = httpClient(test, { engine });

    await client.connect(nginx.origin);
    const lengths: number[] = [];
    for (const path of ["/text.txt", "/bytes.bin"]) {
      lengths.push((await (await client.get(path)).bytes()).length);
    }

    assert.deepEqual(lengths, [TEXT.length, BYTES.length]);
  });
}

function reverseProxy(engine: EngineName): void {
  it("upload through it to our server, with a length and in chunks", async (test) => {
    const upstream = await httpServer(test, {
      engine,
      async onRequest(exchange) {
        exchange.respond(200, {}, sha256(await exchange.body.bytes()));
      },
    });
    const server = `upstream ours { server 127.0.0.1:${upstream.port}; keepalive 4; }
      server { listen 127.0.0.1:PORT; client_max_body_size 10m;
      location / { proxy_pass http://ours; proxy_http_version 1.1;
        proxy_set_header Connection ""; proxy_request_buffering off; } }`;
    const nginx = await nginxServer(test, server, {});
    const agent = httpAgent(test, { engine });

    const bodies = [BYTES, new Blob([BYTES]).stream(), BYTES, "small"];
    const answers: string[] = [];
    for (const body of bodies) {
      answers.push(await (await agent.follow(nginx.origin, { method: "POST", body })).text());
    }

    const expected = sha256(BYTES);
    assert.deepEqual(answers, [expected, expected, expected, sha256(Buffer.from("small"))]);
  });

  it("are told in time that a body is too large, when they ask first", async (test) => {
    const nginx = await nginxServer(test, `${PLAIN} client_max_body_size 1k; }`, FILES);
    const agent = httpAgent(test, { engine });

    const options = { method: "PUT", body: BYTES, expectContinue: true };
    const response = await agent.follow(nginx.origin, options);

    assert.equal(response.status, 413);
  });
}
