// A WebSocket echo by hp-socket or a peer: `websocket-server.mjs ENGINE|ws|uws`. Prints `READY PORT`.
import { answerMemory } from "./memory-answer.mjs";

const [subject = "node"] = process.argv.slice(2);

async function ws() {
  const { WebSocketServer } = await import("ws");
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
  server.on("connection", (socket) => {
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  await new Promise((resolve) => server.on("listening", resolve));
  return server.address().port;
}

async function uws() {
  const { default: library } = await import("uwebsockets");
  const options = { message: (socket, data, isBinary) => socket.send(data, isBinary) };
  return new Promise((resolve) => {
    library
      .App()
      .ws("/*", options)
      .listen("127.0.0.1", 0, (socket) => resolve(library.us_socket_local_port(socket)));
  });
}

async function ours(engine) {
  const { WebSocketServer } = await import("hp-socket/websocket");
  const onMessage = (socket, data) => socket.send(data);
  const http = { maxConnections: 100_000 };
  const server = new WebSocketServer({ engine, http, onMessage });
  return (await server.listen({ host: "127.0.0.1" })).port;
}

const starters = { ws, uws };
console.log(`READY ${await (starters[subject] ?? (() => ours(subject)))()}`);
answerMemory();
