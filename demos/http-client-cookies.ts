/**
 * A client that logs in, keeps what the server sets, and goes on as another one: both share a store,
 * which is saved and read again as a program does between two of its runs.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CookieStore, HttpAgent, HttpClient, HttpServer } from "hp-socket/http";

const server = new HttpServer({
  onRequest(exchange) {
    const cookie = exchange.headers.get("cookie") ?? "";
    if (exchange.path === "/login") {
      const fields = {
        "Set-Cookie": ["session=42; HttpOnly; Max-Age=600", "theme=dark; Path=/ui"],
      };
      exchange.respond(303, { ...fields, Location: "/home" });
    } else if (exchange.path === "/logout") {
      exchange.respond(204, { "Set-Cookie": "session=; Max-Age=0" });
    } else {
      exchange.respond(200, {}, cookie.includes("session=42") ? "welcome back" : "who are you?");
    }
  },
});
await server.listen({ host: "127.0.0.1" });
const url = `http://127.0.0.1:${server.port}`;

const cookies = new CookieStore();
const agent = new HttpAgent({ cookies });
const before = await (await agent.fetch(url)).text();
const login = await agent.fetch(`${url}/login`, { method: "POST", body: "me" });
const home = await login.text();
console.log(`${before} → ${home}, with ${cookies.cookieHeader(url)}`);
await agent.stop();

const folder = await mkdtemp(join(tmpdir(), "hp-socket-cookies-"));
await cookies.saveFile(join(folder, "cookies.txt"));
const later = new CookieStore();
await later.loadFile(join(folder, "cookies.txt"));
await rm(folder, { recursive: true });

const client = new HttpClient({ cookies: later });
await client.connect(url);
const again = await (await client.get("/home")).text();
const inUi = later.cookiesFor(`${url}/ui`).map(({ name }) => name);
await client.get("/logout");
const after = await (await client.get("/home")).text();
console.log(`later: ${again}; in /ui: ${inUi}; logged out: ${after}`);

assert.deepEqual([before, home], ["who are you?", "welcome back"]);
assert.equal(new URL(login.url).pathname, "/home");
assert.deepEqual([again, after], ["welcome back", "who are you?"]);
// The theme has no age: a cookie of the session, which no file keeps.
assert.deepEqual(inUi, ["session"]);
await client.stop();
await server.stop();
