import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { OwnershipCheck, POISON } from "#src/engine/uring/memory/ownership-check.js";
import {
  ProvidedBuffers,
  providedBuffersBytes,
} from "#src/engine/uring/memory/provided-buffers.js";
import { SharedMemory, wholePages } from "#src/engine/uring/memory/shared-memory.js";
import { uringSettings } from "#src/engine/uring/setup/uring-options.js";
import { withoutKernel } from "./fake-calls.js";

const COUNT = 8;
const PLACE_BYTES = 16;

/** Buffers, and the ring as the kernel sees it. */
class Bench {
  readonly memory: SharedMemory;
  readonly buffers: ProvidedBuffers;
  #head = 0;

  constructor(check?: OwnershipCheck) {
    const settings = uringSettings({ receiveBufferCount: COUNT, receiveBufferBytes: 1_024 });
    const bytes = providedBuffersBytes(settings).reduce((sum, part) => sum + wholePages(part), 0);
    this.memory = new SharedMemory(withoutKernel(), bytes);
    this.buffers = new ProvidedBuffers(this.memory, settings, check);
  }

  /** Ids that the kernel may take, in order. */
  visible(): number[] {
    const ring = this.memory.bytes(0, COUNT * PLACE_BYTES);
    const tail = ring.readUInt16LE(14);
    const ids: number[] = [];
    for (let at = this.#head; at !== tail; at = (at + 1) & 0xffff) {
      ids.push(ring.readUInt16LE((at % COUNT) * PLACE_BYTES + 12));
    }
    return ids;
  }

  /** The kernel takes the next buffer and puts bytes into it. */
  receive(byteCount: number): number {
    const ring = this.memory.bytes(0, COUNT * PLACE_BYTES);
    const place = (this.#head % COUNT) * PLACE_BYTES;
    this.#head = (this.#head + 1) & 0xffff;
    const id = ring.readUInt16LE(place + 12);
    this.whole(id).fill(id + 1, 0, byteCount);
    return id;
  }

  whole(id: number): Buffer {
    const stride = 1_024 + 128;
    return this.memory.bytes(this.buffers.firstOffset + id * stride, stride);
  }
}

describe("provided buffers", () => {
  it("are all the kernel's at first, each with its address and length", () => {
    const bench = new Bench();

    const ring = bench.memory.words(0, COUNT * PLACE_BYTES);

    assert.deepEqual(bench.visible(), [0, 1, 2, 3, 4, 5, 6, 7]);
    assert.equal(ring[4]! - ring[0]!, 1_152);
    assert.equal(ring[2], 1_152);
  });

  it("show the bytes that came, and go back when they are published", () => {
    const bench = new Bench();
    const id = bench.receive(5);

    const view = bench.buffers.view(id, 5);
    bench.buffers.giveBack(id);
    const before = bench.visible();
    bench.buffers.publish();

    assert.deepEqual([...view], [1, 1, 1, 1, 1]);
    assert.deepEqual(before, [1, 2, 3, 4, 5, 6, 7]);
    assert.deepEqual(bench.visible(), [1, 2, 3, 4, 5, 6, 7, 0]);
  });

  it("use the view of a buffer again when the next bytes are as many", () => {
    const bench = new Bench();

    const first = bench.buffers.view(3, 64);
    const second = bench.buffers.view(3, 64);
    const other = bench.buffers.view(3, 65);

    assert.equal(second, first);
    assert.equal(other.length, 65);
  });

  it("keep a lent buffer until its last holder is done, and put a spare in its place", () => {
    const bench = new Bench();
    const { buffers } = bench;
    const [one, two] = [bench.receive(10), bench.receive(10)];
    const view = buffers.view(one, 10);
    buffers.giveBack(one);
    buffers.view(two, 10);
    buffers.giveBack(two);

    const kept = buffers.keep(view.byteOffset + 2);
    buffers.publish();
    const keptAgain = buffers.keep(view.byteOffset + 5);
    buffers.hold(view.byteOffset);
    const meanwhile = bench.visible();
    for (let holder = 0; holder < 2; holder++) buffers.release(view.byteOffset + holder);
    const isHeld = buffers.isHeld(view.byteOffset);
    buffers.release(view.byteOffset + 9);
    const isHeldStill = buffers.isHeld(view.byteOffset);

    assert.deepEqual([kept, keptAgain], [true, true]);
    assert.deepEqual(meanwhile, [2, 3, 4, 5, 6, 7, two, COUNT]);
    assert.deepEqual([isHeld, isHeldStill], [true, false]);
    assert.equal(buffers.keptCount, 0);
  });

  it("keep no more than there are spares and half of the places, and none that has gone back", () => {
    const bench = new Bench();
    const { buffers } = bench;
    const spareCount = 2 * COUNT;
    const take = (): Buffer => {
      const id = bench.receive(8);
      const view = buffers.view(id, 8);
      buffers.giveBack(id);
      return view;
    };
    const kept: boolean[] = [];
    const views: Buffer[] = [];
    for (let count = 0; count < spareCount + COUNT / 2; count++) {
      const view = take();
      views.push(view);
      kept.push(buffers.keep(view.byteOffset));
      buffers.publish();
    }

    const late = take();
    const beyond = buffers.keep(late.byteOffset);
    const visible = bench.visible().length;
    buffers.publish();
    for (const view of views) buffers.release(view.byteOffset);
    const gone = buffers.keep(late.byteOffset);
    buffers.publish();

    assert.ok(kept.every((wasKept) => wasKept));
    assert.deepEqual([beyond, gone], [false, false]);
    assert.equal(visible, COUNT / 2 - 1);
    assert.equal(bench.visible().length, COUNT);
  });

  it("go round for longer than the counter of the ring", () => {
    const bench = new Bench();

    for (let round = 0; round < 70_000; round++) {
      const id = bench.receive(1);
      bench.buffers.giveBack(id);
      if (round % 3 === 0) bench.buffers.publish();
      if (round % 3 !== 0 && bench.visible().length === 0) bench.buffers.publish();
    }
    bench.buffers.publish();

    assert.deepEqual(bench.visible().toSorted(), [0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it("are poisoned when they go back, in debug mode", () => {
    const bench = new Bench(new OwnershipCheck("receive buffer"));
    const id = bench.receive(30);
    bench.buffers.view(id, 30);

    bench.buffers.giveBack(id);
    const lent = bench.whole(id)[0];
    bench.buffers.publish();

    assert.equal(lent, id + 1, "until then the bytes stay");
    assert.ok(bench.whole(id).every((byte) => byte === POISON));
  });

  it("tell of a buffer that is given back twice, in debug mode", () => {
    const bench = new Bench(new OwnershipCheck("receive buffer"));
    const id = bench.receive(1);
    bench.buffers.view(id, 1);
    bench.buffers.giveBack(id);
    bench.buffers.giveBack(id);

    assert.throws(() => bench.buffers.publish(), {
      message: "receive buffer 0 was given back twice",
    });
  });

  it("tell of a write to a buffer that had gone back, in debug mode", () => {
    const bench = new Bench(new OwnershipCheck("receive buffer"));
    const id = bench.receive(10);
    const kept = bench.buffers.view(id, 10);
    bench.buffers.giveBack(id);
    bench.buffers.publish();
    kept[9] = 0;
    for (let other = 1; other < COUNT; other++) bench.receive(1);

    const again = bench.receive(4);

    assert.throws(() => bench.buffers.view(again, 4), {
      message: "receive buffer 0 was written to at byte 9 after it was given back",
    });
  });
});
