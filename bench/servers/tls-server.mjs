// A server over TLS by node:tls and node:https alone, by hp-socket, by Bun, or by uWebSockets.js:
// `tls-server.mjs raw|hp|bun|uws echo|https`, `uws` with https alone. Prints `READY PORT`; the line `cpu` is answered with the processor time used so far in
// microseconds, any other with the memory. CERT and KEY are files.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const [name, kind] = process.argv.slice(2);
const cert = readFileSync(process.env.CERT);
const key = readFileSync(process.env.KEY);
const HELLO = "Hello, World!";
const HEADERS = { "Content-Type": "text/plain", "Content-Length": HELLO.length };

const STARTS = {
  "raw echo": async () => {
    const { createServer } = await import("node:tls");
    const server = createServer({ cert, key, noDelay: true }, (socket) => {
      socket.on("error", () => {});
      socket.on("data", (bytes) => socket.write(bytes));
    });
    return await listening(server);
  },
  "raw https": async () => {
    const { createServer } = await import("node:https");
    return await listening(
      createServer({ cert, key }, (_request, response) => {
        response.writeHead(200, HEADERS);
        response.end(HELLO);
      }),
    );
  },
  "hp echo": async () => {
    const { TcpServer } = await import("hp-socket");
    const server = new TcpServer({
      tls: { cert, key },
      delivery: "borrow",
      maxConnections: 100_000,
      onReceive(connection, bytes) {
        connection.send(bytes);
      },
    });
    return (await server.listen({ host: "127.0.0.1" })).port;
  },
  "hp https": async () => {
    const { HttpServer } = await import("hp-socket/http");
    const server = new HttpServer({
      tls: { cert, key },
      maxConnections: 100_000,
      onRequest(exchange) {
        exchange.respond(200, { "Content-Type": "text/plain" }, HELLO);
      },
    });
    return (await server.listen({ host: "127.0.0.1" })).port;
  },
  "uws https": async () => {
    const { default: uws } = await import("uwebsockets");
    const { CERT: cert_file_name, KEY: key_file_name } = process.env;
    const app = uws.SSLApp({ cert_file_name, key_file_name });
    app.get("/*", (response) => response.writeHeader("Content-Type", "text/plain").end(HELLO));
    return await new Promise((resolve) => {
      app.listen("127.0.0.1", 0, (socket) => resolve(uws.us_socket_local_port(socket)));
    });
  },
  "bun echo": () =>
    Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      tls: { cert, key },
      socket: {
        open(socket) {
          socket.data = [];
        },
        data(socket, bytes) {
          sendFrom(socket, Buffer.from(bytes));
        },
        drain(socket) {
          const waiting = socket.data.splice(0);
          for (const bytes of waiting) sendFrom(socket, bytes);
        },
      },
    }).port,
  "bun https": () =>
    Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      tls: { cert, key },
      fetch: () => new Response(HELLO, { headers: { "Content-Type": "text/plain" } }),
    }).port,
};

/** Bun takes what it can of a piece. */
function sendFrom(socket, bytes) {
  if (socket.data.length > 0) {
    socket.data.push(bytes);
    return;
  }
  const taken = socket.write(bytes);
  if (taken >= 0 && taken < bytes.length) socket.data.push(bytes.subarray(taken));
}

async function listening(server) {
  server.on("tlsClientError", () => {});
  await new Promise((resolve) => {
    server.listen({ host: "127.0.0.1", port: 0, backlog: 4_096 }, resolve);
  });
  return server.address().port;
}

const port = await STARTS[`${name} ${kind}`]();
createInterface({ input: process.stdin }).on("line", (line) => {
  if (line === "cpu") {
    const { user, system } = process.cpuUsage();
    console.log(JSON.stringify({ cpu: user + system }));
    return;
  }
  for (let round = 0; round < 4; round++) globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  console.log(JSON.stringify({ rss, heapUsed }));
});
console.log(`READY ${port}`);
