/**
 * UDP: each datagram of an address that is new makes a connection, with an id and handlers as over TCP. The
 * client probes the server, and closing tells the other side.
 */
import assert from "node:assert/strict";
import { UdpClient, UdpServer } from "hp-socket/udp";

const server = new UdpServer({
  onAccept: (connection) => console.log(`server: connection ${connection.id} came`),
  onReceive(connection, datagram) {
    connection.send(datagram);
  },
  onClose: (connection, reason) =>
    console.log(`server: connection ${connection.id} ended, ${reason.code} by ${reason.initiator}`),
});
const { port } = await server.listen({ host: "127.0.0.1" });

const client = new UdpClient();
await client.connect({ host: "127.0.0.1", port });
const answers: string[] = [];
for (const text of ["one", "two", "three"]) {
  // A datagram may get lost anywhere but on this machine: a time-out, and another try, is the caller's.
  answers.push(String(await client.request(text, { timeoutMs: 5_000 })));
}
console.log(`client: ${answers.join(", ")} came back`);

client.close();
await client.stopped();
while (server.connectionCount > 0) await new Promise((resolve) => setTimeout(resolve, 5));
await server.stop();

assert.deepEqual(answers, ["one", "two", "three"]);
assert.equal(server.stats.openedCount, 1);
