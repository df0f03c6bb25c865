import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import type { IncomingBody } from "hp-socket/http";
import { BodyIntake } from "#src/http/body/body-intake.js";
import { decodeBody } from "#src/http/client/content-decoder.js";
import { ManualClock } from "#src/time/clock.js";
import { TimingWheel } from "#src/time/timing-wheel.js";

const wheel = new TimingWheel(new ManualClock());
/** Bodies that wait at the same time. */
const BODIES = 4;
const LIMITS = { maxDecodedBytes: 1e9, maxDecodedRatio: 1e6 };

/** A body that is encoded, and whether its peer is held back. */
class Encoded {
  isHeld = false;
  readonly wheel = wheel;
  readonly body: BodyIntake = new BodyIntake(this, undefined);

  bodyWanted(): void {}

  holdBody(hold: boolean): void {
    this.isHeld = hold;
  }
}

describe("content that is decoded", () => {
  it("holds about as much as came, however small the pieces are", async () => {
    const block = gzipSync(randomBytes(6_000));
    const kept: IncomingBody[] = [];
    globalThis.gc?.();
    const before = process.memoryUsage();

    for (let count = 0; count < BODIES; count++) {
      const { body } = new Encoded();
      kept.push(decodeBody(body, ["gzip"], LIMITS, wheel));
      for (const octet of block) {
        body.push(Buffer.from([octet]), true);
        // So that the decoder has asked for the next: each octet is a piece of its own.
        for (let step = 0; step < 8; step++) await undefined;
      }
    }
    // What was let go in the last turns is found by the second look.
    for (let look = 0; look < 3; look++) {
      globalThis.gc?.();
      await new Promise(setImmediate);
    }
    const after = process.memoryUsage();

    const keptBytes = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers;
    assert.ok(keptBytes < BODIES * 300_000, `${keptBytes} bytes are kept`);
    for (const body of kept) body.discard();
  });

  it("goes on when it is read, and ends", async () => {
    const encoded = new Encoded();
    const body = decodeBody(encoded.body, ["gzip"], LIMITS, wheel);
    for (const octet of gzipSync("text")) encoded.body.push(Buffer.from([octet]), true);
    encoded.body.end();

    assert.equal(await body.text(), "text");
  });

  const NOTHING = "";
  const STACKED: readonly (readonly [string, readonly string[], Buffer, string])[] = [
    ["gzip of nothing", ["gzip"], gzipSync(NOTHING), ""],
    ["nothing in br, to be gzip", ["br", "gzip"], brotliCompressSync(NOTHING), ""],
    ["nothing in gzip, to be br", ["gzip", "br"], gzipSync(NOTHING), ""],
    ["nothing in gzip, to be two more", ["gzip", "br", "deflate"], gzipSync(NOTHING), ""],
    ["gzip in br", ["br", "gzip"], brotliCompressSync(gzipSync("text")), "text"],
    ["deflate in gzip", ["gzip", "deflate"], gzipSync(deflateSync("text")), "text"],
    [
      "deflate without its frame in gzip",
      ["gzip", "deflate"],
      gzipSync(deflateRawSync("text")),
      "text",
    ],
  ];
  for (const [name, codings, bytes, text] of STACKED) {
    it(`is ${JSON.stringify(text)} for ${name}`, async () => {
      const encoded = new Encoded();
      const body = decodeBody(encoded.body, codings, LIMITS, wheel);
      encoded.body.push(bytes, true);
      encoded.body.end();

      assert.equal(await body.text(), text);
    });
  }

  it("is refused when the inner of two codings is cut", async () => {
    const encoded = new Encoded();
    const body = decodeBody(encoded.body, ["br", "gzip"], LIMITS, wheel);
    encoded.body.push(brotliCompressSync(gzipSync("text").subarray(0, 12)), true);
    encoded.body.end();

    await assert.rejects(body.text(), { code: "HTTP_CONTENT_MALFORMED" });
  });

  it("is decoded as far as it is read, where two codings lie one above the other", async () => {
    const content = Buffer.alloc(2_000_000);
    const encoded = new Encoded();
    const body = decodeBody(encoded.body, ["gzip", "br"], LIMITS, wheel);
    encoded.body.push(gzipSync(brotliCompressSync(content)), true);
    encoded.body.end();

    const first = await body.read();
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
    const receivedBytes = body.receivedBytes;
    let readBytes = first?.length ?? 0;
    for await (const piece of body) readBytes += piece.length;

    assert.ok(receivedBytes < 1_000_000, `${receivedBytes} bytes were decoded for nobody`);
    assert.equal(readBytes, content.length);
  });
});
