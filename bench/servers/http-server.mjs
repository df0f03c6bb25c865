// "Hello, World!", 1 MiB at /large and a body read whole at POST, by hp-socket: `http-server.mjs ENGINE`.
// Prints `READY PORT`.
import { HttpServer } from "hp-socket/http";
import { answerMemory } from "./memory-answer.mjs";

const [engine = "node"] = process.argv.slice(2);
const large = Buffer.alloc(1_048_576, "x");
const headers = { "Content-Type": "text/plain" };
const server = new HttpServer({
  engine,
  maxConnections: 100_000,
  keepAliveTimeoutMs: 600_000,
  onRequest(exchange) {
    if (exchange.method === "POST") return readWhole(exchange);
    if (exchange.target === "/large") exchange.respond(200, headers, large);
    else exchange.respond(200, headers, "Hello, World!");
    return undefined;
  },
});

async function readWhole(exchange) {
  const body = await exchange.bytes();
  exchange.respond(200, headers, String(body.length));
}

const { port } = await server.listen({ host: "127.0.0.1" });
console.log(`READY ${port}`);
answerMemory();
