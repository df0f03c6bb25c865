// Echo over TLS, by node:tls alone or by hp-socket: `tls-server.mjs raw|hp`. Prints `READY PORT`; the
// line `cpu` is answered with the processor time used so far in microseconds, any other with the memory.
import { createInterface } from "node:readline";
import { createServer } from "node:tls";
import { TcpServer } from "hp-socket";
import { selfSignedCertificate } from "hp-socket/testing";

const { cert, key } = selfSignedCertificate();

function startRaw() {
  const server = createServer({ cert, key, noDelay: true }, (socket) => {
    socket.on("error", () => {});
    socket.on("data", (bytes) => socket.write(bytes));
  });
  server.on("tlsClientError", () => {});
  return new Promise((resolve) => {
    server.listen({ host: "127.0.0.1", port: 0, backlog: 4_096 }, () =>
      resolve(server.address().port),
    );
  });
}

async function startOurs() {
  const server = new TcpServer({
    tls: { cert, key },
    delivery: "borrow",
    maxConnections: 100_000,
    onReceive(connection, bytes) {
      connection.send(bytes);
    },
  });
  return (await server.listen({ host: "127.0.0.1" })).port;
}

const port = process.argv[2] === "raw" ? await startRaw() : await startOurs();
createInterface({ input: process.stdin }).on("line", (line) => {
  if (line === "cpu") {
    const { user, system } = process.cpuUsage();
    console.log(JSON.stringify({ cpu: user + system }));
    return;
  }
  for (let round = 0; round < 4; round++) globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  console.log(JSON.stringify({ rss, heapUsed }));
});
console.log(`READY ${port}`);
