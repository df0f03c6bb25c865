import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { describe, it } from "node:test";
import { clientTlsOf, serverTlsOf, urlTlsOf } from "#src/cli/choices/tls-choice.js";

const SERVER = { tls: true, cert: undefined, key: undefined, "client-ca": undefined };
const CLIENT = {
  tls: true,
  ca: undefined,
  servername: undefined,
  fingerprint: undefined,
  insecure: false,
  cert: undefined,
  key: undefined,
};

describe("serverTlsOf", () => {
  it("makes a certificate on the spot, for the loopback and the host", () => {
    const served = serverTlsOf(SERVER, "server.example");
    const certificate = new X509Certificate(String(served?.tls.cert));

    assert.equal(certificate.fingerprint256, served?.fingerprint);
    for (const name of ["server.example", "localhost"]) {
      assert.equal(certificate.checkHost(name), name);
    }
    assert.equal(certificate.checkIP("127.0.0.1"), "127.0.0.1");
  });

  it("does not take the address of all for a name", () => {
    const served = serverTlsOf(SERVER, "0.0.0.0");

    assert.equal(new X509Certificate(String(served?.tls.cert)).checkIP("0.0.0.0"), undefined);
  });

  it("answers undefined without --tls", () => {
    assert.equal(serverTlsOf({ ...SERVER, tls: false }, undefined), undefined);
  });

  it("refuses what does not go together", () => {
    const cases = [
      [{ ...SERVER, tls: false, cert: "c.pem" }, /--cert goes with --tls/],
      [{ ...SERVER, tls: false, "client-ca": "c.pem" }, /--client-ca goes with --tls/],
      [{ ...SERVER, cert: "c.pem" }, /--cert and --key go together/],
      [{ ...SERVER, key: "k.pem" }, /--cert and --key go together/],
      [{ ...SERVER, cert: "not-there.pem", key: "k.pem" }, /--cert not-there.pem can't be used/],
    ] as const;
    for (const [options, message] of cases) {
      assert.throws(() => serverTlsOf(options, undefined), { name: "UsageError", message });
    }
  });
});

describe("clientTlsOf", () => {
  it("verifies unless told otherwise", () => {
    assert.deepEqual(clientTlsOf(CLIENT), {});
    assert.deepEqual(clientTlsOf({ ...CLIENT, ca: "ca.pem", servername: "a.example" }), {
      caFile: "ca.pem",
      serverName: "a.example",
    });
    assert.deepEqual(clientTlsOf({ ...CLIENT, fingerprint: "00" }), {
      verify: "pin",
      fingerprints: ["00"],
    });
    assert.deepEqual(clientTlsOf({ ...CLIENT, insecure: true }), { verify: "none" });
    assert.equal(clientTlsOf({ ...CLIENT, tls: false }), undefined);
  });

  it("refuses what does not go together", () => {
    const cases = [
      [{ ...CLIENT, tls: false, insecure: true }, /--insecure goes with --tls/],
      [{ ...CLIENT, tls: false, servername: "a" }, /--servername goes with --tls/],
      [{ ...CLIENT, insecure: true, ca: "ca.pem" }, /exclude each other/],
      [{ ...CLIENT, fingerprint: "00", ca: "ca.pem" }, /exclude each other/],
    ] as const;
    for (const [options, message] of cases) {
      assert.throws(() => clientTlsOf(options), { name: "UsageError", message });
    }
  });
});

describe("urlTlsOf", () => {
  const { tls: _, ...url } = CLIENT;

  it("verifies unless told otherwise, and shows a certificate of its own", () => {
    assert.deepEqual(urlTlsOf(url), {});
    assert.deepEqual(urlTlsOf({ ...url, insecure: true }), { verify: "none" });
    assert.deepEqual(urlTlsOf({ ...url, ca: "ca.pem", cert: "own.pem", key: "own.key" }), {
      caFile: "ca.pem",
      certFile: "own.pem",
      keyFile: "own.key",
    });
  });

  it("refuses what does not go together", () => {
    for (const options of [
      { ...url, cert: "own.pem" },
      { ...url, key: "own.key" },
      { ...url, insecure: true, ca: "ca.pem" },
    ]) {
      assert.throws(() => urlTlsOf(options), { name: "UsageError" });
    }
  });
});
