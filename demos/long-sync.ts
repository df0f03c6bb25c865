/**
 * Template: synchronous, long. One connection for many exchanges, one after the other: ask, wait,
 * ask again. The connection is made again when it has been lost in between.
 */
import assert from "node:assert/strict";
import { lengthPrefix, TcpClient, TcpServer } from "hp-socket";

const messages = lengthPrefix({ format: "uint-be", bytes: 2 });

const server = new TcpServer<Buffer, { total: number }>({
  receive: messages,
  idleTimeoutMs: 60_000,
  context: () => ({ total: 0 }),
  onReceive(connection, number) {
    connection.context.total += Number(number.toString());
    connection.send(String(connection.context.total));
  },
});
const address = await server.listen({ host: "127.0.0.1" });

const client = new TcpClient({ receive: messages, requestTimeoutMs: 5_000 });

async function add(number: number): Promise<number> {
  if (!client.isOpen) {
    await client.connect(address);
    console.log(`connected, connection ${client.id}`);
  }
  return Number((await client.request(String(number))).toString());
}

const totals: number[] = [];
for (const number of [1, 2, 3]) totals.push(await add(number));
console.log(`totals on the first connection: ${totals}`);

for (const id of server.connectionIds()) server.abort(id);
await client.stopped();
console.log(`the connection is lost: ${client.closeReason?.code}`);

totals.push(await add(10));
console.log(`total on the next one: ${totals.at(-1)}, for its context is new`);
assert.deepEqual(totals, [1, 3, 6, 10]);
assert.equal(server.stats.openedCount, 2);

await client.stop();
await server.stop();
