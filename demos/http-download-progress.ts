/**
 * Downloads a file with a bar that shows how far it is; without a terminal there is one line at the
 * end. The file is written as it comes, and is never in memory as a whole.
 */
import assert from "node:assert/strict";
import { createWriteStream } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stdout } from "node:process";
import { pipeline } from "node:stream/promises";
import { HttpAgent, type HttpResponse, HttpServer } from "hp-socket/http";

const FILE_BYTES = 32 * 1_048_576;
const BLOCK = Buffer.alloc(65_536, "x");
const WIDTH = 30;

const server = new HttpServer({
  async onRequest(exchange) {
    const writer = exchange.startResponse(200, { "Content-Length": String(FILE_BYTES) });
    for (let sentBytes = 0; sentBytes < FILE_BYTES; sentBytes += BLOCK.length) {
      if (!writer.write(BLOCK)) await writer.drained();
    }
    writer.end();
  },
});
await server.listen({ host: "127.0.0.1" });

/** `[=====>    ]  50 %  16.0 MiB`; without an announced length the size alone. */
function bar({ receivedBytes, contentLength }: HttpResponse["body"]): string {
  const size = `${(receivedBytes / 1_048_576).toFixed(1)} MiB`;
  if (contentLength === undefined) return size;
  const share = contentLength === 0 ? 1 : receivedBytes / contentLength;
  const filled = "=".repeat(Math.floor(share * WIDTH));
  const percent = Math.floor(share * 100);
  return `[${`${filled}>`.slice(0, WIDTH).padEnd(WIDTH)}] ${String(percent).padStart(3)} %  ${size}`;
}

/** Passes the body on and shows how far it is, ten times a second at most. */
async function* shown(body: HttpResponse["body"]): AsyncGenerator<Buffer> {
  let shownMs = 0;
  for await (const bytes of body) {
    yield bytes;
    if (!stdout.isTTY || performance.now() - shownMs < 100) continue;
    shownMs = performance.now();
    stdout.write(`\r${bar(body)}`);
  }
  console.log(stdout.isTTY ? `\r${bar(body)}` : bar(body));
}

const folder = await mkdtemp(join(tmpdir(), "hp-socket-download-"));
const agent = new HttpAgent();
const { body } = await agent.follow(`http://127.0.0.1:${server.port}/file.bin`);
await pipeline(shown(body), createWriteStream(join(folder, "file.bin")));

assert.equal((await stat(join(folder, "file.bin"))).size, FILE_BYTES);
assert.equal(bar(body), `[${"=".repeat(WIDTH)}] 100 %  32.0 MiB`);
await rm(folder, { recursive: true });
await agent.stop();
await server.stop();
