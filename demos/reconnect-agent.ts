/**
 * One agent with two upstreams, each made anew when it is lost. Both are restarted; what is sent to a target meanwhile is kept,
 * and follows the login that each connection begins with.
 */
import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { delimiter, TcpAgent, TcpServer, type TcpTarget } from "hp-socket";

const receive = delimiter();
const told = new EventEmitter();

async function start(name: string, port = 0): Promise<TcpServer> {
  const server = new TcpServer({
    receive,
    onReceive: (_connection, line) => void told.emit(`${name} got ${line}`),
  });
  await server.listen({ host: "127.0.0.1", port });
  return server;
}

const agent = new TcpAgent<Buffer, { name: string }>({
  receive,
  reconnect: { firstDelayMs: 20, maxDelayMs: 200, greeting: "LOGIN", maxKeptBytes: 1_024 },
  context: () => ({ name: "" }),
  onReceive() {},
  onReconnecting({ context: { name } }, attempt, delayMs, { code }) {
    console.log(`${name}: ${code}; attempt ${attempt} in ${delayMs} ms`);
    told.emit(`${name} is away`);
  },
  onReconnected: ({ context: { name } }, attempt) =>
    console.log(`${name}: back after ${attempt} attempts`),
});

const names = ["north", "south"];
const servers: TcpServer[] = [];
const targets: (TcpTarget<{ name: string }> | undefined)[] = [];
for (const name of names) {
  const server = await start(name);
  const loggedIn = once(told, `${name} got LOGIN`);
  const connection = await agent.connect({ host: "127.0.0.1", port: server.port });
  connection.context.name = name;
  await loggedIn;
  servers.push(server);
  targets.push(agent.target(connection.id));
}

for (const [index, name] of names.entries()) {
  const away = once(told, `${name} is away`);
  const { port } = servers[index] as TcpServer;
  await servers[index]?.stop({ drainMs: 0 });
  await away;
  assert.equal(targets[index]?.send("order 1"), "slow", "kept for the next connection");
  const served = Promise.all([once(told, `${name} got LOGIN`), once(told, `${name} got order 1`)]);
  servers[index] = await start(name, port);
  await served;
}
assert.ok(targets.every((target) => target?.isOpen === true));
await Promise.all([agent.stop(), ...servers.map((server) => server.stop())]);
