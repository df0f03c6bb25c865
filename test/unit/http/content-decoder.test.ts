import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import type { IncomingBody } from "hp-socket/http";
import { BodyIntake } from "#src/http/body/body-intake.js";
import { decodeBody } from "#src/http/client/content-decoder.js";
import { ManualClock } from "#src/time/clock.js";
import { TimingWheel } from "#src/time/timing-wheel.js";

const wheel = new TimingWheel(new ManualClock());
/** Bodies that wait at the same time. */
const BODIES = 8;
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
    const block = gzipSync(randomBytes(16_000));
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
});
