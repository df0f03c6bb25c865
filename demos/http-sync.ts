/**
 * Asking and waiting: an HTTP client whose calls return with the answer. The server runs in a thread of
 * its own, since this one sleeps while it asks.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { NetError } from "hp-socket";
import { CookieStore, HttpServer, HttpSyncClient } from "hp-socket/http";

if (isMainThread) await ask();
else await serve();

async function serve(): Promise<void> {
  const server = new HttpServer({
    async onRequest(exchange) {
      if (exchange.path === "/silence") await new Promise(() => undefined);
      const visits =
        Number(/visits=(\d+)/.exec(exchange.headers.get("cookie") ?? "")?.[1] ?? 0) + 1;
      const headers = { "Set-Cookie": `visits=${visits}`, "Content-Type": "application/json" };
      exchange.respond(200, headers, JSON.stringify({ visits, said: await exchange.body.text() }));
    },
  });
  await server.listen({ host: "127.0.0.1" });
  parentPort?.postMessage(`http://127.0.0.1:${server.port}`);
}

async function ask(): Promise<void> {
  const thread = new Worker(new URL(import.meta.url));
  const [url] = (await once(thread, "message")) as [string];
  const events: string[] = [];
  const client = new HttpSyncClient({
    cookies: new CookieStore(),
    requestTimeoutMs: 200,
    listener: {
      onConnect: () => events.push("connected"),
      onStatusLine: (status) => events.push(`status ${status}`),
      onClose: ({ code }) => events.push(`closed: ${code}`),
    },
  });

  const first = client.openUrl("POST", `${url}/`, {}, "hello");
  const second = client.get("/again");
  console.log(first.status, first.json(), second.json());
  assert.deepEqual(first.json(), { visits: 1, said: "hello" });
  assert.deepEqual(second.json(), { visits: 2, said: "" });

  assert.throws(
    () => client.get("/silence"),
    (error) => {
      return error instanceof NetError && error.code === "REQUEST_TIMEOUT";
    },
  );
  console.log("no answer in time; asking once more:", client.get("/").json());
  console.log(events.join(", "));
  assert.equal(events.filter((event) => event === "connected").length, 2);

  client.close();
  await thread.terminate();
}
