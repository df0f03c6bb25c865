/**
 * A process of plain peers, for tests with more connections than one process has descriptors for.
 * `node many-peers.js PORT COUNT`: at each line of its input it opens COUNT connections, sends a number of its own on
 * each and compares the echo, and says `ready`; at the next it closes all, and says `done`.
 */
import { connect, type Socket } from "node:net";
import process from "node:process";
import { createInterface } from "node:readline";

const port = Number(process.argv[2]);
const count = Number(process.argv[3]);
const AT_ONCE = 200;

function open(index: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.on("error", reject);
    socket.write(`peer ${index};`);
    socket.once("data", (echo) => {
      if (String(echo) === `peer ${index};`) resolve(socket);
      else reject(new Error(`wrong echo: ${echo}`));
    });
  });
}

function close(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.on("close", () => resolve());
    socket.end();
  });
}

let sockets: Socket[] = [];
for await (const _line of createInterface(process.stdin)) {
  if (sockets.length > 0) {
    await Promise.all(sockets.map(close));
    sockets = [];
    console.log("done");
    continue;
  }
  while (sockets.length < count) {
    const length = Math.min(AT_ONCE, count - sockets.length);
    const batch = Array.from({ length }, (_, at) => open(sockets.length + at));
    sockets.push(...(await Promise.all(batch)));
  }
  console.log("ready");
}
