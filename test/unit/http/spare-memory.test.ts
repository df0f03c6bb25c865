import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { BodyIntake, type BodyOwner } from "#src/http/body/body-intake.js";
import { SpareMemory } from "#src/http/body/spare-memory.js";
import { ManualClock } from "#src/time/clock.js";
import { TimingWheel } from "#src/time/timing-wheel.js";

const KIB = 1_024;

describe("SpareMemory", () => {
  it("gives what was given back to the next who needs about as much", () => {
    const memory = new SpareMemory();
    const first = memory.take(60 * KIB);
    memory.giveBack(first);

    assert.equal(memory.keptBytes, 64 * KIB);
    assert.equal(memory.take(130 * KIB).length, 256 * KIB);
    assert.equal(memory.take(33 * KIB), first);
    assert.notEqual(memory.take(33 * KIB), first);
    assert.equal(memory.keptBytes, 0);
  });

  it("keeps 4 MiB at most, and nothing that is small, large or a part of something", () => {
    const memory = new SpareMemory();
    const buffers = Array.from({ length: 80 }, () => memory.take(64 * KIB));
    for (const buffer of buffers) memory.giveBack(buffer);

    assert.equal(memory.keptBytes, 4_096 * KIB);

    const other = new SpareMemory();
    other.giveBack(Buffer.allocUnsafeSlow(KIB));
    other.giveBack(Buffer.allocUnsafeSlow(2_048 * KIB));
    other.giveBack(Buffer.allocUnsafeSlow(128 * KIB).subarray(0, 64 * KIB));
    assert.equal(other.keptBytes, 0);
  });
});

describe("a body that is read as text", () => {
  const owner: BodyOwner = {
    wheel: new TimingWheel(new ManualClock()),
    bodyWanted() {},
    holdBody() {},
  };

  it("is its own, whoever uses its memory later", async () => {
    const texts: Promise<string>[] = [];
    for (const letter of "abcabc") {
      const body = new BodyIntake(owner, 8 * KIB);
      texts.push(body.text());
      body.push(Buffer.alloc(5 * KIB, letter), true);
      body.push(Buffer.alloc(3 * KIB, letter), true);
      body.end();
      if (letter === "c") await texts.at(-1);
    }

    const read = await Promise.all(texts);
    assert.deepEqual(
      read,
      [..."abcabc"].map((letter) => letter.repeat(8 * KIB)),
    );
  });

  it("leaves bytes() memory of its own", async () => {
    const bodies = [];
    for (const letter of "ab") {
      const body = new BodyIntake(owner, 8 * KIB);
      body.push(Buffer.alloc(8 * KIB, letter), true);
      body.end();
      bodies.push(await body.bytes());
    }

    assert.deepEqual(bodies.map(String), ["a".repeat(8 * KIB), "b".repeat(8 * KIB)]);
  });
});
