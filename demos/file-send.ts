/**
 * A small file is sent whole, between a head and a tail, as one: one packet where the receive model
 * has packets. The receiver gets head, file and tail in one piece.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { lengthPrefix, TcpClient, TcpServer } from "hp-socket";

const folder = await mkdtemp(join(tmpdir(), "file-send-"));
const path = join(folder, "poem.txt");
const poem = "Roses are red, violets are blue.\n".repeat(10_000);
await writeFile(path, poem);

const model = lengthPrefix({ format: "uint-be", bytes: 4 });
const sha256 = (data: string | Buffer): string => createHash("sha256").update(data).digest("hex");

const server = new TcpServer({
  receive: model,
  async onReceive(connection, asked) {
    // Only the name counts: a peer must not walk through the folders.
    const file = join(folder, basename(asked.toString()));
    await connection
      .sendSmallFile(file, { head: "FILE\n", tail: `\n${sha256(poem)}` })
      .catch((error: Error) => connection.send(`ERROR\n${error.message.replace(folder, "")}`));
  },
});
const client = new TcpClient({ receive: model });
await client.connect(await server.listen({ host: "127.0.0.1" }));

const packet = (await client.request("poem.txt")).toString();
const head = packet.slice(0, packet.indexOf("\n"));
const tail = packet.slice(packet.lastIndexOf("\n") + 1);
const content = packet.slice(head.length + 1, -tail.length - 1);
console.log(`${head}: ${content.length} bytes, SHA-256 ${tail.slice(0, 16)}…`);
assert.equal(head, "FILE");
assert.equal(sha256(content), tail);

const answer = (await client.request("../secret.txt")).toString();
console.log(answer.split("\n").join(": "));
assert.match(answer, /^ERROR/);

await client.stop();
await server.stop();
await rm(folder, { recursive: true });
