// Idle peers: `idle-peers.mjs PORT`. A number on its input: opens connections until there are so
// many, then answers `ok`.
import { connect } from "node:net";
import { createInterface } from "node:readline";

const port = Number(process.argv[2]);
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
    const socket = connect({ host: "127.0.0.1", port });
    socket.on("connect", () => resolve(socket));
    socket.on("error", reject);
  });
}
