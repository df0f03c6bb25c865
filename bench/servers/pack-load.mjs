// Load of pack packets: `pack-load.mjs PORT CONNECTIONS SIZE DEPTH SECONDS`. Every connection keeps
// DEPTH packets in flight, sent as one write; what comes back is counted by bytes and compared by block.
// It is written straight on node:net so that it costs less than what it measures.
import { connect } from "node:net";

const [port, connections, size, depth, seconds] = process.argv.slice(2).map(Number);
const frame = Buffer.alloc(4 + size, 0x2a);
frame.writeUInt32LE(((0x169 << 22) | size) >>> 0, 0);
const batch = Buffer.concat(Array.from({ length: depth }, () => frame));
const twice = Buffer.concat([batch, batch]);

let packets = 0;
let count = 0;
let isCounting = false;
let isOver = false;

function open() {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    let at = 0;
    socket.on("connect", () => {
      socket.write(batch);
      resolve(socket);
    });
    socket.on("error", reject);
    socket.on("data", (bytes) => {
      const before = at;
      const end = at + bytes.length;
      if (end > batch.length || bytes.compare(twice, at, end) !== 0) {
        console.error("a wrong byte came back");
        process.exit(1);
      }
      at = end === batch.length ? 0 : end;
      const now = Math.floor(end / frame.length) - Math.floor(before / frame.length);
      count += now;
      if (isCounting) packets += now;
      if (at === 0 && !isOver) socket.write(batch);
    });
  });
}

const sockets = await Promise.all(Array.from({ length: connections }, open));
await new Promise((resolve) => setTimeout(resolve, 300));
isCounting = true;
const start = performance.now();
await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
isCounting = false;
const perSecond = Math.round((packets * 1_000) / (performance.now() - start));
isOver = true;
for (const socket of sockets) socket.destroy();
console.log(JSON.stringify({ perSecond, count }));
