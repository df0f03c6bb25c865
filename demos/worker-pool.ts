/**
 * Long work in threads. Each line is a task that would block the event loop, and with it every
 * connection; a pool of worker threads (piscina) does it. The promise of `onReceive` holds its own
 * connection back, so that answers keep the order of the questions, and each connection has one task
 * in the pool at most, however much its peer sends.
 */
import assert from "node:assert/strict";
import { isMainThread } from "node:worker_threads";
import { delimiter, TcpClient, TcpServer } from "hp-socket";
import { Piscina } from "piscina";

/** Runs in a thread of the pool. */
export function countPrimes(limit: number): number {
  const isComposite = new Uint8Array(limit + 1);
  let count = 0;
  for (let number = 2; number <= limit; number++) {
    if (isComposite[number] === 0) count++;
    for (let multiple = number * 2; multiple <= limit; multiple += number)
      isComposite[multiple] = 1;
  }
  return count;
}

async function main(): Promise<void> {
  // maxQueue bounds the tasks; there are no more of them than connections.
  const threads = { minThreads: 2, maxThreads: 2, maxQueue: 100 };
  const pool = new Piscina({ filename: import.meta.url, name: "countPrimes", ...threads });
  let deepest = 0;
  const server = new TcpServer({
    receive: delimiter(),
    maxConnections: 100,
    context: () => new AbortController(),
    async onReceive(connection, line) {
      const { signal } = connection.context;
      const task = pool.run(Number(line), { signal });
      deepest = Math.max(deepest, pool.queueSize);
      const count = await task.catch((error) => assert.ok(signal.aborted, error));
      connection.send(`${line}: ${count}`);
    },
    onClose: (connection) => connection.context.abort(), // who has gone needs no answer
  });
  const address = await server.listen({ host: "127.0.0.1" });

  const clients = Array.from({ length: 4 }, () => new TcpClient({ receive: delimiter() }));
  await Promise.all(clients.map((client) => client.connect(address)));
  // A long task first: the short ones behind it must not overtake it.
  const limits = ["2000000", "10", "1000", "100"];
  const ask = (client: TcpClient) => Promise.all(limits.map((limit) => client.request(limit)));
  const answers = await Promise.all(clients.map(ask));
  console.log(`each client got: ${answers[0]?.join(", ")}`);
  console.log(`16 tasks, ${pool.threads.length} threads; ${deepest} waited in the pool at most`);
  const wanted = "2000000: 148933, 10: 4, 1000: 168, 100: 25";
  for (const texts of answers) assert.equal(texts.join(", "), wanted);

  await Promise.all(clients.map((client) => client.stop()));
  await server.stop();
  await pool.close();
}

if (isMainThread) await main();
