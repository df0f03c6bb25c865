/** What can't be given as `tls` is refused when it is given; nothing is ignored. */
import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "node:test";
import { type ClientTls, type ServerTls, TcpAgent, TcpClient, TcpServer } from "hp-socket";
import { MemoryEngine, selfSignedCertificate } from "hp-socket/testing";
import { tlsEngines } from "../../support/tls-certificates.js";

const { cert, key } = selfSignedCertificate();
const other = selfSignedCertificate();
const pair = { cert, key };

/** Options as a program without types may give them. */
const asServer = (tls: unknown): TcpServer => new TcpServer({ tls: tls as ServerTls });
const asClient = (tls: unknown): TcpClient => new TcpClient({ tls: tls as ClientTls });

describe("the option tls of a server", () => {
  const bad: Record<string, readonly [unknown, RegExp]> = {
    "no object": [null, /tls must be an object, not null/],
    "an unknown option": [{ ...pair, rejectUnauthorized: true }, /no option "rejectUnauthorized"/],
    "an option of clients": [{ ...pair, verify: "none" }, /no option "verify"/],
    "no certificate": [{}, /needs cert and key, or pfx/],
    "a key without a certificate": [{ key }, /cert or certFile is missing/],
    "a certificate without a key": [{ cert }, /key or keyFile is missing/],
    "a certificate with another's key": [{ cert, key: other.key }, /key values mismatch/],
    "what is no certificate": [{ cert: "hello", key }, /tls: .+/],
    "a certificate twice": [{ ...pair, certFile: "c.pem" }, /give cert or certFile, not both/],
    "a file that is not there": [{ certFile: "not/there.pem", key }, /certFile can't be read: not/],
    "authorities that are none": [{ ...pair, ca: "hello" }, /ca has no certificate in PEM/],
    "a list of revocations that is none": [{ ...pair, crl: "hello" }, /tls: .+/],
    "bytes that are no Buffer": [
      { cert: new Uint8Array(3), key },
      /tls.cert must be text or a Buffer/,
    ],
    "an old version": [{ ...pair, minVersion: "TLSv1.1" }, /tls.minVersion must be one of/],
    "versions in the wrong order": [
      { ...pair, minVersion: "TLSv1.3", maxVersion: "TLSv1.2" },
      /tls.minVersion \(TLSv1.3\) must not be above/,
    ],
    "ciphers that are none": [{ ...pair, ciphers: "NONSENSE" }, /tls: .+/],
    "groups that are none": [{ ...pair, groups: "X25519:P-1" }, /tls: groups has one .+ not know/],
    "no application protocols": [
      { ...pair, alpnProtocols: [] },
      /must be an array that is not empty/,
    ],
    "an empty application protocol": [
      { ...pair, alpnProtocols: [""] },
      /alpnProtocols must be text/,
    ],
    "more application protocols than fit into a hello": [
      { ...pair, alpnProtocols: Array.from({ length: 65 }, () => "a".repeat(255)) },
      /at most 16384 bytes, not 16640/,
    ],
    "a long application protocol": [{ ...pair, alpnProtocols: ["a".repeat(256)] }, /at most 255/],
    "a start that is none": [{ ...pair, start: "later" }, /tls.start must be one of/],
    "names that are no object": [{ ...pair, serverNames: "a" }, /serverNames must be an object/],
    "a name that is none": [{ ...pair, serverNames: { "*": pair } }, /"\*" is no server name/],
    "a name without a certificate": [{ ...pair, serverNames: { a: {} } }, /"a" has no certificate/],
    "an unknown option of a name": [
      { ...pair, serverNames: { a: { ...pair, ca: cert } } },
      /tls.serverNames\["a"\] has no option "ca"/,
    ],
    "a selector that is no function": [{ ...pair, selectCertificate: 1 }, /must be a function/],
    "a wish for certificates that is none": [
      { ...pair, clientCertificate: true },
      /clientCertificate must be one of/,
    ],
    "tickets that are no switch": [{ ...pair, sessionTickets: 1 }, /must be true or false/],
    "ticket keys that are too short": [
      { ...pair, ticketKeys: Buffer.alloc(47) },
      /ticketKeys must have 48 bytes, not 47 bytes/,
    ],
    "a rotation of keys that are given": [
      { ...pair, ticketKeys: Buffer.alloc(48), ticketRotationMs: 5 },
      /ticketRotationMs is for keys that are made here/,
    ],
    "a rotation below 0": [{ ...pair, ticketRotationMs: -1 }, /ticketRotationMs must be a whole/],
    "a session time of 0": [{ ...pair, sessionTimeoutSeconds: 0 }, /sessionTimeoutSeconds must be/],
  };
  for (const [name, [tls, message]] of Object.entries(bad)) {
    it(`refuses ${name}`, () => {
      assert.throws(() => asServer(tls), { code: "INVALID_ARGUMENT", message });
    });
  }

  it("takes undefined for what is left out", () => {
    const tls = { ...pair, ca: undefined, passphrase: undefined, alpnProtocols: undefined };

    assert.equal(asServer(tls).stats.handshakeCount, 0);
  });

  it("runs on the best engine that can do it", () => {
    const best = process.env["HP_SOCKET_ENGINE"] ?? tlsEngines()[0];

    assert.equal(new TcpServer({ tls: pair }).stats.engine, best);
    assert.equal(new TcpAgent({ tls: {}, engine: "auto" }).stats.engine, tlsEngines()[0]);
  });

  it("is refused where an engine that can't do it was handed over", () => {
    assert.throws(() => new TcpServer({ tls: pair, engine: new MemoryEngine() }), {
      code: "NOT_SUPPORTED",
    });
  });
});

describe("the option tls of a client", () => {
  const bad: Record<string, readonly [unknown, RegExp]> = {
    "an option of servers": [{ clientCertificate: "none" }, /no option "clientCertificate"/],
    "a verification that is none": [{ verify: false }, /tls.verify must be one of/],
    "a pin without fingerprints": [{ verify: "pin" }, /tls.fingerprints must have one at least/],
    "an empty list of fingerprints": [
      { fingerprints: [] },
      /tls.fingerprints must have one at least/,
    ],
    "a fingerprint that is none": [
      { fingerprints: ["abc"] },
      /"abc", which is no SHA-256 fingerprint/,
    ],
    "fingerprints that are no list": [{ fingerprints: "00".repeat(32) }, /must be an array/],
    "fingerprints that nobody looks at": [
      { fingerprints: ["00".repeat(32)], verify: "none" },
      /tls.fingerprints have no meaning where tls.verify is none/,
    ],
    "a name that is no text": [{ serverName: 1 }, /tls.serverName must be text/],
    "a name with a line behind it": [{ serverName: "a\r\n" }, /serverName must be a name/],
    "a name that is too long": [{ serverName: "a".repeat(256) }, /serverName must be a name/],
    "a resumption that is no switch": [{ resumeSessions: "yes" }, /must be true or false/],
  };
  for (const [name, [tls, message]] of Object.entries(bad)) {
    it(`refuses ${name}`, () => {
      assert.throws(() => asClient(tls), { code: "INVALID_ARGUMENT", message });
    });
  }

  it("may be empty", () => {
    assert.equal(asClient({}).stats.handshakeCount, 0);
  });
});
