/**
 * TLS with a certificate that is made on the spot. The client trusts it in one of two ways: as its own
 * authority, or by its fingerprint; without either it refuses the server.
 */
import assert from "node:assert/strict";
import { TcpClient, TcpServer } from "hp-socket";
import { selfSignedCertificate } from "hp-socket/testing";

const { cert, key, fingerprint } = selfSignedCertificate({ names: ["localhost"] });

const server = new TcpServer({
  tls: { cert, key, alpnProtocols: ["echo"] },
  onHandshake(connection) {
    console.log("server: secured by", connection.tls?.protocol);
  },
  onReceive(connection, bytes) {
    connection.send(bytes);
  },
});
await server.listen({ host: "127.0.0.1" });
const address = { host: "localhost", port: server.port, family: "IPv4" } as const;

const trusting = new TcpClient({ tls: { ca: cert, alpnProtocols: ["echo"] } });
await trusting.connect(address);
assert.equal(String(await trusting.request("hello")), "hello");
assert.equal(trusting.tls?.isAuthorized, true);
assert.equal(trusting.tls?.alpnProtocol, "echo");
console.log("client: talks to", trusting.tls?.peerCertificate?.subject);

const pinning = new TcpClient({ tls: { verify: "pin", fingerprints: [fingerprint] } });
await pinning.connect(address);
assert.equal(String(await pinning.request("hello")), "hello");

const strict = new TcpClient({ tls: {} });
await assert.rejects(strict.connect(address), { code: "TLS_CERTIFICATE" });
const elsewhere = new TcpClient({ tls: { ca: cert, serverName: "other.example" } });
await assert.rejects(elsewhere.connect(address), /of other.example is not for this name/);

trusting.close();
await trusting.stopped();
await trusting.connect(address);
assert.equal(trusting.tls?.isResumed, true, "the second visit resumes the session");

for (const client of [trusting, pinning]) await client.stop();
await server.stop();
