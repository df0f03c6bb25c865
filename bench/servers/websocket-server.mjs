// A WebSocket server by hp-socket or a peer: `websocket-server.mjs ENGINE|ws|uws|bun [plain|deflate|broadcast] [borrow|copy]`.
// plain: an echo; deflate: one that compresses, each library at its own settings; broadcast: what one sends goes
// to all. Prints `READY PORT`.
import { answerMemory } from "./memory-answer.mjs";

const [subject = "node", mode = "plain", delivery = "copy"] = process.argv.slice(2);
const deflates = mode === "deflate";
const publishes = mode === "broadcast";

async function ws() {
  const { WebSocketServer } = await import("ws");
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: deflates });
  server.on("connection", (socket) => {
    socket.on("message", (data, isBinary) => {
      if (!publishes) socket.send(data, { binary: isBinary });
      else for (const one of server.clients) one.send(data, { binary: isBinary });
    });
  });
  await new Promise((resolve) => server.on("listening", resolve));
  return server.address().port;
}

async function uws() {
  const { default: library } = await import("uwebsockets");
  const app = library.App();
  const options = {
    maxPayloadLength: 1_048_576,
    compression: deflates ? library.SHARED_COMPRESSOR : library.DISABLED,
    open: (socket) => socket.subscribe("all"),
    message: (socket, data, isBinary) => {
      if (publishes) app.publish("all", data, isBinary);
      else socket.send(data, isBinary, deflates);
    },
  };
  return new Promise((resolve) => {
    app
      .ws("/*", options)
      .listen("127.0.0.1", 0, (socket) => resolve(library.us_socket_local_port(socket)));
  });
}

function bun() {
  const server = globalThis.Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request, self) => (self.upgrade(request) ? undefined : new Response("no")),
    websocket: {
      perMessageDeflate: deflates,
      open: (socket) => socket.subscribe("all"),
      message: (socket, data) => {
        if (publishes) server.publish("all", data);
        else socket.send(data, deflates);
      },
    },
  });
  return server.port;
}

async function ours(engine) {
  const { WebSocketServer } = await import("hp-socket/websocket");
  const server = new WebSocketServer({
    engine,
    http: { maxConnections: 100_000 },
    compression: deflates,
    delivery,
    ...(publishes && { onOpen: (socket) => void socket.subscribe("all") }),
    onMessage: publishes
      ? (_socket, data) => void server.publish("all", data)
      : (socket, data) => socket.send(data),
  });
  return (await server.listen({ host: "127.0.0.1" })).port;
}

const starters = { ws, uws, bun };
console.log(`READY ${await (starters[subject] ?? (() => ours(subject)))()}`);
answerMemory();
