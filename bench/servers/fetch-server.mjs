// The application of fetch-app.mjs by hp-socket: `fetch-server.mjs ENGINE [light]`; by
// @hono/node-server: `fetch-server.mjs hono`; by Bun: `bun fetch-server.mjs bun`. Prints `READY PORT`.
import { app } from "./fetch-app.mjs";

const [name, kind] = process.argv.slice(2);
console.log(`READY ${await listen()}`);

async function listen() {
  if (name === "bun") {
    return globalThis.Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: app.fetch }).port;
  }
  if (name === "hono") {
    const { serve } = await import("@hono/node-server");
    return new Promise((resolve) => {
      serve({ hostname: "127.0.0.1", port: 0, fetch: app.fetch }, ({ port }) => resolve(port));
    });
  }
  const { HttpServer, installLightClasses } = await import("hp-socket/http");
  if (kind === "light") installLightClasses();
  const server = new HttpServer({ engine: name, fetch: app.fetch });
  return (await server.listen({ host: "127.0.0.1" })).port;
}
