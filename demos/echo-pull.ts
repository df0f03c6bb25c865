/**
 * Pull: what comes is buffered, and `onReceive` is told how much. The server fetches when it has
 * enough: a head of eight bytes, then the body that the head announces, in turn. The client awaits
 * the same two parts with `read`.
 */
import assert from "node:assert/strict";
import { pull, TcpClient, TcpServer } from "hp-socket";

const HEAD_BYTES = 8;

interface Head {
  readonly sequence: number;
  readonly bodyBytes: number;
}

function headOf(sequence: number, bodyBytes: number): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32LE(sequence, 0);
  head.writeUInt32LE(bodyBytes, 4);
  return head;
}

function parseHead(bytes: Buffer): Head {
  return { sequence: bytes.readUInt32LE(0), bodyBytes: bytes.readUInt32LE(4) };
}

// The context of a connection is the head whose body is awaited, if one is.
const server = new TcpServer<number, Head | undefined>({
  receive: pull(),
  onReceive(connection, unreadBytes) {
    console.log(`server: ${unreadBytes} bytes are unread`);
    for (;;) {
      const head = connection.context;
      const part = connection.fetch(head?.bodyBytes ?? HEAD_BYTES);
      if (part === undefined) return;
      connection.context = head === undefined ? parseHead(part) : undefined;
      if (head !== undefined) {
        console.log(`server: message ${head.sequence} is whole`);
        connection.sendAll([headOf(head.sequence, part.length), part]);
      }
    }
  },
});

const client = new TcpClient({ receive: pull() });
await client.connect(await server.listen({ host: "127.0.0.1" }));
const texts = ["a short body", "", "a longer body ".repeat(4_000)];
for (const [sequence, text] of texts.entries()) {
  client.sendAll([headOf(sequence, Buffer.byteLength(text)), text]);
}
for (const [sequence, text] of texts.entries()) {
  const head = parseHead(await client.read(HEAD_BYTES));
  const body = head.bodyBytes === 0 ? "" : (await client.read(head.bodyBytes)).toString();
  console.log(`client: message ${head.sequence} came back with ${body.length} bytes`);
  assert.deepEqual([head.sequence, body], [sequence, text]);
}
await client.stop();
await server.stop();
