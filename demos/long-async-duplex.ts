/**
 * Template: asynchronous, long, duplex. One connection stays; both sides send on it whenever they
 * have something, and neither waits for the other. An answer carries the number of its question.
 */
import assert from "node:assert/strict";
import { pack, TcpClient, TcpServer } from "hp-socket";

interface Message {
  readonly kind: "question" | "answer" | "news";
  readonly number: number;
  readonly text: string;
}

const parse = (packet: Buffer): Message => JSON.parse(packet.toString()) as Message;
const write = (kind: Message["kind"], number: number, text: string): string =>
  JSON.stringify({ kind, number, text } satisfies Message);

const server = new TcpServer({
  receive: pack(),
  onHandshake(connection) {
    connection.send(write("news", 1, "the server is up"));
  },
  onReceive(connection, packet) {
    const { number, text } = parse(packet);
    // The odd ones take longer: answers need not come in the order of the questions.
    setTimeout(() => connection.send(write("answer", number, `${text}!`)), number % 2 ? 30 : 0);
  },
});

const open = new Map([1, 2, 3, 4].map((number) => [number, `question ${number}`]));
const arrived: Message[] = [];
const client = new TcpClient({
  receive: pack(),
  onReceive(self, packet) {
    const message = parse(packet);
    arrived.push(message);
    console.log(`${message.kind} ${message.number}: ${message.text}`);
    if (message.kind === "answer") {
      assert.equal(message.text, `${open.get(message.number)}!`);
      open.delete(message.number);
    }
    if (open.size === 0) self.close();
  },
});
await client.connect(await server.listen({ host: "127.0.0.1" }));
for (const [number, text] of open) client.send(write("question", number, text));
console.log(`${open.size} questions are under way on connection ${client.id}`);

await client.stopped({ timeoutMs: 10_000 });
await server.stop();
assert.equal(open.size, 0);
assert.equal(client.closeReason?.code, "CLOSED");
assert.deepEqual(arrived.map(({ kind }) => kind).slice(0, 2), ["news", "answer"]);
assert.deepEqual([...arrived.map(({ number }) => number)].sort(), [1, 1, 2, 3, 4]);
