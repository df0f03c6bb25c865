import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { tlsError } from "#src/engine/tls/tls-error.js";

function failed(code: string): Error {
  return Object.assign(new Error("said by OpenSSL"), { code });
}

describe("errors of TLS", () => {
  for (const code of ["CERT_HAS_EXPIRED", "PATH_LENGTH_EXCEEDED", "CRL_SIGNATURE_FAILURE"]) {
    it(`are TLS_CERTIFICATE for a certificate that is not accepted: ${code}`, () => {
      const error = tlsError(failed(code), "handshake", "a.example");

      assert.equal(error.code, "TLS_CERTIFICATE");
      assert.equal(error.systemCode, code);
      assert.match(error.message, /^the certificate of a\.example .*\(/);
    });
  }

  it("are TLS_FAILED for anything else, with OpenSSL's own code", () => {
    const error = tlsError(failed("ERR_SSL_NO_SHARED_CIPHER"), "handshake");

    assert.equal(error.code, "TLS_FAILED");
    assert.equal(error.systemCode, "ERR_SSL_NO_SHARED_CIPHER");
  });

  it("are those of the network once TLS is established", () => {
    assert.equal(tlsError(failed("ECONNRESET"), "receive").code, "CONNECTION_RESET");
    assert.equal(tlsError(failed("ECONNRESET"), "handshake").code, "TLS_FAILED");
  });
});
