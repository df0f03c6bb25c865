// Load of WebSocket messages: `websocket-load.mjs PORT CONNECTIONS SIZE DEPTH SECONDS`. Every connection keeps
// DEPTH binary messages in flight, sent as one write; what comes back is counted by bytes. It is written
// straight on node:net, and masks once, so that it costs less than what it measures.
import { connect } from "node:net";

const [port, connections, size, depth, seconds] = process.argv.slice(2).map(Number);

const HANDSHAKE = [
  "GET / HTTP/1.1",
  "Host: 127.0.0.1",
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version: 13",
].join("\r\n");

const key = Buffer.of(1, 2, 3, 4);
const isShort = size < 126;
const head = isShort ? Buffer.of(0x82, 0x80 | size) : Buffer.of(0x82, 0xfe, size >> 8, size & 255);
const payload = Buffer.alloc(size, 0x2a).map((octet, index) => octet ^ key[index % 4]);
const message = Buffer.concat([head, key, payload]);
const batch = Buffer.concat(Array.from({ length: depth }, () => message));
const backBytes = size + (isShort ? 2 : 4);

let messages = 0;
let isCounting = false;
let isOver = false;

function open() {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    let at = -1;
    socket.write(`${HANDSHAKE}\r\n\r\n`);
    socket.on("error", reject);
    socket.on("data", (bytes) => {
      if (at < 0) {
        if (!bytes.includes("\r\n\r\n")) return;
        at = 0;
        socket.write(batch);
        resolve(socket);
        return;
      }
      const end = at + bytes.length;
      const now = Math.floor(end / backBytes) - Math.floor(at / backBytes);
      if (isCounting) messages += now;
      at = end === backBytes * depth ? 0 : end;
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
const perSecond = Math.round((messages * 1_000) / (performance.now() - start));
isOver = true;
for (const socket of sockets) socket.destroy();
console.log(JSON.stringify({ perSecond }));
