/**
 * Both sides show a certificate: the server lets in only clients that it trusts, and knows who they are. Then
 * certificates are exchanged while it runs: connections live on, and from now on others are trusted.
 */
import assert from "node:assert/strict";
import { type CloseReason, TcpClient, TcpServer } from "hp-socket";
import { selfSignedCertificate } from "hp-socket/testing";

const site = selfSignedCertificate({ names: ["localhost"] });
const alice = selfSignedCertificate({ names: ["alice"] });
const mallory = selfSignedCertificate({ names: ["mallory"] });

const reasons: CloseReason[] = [];
const server = new TcpServer({
  tls: { cert: site.cert, key: site.key, ca: alice.cert, clientCertificate: "require" },
  onHandshake(connection) {
    connection.context = connection.tls?.peerCertificate?.subject;
  },
  onReceive(connection, bytes) {
    connection.send(`${connection.context}: ${bytes}`);
  },
  onClose(_connection, reason) {
    reasons.push(reason);
    console.log("server:", reason.cause?.message ?? "closed in good order");
  },
});
await server.listen({ host: "127.0.0.1" });
const address = { host: "localhost", port: server.port, family: "IPv4" } as const;

const friend = new TcpClient({ tls: { ca: site.cert, cert: alice.cert, key: alice.key } });
await friend.connect(address);
const answer = String(await friend.request("hello"));
console.log("client:", answer);
assert.equal(answer, "CN=alice: hello");

for (const own of [{}, { cert: mallory.cert, key: mallory.key }]) {
  const stranger = new TcpClient({ tls: { ca: site.cert, ...own } });
  // With TLS 1.3 a client has finished before the server has looked at its certificate.
  await stranger.connect(address).catch(() => {});
  await stranger.stopped();
}
assert.deepEqual(
  reasons.map(({ code }) => code),
  ["TLS_CERTIFICATE", "TLS_CERTIFICATE"],
);

// Mallory is trusted from now on, and Alice no more; her connection stays.
const renewed = selfSignedCertificate({ names: ["localhost"] });
const trust = { ca: mallory.cert, clientCertificate: "require" } as const;
server.configure({ tls: { cert: renewed.cert, key: renewed.key, ...trust } });
const other = new TcpClient({ tls: { ca: renewed.cert, cert: mallory.cert, key: mallory.key } });
await other.connect(address);
const answers = [await other.request("hello"), await friend.request("still here")];
console.log("clients:", answers.join(", "));
assert.equal(answers.join(), "CN=mallory: hello,CN=alice: still here");

await Promise.all([friend.stop(), other.stop()]);
await server.stop();
