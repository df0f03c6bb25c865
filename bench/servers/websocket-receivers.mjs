// Receivers of a broadcast: `websocket-receivers.mjs PORT COUNT SECONDS PID`. One of them sends 64 B, which the
// server sends to all; when all have it, the next. Answers deliveries for each second of the server's
// processor time. Straight on node:net, so that 5,000 of them cost little.
import { connect } from "node:net";
import { processorSeconds } from "../lib/processor-time.mjs";

const [port, count, seconds, pid] = process.argv.slice(2).map(Number);
const SIZE = 64;

const HANDSHAKE = [
  "GET / HTTP/1.1",
  "Host: 127.0.0.1",
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version: 13",
].join("\r\n");

const key = Buffer.of(1, 2, 3, 4);
const payload = Buffer.alloc(SIZE, 0x2a).map((octet, index) => octet ^ key[index % 4]);
const message = Buffer.concat([Buffer.of(0x82, 0x80 | SIZE), key, payload]);
const frameBytes = SIZE + 2;

let missing = 0;
let deliveries = 0;
let isOver = false;

function open() {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    let isOpen = false;
    socket.write(`${HANDSHAKE}\r\n\r\n`);
    socket.on("error", reject);
    socket.on("data", (bytes) => {
      if (!isOpen) {
        isOpen = bytes.includes("\r\n\r\n");
        if (isOpen) resolve(socket);
        return;
      }
      deliveries += bytes.length / frameBytes;
      missing -= bytes.length;
      if (missing <= 0 && !isOver) again();
    });
  });
}

const sockets = [];
for (let at = 0; at < count; at += 100) {
  sockets.push(...(await Promise.all(Array.from({ length: 100 }, open))));
}

function again() {
  missing = count * frameBytes;
  sockets[0].write(message);
}

again();
await new Promise((resolve) => setTimeout(resolve, 500));
const before = processorSeconds(pid);
deliveries = 0;
await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
const perProcessorSecond = Math.round(deliveries / (processorSeconds(pid) - before));
isOver = true;
for (const socket of sockets) socket.destroy();
console.log(JSON.stringify({ perProcessorSecond }));
