// Echo by node:net alone: `raw-net-server.mjs echo|frames|accept`. `frames` takes 4-byte length heads
// as pack has them and writes each frame by itself, as programs without a framework do.
import { createServer } from "node:net";
import { answerMemory } from "./memory-answer.mjs";

const mode = process.argv[2] ?? "echo";

function echoFrames(socket) {
  let rest = Buffer.alloc(0);
  socket.on("data", (bytes) => {
    let data = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    while (data.length >= 4) {
      const end = 4 + (data.readUInt32LE(0) & 0x3fffff);
      if (data.length < end) break;
      socket.write(data.subarray(0, end));
      data = data.subarray(end);
    }
    rest = data;
  });
}

const server = createServer({ noDelay: true }, (socket) => {
  socket.on("error", () => {});
  if (mode === "frames") echoFrames(socket);
  else socket.on("data", (bytes) => socket.write(bytes));
});
server.listen({ host: "127.0.0.1", port: 0, backlog: 4_096 }, () => {
  console.log(`READY ${server.address().port}`);
  answerMemory();
});
