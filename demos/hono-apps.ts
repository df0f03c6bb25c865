/**
 * Two applications made with Hono, on two servers: a shop with its pages, and the stock that it asks over HTTP.
 * Hono knows Request and Response of the web; the option `fetch` takes such an application as it is.
 */
import assert from "node:assert/strict";
import { Hono } from "hono";
import { HttpAgent, HttpServer } from "hp-socket/http";

const agent = new HttpAgent();
const counts = new Map([["tea", 7]]);

const stockApp = new Hono()
  .get("/items/:name", (context) => {
    const count = counts.get(context.req.param("name"));
    return count === undefined ? context.notFound() : context.json({ count });
  })
  .post("/items/:name/take", async (context) => {
    const { amount } = await context.req.json<{ amount: number }>();
    const name = context.req.param("name");
    const left = (counts.get(name) ?? 0) - amount;
    if (left < 0) return context.json({ error: "not enough" }, 409);
    counts.set(name, left);
    return context.json({ left });
  });
const stock = new HttpServer({ fetch: stockApp.fetch });
const stockUrl = `http://127.0.0.1:${(await stock.listen({ host: "127.0.0.1" })).port}`;

const shopApp = new Hono()
  .use(async (context, next) => {
    await next();
    context.header("X-Shop", "hp-socket");
  })
  .get("/", (context) => context.html("<h1>A shop</h1>"))
  .post("/orders", async (context) => {
    const { item, amount } = await context.req.json<{ item: string; amount: number }>();
    const answer = await agent.fetch(`${stockUrl}/items/${item}/take`, {
      method: "POST",
      body: JSON.stringify({ amount }),
    });
    return answer.ok
      ? context.text(`${amount} ${item} ordered`, 201)
      : context.text("sold out", 409);
  });
const shop = new HttpServer({ fetch: shopApp.fetch });
const shopUrl = `http://127.0.0.1:${(await shop.listen({ host: "127.0.0.1" })).port}`;

const page = await agent.fetch(`${shopUrl}/`);
console.log(page.status, page.headers.get("x-shop"), await page.text());
assert.equal(page.headers.get("x-shop"), "hp-socket");
const results: string[] = [];
for (const amount of [5, 5]) {
  const body = JSON.stringify({ item: "tea", amount });
  const order = await agent.fetch(`${shopUrl}/orders`, { method: "POST", body });
  results.push(`${order.status} ${await order.text()}`);
}
console.log(results.join("; "));
assert.deepEqual(results, ["201 5 tea ordered", "409 sold out"]);
assert.equal((await agent.fetch(`${stockUrl}/items/coffee`)).status, 404);

await Promise.all([shop.stop(), stock.stop(), agent.stop()]);
