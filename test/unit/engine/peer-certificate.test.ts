import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PeerCertificate } from "node:tls";
import { peerCertificateOf } from "#src/engine/tls/peer-certificate.js";

const shown = (subject: object): PeerCertificate =>
  ({ subject, issuer: { CN: "authority" }, raw: Buffer.of(1) }) as unknown as PeerCertificate;

describe("the certificate of a peer", () => {
  it("has the common name as it is, whatever other attributes say", () => {
    const { commonName, subject } = peerCertificateOf(shown({ O: "x, CN=admin", CN: "meter-7" }));

    assert.equal(commonName, "meter-7");
    assert.equal(subject, "O=x, CN=admin, CN=meter-7");
  });

  it("has none where there is none, or several", () => {
    assert.equal(peerCertificateOf(shown({ O: "x" })).commonName, undefined);
    assert.equal(peerCertificateOf(shown({ CN: ["one", "two"] })).commonName, undefined);
    const nobody = { issuer: {}, raw: Buffer.of(1) } as unknown as PeerCertificate;
    assert.equal(peerCertificateOf(nobody).commonName, undefined);
  });
});
