/** Other people's clients with an HTTP server of ours: node:http, node:https, curl. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { promisify } from "node:util";
import type { EngineName } from "hp-socket";
import { HttpServer, type HttpServerOptions } from "hp-socket/http";
import { selfSignedCertificate } from "hp-socket/testing";
import { chooseEngine } from "#src/engine/choose-engine.js";
import { availableEngines } from "../support/engine-list.js";
import { httpServer } from "../support/http-world.js";

const run = promisify(execFile);

/** What the server does: sends back what it gets, with what it saw of it. */
const ECHO: HttpServerOptions = {
  async onRequest(exchange) {
    const { method, path, headers } = exchange;
    const body = await exchange.body.bytes();
    exchange.respond(
      200,
      { "X-Seen": `${method} ${path} ${headers.get("x-a") ?? ""}`.trim() },
      body,
    );
  },
};

const folder = mkdtempSync(join(tmpdir(), "hp-socket-curl-"));
after(() => rmSync(folder, { recursive: true }));
const upload = join(folder, "upload");
writeFileSync(upload, Buffer.alloc(2_000_000, "u"));

/** Whether there is curl here; else its tests are skipped. */
const curlProblem: string | false = await run("curl", ["--version"]).then(
  () => false,
  () => "there is no curl",
);

/** A certificate for this machine. */
function certificate(): { cert: string; key: string } {
  const { cert, key } = selfSignedCertificate();
  return { cert, key };
}

/** The whole body of a response of Node's. */
async function bodyOf(response: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

for (const engine of availableEngines()) {
  describe(`an HTTP server on ${engine}`, () => {
    nodeClients(engine);
    curl(engine);
  });
}

describe("an HTTPS server", () => {
  it("serves node:https, and runs on the engine that has TLS", async (test) => {
    const server = await httpServer(test, { ...ECHO, tls: certificate() });
    const options = { port: server.port, method: "PUT", path: "/x", rejectUnauthorized: false };

    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      httpsRequest(options, resolve).on("error", reject).end("over TLS");
    });

    assert.equal(String(await bodyOf(response)), "over TLS");
    assert.equal(response.headers["x-seen"], "PUT /x");
    assert.equal(server.stats.engine, chooseEngine("auto", "tls").name);
  });

  it("tells handlers of TLS, and a fetch handler that its URL is https", async (test) => {
    const server = await httpServer(test, {
      tls: certificate(),
      fetch: (request, { connection }) =>
        new Response(`${new URL(request.url).protocol} ${connection.tls?.protocol}`),
    });

    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      httpsRequest({ port: server.port, rejectUnauthorized: false }, resolve)
        .on("error", reject)
        .end();
    });

    assert.equal(String(await bodyOf(response)), "https: TLSv1.3");
  });

  it("stops while connections are idle, and while a handshake is under way", async () => {
    const server = new HttpServer({ ...ECHO, tls: certificate() });
    const { port } = (await server.listen({ host: "127.0.0.1" })) as { port: number };
    const agent = new Agent({ keepAlive: true });
    const plain = httpRequest({ port, agent });
    plain.on("error", () => {});
    plain.flushHeaders();
    await new Promise((resolve) => setImmediate(resolve));

    const { cutCount } = await server.stop({ drainMs: 2_000 });
    agent.destroy();

    assert.equal(cutCount, 0);
  });
});

function nodeClients(engine: EngineName): void {
  it("serves node:http on few connections", async (test) => {
    const server = await httpServer(test, { engine, ...ECHO });
    const agent = new Agent({ keepAlive: true, maxSockets: 2 });
    test.after(() => agent.destroy());

    const bodies = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const options = { port: server.port, agent, method: "POST", path: `/${index}` };
        const response = await new Promise<IncomingMessage>((resolve, reject) => {
          httpRequest(options, resolve).on("error", reject).end(`body ${index}`);
        });
        return `${response.headers["x-seen"]}: ${await bodyOf(response)}`;
      }),
    );

    assert.deepEqual(
      bodies,
      Array.from({ length: 50 }, (_, index) => `POST /${index}: body ${index}`),
    );
    assert.ok(server.stats.openedCount <= 2);
  });

  it("serves node:http that waits for 100, and one that sends chunks and trailers", async (test) => {
    const trailers: unknown[] = [];
    const server = await httpServer(test, {
      engine,
      async onRequest(exchange) {
        const text = await exchange.body.text();
        trailers.push(exchange.body.trailers?.get("x-t"));
        const writer = exchange.startResponse(200, { Trailer: "X-U" });
        writer.write(text);
        writer.end({ "X-U": "u" });
      },
    });
    const options = { port: server.port, method: "POST", headers: { Expect: "100-continue" } };

    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = httpRequest(options, resolve).on("error", reject);
      request.on("continue", () => {
        request.addTrailers({ "X-T": "t" });
        request.write("one ");
        request.end("two");
      });
      request.flushHeaders();
    });
    const body = String(await bodyOf(response));

    assert.equal(body, "one two");
    assert.deepEqual(trailers, ["t"]);
    assert.equal(response.trailers["x-u"], "u");
  });
}

function curl(engine: EngineName): void {
  const ask = async (server: HttpServer, ...words: string[]): Promise<string> => {
    const url = `http://127.0.0.1:${server.port}/`;
    const { stdout } = await run("curl", ["-sS", "-m", "10", ...words, url], {
      maxBuffer: 10_000_000,
    });
    return stdout;
  };

  it("serves curl", { skip: curlProblem }, async (test) => {
    const server = await httpServer(test, { engine, ...ECHO });

    assert.match(await ask(server, "-i", "-H", "X-A: b"), /X-Seen: GET \/ b\r\n/);
    assert.match(await ask(server, "-I"), /^HTTP\/1\.1 200 OK\r\nX-Seen: HEAD/);
    assert.equal(await ask(server, "-0", "-d", "old"), "old");
    assert.equal(await ask(server, "--http2", "-d", "new"), "new");
    assert.equal((await ask(server, "-T", upload)).length, 2_000_000);
    assert.equal(
      (await ask(server, "-T", upload, "-H", "Transfer-Encoding: chunked")).length,
      2_000_000,
    );
  });

  it("resumes a download of curl", { skip: curlProblem }, async (test) => {
    const server = await httpServer(test, {
      engine,
      onRequest: async (exchange) => {
        await exchange.respondFile(upload);
      },
    });
    const target = join(folder, `download-${engine}`);
    writeFileSync(target, Buffer.alloc(1_500_000, "u"));

    const code = await ask(server, "-C", "-", "-o", target, "-w", "%{http_code} %{size_download}");

    assert.equal(code, "206 500000");
  });
}
