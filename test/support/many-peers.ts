/**
 * A process of plain peers, for tests with more connections than one process has descriptors for.
 * `node many-peers.js PORT COUNT`: opens COUNT connections, sends its own number on each and compares
 * the echo, says `ready`, waits for a line on its input, closes all, says `done`.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import process from "node:process";

const port = Number(process.argv[2]);
const count = Number(process.argv[3]);
const AT_ONCE = 200;

async function open(index: number): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port });
  await once(socket, "connect");
  socket.write(`peer ${index};`);
  const [echo] = await once(socket, "data");
  if (String(echo) !== `peer ${index};`) throw new Error(`wrong echo: ${echo}`);
  return socket;
}

const sockets: Socket[] = [];
while (sockets.length < count) {
  const batch = Array.from({ length: Math.min(AT_ONCE, count - sockets.length) }, (_, at) =>
    open(sockets.length + at),
  );
  sockets.push(...(await Promise.all(batch)));
}
console.log("ready");
await once(process.stdin, "data");
await Promise.all(
  sockets.map((socket) => {
    const closed = once(socket, "close");
    socket.end();
    return closed;
  }),
);
console.log("done");
process.stdin.destroy();
