/** Our ends against OpenSSL's own: `openssl s_client` and `openssl s_server`. */
import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { it, type TestContext } from "node:test";
import { freePort } from "../support/free-port.js";
import { describeTls, type TestCertificates } from "../support/tls-certificates.js";
import { connectError, connected, secureClient, secureServer } from "../support/tls-world.js";
import { until } from "../support/until.js";

/** A running openssl program. */
class OpenSsl {
  output = "";
  readonly #child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<number | null>;

  constructor(test: TestContext, words: readonly string[]) {
    const child = spawn("openssl", words);
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
      });
    }
    child.stdin.on("error", () => {});
    this.ended = once(child, "close").then(([code]) => code as number | null);
    test.after(async () => {
      child.kill("SIGKILL");
      await this.ended;
    });
  }

  type(text: string): void {
    this.#child.stdin.write(text);
  }

  async shows(text: string | RegExp): Promise<void> {
    await until(() => this.output.search(text) >= 0);
  }
}

describeTls("openssl s_client", clients);
describeTls("openssl s_server", servers);

function clients(certificates: TestCertificates): void {
  const { ca, server } = certificates;

  function start(test: TestContext, port: number, ...words: readonly string[]): OpenSsl {
    const basis = ["s_client", "-connect", `127.0.0.1:${port}`, "-CAfile"];
    return new OpenSsl(test, [...basis, certificates.path("authority.pem"), ...words]);
  }

  for (const [flag, protocol] of [
    ["-tls1_2", "TLSv1.2"],
    ["-tls1_3", "TLSv1.3"],
  ] as const) {
    it(`is served with ${protocol}: echo, ALPN, names, close_notify`, async (test) => {
      const tls = { ...server, alpnProtocols: ["echo"], serverNames: { "a.example": server } };
      const world = await secureServer(test, tls);
      const names = ["-servername", "a.example", "-alpn", "other,echo"];
      const peer = start(test, world.port, flag, "-verify_return_error", ...names);
      await until(() => world.secured.length === 1);
      const info = world.secured[0]?.tls;

      peer.type("hello, openssl\n");
      await peer.shows("hello, openssl");
      world.secured[0]?.close();
      await peer.ended;

      assert.match(peer.output, /Verify return code: 0 \(ok\)|Verification: OK/);
      assert.match(peer.output, /ALPN protocol: echo/);
      assert.match(peer.output, new RegExp(protocol));
      assert.match(peer.output, /closed/);
      assert.doesNotMatch(peer.output, /unexpected eof/);
      assert.equal(info?.protocol, protocol);
      assert.equal(info?.serverName, "a.example");
      assert.equal(info?.alpnProtocol, "echo");
    });

    it(`ends ${protocol} in good order with its input`, async (test) => {
      const world = await secureServer(test, server);
      const peer = start(test, world.port, flag);
      await until(() => world.secured.length === 1);

      peer.type("Q\n");
      await peer.ended;
      await until(() => world.reasons.length === 1);

      assert.equal(world.reasons[0]?.code, "CLOSED");
    });

    it(`shows its certificate with ${protocol}`, async (test) => {
      const world = await secureServer(test, { ...server, ca, clientCertificate: "require" });
      const own = [
        "-cert",
        certificates.path("client.pem"),
        "-key",
        certificates.path("client.key"),
      ];
      start(test, world.port, flag, ...own);
      start(test, world.port, flag);
      await until(() => world.secured.length === 1 && world.reasons.length === 1);

      assert.equal(world.secured[0]?.tls?.peerCertificate?.subject, "CN=client");
      assert.equal(world.reasons[0]?.code, "TLS_CERTIFICATE");
    });

    it(`resumes its session of ${protocol}`, async (test) => {
      const world = await secureServer(test, server);
      const file = certificates.path(`session-${protocol}.pem`);
      const first = start(test, world.port, flag, "-sess_out", file);
      await until(() => world.secured.length === 1);
      first.type("tickets come first\n");
      await first.shows("tickets come first");
      await until(() => existsSync(file));
      first.type("Q\n");
      await first.ended;

      const second = start(test, world.port, flag, "-sess_in", file);
      await second.shows(/Reused, TLSv1/);
      await until(() => world.secured.length === 2);

      assert.equal(world.secured[1]?.tls?.isResumed, true);
    });
  }

  it("is refused to renegotiate", async (test) => {
    const received: string[] = [];
    const world = await secureServer(test, server, {
      onReceive: (_connection, bytes) => void received.push(String(bytes)),
    });
    const peer = start(test, world.port, "-tls1_2");
    const other = await connected(secureClient(test, { ca }), world.port);
    await until(() => world.secured.length === 2);

    peer.type("R\n");
    await peer.shows(/no renegotiation|RENEGOTIATING/);
    await peer.ended;
    await until(() => world.reasons.length === 1);

    assert.match(peer.output, /no renegotiation/);
    assert.equal(world.secured.length, 2);
    assert.deepEqual(received, []);
    assert.equal(other.isOpen, true);
  });

  it("finds the wrong name, when it looks at it", async (test) => {
    const world = await secureServer(test, server);
    const verify = ["-verify_return_error", "-verify_hostname", "other.example"];
    const peer = start(test, world.port, "-tls1_2", ...verify);

    await peer.ended;
    await until(() => world.reasons.length === 1);

    assert.match(peer.output, /hostname mismatch/i);
    assert.equal(world.reasons[0]?.code, "TLS_FAILED");
    assert.equal(world.reasons[0]?.operation, "handshake");
  });
}

function servers(certificates: TestCertificates): void {
  const { ca, crl } = certificates;

  async function start(
    test: TestContext,
    name: string,
    ...words: readonly string[]
  ): Promise<number> {
    const port = await freePort();
    const program = new OpenSsl(test, [
      ...["s_server", "-accept", `127.0.0.1:${port}`, "-rev"],
      ...["-cert", certificates.path(`${name}.pem`), "-key", certificates.path(`${name}.key`)],
      ...words,
    ]);
    await program.shows("ACCEPT");
    return port;
  }

  for (const [flag, protocol] of [
    ["-tls1_2", "TLSv1.2"],
    ["-tls1_3", "TLSv1.3"],
  ] as const) {
    it(`serves ${protocol}: answers, ALPN, resumption`, async (test) => {
      const port = await start(test, "server", flag, "-alpn", "rev");
      const client = secureClient(test, { ca, alpnProtocols: ["rev"] });

      const resumed = [];
      for (let visit = 0; visit < 2; visit++) {
        await connected(client, port);
        client.send("abc\n");
        assert.equal(String(await client.readUntil("\n")), "cba\n");
        assert.equal(client.tls?.protocol, protocol);
        assert.equal(client.tls?.alpnProtocol, "rev");
        resumed.push(client.tls?.isResumed);
        client.close();
        await client.stopped();
      }

      assert.deepEqual(resumed, [false, true]);
    });

    it(`gets a client certificate with ${protocol}`, async (test) => {
      const authority = ["-CAfile", certificates.path("authority.pem")];
      const port = await start(test, "server", flag, "-Verify", "1", ...authority);
      const client = secureClient(test, { ca, ...certificates.client });
      const stranger = secureClient(test, { ca });

      await connected(client, port);
      client.send("abc\n");
      const answer = await client.readUntil("\n");
      client.abort();
      await client.stopped();
      const outcome = await connected(stranger, port).then(
        () => stranger.closed().then(({ code }) => code),
        ({ code }) => code,
      );

      assert.equal(String(answer), "cba\n");
      assert.equal(outcome, "TLS_FAILED");
    });
  }

  const refusals: Record<string, readonly [string, string]> = {
    "an expired certificate": ["expired", "CERT_HAS_EXPIRED"],
    "a certificate that is not valid yet": ["not-yet-valid", "CERT_NOT_YET_VALID"],
    "a certificate for another name": ["wildcard", "ERR_TLS_CERT_ALTNAME_INVALID"],
    "a certificate of another authority": ["foreign", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
    "a revoked certificate": ["revoked", "CERT_REVOKED"],
    "a self-signed certificate": ["self-signed", "DEPTH_ZERO_SELF_SIGNED_CERT"],
  };
  for (const [name, [file, systemCode]] of Object.entries(refusals)) {
    it(`is refused with ${name}`, async (test) => {
      const port = await start(test, file);
      const client = secureClient(test, { ca, ...(file === "revoked" && { crl }) });

      const error = await connectError(client, port);

      assert.equal(error.code, "TLS_CERTIFICATE");
      assert.equal(error.systemCode, systemCode);
      assert.match(error.message, /localhost/);
    });
  }
}
