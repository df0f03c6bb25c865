/** A JSON API with sessions kept by cookies, files, compressed responses and an access log. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { accessLog, CookieStore, HttpAgent, type HttpExchange, HttpServer } from "hp-socket/http";

const sessions = new Map<string, string[]>();
const file = fileURLToPath(new URL("../../CHANGELOG.md", import.meta.url));
const notesOf = ({ cookies }: HttpExchange) => sessions.get(cookies.get("session") ?? "");

const routes: Record<string, (exchange: HttpExchange) => unknown> = {
  "POST /login"(exchange) {
    const id = randomBytes(18).toString("base64url");
    sessions.set(id, []);
    exchange.setCookie("session", id, { maxAgeSeconds: 3_600, sameSite: "strict" });
    exchange.respond(204);
  },
  "POST /logout"(exchange) {
    sessions.delete(exchange.cookies.get("session") ?? "");
    exchange.clearCookie("session");
    exchange.respondRedirect(303, "/notes");
  },
  async "POST /notes"(exchange) {
    const count = notesOf(exchange)?.push(String(await exchange.json({ maxBytes: 10_000 })));
    exchange.respondJson(count === undefined ? 401 : 201, { count });
  },
  "GET /notes"(exchange) {
    const notes = notesOf(exchange);
    exchange.respondJson(notes === undefined ? 401 : 200, notes ?? { error: "log in first" });
  },
  "GET /changes": (exchange) => exchange.respondFile(file),
};

const lines: string[] = [];
const server = new HttpServer({
  compression: true,
  onRequest: (exchange) =>
    (routes[`${exchange.method} ${exchange.path}`] ?? (() => exchange.respondError(404)))(exchange),
  onResponseComplete: accessLog({ write: (line) => lines.push(line) }),
});
await server.listen({ host: "127.0.0.1" });

const agent = new HttpAgent({ cookies: new CookieStore() });
const headers = { "Content-Type": "application/json", "Accept-Encoding": "gzip" };
const ask = async (method: string, path: string, body?: string) => {
  const url = `http://127.0.0.1:${server.port}${path}`;
  return agent.follow(url, { method, headers, ...(body !== undefined && { body }) });
};
const statuses = [(await ask("GET", "/notes")).status, (await ask("POST", "/login")).status];
for (const body of ['"bread"', "no JSON"])
  statuses.push((await ask("POST", "/notes", body)).status);
const notes = await (await ask("GET", "/notes")).json();
const changes = await ask("GET", "/changes");
const coding = changes.headers.get("content-encoding");
statuses.push((await ask("POST", "/logout")).status);
console.log(statuses, notes, coding, (await changes.text()).length, "characters");
await Promise.all([agent.stop(), server.stop()]);
console.log(lines.join(""));
assert.deepEqual([statuses, notes, coding], [[401, 204, 201, 400, 401], ["bread"], "gzip"]);
assert.match(lines[0] ?? "", /"GET \/notes HTTP\/1\.1" 401/);
