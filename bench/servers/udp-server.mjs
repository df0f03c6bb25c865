// UDP echo: `udp-server.mjs dgram|ENGINE`. Prints `READY PORT`; a line on its input is answered with the memory of
// the process in bytes.
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { UdpServer } from "hp-socket/udp";
import { answerMemory } from "./memory-answer.mjs";

const [kind = "dgram"] = process.argv.slice(2);
const receiveBufferBytes = 4 << 20;

async function plain() {
  const socket = createSocket({ type: "udp4", recvBufferSize: receiveBufferBytes });
  socket.on("message", (bytes, from) => socket.send(bytes, from.port, from.address));
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket.address();
}

let server;

async function ours() {
  server = new UdpServer({
    engine: kind,
    delivery: "borrow",
    receiveBufferBytes,
    maxConnections: 100_000,
    maxNewPerSecond: 0,
    onReceive(connection, bytes) {
      connection.send(bytes);
    },
  });
  return server.listen({ host: "127.0.0.1" });
}

const { port } = await (kind === "dgram" ? plain() : ours());
console.log(`READY ${port}`);
answerMemory(() => ({ connectionCount: server?.connectionCount ?? 0 }));
