/** How TLS is established, on both sides: certificates, names, versions, ALPN, client certificates. */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { it } from "node:test";
import { createSecureContext, createServer } from "node:tls";
import { type ClientTls, type ServerTls, TcpAgent, type TlsInfo } from "hp-socket";
import { distrustPfx } from "#src/engine/tls/pfx-trust.js";
import {
  describeTls,
  TEST_PASSPHRASE,
  type TestCertificates,
} from "../support/tls-certificates.js";
import {
  connectError,
  connected,
  secureClient,
  secureServer,
  tlsPeer,
} from "../support/tls-world.js";
import { until } from "../support/until.js";

describeTls("a TLS handshake", (certificates) => {
  successes(certificates);
  refusals(certificates);
  clientCertificates(certificates);
});

function successes(certificates: TestCertificates): void {
  const { ca, server: pair } = certificates;

  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    it(`establishes ${version} and tells both sides what was agreed on`, async (test) => {
      const versions = { minVersion: version, maxVersion: version } as const;
      const world = await secureServer(test, { ...pair, ...versions, alpnProtocols: ["b", "a"] });
      const client = secureClient(test, { ca, alpnProtocols: ["a", "b", "c"] });

      await connected(client, world.port);
      await until(() => world.secured.length === 1);
      const ours = client.tls as TlsInfo;
      const theirs = world.secured[0]?.tls as TlsInfo;

      assert.equal(ours.protocol, version);
      assert.equal(theirs.protocol, version);
      assert.match(ours.cipher, /^TLS_/);
      assert.equal(theirs.cipher, ours.cipher);
      assert.equal(theirs.serverName, "localhost");
      assert.equal(ours.alpnProtocol, "b");
      assert.equal(theirs.alpnProtocol, "b");
      assert.equal(ours.isResumed, false);
      assert.equal(ours.isAuthorized, true);
      assert.equal(ours.authorizationError, undefined);
      const shown = new X509Certificate(pair.cert);
      assert.equal(ours.peerCertificate?.subject, "CN=server");
      assert.equal(ours.peerCertificate?.commonName, "server");
      assert.equal(ours.peerCertificate?.issuer, "CN=authority");
      assert.equal(ours.peerCertificate?.fingerprint256, shown.fingerprint256);
      assert.equal(ours.peerCertificate?.serialNumber, shown.serialNumber);
      assert.deepEqual(ours.peerCertificate?.raw, shown.raw);
      assert.equal(theirs.peerCertificate, undefined);
      assert.equal(theirs.isAuthorized, false);
      assert.equal(theirs.authorizationError, undefined);
    });
  }

  it("takes certificate and key from files, authorities and revocations too", async (test) => {
    const world = await secureServer(test, {
      certFile: certificates.path("server.pem"),
      keyFile: certificates.path("server.key"),
    });
    const client = secureClient(test, {
      caFile: certificates.path("authority.pem"),
      crlFile: certificates.path("authority.crl"),
    });

    await connected(client, world.port);

    assert.equal(client.tls?.isAuthorized, true);
  });

  const protectedForms: Record<string, ServerTls> = {
    "an encrypted key": { cert: pair.cert, key: certificates.encryptedKey },
    "a PFX": { pfx: certificates.pfx },
    "a PFX file": { pfxFile: certificates.path("server.pfx") },
  };
  for (const [name, form] of Object.entries(protectedForms)) {
    it(`takes ${name} with its passphrase, and refuses a wrong one`, async (test) => {
      const world = await secureServer(test, { ...form, passphrase: TEST_PASSPHRASE });
      const client = secureClient(test, { ca });

      await connected(client, world.port);

      assert.equal(client.tls?.peerCertificate?.subject, "CN=server");
      await assert.rejects(secureServer(test, { ...form, passphrase: "wrong" }), {
        code: "INVALID_ARGUMENT",
      });
    });
  }

  for (const clientCertificate of ["require", "request"] as const) {
    it(`trusts no client for the authorities in its own PFX (${clientCertificate})`, async (test) => {
      const { serverWithCa: pfx, otherCa, client: own, foreignClient: trusted } = certificates;
      const tls = { pfx, passphrase: TEST_PASSPHRASE, ca: otherCa, clientCertificate } as const;
      const world = await secureServer(test, tls, {
        onHandshake: (connection) => void connection.tls,
      });
      const client = secureClient(test, { ca, ...trusted });
      const stranger = secureClient(test, { ca, ...own, maxVersion: "TLSv1.2" });

      await connected(client, world.port);
      const outcome = await connected(stranger, world.port).catch((error) => error.code);
      await until(() => world.secured.length + world.reasons.length === 2);

      assert.equal(world.secured[0]?.tls?.isAuthorized, true);
      if (clientCertificate === "require") {
        assert.equal(outcome, "TLS_FAILED");
        assert.equal(world.reasons[0]?.code, "TLS_CERTIFICATE");
      } else {
        assert.equal(world.secured[1]?.tls?.isAuthorized, false);
      }
    });
  }

  for (const [name, rules] of Object.entries({ ca: { ca }, "Node's authorities": {} })) {
    it(`trusts no server for the authorities in the PFX of a client, besides ${name}`, async (test) => {
      const { foreignClient, foreignWithCa: pfx } = certificates;
      const world = await secureServer(test, foreignClient);
      const tls = { ...rules, pfx, passphrase: TEST_PASSPHRASE, serverName: "foreign" };
      const client = secureClient(test, tls);
      const careless = secureClient(test, { ...tls, verify: "none" });

      const error = await connectError(client, world.port);
      await connected(careless, world.port);

      assert.equal(error.code, "TLS_CERTIFICATE");
      assert.equal(careless.tls?.isAuthorized, false);
    });
  }

  it("refuses a PFX with authorities where OpenSSL can't be called to distrust them", () => {
    const { pfx, serverWithCa } = certificates;
    const options = { ca: [ca], passphrase: TEST_PASSPHRASE };
    const distrust = (bytes: Buffer): void =>
      distrustPfx(
        createSecureContext({ ...options, pfx: bytes }),
        { ...options, pfx: bytes },
        null,
      );

    distrust(pfx);
    assert.throws(() => distrust(serverWithCa), { code: "INVALID_ARGUMENT", message: /PEM/ });
  });

  it("takes several authorities", async (test) => {
    const world = await secureServer(test, pair);
    const client = secureClient(test, { ca: [certificates.otherCa, Buffer.from(ca)] });

    await connected(client, world.port);

    assert.equal(client.tls?.isAuthorized, true);
  });

  it("verifies an address where no name is known, and sends no name then", async (test) => {
    const world = await secureServer(test, pair);
    const client = secureClient(test, { ca });

    await client.connect({ host: "127.0.0.1", port: world.port });
    await until(() => world.secured.length === 1);

    assert.equal(client.tls?.isAuthorized, true);
    assert.equal(world.secured[0]?.tls?.serverName, undefined);
  });

  it("sends and checks serverName instead of the host", async (test) => {
    const world = await secureServer(test, certificates.exact);
    const client = secureClient(test, { ca, serverName: "WWW.example.com." });

    await connected(client, world.port);
    await until(() => world.secured.length === 1);

    assert.equal(world.secured[0]?.tls?.serverName, "www.example.com");
  });

  it("takes the ciphers that it is told, and the order of the server's", async (test) => {
    const maxVersion = "TLSv1.2";
    const ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256";
    const world = await secureServer(test, { ...pair, maxVersion, ciphers });
    const reversed = ciphers.split(":").reverse().join(":");
    const client = secureClient(test, { ca, maxVersion, ciphers: reversed });
    const other = secureClient(test, { ca, ciphers: "ECDHE-RSA-AES128-GCM-SHA256", maxVersion });

    await connected(client, world.port);
    const error = await connectError(other, world.port);

    assert.equal(client.tls?.cipher, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384");
    assert.equal(error.code, "TLS_FAILED");
  });

  it("takes the groups that it is told, on either side", async (test) => {
    const world = await secureServer(test, { ...pair, groups: "P-384:P-521" });
    const client = secureClient(test, { ca, groups: "X25519:P-521" });
    const other = secureClient(test, { ca, groups: "X25519" });

    const peer = await tlsPeer(test, world.port);
    await connected(client, world.port);
    const error = await connectError(other, world.port);

    assert.equal((peer.getEphemeralKeyInfo() as { name: string }).name, "secp384r1");
    assert.equal(await client.request("P-521").then(String), "P-521");
    assert.equal(error.code, "TLS_FAILED");
    assert.match(error.message, /handshake failure/);
  });

  it("tells names of application protocols beyond ASCII as they were given", async (test) => {
    const world = await secureServer(test, { ...pair, alpnProtocols: ["prêt"] });
    const client = secureClient(test, { ca, alpnProtocols: ["prêt"] });

    await connected(client, world.port);
    await until(() => world.secured.length === 1);

    assert.equal(client.tls?.alpnProtocol, "prêt");
    assert.equal(world.secured[0]?.tls?.alpnProtocol, "prêt");
  });

  it("works without ALPN on one side", async (test) => {
    const world = await secureServer(test, { ...pair, alpnProtocols: ["a"] });
    const client = secureClient(test, { ca });

    await connected(client, world.port);
    await until(() => world.secured.length === 1);

    assert.equal(client.tls?.alpnProtocol, undefined);
    assert.equal(world.secured[0]?.tls?.alpnProtocol, undefined);
  });

  it("calls onHandshake after TLS only, and sends nothing before", async (test) => {
    const events: string[] = [];
    const world = await secureServer(test, pair, {
      onAccept: (connection) => {
        events.push(`accept ${connection.tls} ${connection.send("too early")}`);
      },
      onHandshake: (connection) => {
        events.push(`handshake ${connection.tls?.protocol} ${connection.send("hello")}`);
      },
    });
    const client = secureClient(test, { ca });

    await connected(client, world.port);
    const greeting = await client.read(5);

    assert.equal(String(greeting), "hello");
    assert.deepEqual(events, ["accept undefined false", "handshake TLSv1.3 true"]);
  });

  it("sends nothing before TLS in mode direct either", async (test) => {
    const world = await secureServer(test, pair, {
      sendMode: "direct",
      onAccept: (connection) => {
        connection.send("plain!");
      },
    });
    const client = secureClient(test, { ca }, { sendMode: "direct" });

    await connected(client, world.port);

    assert.equal(String(await client.request("x")), "x");
  });

  it("serves the connections of an agent, each with its own name", async (test) => {
    const world = await secureServer(test, pair);
    const agent = new TcpAgent({ tls: { ca } });
    test.after(() => agent.stop({ drainMs: 0 }));

    const hosts = ["localhost", "127.0.0.1"];
    const all = await Promise.all(
      hosts.map((host) => agent.connect({ host, port: world.port, family: "IPv4" })),
    );
    const answers = await Promise.all(all.map((connection) => connection.request("hi")));

    assert.deepEqual(answers.map(String), ["hi", "hi"]);
    assert.equal(agent.stats.engine, process.env["HP_SOCKET_ENGINE"]);
    assert.equal(world.server.stats.engine, process.env["HP_SOCKET_ENGINE"]);
  });

  it("keeps what was known of TLS when it was asked for before the end", async (test) => {
    const world = await secureServer(test, pair);
    const client = secureClient(test, { ca });
    await connected(client, world.port);
    const before = client.tls;

    client.close();
    await client.stopped();
    await until(() => world.reasons.length === 1);

    assert.equal(before?.protocol, "TLSv1.3");
    assert.equal(client.tls, before);
    assert.equal(world.secured[0]?.tls, undefined);
  });

  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    it(`refuses by onHandshake, and says goodbye (${version})`, async (test) => {
      const tls = { ...pair, maxVersion: version };
      const world = await secureServer(test, tls, { onHandshake: () => false });
      const client = secureClient(test, { ca });

      await connected(client, world.port);
      const reason = await client.closed();

      assert.equal(world.reasons[0]?.code, "REFUSED");
      assert.equal(world.reasons[0]?.operation, "handshake");
      assert.equal(reason.code, "CLOSED");
    });
  }
}

function refusals(certificates: TestCertificates): void {
  const { ca, otherCa, crl, server } = certificates;
  const cases: readonly (readonly [string, ServerTls, ClientTls, string, RegExp])[] = [
    [
      "an untrusted authority",
      server,
      { ca: otherCa },
      "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
      /not trusted/,
    ],
    [
      "one of Node's own authorities only",
      server,
      {},
      "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
      /trusted/,
    ],
    [
      "a self-signed certificate",
      certificates.selfSigned,
      { ca },
      "DEPTH_ZERO_SELF_SIGNED_CERT",
      /self-signed/,
    ],
    ["an expired certificate", certificates.expired, { ca }, "CERT_HAS_EXPIRED", /has expired/],
    [
      "one that is not valid yet",
      certificates.notYetValid,
      { ca },
      "CERT_NOT_YET_VALID",
      /not valid yet/,
    ],
    ["a revoked certificate", certificates.revoked, { ca, crl }, "CERT_REVOKED", /is revoked/],
    [
      "a certificate for another name",
      certificates.exact,
      { ca },
      "ERR_TLS_CERT_ALTNAME_INVALID",
      /of localhost is not for this name, but for DNS:www\.example\.com/,
    ],
    [
      "a fingerprint that is not expected",
      server,
      { ca, fingerprints: ["00".repeat(32)] },
      "PIN_MISMATCH",
      /of localhost has a fingerprint that is not expected/,
    ],
  ];
  for (const [name, serverTls, clientTls, systemCode, message] of cases) {
    it(`a client refuses ${name}`, async (test) => {
      const { cert, key } = serverTls;
      const world = await secureServer(test, { cert: cert ?? "", key: key ?? "" });
      const client = secureClient(test, clientTls);

      const error = await connectError(client, world.port);
      await until(() => world.reasons.length === 1);

      assert.equal(error.code, "TLS_CERTIFICATE");
      assert.equal(error.operation, "handshake");
      assert.equal(error.fault, "remote");
      assert.equal(error.systemCode, systemCode);
      assert.match(error.message, message);
      assert.match(error.message, /localhost/);
      assert.equal(world.underWayCount, 0);
      assert.equal(client.stats.handshakeCount, 0);
    });
  }

  it("a client takes one certificate by its fingerprint alone with verify pin", async (test) => {
    const world = await secureServer(test, certificates.selfSigned);
    const { fingerprint256 } = new X509Certificate(certificates.selfSigned.cert);
    const pinned = secureClient(test, {
      verify: "pin",
      fingerprints: ["11".repeat(32), fingerprint256.replaceAll(":", "").toLowerCase()],
    });
    const wrong = secureClient(test, { verify: "pin", fingerprints: ["11".repeat(32)] });

    await connected(pinned, world.port);
    const error = await connectError(wrong, world.port);

    assert.equal(pinned.tls?.isAuthorized, true);
    assert.equal(error.code, "TLS_CERTIFICATE");
    assert.equal(error.systemCode, "PIN_MISMATCH");
    assert.ok(error.message.includes(fingerprint256));
  });

  it("a client needs trust and the fingerprint with verify full", async (test) => {
    const world = await secureServer(test, server);
    const fingerprints = [new X509Certificate(server.cert).fingerprint256];
    const both = secureClient(test, { ca, fingerprints });
    const pinOnly = secureClient(test, { fingerprints });

    await connected(both, world.port);
    const error = await connectError(pinOnly, world.port);

    assert.equal(both.tls?.isAuthorized, true);
    assert.equal(error.systemCode, "UNABLE_TO_VERIFY_LEAF_SIGNATURE");
  });

  it("a client takes everything with verify none, and says what is wrong", async (test) => {
    const world = await secureServer(test, certificates.expired);
    const client = secureClient(test, { ca, verify: "none" });

    await connected(client, world.port);

    assert.equal(client.tls?.isAuthorized, false);
    assert.equal(client.tls?.authorizationError, "CERT_HAS_EXPIRED");
  });

  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    it(`a client with verify none tells a wrong name, when it resumes too (${version})`, async (test) => {
      const world = await secureServer(test, { ...server, maxVersion: version });
      const rules = { ca, verify: "none", serverName: "other.example" } as const;
      const agent = new TcpAgent({ tls: rules, onReceive() {} });
      test.after(() => agent.stop({ drainMs: 0 }));

      const told = [];
      for (let visit = 0; visit < 2; visit++) {
        const connection = await agent.connect({ host: "127.0.0.1", port: world.port });
        await connection.request("so that a ticket comes");
        const { isResumed, isAuthorized, authorizationError } = connection.tls as TlsInfo;
        told.push([isResumed, isAuthorized, authorizationError]);
        connection.close();
        await connection.closed();
      }

      const problem = "ERR_TLS_CERT_ALTNAME_INVALID";
      assert.deepEqual(told, [
        [false, false, problem],
        [true, false, problem],
      ]);
    });
  }

  it("a client with verify none that knows no name says so", async (test) => {
    const path = certificates.path("nameless.sock");
    const world = await secureServer(test, server);
    await world.server.stop();
    await world.server.listen({ path });
    const client = secureClient(test, { ca, verify: "none" });

    await client.connect({ path });

    assert.equal(client.tls?.isAuthorized, false);
    assert.equal(client.tls?.authorizationError, "NO_NAME");
  });

  it("a client refuses any certificate on a path unless it is told the name", async (test) => {
    const world = await secureServer(test, server);
    await world.server.stop();
    const path = certificates.path("tls.sock");
    await world.server.listen({ path });
    const nameless = secureClient(test, { ca });
    const named = secureClient(test, { ca, serverName: "localhost" });

    await assert.rejects(nameless.connect({ path }), {
      code: "TLS_CERTIFICATE",
      systemCode: "NO_NAME",
    });
    await named.connect({ path });

    assert.equal(String(await named.request("x")), "x");
  });

  it("both sides fail where no version is common", async (test) => {
    const world = await secureServer(test, { ...server, minVersion: "TLSv1.3" });
    const client = secureClient(test, { ca, maxVersion: "TLSv1.2" });

    const error = await connectError(client, world.port);
    await until(() => world.reasons.length === 1);

    assert.equal(error.code, "TLS_FAILED");
    assert.match(error.message, /protocol version/);
    assert.equal(world.reasons[0]?.code, "TLS_FAILED");
    assert.equal(world.reasons[0]?.operation, "handshake");
    assert.match(world.reasons[0]?.cause?.message ?? "", /unsupported protocol/);
  });

  it("both sides fail where no application protocol is common", async (test) => {
    const world = await secureServer(test, { ...server, alpnProtocols: ["a"] });
    const client = secureClient(test, { ca, alpnProtocols: ["b"] });

    const error = await connectError(client, world.port);
    await until(() => world.reasons.length === 1);

    assert.equal(error.code, "TLS_FAILED");
    assert.match(error.message, /no application protocol/);
    assert.equal(world.reasons[0]?.code, "TLS_FAILED");
    assert.equal(world.secured.length, 0);
  });

  it("older versions than 1.2 are not spoken", async (test) => {
    const world = await secureServer(test, { ...server, ciphers: "ALL:@SECLEVEL=0" });

    const old = tlsPeer(test, world.port, {
      minVersion: "TLSv1",
      maxVersion: "TLSv1.1",
      ciphers: "ALL:@SECLEVEL=0",
    });

    await assert.rejects(old);
    assert.equal(world.secured.length, 0);
  });
}

function clientCertificates(certificates: TestCertificates): void {
  const { ca, otherCa, server, client: good, foreignClient, expired } = certificates;

  it("no client certificate is asked for unless told", async (test) => {
    const world = await secureServer(test, { ...server, ca });
    const client = secureClient(test, { ca, ...good });

    await connected(client, world.port);
    await until(() => world.secured.length === 1);

    assert.equal(world.secured[0]?.tls?.peerCertificate, undefined);
    assert.equal(world.secured[0]?.tls?.isAuthorized, false);
  });

  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    it(`require lets in clients with a good certificate only (${version})`, async (test) => {
      const tls = { ...server, ca, clientCertificate: "require", maxVersion: version } as const;
      const world = await secureServer(test, tls);
      const secured = secureClient(test, { ca, ...good });
      const strangers = [
        secureClient(test, { ca }),
        secureClient(test, { ca, ...foreignClient }),
        secureClient(test, { ca, ...expired }),
      ];

      await connected(secured, world.port);
      await secured.request("let in");
      for (const stranger of strangers) {
        // In TLS 1.3 the client has finished before the server has seen its certificate.
        await connected(stranger, world.port).catch(() => {});
        if (stranger.state === "started") await stranger.closed();
      }
      await until(() => world.reasons.length === 3);

      assert.equal(world.secured.length, 1);
      assert.equal(world.secured[0]?.tls?.peerCertificate?.subject, "CN=client");
      assert.equal(world.secured[0]?.tls?.isAuthorized, true);
      assert.deepEqual(
        world.reasons.map(({ code, cause }) => [code, cause?.systemCode]),
        [
          ["TLS_CERTIFICATE", undefined],
          ["TLS_CERTIFICATE", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
          ["TLS_CERTIFICATE", "CERT_HAS_EXPIRED"],
        ],
      );
      assert.match(world.reasons[0]?.cause?.message ?? "", /shown no certificate/);
      assert.match(world.reasons[2]?.cause?.message ?? "", /the client has expired/);
    });
  }

  it("a client that is refused is not connected at all with TLS 1.2", async (test) => {
    const tls = { ...server, ca, clientCertificate: "require", maxVersion: "TLSv1.2" } as const;
    const world = await secureServer(test, tls);

    const error = await connectError(secureClient(test, { ca, ...foreignClient }), world.port);

    assert.equal(error.code, "TLS_FAILED");
    assert.equal(error.operation, "handshake");
  });

  it("is shown to no server that the client refuses, with TLS 1.3", async (test) => {
    let shownCount = 0;
    let endCount = 0;
    const peer = createServer({ ...server, requestCert: true, rejectUnauthorized: false });
    peer.on("secureConnection", () => shownCount++);
    peer.on("connection", (socket) => socket.on("close", () => endCount++));
    peer.on("tlsClientError", () => {});
    test.after(() => peer.close());
    await new Promise<void>((resolve) => {
      peer.listen({ host: "127.0.0.1", port: 0 }, resolve);
    });
    const { port } = peer.address() as AddressInfo;

    const error = await connectError(secureClient(test, { ca: otherCa, ...good }), port);
    await until(() => endCount === 1);

    assert.equal(error.code, "TLS_CERTIFICATE");
    assert.equal(shownCount, 0);
  });

  it("request lets everybody in and says what is wrong", async (test) => {
    const world = await secureServer(test, { ...server, ca, clientCertificate: "request" });
    const own: ClientTls[] = [{ ...good }, { ...foreignClient }, {}];

    for (const pair of own) {
      const client = await connected(secureClient(test, { ca, ...pair }), world.port);
      await client.request("let in");
    }
    const told = world.secured.map(({ tls }) => [
      tls?.peerCertificate?.subject,
      tls?.isAuthorized,
      tls?.authorizationError,
    ]);

    assert.deepEqual(told, [
      ["CN=client", true, undefined],
      ["CN=foreign", false, "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
      [undefined, false, undefined],
    ]);
  });

  it("a client whose certificate is revoked is refused", async (test) => {
    const { crl, revoked } = certificates;
    const tls = { ...server, ca, crl, clientCertificate: "require" } as const;
    const world = await secureServer(test, { ...tls, maxVersion: "TLSv1.2" });

    await connected(secureClient(test, { ca, ...revoked }), world.port).catch(() => {});
    await until(() => world.reasons.length === 1);

    assert.equal(world.reasons[0]?.cause?.systemCode, "CERT_REVOKED");
  });
}
