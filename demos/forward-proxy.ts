/**
 * A forward proxy that counts how often it has used an upstream connection again: fifty requests of ten clients need
 * no more than ten of them.
 */
import assert from "node:assert/strict";
import { HttpAgent, HttpServer } from "hp-socket/http";
import { ProxyServer } from "hp-socket/proxy";

const origin = new HttpServer({ onRequest: (exchange) => exchange.respond(200, {}, "hello") });
const { port } = await origin.listen({ host: "127.0.0.1" });

const proxy = new ProxyServer({ destinations: { allow: ["127.0.0.1"] } });
const { port: proxyPort } = await proxy.listen();

await Promise.all(
  Array.from({ length: 10 }, async () => {
    const client = new HttpAgent({ proxy: `http://127.0.0.1:${proxyPort}` });
    for (let count = 0; count < 5; count++) {
      const response = await client.request({ url: `http://127.0.0.1:${port}/` });
      assert.equal(await response.text(), "hello");
    }
    await client.stop();
  }),
);

const { requestCount, reusedCount } = proxy.stats;
console.log(`${requestCount} requests, ${reusedCount} over connections that were there`);
assert.ok(origin.stats.openedCount <= 10);
assert.equal(reusedCount, requestCount - origin.stats.openedCount);
await proxy.stop();
await origin.stop();
