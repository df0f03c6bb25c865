/**
 * The web's own face: an application is a function from Request to Response, and runs unchanged
 * wherever that is understood.
 */
import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { HttpServer } from "hp-socket/http";

const signs = new EventEmitter();

/** The application: knows nothing of the server. */
async function application(request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  if (pathname === "/hello") return new Response(`Hello, ${searchParams.get("name") ?? "you"}!`);
  if (pathname === "/upper") {
    const upper = new TransformStream<Uint8Array, string>({
      transform: (chunk, controller) =>
        controller.enqueue(Buffer.from(chunk).toString("utf8").toUpperCase()),
    });
    return new Response(request.body?.pipeThrough(upper).pipeThrough(new TextEncoderStream()));
  }
  if (pathname === "/slow") {
    signs.emit("arrived");
    await once(request.signal, "abort");
    console.log("application: the client has gone, and so do I");
    signs.emit("left");
  }
  return Response.json({ error: "nothing here" }, { status: 404 });
}

await using server = new HttpServer({ fetch: application });
await server.listen({ host: "127.0.0.1" });
const url = `http://127.0.0.1:${server.port}`;

const hello = await (await fetch(`${url}/hello?name=world`)).text();
const upper = await (await fetch(`${url}/upper`, { method: "POST", body: "shout" })).text();
const missing = await fetch(`${url}/`);
console.log(hello, upper, missing.status, await missing.json());

const controller = new AbortController();
const slow = fetch(`${url}/slow`, { signal: controller.signal });
await once(signs, "arrived");
const left = once(signs, "left");
controller.abort();
await slow.catch((error: Error) => console.log("client:", error.name));
await left;

assert.equal(hello, "Hello, world!");
assert.equal(upper, "SHOUT");
assert.equal(missing.status, 404);
