// Loads a TLS server by node:tls alone, and prints how many of what were done:
//   tls-load.mjs echo PORT SECONDS CONNECTIONS SIZE DEPTH      messages
//   tls-load.mjs full|resumed PORT SECONDS                     handshakes, each with one echo
import { connect } from "node:tls";

const [mode, ...numbers] = process.argv.slice(2);
const [port, seconds, connections, size, depth] = numbers.map(Number);
const AT_ONCE = 16;

function open(session) {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, rejectUnauthorized: false, session };
    const socket = connect(options, () => resolve(socket));
    socket.setNoDelay(true);
    socket.on("error", reject);
  });
}

async function echo() {
  const message = Buffer.alloc(size, "x");
  const sockets = await Promise.all(Array.from({ length: connections }, () => open()));
  let receivedBytes = 0;
  const startMs = performance.now();
  for (const socket of sockets) {
    let partialBytes = 0;
    socket.on("data", (bytes) => {
      receivedBytes += bytes.length;
      partialBytes += bytes.length;
      const count = Math.floor(partialBytes / size);
      partialBytes -= count * size;
      if (count === 1) socket.write(message);
      else if (count > 1) socket.write(Buffer.alloc(count * size, "x"));
    });
    socket.write(Buffer.alloc(size * depth, "x"));
  }
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  const perSecond = receivedBytes / size / ((performance.now() - startMs) / 1_000);
  return { count: receivedBytes / size, perSecond };
}

function visit(session) {
  return new Promise((resolve, reject) => {
    let ticket = session;
    const options = { host: "127.0.0.1", port, rejectUnauthorized: false, session };
    const socket = connect(options);
    socket.on("session", (given) => {
      ticket = given;
    });
    socket.on("error", reject);
    socket.on("data", () => {
      if (session !== undefined && !socket.isSessionReused()) reject(new Error("not resumed"));
      socket.destroy();
      resolve(ticket);
    });
    socket.write("x");
  });
}

async function handshakes() {
  const endMs = performance.now() + seconds * 1_000;
  let count = 0;
  async function worker() {
    let session = mode === "resumed" ? await visit() : undefined;
    while (performance.now() < endMs) {
      const next = await visit(session);
      if (mode === "resumed") session = next;
      count++;
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return { count, perSecond: count / seconds };
}

console.log(JSON.stringify(await (mode === "echo" ? echo() : handshakes())));
process.exit(0);
