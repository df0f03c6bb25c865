/**
 * Push, the default: `onReceive` gets bytes as they come. TCP keeps their order but not their
 * borders, so the client counts bytes, not calls.
 */
import assert from "node:assert/strict";
import { TcpClient, TcpServer } from "hp-socket";

const server = new TcpServer({
  onAccept: (connection) => console.log(`server: connection ${connection.id} came`),
  onReceive(connection, bytes) {
    connection.send(bytes);
  },
  onClose: (connection, reason) =>
    console.log(`server: connection ${connection.id} ended, ${reason.code} by ${reason.initiator}`),
});

const sent = ["one ", "two ", "three"];
let echoed = "";
const client = new TcpClient({
  onReceive(self, bytes) {
    echoed += bytes.toString();
    console.log(`client: ${bytes.length} bytes back, ${JSON.stringify(bytes.toString())}`);
    if (echoed.length === sent.join("").length) self.close();
  },
});

await client.connect(await server.listen({ host: "127.0.0.1" }));
for (const text of sent) client.send(text);
await client.stopped();
await server.stop();

assert.equal(echoed, "one two three");
assert.equal(server.stats.receivedBytes, echoed.length);
