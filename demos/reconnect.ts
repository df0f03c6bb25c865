/**
 * A client that comes back by itself: its server is restarted twice. On each connection it logs in before
 * anything else, and what it sends while there is no connection is kept and follows.
 */
import assert from "node:assert/strict";
import { delimiter, TcpClient, TcpServer } from "hp-socket";

const receive = delimiter();
const lines: string[] = [];
let received: () => void = () => {};

async function start(port: number): Promise<TcpServer> {
  const server = new TcpServer({
    receive,
    onReceive(_connection, line) {
      lines.push(line.toString());
      received();
    },
  });
  await server.listen({ host: "127.0.0.1", port });
  return server;
}

const arrivalOf = (count: number): Promise<void> =>
  new Promise((resolve) => {
    received = () => {
      if (lines.length >= count) resolve();
    };
    received();
  });

let server = await start(0);
const port = server.port as number;
const client = new TcpClient({
  receive,
  reconnect: { firstDelayMs: 20, maxDelayMs: 200, greeting: "LOGIN me", maxKeptBytes: 1_024 },
  onReceive() {},
  onReconnecting: (_client, attempt, delayMs, { code }) =>
    console.log(`client: ${code}; attempt ${attempt} in ${delayMs} ms`),
  onReconnected: (_client, attempt) => console.log(`client: back after ${attempt} attempts`),
});
await client.connect({ port });
client.send("measurement 0");
await arrivalOf(2);

for (const round of [1, 2]) {
  await server.stop({ drainMs: 0 });
  while (!client.isReconnecting) await new Promise(setImmediate);
  assert.equal(client.send(`measurement ${round}`), "slow", "kept for the next connection");
  server = await start(port);
  await arrivalOf(2 + 2 * round);
}

console.log(`server: ${lines.join(", ")}`);
assert.deepEqual(
  lines,
  [0, 1, 2].flatMap((round) => ["LOGIN me", `measurement ${round}`]),
);
await Promise.all([client.stop(), server.stop()]);
