/** HTTP clients over TLS. */
import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { it, type TestContext } from "node:test";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import type { HttpAgentOptions } from "hp-socket/http";
import { patternBytes } from "../support/byte-pattern.js";
import { availableEngines } from "../support/engine-list.js";
import { httpAgent, httpClient } from "../support/http-client-world.js";
import { nodeServer, scriptedServer, secureNodeServer } from "../support/http-scripted-server.js";
import { describeTls, type TestCertificates } from "../support/tls-certificates.js";
import { until } from "../support/until.js";

describeTls("an HTTP agent over TLS", agents);
describeTls("an HTTP client over TLS", clients);
describeTls("certificates that an HTTP agent does not take", certificateErrors);

/** Answers with what is known of the connection. */
function tell({ socket, url, headers }: IncomingMessage, response: ServerResponse): void {
  const { alpnProtocol, servername } = socket as TLSSocket & { readonly servername?: string };
  response.end(`${url} ${headers.host?.replace(/\d+$/, "")} ${alpnProtocol} ${servername}`);
}

/** A server of TLS that plays `script` with each connection. */
async function tlsScript(
  test: TestContext,
  certificate: TestCertificates["server"],
  script: (socket: TLSSocket) => void,
): Promise<string> {
  const sockets: TLSSocket[] = [];
  const server = createTlsServer(certificate, (socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.once("data", () => script(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  test.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return `https://localhost:${(server.address() as AddressInfo).port}`;
}

function agents(certificates: TestCertificates): void {
  const { server: certificate, ca } = certificates;
  const TLS: HttpAgentOptions = { tls: { ca } };

  for (const engine of availableEngines()) {
    it(`asks over one connection, whatever engine is chosen for the rest: ${engine}`, async (test) => {
      const server = await secureNodeServer(test, certificate, tell);
      const agent = httpAgent(test, { engine, ...TLS });

      const first = await agent.follow(`${server.origin}/1`);
      const answers = [await first.text()];
      const second = await agent.follow(`${server.origin}/2`);
      answers.push(await second.text());

      assert.deepEqual(answers, [
        "/1 localhost: http/1.1 localhost",
        "/2 localhost: http/1.1 localhost",
      ]);
      assert.ok(first.timing.tlsMs > 0);
      assert.deepEqual([second.timing.isReused, second.timing.tlsMs], [true, 0]);
      assert.equal(agent.stats.connectionCount, 1);
    });

    it(`gets the response to an upload whose connection is reset right behind: ${engine}`, async (test) => {
      const url = await tlsScript(test, certificate, (socket) => {
        socket.pause();
        const answer = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno";
        socket.write(answer, () => socket.destroy());
      });
      const agent = httpAgent(test, { engine, ...TLS });
      const body = Buffer.alloc(8 * 1_048_576);

      for (let round = 0; round < 4; round++) {
        const response = await agent.request({ url, method: "POST", body });
        assert.deepEqual([response.status, await response.text()], [413, "no"]);
      }
    });
  }

  it("sends no server name for an address", async (test) => {
    const server = await secureNodeServer(test, certificate, tell);
    const agent = httpAgent(test, TLS);

    const response = await agent.follow(`https://127.0.0.1:${server.port}/`);

    assert.equal(await response.text(), "/ 127.0.0.1: http/1.1 false");
  });

  it("resumes its session on a new connection", async (test) => {
    const server = await secureNodeServer(test, certificate, ({ socket }, response) => {
      response.setHeader("Connection", "close");
      response.end(String((socket as TLSSocket).isSessionReused()));
    });
    const agent = httpAgent(test, TLS);

    const first = await (await agent.follow(server.origin)).text();
    await until(() => agent.stats.connectionCount === 0);
    const second = await (await agent.follow(server.origin)).text();

    assert.deepEqual([first, second], ["false", "true"]);
  });

  it("repeats a request whose kept connection turns out to be dead", async (test) => {
    let count = 0;
    const server = await secureNodeServer(test, certificate, ({ socket }, response) => {
      count++;
      if (count === 2) socket.destroy();
      else response.end(String(count));
    });
    const agent = httpAgent(test, TLS);

    const first = await (await agent.follow(server.origin)).text();
    const second = await (await agent.follow(server.origin)).text();

    assert.deepEqual([first, second, agent.stats.repeatedCount], ["1", "3", 1]);
  });

  it("shows its certificate", async (test) => {
    const options = { ...certificate, ca, requestCert: true };
    const server = await secureNodeServer(test, options, ({ socket }, response) => {
      response.end((socket as TLSSocket).getPeerCertificate().subject.CN);
    });
    const agent = httpAgent(test, { tls: { ca, ...certificates.client } });

    const response = await agent.follow(server.origin);

    assert.equal(await response.text(), "client");
  });

  it("moves large bodies both ways", async (test) => {
    const server = await secureNodeServer(test, certificate, (request, response) => {
      request.pipe(response);
    });
    const agent = httpAgent(test, TLS);
    const body = patternBytes(0, 3_000_000);

    const response = await agent.follow(server.origin, { method: "POST", body });

    assert.ok(body.equals(await response.bytes()));
  });

  it("follows redirects to http and back, without credentials", async (test) => {
    const seen: string[] = [];
    const note = ({ url, headers }: IncomingMessage): void => {
      seen.push(`${url} ${headers.authorization ?? "-"} ${headers.cookie ?? "-"}`);
    };
    const plain = await nodeServer(test, (request, response) => {
      note(request);
      response.writeHead(302, { Location: `${server.origin}/end` }).end();
    });
    const server = await secureNodeServer(test, certificate, (request, response) => {
      note(request);
      if (request.url === "/end") response.end("end");
      else response.writeHead(302, { Location: `${plain.origin}/plain` }).end();
    });
    const agent = httpAgent(test, TLS);

    const headers = { Authorization: "secret", Cookie: "a=b" };
    const response = await agent.follow(`${server.origin}/`, { headers });

    assert.equal(await response.text(), "end");
    assert.deepEqual(seen, ["/ secret a=b", "/plain - -", "/end - -"]);
  });

  it("takes no body for complete that broke off without close_notify", async (test) => {
    const url = await tlsScript(test, certificate, (socket) => {
      socket.write("HTTP/1.1 200 OK\r\n\r\nhalf", () => socket.destroy());
    });
    const agent = httpAgent(test, TLS);

    const response = await agent.follow(url);

    await assert.rejects(response.text(), { code: /TLS_TRUNCATED|CONNECTION_RESET/ });
  });

  it("takes a body for complete that ends with close_notify", async (test) => {
    const url = await tlsScript(test, certificate, (socket) => {
      socket.end("HTTP/1.1 200 OK\r\n\r\nwhole");
    });
    const agent = httpAgent(test, TLS);

    assert.equal(await (await agent.follow(url)).text(), "whole");
  });

  it("aborts while the handshake is under way", async (test) => {
    const server = await scriptedServer(test, (peer) => peer.ended());
    const agent = httpAgent(test, TLS);
    const controller = new AbortController();

    const url = `https://localhost:${server.port}/`;
    const asked = agent.follow(url, { signal: controller.signal });
    asked.catch(() => {});
    await until(() => (server.peers[0]?.received.length ?? 0) > 0);
    controller.abort();

    await assert.rejects(asked, { code: "ABORTED" });
    await until(() => agent.stats.connectionCount === 0);
  });

  it("ends with TLS_FAILED where the server speaks another protocol only", async (test) => {
    const options = { ...certificate, ALPNProtocols: ["h2"] };
    const server = await secureNodeServer(test, options, tell);
    const agent = httpAgent(test, TLS);

    await assert.rejects(agent.follow(server.origin), { code: "TLS_FAILED" });
  });

  it("ends with TLS_FAILED or TLS_PLAINTEXT where the server speaks no TLS", async (test) => {
    const server = await nodeServer(test, tell);
    const agent = httpAgent(test, TLS);

    await assert.rejects(agent.follow(`https://localhost:${server.port}/`), {
      code: /TLS_FAILED|TLS_PLAINTEXT/,
    });
  });
}

function certificateErrors(certificates: TestCertificates): void {
  const { server, expired, notYetValid, selfSigned, exact, ca, otherCa } = certificates;
  for (const [name, certificate, trusted] of [
    ["expired", expired, ca],
    ["not valid yet", notYetValid, ca],
    ["of nobody", selfSigned, ca],
    ["for another name", exact, ca],
    ["of another authority", server, otherCa],
  ] as const) {
    it(`fail with TLS_CERTIFICATE before anything is asked: ${name}`, async (test) => {
      let count = 0;
      const wrong = await secureNodeServer(test, certificate, (_request, response) => {
        count++;
        response.end();
      });
      const agent = httpAgent(test, { tls: { ca: trusted } });

      const asked = agent.follow(wrong.origin, { method: "POST", body: "secret" });

      await assert.rejects(asked, { code: "TLS_CERTIFICATE", fault: "remote" });
      assert.equal(count, 0);
      await until(() => agent.stats.connectionCount === 0);
    });
  }

  it("are taken where the verification is switched off", async (test) => {
    const wrong = await secureNodeServer(test, expired, (_request, response) => response.end("ok"));
    const agent = httpAgent(test, { tls: { verify: "none" } });

    assert.equal(await (await agent.follow(wrong.origin)).text(), "ok");
  });
}

function clients(certificates: TestCertificates): void {
  const { server: certificate, ca } = certificates;

  it("has one connection, whose TLS can be looked at", async (test) => {
    const server = await secureNodeServer(test, certificate, tell);
    const client = httpClient(test, { tls: { ca } });

    await client.connect(server.origin);
    const { alpnProtocol, isAuthorized } = client.connection?.tls ?? assert.fail();
    const answers = [await (await client.get("/1")).text(), await (await client.get("/2")).text()];

    assert.deepEqual([alpnProtocol, isAuthorized], ["http/1.1", true]);
    assert.deepEqual(answers, [
      "/1 localhost: http/1.1 localhost",
      "/2 localhost: http/1.1 localhost",
    ]);
  });

  it("fails to connect to a wrong certificate, and connects elsewhere then", async (test) => {
    const wrong = await secureNodeServer(test, certificates.expired, tell);
    const right = await secureNodeServer(test, certificate, tell);
    const told: string[] = [];
    const client = httpClient(test, {
      tls: { ca },
      onConnect: () => void told.push("connect"),
      onHandshake: () => void told.push("handshake"),
      onClose: (_client, { code }) => void told.push(code),
    });

    await assert.rejects(client.connect(wrong.origin), { code: "TLS_CERTIFICATE" });
    assert.equal(client.isOpen, false);
    await until(() => told.length === 2);
    await client.connect(right.origin);

    assert.equal((await client.get("/")).status, 200);
    assert.deepEqual(told, ["connect", "TLS_CERTIFICATE", "connect", "handshake"]);
  });
}
