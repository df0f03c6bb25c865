/**
 * Crawls several servers with one agent: follows links from page to page and from server to server,
 * every page once, with no more than two connections to each.
 */
import assert from "node:assert/strict";
import { HttpAgent, HttpServer } from "hp-socket/http";

const SERVER_COUNT = 4;
const PAGE_COUNT = 25;
const urls: string[] = [];
const mostConnections: number[] = [];

/** Page n of a server links to pages 2n and 2n + 1, and to the same page of the next server. */
function page(place: number, page: number): string {
  const links = [2 * page, 2 * page + 1]
    .filter((next) => next <= PAGE_COUNT)
    .map((next) => `<a href="/${next}">${next}</a>`);
  const neighbour = urls[(place + 1) % SERVER_COUNT];
  return `<h1>${page}</h1>${links.join("")}<a href="${neighbour}/${page}">next door</a>`;
}

const servers = Array.from({ length: SERVER_COUNT }, (_, place) => {
  const server = new HttpServer({
    onRequest(exchange) {
      mostConnections[place] = Math.max(mostConnections[place] ?? 0, server.connectionCount);
      const html = page(place, Number(exchange.path.slice(1)));
      exchange.respond(200, { "Content-Type": "text/html" }, html);
    },
  });
  return server;
});
for (const server of servers) {
  await server.listen({ host: "127.0.0.1" });
  urls.push(`http://127.0.0.1:${server.port}`);
}

const agent = new HttpAgent({ maxConnectionsPerOrigin: 2, maxQueued: 1_000 });
const found = new Set<string>();

/** Reads a page, and what it leads to. */
async function visit(url: string): Promise<void> {
  if (found.has(url)) return;
  found.add(url);
  const response = await agent.follow(url, { timeoutMs: 10_000 });
  const html = await response.text({ maxBytes: 100_000 });
  const links = [...html.matchAll(/href="([^"]+)"/g)].map(([, link = ""]) => link);
  await Promise.all(links.map((link) => visit(new URL(link, url).href)));
}

await visit(`${urls[0]}/1`);
const { requestCount, originCount, connectionCount } = agent.stats;
console.log(`${requestCount} pages of ${originCount} servers by ${connectionCount} connections`);

assert.equal(found.size, SERVER_COUNT * PAGE_COUNT);
assert.equal(requestCount, found.size);
assert.ok(mostConnections.every((count) => count <= 2));
await agent.stop();
for (const server of servers) await server.stop();
