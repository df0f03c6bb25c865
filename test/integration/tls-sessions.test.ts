/** Sessions that are resumed, and certificates that are exchanged while the server runs. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { copyFileSync, rmSync } from "node:fs";
import { it } from "node:test";
import { type EngineName, type TcpClient, TcpServer } from "hp-socket";
import { describeTls, type TestCertificates } from "../support/tls-certificates.js";
import {
  connectError,
  connected,
  type SecureServer,
  secureClient,
  secureServer,
} from "../support/tls-world.js";
import { until } from "../support/until.js";

describeTls("TLS sessions", sessions);
describeTls("TLS certificates in a running server", reloads);

/** Connects, echoes and closes; answers whether the session was resumed, and both sides agree. */
async function visit(client: TcpClient, world: SecureServer): Promise<boolean> {
  const count = world.secured.length;
  await connected(client, world.port);
  await until(() => world.secured.length === count + 1);
  // The answer comes behind the tickets of TLS 1.3.
  assert.equal(String(await client.request("hello")), "hello");
  const isResumed = client.tls?.isResumed;
  assert.equal(world.secured[count]?.tls?.isResumed, isResumed);
  assert.equal(client.tls?.isAuthorized, client.tls?.authorizationError === undefined);
  client.close();
  await client.stopped();
  return isResumed === true;
}

function sessions(certificates: TestCertificates, engine: EngineName): void {
  const { ca, server, client: own } = certificates;

  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    const versions = { minVersion: version, maxVersion: version } as const;

    it(`are resumed with a ticket (${version})`, async (test) => {
      const world = await secureServer(test, { ...server, ...versions });
      const client = secureClient(test, { ca });

      const visits = [await visit(client, world), await visit(client, world)];

      assert.deepEqual(visits, [false, true]);
    });

    it(`are not resumed with resumeSessions: false (${version})`, async (test) => {
      const world = await secureServer(test, { ...server, ...versions });
      const client = secureClient(test, { ca, resumeSessions: false });

      const visits = [await visit(client, world), await visit(client, world)];

      assert.deepEqual(visits, [false, false]);
    });

    it(`are not resumed with sessionTickets: false (${version})`, async (test) => {
      const world = await secureServer(test, { ...server, ...versions, sessionTickets: false });
      const client = secureClient(test, { ca });

      const visits = [await visit(client, world), await visit(client, world)];

      assert.deepEqual(visits, [false, false]);
    });

    it(`are resumed with client certificates, which are known again (${version})`, async (test) => {
      const tls = { ...server, ...versions, ca, clientCertificate: "require" } as const;
      const world = await secureServer(test, tls, {
        onHandshake: (connection) => {
          // Asked for here, it is kept.
          assert.equal(connection.tls?.isAuthorized, true);
        },
      });
      const client = secureClient(test, { ca, ...own });

      const visits = [await visit(client, world), await visit(client, world)];

      assert.deepEqual(visits, [false, true]);
      assert.equal(world.secured[1]?.tls?.peerCertificate?.subject, "CN=client");
    });

    it(`are resumed without a certificate for a name, so that no selector is asked (${version})`, async (test) => {
      const asked: string[] = [];
      const selectCertificate = (name: string): undefined => void asked.push(name);
      const world = await secureServer(
        test,
        { ...server, ...versions, selectCertificate },
        { onHandshake: (connection) => void connection.tls },
      );
      const client = secureClient(test, { ca, serverName: "a.example", verify: "none" });

      const visits = [await visit(client, world), await visit(client, world)];

      assert.deepEqual(visits, [false, true]);
      assert.deepEqual(asked, ["a.example"]);
      const isTold = engine === "uring" || version === "TLSv1.3";
      const names = world.secured.map((connection) => connection.tls?.serverName);
      assert.deepEqual(names, ["a.example", isTold ? "a.example" : undefined]);
    });

    it(`are resumed by another server with the same ticketKeys (${version})`, async (test) => {
      const ticketKeys = randomBytes(48);
      const one = await secureServer(test, { ...server, ...versions, ticketKeys });
      const client = secureClient(test, { ca });
      await visit(client, one);
      await one.server.stop();

      const other = await secureServer(test, { ...server, ...versions, ticketKeys });
      await other.server.stop();
      await other.server.listen({ host: "127.0.0.1", port: one.port });
      other.port = one.port;
      const isResumed = await visit(client, other);

      assert.equal(isResumed, true);
    });

    it(`are not resumed where other clients are trusted (${version})`, async (test) => {
      const ticketKeys = randomBytes(48);
      const shared = { ...server, ...versions, ticketKeys, clientCertificate: "request" } as const;
      const world = await secureServer(test, { ...shared, ca: [ca] });
      const client = secureClient(test, { ca, ...own });
      const first = [await visit(client, world), await visit(client, world)];

      world.server.configure({ tls: { ...shared, ca: server.cert } });
      const isResumed = await visit(client, world);

      assert.deepEqual(first, [false, true]);
      assert.equal(isResumed, false);
    });

    it(`are not resumed once the keys of the tickets were exchanged (${version})`, async (test) => {
      // The first keys are as old as the server.
      const startMs = performance.now();
      const world = await secureServer(test, { ...server, ...versions, ticketRotationMs: 60 });
      const client = secureClient(test, { ca });
      const first = await visit(client, world);
      const isQuick = (await visit(client, world)) || performance.now() - startMs >= 60;
      const secondMs = performance.now();
      await until(() => performance.now() - secondMs > 70);
      const afterRotation = await visit(client, world);

      assert.equal(first, false);
      assert.equal(isQuick, true);
      assert.equal(afterRotation, false);
    });
  }

  it("are made with new keys without the files, which may be gone by then", async (test) => {
    const certFile = certificates.path("short-lived.pem");
    copyFileSync(certificates.path("server.pem"), certFile);
    const tls = { certFile, key: server.key, ticketRotationMs: 1 };
    const world = await secureServer(test, tls);
    rmSync(certFile);
    const client = secureClient(test, { ca });

    for (let round = 0; round < 5; round++) await visit(client, world);

    assert.equal(world.secured.length, 5);
  });

  it("end with sessionTimeoutSeconds", async (test) => {
    const tls = { ...server, maxVersion: "TLSv1.2", sessionTimeoutSeconds: 1 } as const;
    const world = await secureServer(test, tls);
    const client = secureClient(test, { ca });
    await visit(client, world);
    const startMs = Date.now();

    await until(() => Date.now() - startMs > 2_100);
    const isResumed = await visit(client, world);

    assert.equal(isResumed, false);
  });

  it("of a client are forgotten when its rules change", async (test) => {
    const world = await secureServer(test, server);
    const client = secureClient(test, { ca, verify: "none" });
    const first = [await visit(client, world), await visit(client, world)];

    client.configure({ tls: { ca: [] } });
    const error = await connectError(client, world.port);

    assert.deepEqual(first, [false, true]);
    assert.equal(error.code, "TLS_CERTIFICATE");
  });

  it("that a ticket brings after the rules have changed are not kept", async (test) => {
    const world = await secureServer(test, server);
    const client = secureClient(test, { ca, verify: "none" });
    await connected(client, world.port);
    client.configure({ tls: { ca } });

    await client.request("the tickets are here by now");
    client.close();
    await client.stopped();
    const isResumed = await visit(client, world);

    assert.equal(isResumed, false);
  });

  it("are not resumed once the certificate that was verified has expired", async (test) => {
    const world = await secureServer(test, server);
    const client = secureClient(test, { ca });
    const careless = secureClient(test, { ca, verify: "none" });
    const before = [await visit(client, world), await visit(client, world)];
    await visit(careless, world);

    // For OpenSSL it is still valid.
    test.mock.method(Date, "now", () => Date.parse("2100-01-01"));
    const after = [await visit(client, world), await visit(careless, world)];

    assert.deepEqual(before, [false, true]);
    assert.deepEqual(after, [false, true]);
  });

  it("of a peer with a pinned certificate are resumed", async (test) => {
    const world = await secureServer(test, server);
    const look = secureClient(test, { verify: "none" });
    await connected(look, world.port);
    const fingerprints = [look.tls?.peerCertificate?.fingerprint256 ?? ""];
    await until(() => world.secured.length === 1);
    const client = secureClient(test, { verify: "pin", fingerprints });

    const visits = [await visit(client, world), await visit(client, world)];

    assert.deepEqual(visits, [false, true]);
  });
}

function reloads(certificates: TestCertificates): void {
  const { ca, server, renewed } = certificates;

  it("are exchanged by configure, and connections live on", async (test) => {
    const world = await secureServer(test, server);
    const before = secureClient(test, { ca });
    await connected(before, world.port);

    world.server.configure({ tls: renewed });
    const after = secureClient(test, { ca });
    await connected(after, world.port);
    const answers = await Promise.all([before.request("a"), after.request("b")]);

    assert.deepEqual(answers.map(String), ["a", "b"]);
    assert.equal(before.tls?.peerCertificate?.subject, "CN=server");
    assert.equal(after.tls?.peerCertificate?.subject, "CN=renewed");
    assert.equal(world.reasons.length, 0);
  });

  it("are read from their files again by configure", async (test) => {
    const [certFile, keyFile] = [certificates.path("live.pem"), certificates.path("live.key")];
    copyFileSync(certificates.path("server.pem"), certFile);
    copyFileSync(certificates.path("server.key"), keyFile);
    const tls = { certFile, keyFile };
    const world = await secureServer(test, tls);

    copyFileSync(certificates.path("renewed.pem"), certFile);
    copyFileSync(certificates.path("renewed.key"), keyFile);
    const between = await connected(secureClient(test, { ca }), world.port);
    world.server.configure({ tls });
    const after = await connected(secureClient(test, { ca }), world.port);

    assert.equal(between.tls?.peerCertificate?.subject, "CN=server");
    assert.equal(after.tls?.peerCertificate?.subject, "CN=renewed");
  });

  it("stay as they were when the new ones can't be used", async (test) => {
    const world = await secureServer(test, server, { idleTimeoutMs: 60_000 });

    const mixed = { cert: server.cert, key: renewed.key };
    assert.throws(() => world.server.configure({ tls: mixed, idleTimeoutMs: 1 }), {
      code: "INVALID_ARGUMENT",
    });
    const client = await connected(secureClient(test, { ca }), world.port);

    assert.equal(client.tls?.peerCertificate?.subject, "CN=server");
    assert.equal(world.server.settings.idleTimeoutMs, 60_000);
  });

  it("make sessions of before full handshakes", async (test) => {
    const world = await secureServer(test, server);
    const client = secureClient(test, { ca });
    const first = await visit(client, world);

    world.server.configure({ tls: renewed });
    const visits = [await visit(client, world), await visit(client, world)];

    assert.equal(first, false);
    assert.deepEqual(visits, [false, true]);
  });

  it("can't be given to a plain server, nor can their start be changed", async (test) => {
    const plain = new TcpServer();
    const world = await secureServer(test, server);

    assert.throws(() => plain.configure({ tls: server }), { code: "SETTING_FIXED" });
    assert.throws(() => world.server.configure({ tls: { ...server, start: "manual" } }), {
      code: "SETTING_FIXED",
    });
  });
}
