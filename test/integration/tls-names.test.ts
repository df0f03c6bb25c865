/** Which certificate a server shows for a name (SNI). */
import assert from "node:assert/strict";
import { it } from "node:test";
import { TcpClient, type TlsCertificate } from "hp-socket";
import { describeTls } from "../support/tls-certificates.js";
import { connectError, secureClient, secureServer, tlsPeer } from "../support/tls-world.js";
import { until } from "../support/until.js";

describeTls("server names", (certificates) => {
  const { ca, server, exact, wildcard } = certificates;

  async function shownFor(port: number, serverName: string): Promise<string> {
    const client = new TcpClient({ tls: { ca, serverName, verify: "none" } });
    await client.connect({ host: "127.0.0.1", port });
    const subject = client.tls?.peerCertificate?.subject ?? "";
    await client.stop();
    return subject;
  }

  for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
    it(`choose the certificate: exact, wildcard, main (${maxVersion})`, async (test) => {
      const serverNames = { "*.Example.com": wildcard, "www.example.com": exact };
      const asked: (string | undefined)[] = [];
      const world = await secureServer(
        test,
        { ...server, maxVersion, serverNames },
        { onHandshake: ({ tls }) => void asked.push(tls?.serverName) },
      );

      const names = ["www.example.com", "mail.example.com", "a.b.example.com", "other"];
      const shown = [];
      for (const name of names) shown.push(await shownFor(world.port, name));
      const nameless = await tlsPeer(test, world.port, { servername: "" });

      assert.deepEqual(shown, ["CN=www.example.com", "CN=wildcard", "CN=server", "CN=server"]);
      assert.equal(nameless.getPeerCertificate().subject.CN, "server");
      await until(() => asked.length === 5);
      assert.deepEqual(asked, [...names, undefined]);
    });
  }

  it("are verified by clients against the certificate that was chosen", async (test) => {
    const world = await secureServer(test, {
      ...server,
      serverNames: { "*.example.com": wildcard },
    });
    const good = secureClient(test, { ca, serverName: "mail.example.com" });
    const bad = secureClient(test, { ca, serverName: "a.b.example.com" });

    await good.connect({ host: "127.0.0.1", port: world.port });
    const error = await connectError(bad, world.port);

    assert.equal(good.tls?.peerCertificate?.subject, "CN=wildcard");
    assert.match(error.message, /of a\.b\.example\.com is not for this name/);
  });

  it("may be all that a server has: others fail", async (test) => {
    const world = await secureServer(test, { serverNames: { "www.example.com": exact } });
    const other = secureClient(test, { ca });

    assert.equal(await shownFor(world.port, "www.example.com"), "CN=www.example.com");
    const error = await connectError(other, world.port);

    assert.equal(error.code, "TLS_FAILED");
  });

  it("ask the selector for what the table does not have, sync and async", async (test) => {
    const asked: string[] = [];
    const world = await secureServer(test, {
      ...server,
      serverNames: { "www.example.com": exact },
      selectCertificate(name): TlsCertificate | undefined | Promise<TlsCertificate | undefined> {
        asked.push(name);
        if (name === "sync.example.com") return wildcard;
        if (name !== "async.example.com") return undefined;
        return new Promise((resolve) => {
          setImmediate(resolve, wildcard);
        });
      },
    });

    const names = ["www.example.com", "sync.example.com", "async.example.com", "unknown"];
    const shown = [];
    for (const name of names) shown.push(await shownFor(world.port, name));

    assert.deepEqual(shown, ["CN=www.example.com", "CN=wildcard", "CN=wildcard", "CN=server"]);
    assert.deepEqual(asked, names.slice(1));
  });

  const failures: Record<string, () => TlsCertificate | Promise<TlsCertificate>> = {
    throws: () => {
      throw new Error("no such tenant");
    },
    rejects: () => Promise.reject(new Error("no such tenant")),
    "answers what can't be used": () => ({ certFile: "no such tenant", keyFile: "no such tenant" }),
  };
  for (const [name, selectCertificate] of Object.entries(failures)) {
    it(`end the handshake with HANDLER_FAILED when the selector ${name}`, async (test) => {
      const world = await secureServer(test, { ...server, selectCertificate });
      const client = secureClient(test, { ca });

      const error = await connectError(client, world.port);
      await until(() => world.reasons.length === 1);

      assert.equal(error.code, "TLS_FAILED");
      assert.equal(world.reasons[0]?.code, "HANDLER_FAILED");
      assert.equal(world.reasons[0]?.operation, "handshake");
      assert.match(world.reasons[0]?.cause?.message ?? "", /no such tenant/);
      assert.equal(world.underWayCount, 0);
    });
  }

  it("end the handshake in time when the selector never answers", async (test) => {
    const selectCertificate = (): Promise<TlsCertificate> => new Promise(() => {});
    const world = await secureServer(
      test,
      { ...server, selectCertificate },
      { handshakeTimeoutMs: 30 },
    );

    await connectError(secureClient(test, { ca }), world.port);
    await until(() => world.reasons.length === 1);

    assert.equal(world.reasons[0]?.code, "HANDSHAKE_TIMEOUT");
  });

  it("look at an answer of the selector once, as long as it is the same object", async (test) => {
    let readCount = 0;
    const counted: TlsCertificate = {
      cert: wildcard.cert,
      get key() {
        readCount++;
        return wildcard.key;
      },
    };
    const world = await secureServer(test, { ...server, selectCertificate: () => counted });

    const shown = [await shownFor(world.port, "a.example.com")];
    const firstCount = readCount;
    shown.push(await shownFor(world.port, "b.example.com"));

    assert.deepEqual(shown, ["CN=wildcard", "CN=wildcard"]);
    assert.ok(firstCount > 0);
    assert.equal(readCount, firstCount);
  });
});
