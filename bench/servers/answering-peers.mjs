// Peers that send back what they get, and nothing else: `answering-peers.mjs PORT`. A number on its input: opens connections
// until there are so many, then answers `ok`.
import { connect } from "node:net";
import { createInterface } from "node:readline";

const [port] = process.argv.slice(2);
const sockets = [];
console.log(`READY ${port}`);
for await (const line of createInterface({ input: process.stdin })) {
  while (sockets.length < Number(line)) {
    const batch = Array.from({ length: Math.min(200, Number(line) - sockets.length) }, open);
    sockets.push(...(await Promise.all(batch)));
  }
  console.log("ok");
}

function open() {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port: Number(port) }, () => resolve(socket));
    socket.on("data", (bytes) => socket.write(bytes));
    socket.on("error", reject);
  });
}
