// Idle peers with TLS: `tls-idle-peers.mjs PORT`. A number on its input: opens connections until there
// are so many, each with one echo, then answers `ok`.
import { createInterface } from "node:readline";
import { connect } from "node:tls";

const port = Number(process.argv[2]);
const sockets = [];
console.log(`READY ${port}`);
for await (const line of createInterface({ input: process.stdin })) {
  while (sockets.length < Number(line)) {
    const batch = Array.from({ length: Math.min(50, Number(line) - sockets.length) }, open);
    sockets.push(...(await Promise.all(batch)));
  }
  console.log("ok");
}

function open() {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false });
    socket.on("data", () => resolve(socket));
    socket.on("error", reject);
    socket.write("x");
  });
}
