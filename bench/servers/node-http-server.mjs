// The same as http-server.mjs by node:http alone. Prints `READY PORT`.
import { createServer } from "node:http";
import { answerMemory } from "./memory-answer.mjs";

const large = Buffer.alloc(1_048_576, "x");

const server = createServer((request, response) => {
  if (request.method === "POST") readWhole(request, response);
  else answer(response, request.url === "/large" ? large : "Hello, World!");
});

function readWhole(request, response) {
  const pieces = [];
  request.on("data", (bytes) => pieces.push(bytes));
  request.on("end", () => answer(response, String(Buffer.concat(pieces).length)));
}

function answer(response, body) {
  response.writeHead(200, {
    "Content-Type": "text/plain",
    "Content-Length": Buffer.byteLength(body),
  });
  response.end(body);
}

server.listen({ host: "127.0.0.1", port: 0, backlog: 4_096 }, () => {
  console.log(`READY ${server.address().port}`);
});
server.keepAliveTimeout = 600_000;
answerMemory();
