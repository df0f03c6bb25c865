// Connects, sends, takes the echo and resets, over and over: `accept-load.mjs PORT SECONDS`. A reset
// leaves no port behind that would have to wait.
import { connect } from "node:net";

const [port, seconds] = process.argv.slice(2).map(Number);
const end = performance.now() + seconds * 1_000;
let count = 0;

function once() {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    socket.on("error", reject);
    socket.on("data", () => socket.resetAndDestroy());
    socket.on("close", () => resolve());
    socket.write("x");
  });
}

async function worker() {
  while (performance.now() < end) {
    await once();
    count++;
  }
}

await Promise.all(Array.from({ length: 64 }, worker));
console.log(JSON.stringify({ perSecond: Math.round(count / seconds), count }));
