import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ByteQueue } from "#src/bytes/byte-queue.js";

function queueOf(...chunks: string[]): ByteQueue {
  const queue = new ByteQueue();
  for (const chunk of chunks) queue.append(Buffer.from(chunk));
  return queue;
}

describe("ByteQueue", () => {
  it("takes bytes across chunks and leaves the rest", () => {
    const queue = queueOf("ab", "", "cde", "f");

    assert.equal(queue.take(4)?.toString(), "abcd");
    assert.equal(queue.byteCount, 2);
    assert.equal(queue.take(3), undefined);
    assert.equal(queue.takeAll().toString(), "ef");
    assert.equal(queue.byteCount, 0);
  });

  it("keeps chunks apart, empty ones too", () => {
    const queue = queueOf("ab", "", "c");

    assert.equal(queue.chunkCount, 3);
    assert.equal(queue.takeChunk()?.toString(), "ab");
    assert.equal(queue.takeChunk()?.toString(), "");
    assert.equal(queue.takeChunk()?.toString(), "c");
    assert.equal(queue.takeChunk(), undefined);
  });

  it("peeks without taking", () => {
    const queue = queueOf("ab", "cd");

    assert.equal(queue.peek(3)?.toString(), "abc");
    assert.equal(queue.peek(5), undefined);
    assert.equal(queue.byteCount, 4);
  });

  it("puts a chunk back in front", () => {
    const queue = queueOf("ab", "cd");
    const first = queue.takeChunk() as Buffer;

    queue.prepend(first);
    queue.prepend(Buffer.from("xy"));

    assert.equal(queue.takeAll().toString(), "xyabcd");
  });

  it("finds a mark wherever the chunks are cut, from any place on", () => {
    const bytes = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 40 });
    const mark = fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(bytes, mark, fc.array(fc.nat(7)), fc.nat(40), (text, wanted, cuts, from) => {
        const queue = new ByteQueue();
        let at = 0;
        for (const cut of [...cuts, text.length]) {
          queue.append(Buffer.from(text.slice(at, at + cut)));
          at += cut;
        }

        const whole = Buffer.from(text.slice(0, at));
        const expected = whole.indexOf(wanted, from);
        assert.equal(queue.find(Buffer.from(wanted), from), from > whole.length ? -1 : expected);
      }),
      { seed: 7, numRuns: 2_000 },
    );
  });

  it("gives back what was put in, whatever is taken in between", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.uint8Array({ maxLength: 20 }), fc.nat(30))), (steps) => {
        const queue = new ByteQueue();
        const taken: Buffer[] = [];
        for (const [chunk, wish] of steps) {
          queue.append(Buffer.from(chunk));
          const bytes = queue.take(wish);
          if (bytes !== undefined) taken.push(bytes);
        }
        taken.push(queue.takeAll());

        const all = Buffer.concat(steps.map(([chunk]) => Buffer.from(chunk)));
        assert.deepEqual(Buffer.concat(taken), all);
      }),
      { seed: 11, numRuns: 500 },
    );
  });
});

describe("ByteQueue: bytes whose borders mean nothing", () => {
  it("joins small ones to one chunk, and keeps large ones as they are", () => {
    const queue = new ByteQueue();
    const large = Buffer.alloc(1_024, "L");

    queue.join(Buffer.from("ab"), false);
    queue.join(Buffer.from("cd"), false);
    queue.join(large, false);
    queue.join(Buffer.from("ef"), false);

    assert.equal(queue.chunkCount, 3);
    assert.equal(queue.takeChunk()?.toString(), "abcd");
    assert.equal(queue.takeChunk(), large);
    assert.equal(queue.takeChunk()?.toString(), "ef");
  });

  it("copies large ones that are lent", () => {
    const queue = new ByteQueue();
    const lent = Buffer.alloc(2_000, "a");

    queue.join(lent, true);
    lent.fill("b");

    assert.equal(queue.takeAll().toString(), "a".repeat(2_000));
  });

  it("goes on in the same block when everything, or a part, was taken", () => {
    const queue = new ByteQueue();
    queue.join(Buffer.from("abc"), false);
    const first = queue.takeAll();
    queue.join(Buffer.from("def"), false);
    const second = queue.take(1);
    queue.join(Buffer.from("g"), false);

    const left = [queue.takeChunk(), queue.takeChunk()];

    assert.deepEqual([first, second, ...left].map(String), ["abc", "d", "ef", "g"]);
    for (const bytes of [second, ...left]) assert.equal(bytes?.buffer, first.buffer);
  });

  it("takes about as much memory as comes, in single bytes too", () => {
    const queue = new ByteQueue();
    const blocks = new Set<ArrayBufferLike>();
    const byteCount = 100_000;

    for (let count = 0; count < byteCount; count++) {
      queue.join(Buffer.from("x"), false);
      if (count % 3 === 0) blocks.add((queue.takeChunk() as Buffer).buffer);
    }
    for (let bytes = queue.takeChunk(); bytes; bytes = queue.takeChunk()) blocks.add(bytes.buffer);

    const memoryBytes = [...blocks].reduce((sum, { byteLength }) => sum + byteLength, 0);
    assert.ok(memoryBytes < byteCount + 3 * 16_384, `${memoryBytes}`);
    assert.equal(Math.max(...[...blocks].map(({ byteLength }) => byteLength)), 16_384);
  });

  it("gives back what was put in, however it is put in and taken", () => {
    const put = fc.tuple(fc.uint8Array({ maxLength: 2_000 }), fc.boolean(), fc.nat(3_000));
    fc.assert(
      fc.property(fc.array(put), (steps) => {
        const queue = new ByteQueue();
        const taken: Buffer[] = [];
        for (const [bytes, isPrepended, wish] of steps) {
          queue.join(Buffer.from(bytes), true);
          const chunk = queue.take(wish);
          if (chunk === undefined) continue;
          if (isPrepended) queue.prepend(chunk);
          else taken.push(chunk);
        }
        taken.push(queue.takeAll());

        const all = Buffer.concat(steps.map(([bytes]) => Buffer.from(bytes)));
        assert.deepEqual(Buffer.concat(taken), all);
      }),
      { seed: 13, numRuns: 500 },
    );
  });
});
