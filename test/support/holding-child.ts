/**
 * Components that stand between others, pools, HTTP clients and WebSockets, in a process that has nothing else to do, one
 * after the other: `ENGINE`. For each a line that says whether the process would end while it is unreferenced, while it is
 * referenced, and once it is unreferenced again, with a client on its way through.
 */
import process from "node:process";
import { type EngineName, TcpClient, TcpServer } from "hp-socket";
import { HttpAgent, HttpClient, HttpServer } from "hp-socket/http";
import { ConnectionPool } from "hp-socket/pool";
import { ProxyServer, Relay, UdpRelay } from "hp-socket/proxy";
import { UdpClient, UdpNode } from "hp-socket/udp";
import { fatesOf, letGo } from "./process-fate.js";
import { tellOfWebSockets } from "./websocket-holding.js";

const engine = process.argv[2] as EngineName;

const server = new TcpServer({ engine, onReceive: (connection, bytes) => connection.send(bytes) });
const { port } = await server.listen({ host: "127.0.0.1" });
server.unref();

async function tell(name: string, held: { ref(): unknown; unref(): unknown }): Promise<void> {
  console.log(`${name}: ${await fatesOf(held)}`);
}

async function passThrough(name: string, held: Relay | ProxyServer): Promise<void> {
  const at = await held.listen();
  const client = new TcpClient({
    engine,
    ...(held instanceof ProxyServer && { proxy: `socks5://127.0.0.1:${at.port}` }),
  });
  client.unref();
  await client.connect(held instanceof ProxyServer ? { port } : at);
  client.send("x");
  await client.read(1);
  await tell(name, held);
  await held.stop({ drainMs: 0 });
  await client.stop({ drainMs: 0 });
}

const to = [`127.0.0.1:${port}`];
await passThrough("Relay", new Relay({ engine, to, healthCheck: { everyMs: 50 } }));
const destinations = { allow: ["127.0.0.1"] };
await passThrough("ProxyServer", new ProxyServer({ engine, destinations }));

const node = new UdpNode({ engine, onReceive: (self, bytes, from) => void self.send(from, bytes) });
const at = await node.open({ host: "127.0.0.1" });
node.unref();
const relay = new UdpRelay({ engine, to: [`127.0.0.1:${at.port}`] });
const asker = new UdpClient({ engine });
asker.unref();
await asker.connect({ port: (await relay.listen()).port });
await asker.request("x");
await tell("UdpRelay", relay);
const proxy = new ProxyServer({ engine, destinations });
const through = new UdpClient({
  engine,
  proxy: `socks5://127.0.0.1:${(await proxy.listen()).port}`,
});
through.unref();
await through.connect({ host: "127.0.0.1", port: at.port });
await through.request("x");
await tell("ProxyServer with datagrams", proxy);
for (const one of [asker, through, relay, proxy, node]) await one.stop({ drainMs: 0 });

const pool = new ConnectionPool({ destinations: [{ port }], agent: { engine } });
await pool.request("x");
await tell("ConnectionPool", pool);
await pool.stop({ drainMs: 0 });

const silent = new HttpServer({ engine, onRequest() {} });
const url = `http://127.0.0.1:${(await silent.listen({ host: "127.0.0.1" })).port}/`;
silent.unref();
const agent = new HttpAgent({ engine, headTimeoutMs: 0 });
const client = new HttpClient({ engine, headTimeoutMs: 0 });
await client.connect(url);
for (const [name, held] of [
  ["HttpAgent", agent],
  ["HttpClient", client],
] as const) {
  const asked = held instanceof HttpAgent ? held.request({ url }) : held.get("/");
  asked.catch(() => {});
  while (silent.stats.exchangeCount < (name === "HttpAgent" ? 1 : 2)) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  await tell(name, held);
}
await agent.stop({ drainMs: 0 });
console.log(`abort: ${client.abort()}, ${client.isOpen}, ${client.abort()}`);
await client.stop({ drainMs: 0 });
await silent.stop({ drainMs: 0 });
await server.stop({ drainMs: 0 });
await tellOfWebSockets(engine);
letGo();
