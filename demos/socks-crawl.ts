/**
 * Crawls a site through a chain of two SOCKS 5 proxies: the first wants a name and a password, and only the second
 * looks the names up and sees where they lead.
 */
import assert from "node:assert/strict";
import { HttpAgent, HttpServer } from "hp-socket/http";
import { ProxyServer } from "hp-socket/proxy";

const PAGE_COUNT = 31;

/** Page n links to pages 2n and 2n + 1. */
const site = new HttpServer({
  onRequest(exchange) {
    const page = Number(exchange.path.slice(1));
    const links = [2 * page, 2 * page + 1].filter((next) => next <= PAGE_COUNT);
    exchange.respond(200, {}, links.map((next) => `<a href="/${next}">${next}</a>`).join(""));
  },
});
const { port } = await site.listen({ host: "127.0.0.1" });

const targets = { first: new Set<string>(), second: new Set<string>() };
const second = new ProxyServer({
  destinations: { only: ["localhost"], allow: ["localhost"] },
  onTunnel: ({ host }) => void targets.second.add(host),
});
const inside = await second.listen();
const first = new ProxyServer({
  authenticate: { crawler: "secret" },
  destinations: { allow: ["127.0.0.1"], ports: [inside.port] },
  onTunnel: ({ host, port }) => void targets.first.add(`${host}:${port}`),
});
const outside = await first.listen();

const agent = new HttpAgent({
  maxConnectionsPerOrigin: 4,
  proxy: [`socks5://crawler:secret@127.0.0.1:${outside.port}`, `socks5://127.0.0.1:${inside.port}`],
});
const found = new Set<string>();

async function visit(url: string): Promise<void> {
  if (found.has(url)) return;
  found.add(url);
  const response = await agent.request({ url, timeoutMs: 10_000 });
  const links = [...(await response.text()).matchAll(/href="([^"]+)"/g)];
  await Promise.all(links.map(([, link = ""]) => visit(new URL(link, url).href)));
}

await visit(`http://localhost:${port}/1`);
console.log(`${found.size} pages by ${second.stats.madeTunnelCount} tunnels within tunnels`);

assert.equal(found.size, PAGE_COUNT);
assert.deepEqual([...targets.first], [`127.0.0.1:${inside.port}`]);
assert.deepEqual([...targets.second], ["localhost"]);
assert.ok(site.stats.openedCount <= 4);
for (const one of [agent, first, second, site]) await one.stop();
