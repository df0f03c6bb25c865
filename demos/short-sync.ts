/**
 * Template: synchronous, short. For each exchange the client connects, asks, waits for the answer
 * and the connection ends. The simplest of all, for rare exchanges. Messages have a head of four
 * ASCII digits with their length.
 */
import assert from "node:assert/strict";
import { lengthPrefix, TcpClient, TcpServer } from "hp-socket";

const messages = lengthPrefix({ format: "ascii", bytes: 4 });

const server = new TcpServer({
  receive: messages,
  onReceive(connection, question) {
    connection.send(question.toString().toUpperCase());
    connection.close();
  },
});
const address = await server.listen({ host: "127.0.0.1" });

async function ask(question: string): Promise<string> {
  const client = new TcpClient({ receive: messages });
  await client.connect({ ...address, timeoutMs: 5_000 });
  try {
    return (await client.request(question, { timeoutMs: 5_000 })).toString();
  } finally {
    await client.stop();
  }
}

for (const question of ["hello", "is anybody there?", "goodbye"]) {
  const answer = await ask(question);
  console.log(`${question} → ${answer}`);
  assert.equal(answer, question.toUpperCase());
}
await server.stop();
assert.equal(server.stats.openedCount, 3, "one connection for each exchange");
