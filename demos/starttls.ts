/**
 * STARTTLS: a conversation of lines begins in plain text and goes on secured. Bytes that somebody
 * slips in behind STARTTLS end the connection; they are never taken for secured ones.
 */
import assert from "node:assert/strict";
import { delimiter, TcpClient, TcpServer } from "hp-socket";
import { selfSignedCertificate } from "hp-socket/testing";

const { cert, key } = selfSignedCertificate();
const codes: string[] = [];

const server = new TcpServer({
  receive: delimiter(),
  tls: { cert, key, start: "manual" },
  onReceive(connection, line) {
    if (String(line) !== "STARTTLS") {
      connection.send(`${connection.tls?.protocol ?? "plain"}: ${line}`);
      return;
    }
    connection.send("220 go on");
    // How it ends is told by onClose as well.
    connection.startTls().catch(() => {});
  },
  onClose(_connection, reason) {
    codes.push(reason.code);
  },
});
await server.listen({ host: "127.0.0.1" });
const address = { host: "localhost", port: server.port, family: "IPv4" } as const;

const client = new TcpClient({ receive: delimiter(), tls: { ca: cert, start: "manual" } });
await client.connect(address);
const answers = [String(await client.request("hello"))];
answers.push(String(await client.request("STARTTLS")));
const info = await client.startTls();
console.log("client: secured by", info.cipher);
answers.push(String(await client.request("hello again")));
assert.deepEqual(answers, ["plain: hello", "220 go on", "TLSv1.3: hello again"]);
await client.stop();

const attacker = new TcpClient();
await attacker.connect(address);
attacker.send("STARTTLS\nslipped in\n");
await attacker.closed();
console.log("server: ended the attacker's connection with", codes[1]);
assert.deepEqual(codes, ["CLOSED", "TLS_PLAINTEXT"]);

await server.stop();
