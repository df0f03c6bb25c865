import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { describe, it } from "node:test";
import { TcpClient, TcpServer } from "hp-socket";
import { HttpServer } from "hp-socket/http";
import { selfSignedCertificate } from "hp-socket/testing";
import { objectIdentifier, time } from "#src/testing/der-writer.js";

describe("selfSignedCertificate", () => {
  it("is for localhost and the loopback addresses unless told", () => {
    const certificate = new X509Certificate(selfSignedCertificate().cert);

    assert.equal(certificate.subject, "CN=localhost");
    assert.equal(certificate.checkHost("localhost"), "localhost");
    assert.equal(certificate.checkIP("127.0.0.1"), "127.0.0.1");
    assert.ok(certificate.subjectAltName?.endsWith("IP Address:0:0:0:0:0:0:0:1"));
  });

  it("is for serverNames beside the names that it has anyway, each once", () => {
    const { cert } = selfSignedCertificate({ serverNames: ["localhost", "device.example"] });
    const names =
      "DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, DNS:device.example";
    assert.equal(new X509Certificate(cert).subjectAltName, names);
  });

  it("is for the names and addresses that it is given", () => {
    const names = ["*.example.com", "192.0.2.7", "2001:db8::a:1", "fe80::"];
    const certificate = new X509Certificate(selfSignedCertificate({ names }).cert);

    assert.equal(certificate.checkHost("www.example.com"), "*.example.com");
    assert.equal(certificate.checkHost("localhost"), undefined);
    assert.equal(
      certificate.subjectAltName,
      "DNS:*.example.com, IP Address:192.0.2.7, IP Address:2001:DB8:0:0:0:0:A:1, IP Address:FE80:0:0:0:0:0:0:0",
    );
  });

  it("is signed by its own key, and has its fingerprint", () => {
    const { cert, key, fingerprint } = selfSignedCertificate();
    const certificate = new X509Certificate(cert);

    assert.ok(certificate.verify(certificate.publicKey));
    assert.ok(key.startsWith("-----BEGIN PRIVATE KEY-----"));
    assert.equal(certificate.fingerprint256, fingerprint);
    assert.equal(certificate.ca, false);
  });

  it("can be given as the option tls, whole or spread, of servers and of clients", () => {
    const made = selfSignedCertificate();

    for (const tls of [made, { ...made, alpnProtocols: ["a"] }]) {
      assert.doesNotThrow(() => new TcpServer({ tls }));
      assert.doesNotThrow(() => new TcpClient({ tls }));
      assert.doesNotThrow(
        () => new HttpServer({ tls: { ...tls, serverNames: { a: made } }, onRequest() {} }),
      );
    }
  });

  it("has a key and a number of its own each time", () => {
    const [one, other] = [selfSignedCertificate(), selfSignedCertificate()];

    assert.notEqual(one.key, other.key);
    assert.notEqual(
      new X509Certificate(one.cert).serialNumber,
      new X509Certificate(other.cert).serialNumber,
    );
  });

  it("is valid from a day before now for the days that it is given", () => {
    const now = new Date("2026-03-01T12:00:00Z");
    const certificate = new X509Certificate(selfSignedCertificate({ days: 10, now }).cert);

    assert.equal(new Date(certificate.validFrom).toISOString(), "2026-02-28T12:00:00.000Z");
    assert.equal(new Date(certificate.validTo).toISOString(), "2026-03-11T12:00:00.000Z");
  });

  it("can be valid beyond 2049", () => {
    const now = new Date("2049-12-31T00:00:00Z");
    const certificate = new X509Certificate(selfSignedCertificate({ days: 400, now }).cert);

    assert.equal(new Date(certificate.validTo).toISOString(), "2051-02-04T00:00:00.000Z");
  });

  it("refuses what can't be", () => {
    const bad = [
      { names: [] },
      { serverNames: "localhost" as unknown as string[] },
      { serverNames: [""] },
      { names: ["bücher.example"] },
      { names: [""] },
      { names: ["256.0.0.1"] },
      { names: ["1:2"] },
      { names: ["1:2:3:4:5:6:7:8::"] },
      { names: ["12345::"] },
      { days: 0 },
      { days: 1.5 },
    ];
    for (const options of bad) {
      const text = JSON.stringify(options);
      assert.throws(() => selfSignedCertificate(options), { code: "INVALID_ARGUMENT" }, text);
    }
  });
});

describe("the DER writer", () => {
  it("writes numbers of object identifiers in 7 bits a byte", () => {
    assert.equal(objectIdentifier("1.2.840.10045.4.3.2").toString("hex"), "06082a8648ce3d040302");
  });

  it("writes times with two digits of the year up to 2049", () => {
    assert.equal(time(new Date("2049-12-31T23:59:59Z")).toString("latin1", 2), "491231235959Z");
    assert.equal(time(new Date("2050-01-01T00:00:00Z")).toString("latin1", 2), "20500101000000Z");
  });
});
