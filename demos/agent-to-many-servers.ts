/** An agent holds many outgoing connections in one object: here one to each of five servers. */
import assert from "node:assert/strict";
import { delimiter, TcpAgent, TcpServer } from "hp-socket";

const cities = ["Bern", "Oslo", "Rome", "Riga", "Wien"];
const servers = cities.map(
  (city) =>
    new TcpServer({
      receive: delimiter(),
      onReceive(connection, line) {
        if (line.equals(Buffer.from("who are you?"))) connection.send(`I am ${city}`);
      },
    }),
);
const addresses = await Promise.all(servers.map((server) => server.listen({ host: "127.0.0.1" })));

const agent = new TcpAgent({
  receive: delimiter(),
  onClose: (connection, reason) => console.log(`connection ${connection.id}: ${reason.code}`),
});
const connections = await Promise.all(addresses.map((address) => agent.connect(address)));
console.log(`the agent has ${agent.connectionCount} connections: ${agent.connectionIds()}`);

const answers = await Promise.all(
  connections.map((connection) => connection.request("who are you?", { timeoutMs: 5_000 })),
);
for (const answer of answers) console.log(answer.toString());
assert.deepEqual(answers.map(String).sort(), cities.map((city) => `I am ${city}`).sort());

// Every operation is there by id too, so that an application need not keep the objects.
const [first, ...others] = agent.connectionIds();
assert.ok(first !== undefined && agent.close(first));
assert.equal(agent.send(0, "no such connection"), false);

await agent.stop();
await Promise.all(servers.map((server) => server.stop()));
assert.equal(agent.stats.closedCount, others.length + 1);
