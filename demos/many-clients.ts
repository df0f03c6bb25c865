/**
 * Two hundred clients on one server. Each is an object with one connection; none has a thread or
 * a timer of its own. The server greets each by its number and tells all of them something at the end.
 */
import assert from "node:assert/strict";
import { delimiter, TcpClient, TcpServer } from "hp-socket";

const COUNT = 200;

const server = new TcpServer<Buffer, string | undefined>({
  receive: delimiter(),
  maxConnections: COUNT,
  onReceive(connection, name) {
    connection.context = name.toString();
    connection.send(`welcome, ${connection.context}`);
  },
  onRefuse: (error) => console.log(`server: one is refused, ${error.message}`),
});
const address = await server.listen({ host: "127.0.0.1" });

const clients = Array.from({ length: COUNT }, () => new TcpClient({ receive: delimiter() }));
await Promise.all(clients.map((client) => client.connect(address)));
const welcomes = await Promise.all(
  clients.map(async (client, index) => {
    client.send(`client ${index}`);
    return (await client.read()).toString();
  }),
);
welcomes.forEach((text, index) => {
  assert.equal(text, `welcome, client ${index}`);
});
console.log(`server: ${server.connectionCount} clients were welcomed`);

const oneTooMany = new TcpClient();
await oneTooMany.connect(address);
await oneTooMany.stopped();

const names = server.connectionIds().map((id) => server.connection(id)?.context);
assert.equal(new Set(names).size, COUNT, "every connection has a context of its own");
for (const id of server.connectionIds()) server.send(id, "goodbye");
const goodbyes = await Promise.all(clients.map((client) => client.read()));
assert.ok(goodbyes.every((line) => line.toString() === "goodbye"));

await Promise.all(clients.map((client) => client.stop()));
await server.stop();
const { openedCount, closedCount, refusedCount } = server.stats;
console.log(`server: ${openedCount} opened, ${closedCount} closed, ${refusedCount} refused`);
assert.deepEqual([openedCount, closedCount, refusedCount], [COUNT, COUNT, 1]);
