// Echo by hp-socket: `echo-server.mjs ENGINE push|pack [borrow|copy]`. Prints `READY PORT`; a line on its input is
// answered with the memory of the process in bytes.
import { pack, push, TcpServer } from "hp-socket";
import { answerMemory } from "./memory-answer.mjs";

const [engine = "node", model = "push", delivery = "borrow"] = process.argv.slice(2);
const server = new TcpServer({
  engine,
  receive: model === "pack" ? pack({ flag: 0x169 }) : push(),
  delivery,
  maxConnections: 100_000,
  onReceive(connection, bytes) {
    connection.send(bytes);
  },
});
const { port } = await server.listen({ host: "127.0.0.1" });
console.log(`READY ${port}`);
answerMemory();
