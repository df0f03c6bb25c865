/**
 * A small HTTP server with routes, a JSON body, a file with ranges, and an orderly stop.
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { type HttpExchange, HttpServer } from "hp-socket/http";

const notes: string[] = [];
const file = fileURLToPath(new URL("../../package.json", import.meta.url));

const routes: Record<string, (exchange: HttpExchange) => unknown> = {
  "GET /": (exchange) => exchange.respond(200, { "Content-Type": "text/plain" }, "Hello, World!"),
  "GET /notes": (exchange) =>
    exchange.respond(200, { "Content-Type": "application/json" }, JSON.stringify(notes)),
  "POST /notes": async (exchange) => {
    const note = await exchange.body.json({ maxBytes: 1_000 });
    if (typeof note !== "string") exchange.respondError(422, "a note is text");
    else exchange.respond(201, { Location: `/notes/${notes.push(note)}` });
  },
  "GET /package": (exchange) => exchange.respondFile(file),
};

const server = new HttpServer({
  onRequest(exchange) {
    const route = routes[`${exchange.method} ${exchange.path}`];
    return route === undefined ? exchange.respondError(404) : route(exchange);
  },
  onHandlerError: (error) => console.log("a handler failed:", error.message),
});
await server.listen({ host: "127.0.0.1" });
const url = `http://127.0.0.1:${server.port}`;
console.log(`listening on ${url}`);

const post = (body: string) => fetch(`${url}/notes`, { method: "POST", body });
const hello = await (await fetch(url)).text();
const made = await post('"buy bread"');
const refused = [(await post("1")).status, (await post("no JSON")).status];
const list = await (await fetch(`${url}/notes`)).json();
const part = await fetch(`${url}/package`, { headers: { Range: "bytes=0-0" } });
const missing = await fetch(`${url}/missing`);
console.log(hello, made.headers.get("location"), refused, list, missing.status);

assert.equal(hello, "Hello, World!");
assert.deepEqual([made.status, ...refused], [201, 422, 400]);
assert.deepEqual(list, ["buy bread"]);
assert.deepEqual([part.status, await part.text()], [206, "{"]);
assert.equal(missing.status, 404);
console.log(await server.stop());
