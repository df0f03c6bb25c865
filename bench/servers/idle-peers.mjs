// Idle peers: `idle-peers.mjs PORT [open|echo|http|websocket]`. A number on its input: opens connections
// until there are so many, then answers `ok`. Each sends what its kind sends, gets the response, and is
// silent from then on.
import { connect } from "node:net";
import { createInterface } from "node:readline";

const [port, kind = "open"] = process.argv.slice(2);

const REQUEST = "GET / HTTP/1.1\r\nHost: localhost\r\n";
const UPGRADE =
  `${REQUEST}Upgrade: websocket\r\nConnection: Upgrade\r\n` +
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
/** A masked text frame of 64 bytes. */
const FRAME = Buffer.concat([Buffer.from([0x81, 0xc0, 0, 0, 0, 0]), Buffer.alloc(64, "x")]);

/** What each kind sends, one after the response to the other. */
const SENT = {
  open: [],
  echo: [Buffer.alloc(64, "x")],
  http: [`${REQUEST}\r\n`],
  websocket: [UPGRADE, FRAME],
}[kind];

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
    const socket = connect({ host: "127.0.0.1", port: Number(port) });
    let step = 0;
    const next = () => {
      if (step === SENT.length) resolve(socket);
      else socket.write(SENT[step++]);
    };
    socket.on("connect", next);
    socket.on("data", next);
    socket.on("error", reject);
  });
}
