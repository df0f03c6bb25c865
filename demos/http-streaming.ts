/**
 * Streams in both directions, however large: an upload is counted as it comes, a download is made as
 * it is taken. Neither is ever in memory as a whole.
 */
import assert from "node:assert/strict";
import { HttpServer, type ResponseWriter } from "hp-socket/http";

const BLOCK = Buffer.alloc(65_536, "x");
const BLOCK_COUNT = 1_024;
let mostPendingBytes = 0;

async function download(writer: ResponseWriter): Promise<void> {
  for (let block = 0; block < BLOCK_COUNT; block++) {
    mostPendingBytes = Math.max(mostPendingBytes, writer.pendingBytes);
    if (!writer.write(BLOCK)) await writer.drained();
  }
  writer.end({ "X-Blocks": String(BLOCK_COUNT) });
}

const server = new HttpServer({
  async onRequest(exchange) {
    if (exchange.method === "GET") {
      await download(exchange.startResponse(200, { Trailer: "X-Blocks" }));
      return;
    }
    let byteCount = 0;
    for await (const chunk of exchange.body) byteCount += chunk.length;
    exchange.respond(200, {}, `${byteCount} bytes`);
  },
});
await server.listen({ host: "127.0.0.1" });
const url = `http://127.0.0.1:${server.port}`;

async function* blocks(): AsyncGenerator<Uint8Array> {
  for (let block = 0; block < BLOCK_COUNT; block++) yield BLOCK;
}
const upload = { method: "POST", body: ReadableStream.from(blocks()), duplex: "half" } as const;
const counted = await (await fetch(url, upload)).text();
let receivedBytes = 0;
const response = await fetch(url);
for await (const chunk of response.body ?? []) receivedBytes += chunk.length;
console.log(`sent ${counted}, received ${receivedBytes}, ${mostPendingBytes} waiting at most`);

assert.equal(counted, `${BLOCK.length * BLOCK_COUNT} bytes`);
assert.equal(receivedBytes, BLOCK.length * BLOCK_COUNT);
assert.ok(mostPendingBytes < 4_000_000);
await server.stop();
