// The forward proxy that one writes with node:http: an agent that keeps its connections, and two pipes.
// Prints `READY PORT`.
import { Agent, createServer, request } from "node:http";

const agent = new Agent({ keepAlive: true, maxSockets: 64 });
const HOP_FIELDS = ["connection", "keep-alive", "proxy-connection", "te", "transfer-encoding"];

const server = createServer((incoming, response) => {
  const { hostname, port, pathname, search } = new URL(incoming.url);
  const headers = { ...incoming.headers, via: "1.1 node" };
  for (const name of HOP_FIELDS) delete headers[name];
  const path = pathname + search;
  const options = { agent, hostname, port, path, method: incoming.method, headers };
  const outgoing = request(options, (answer) => {
    response.writeHead(answer.statusCode, { ...answer.headers, via: "1.1 node" });
    answer.pipe(response);
  });
  outgoing.on("error", () => response.destroy());
  // A client that leaves in the middle would keep one of the agent's connections for ever.
  response.on("close", () => response.writableFinished || outgoing.destroy());
  incoming.pipe(outgoing);
});
server.keepAliveTimeout = 600_000;
server.listen(0, "127.0.0.1", () => console.log(`READY ${server.address().port}`));
