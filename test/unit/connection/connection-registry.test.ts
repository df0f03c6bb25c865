import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ConnectionRegistry } from "#src/connection/connection-registry.js";
import { Random } from "../../support/random.js";

interface Item {
  readonly id: number;
}

function registryOf(ids: readonly number[]): ConnectionRegistry<Item> {
  const registry = new ConnectionRegistry<Item>();
  for (const id of ids) registry.add({ id });
  return registry;
}

describe("a registry of connections", () => {
  it("finds what was added, and nothing else", () => {
    const registry = registryOf([1, 2, 3]);

    assert.equal(registry.find(2)?.id, 2);
    for (const id of [0, 4, 17, -1, 1.5, Number.NaN]) assert.equal(registry.find(id), undefined);
  });

  it("lists the oldest first, whatever slots they have", () => {
    const registry = registryOf([31, 15, 16, 2]);

    assert.deepEqual(registry.ids(), [2, 15, 16, 31]);
    assert.deepEqual(
      registry.list().map(({ id }) => id),
      [2, 15, 16, 31],
    );
  });

  it("says whether what is taken out was there", () => {
    const item = { id: 5 };
    const registry = registryOf([]);
    registry.add(item);

    const answers = [registry.remove(item), registry.remove(item)];

    assert.deepEqual(answers, [true, false]);
    assert.equal(registry.count, 0);
  });

  it("looks at few others when connections leave in the order in which they came", () => {
    let readCount = 0;
    const items = Array.from({ length: 4_096 }, (_, index) => ({
      get id(): number {
        readCount++;
        return index + 1;
      },
    }));
    const registry = new ConnectionRegistry<Item>();
    for (const item of items) registry.add(item);

    readCount = 0;
    for (const item of items) registry.remove(item);

    assert.equal(registry.count, 0);
    assert.ok(readCount < 8 * items.length, `${readCount} ids were read`);
  });

  for (const [name, first] of [
    ["of the main thread", 1],
    ["of a worker thread", 3 * 2 ** 40 + 1],
  ] as const) {
    it(`does what a Map does over many changes, with ids ${name}`, () => {
      const random = new Random(7);
      const registry = new ConnectionRegistry<Item>();
      const expected = new Map<number, Item>();
      let nextId = first;
      for (let step = 0; step < 50_000; step++) {
        // The number of items swings between none and some thousands.
        const grows = random.next() < (Math.floor(step / 5_000) % 2 === 0 ? 0.8 : 0.2);
        const ids = [...expected.keys()];
        if (grows || ids.length === 0) {
          const item = { id: nextId };
          nextId += random.integer(1, 3);
          registry.add(item);
          expected.set(item.id, item);
        } else {
          const id = random.pick(ids);
          assert.equal(registry.remove(expected.get(id)!), true);
          expected.delete(id);
          assert.equal(registry.find(id), undefined);
        }
        if (step % 997 === 0) assert.deepEqual(registry.list(), [...expected.values()]);
        assert.equal(registry.count, expected.size);
      }
      for (const [id, item] of expected) assert.equal(registry.find(id), item);
    });
  }

  it("keeps no connection that was taken out", async () => {
    const registry = registryOf([]);
    const gone: WeakRef<Item>[] = [];
    for (let id = 1; id <= 1_000; id++) {
      const item = { id };
      gone.push(new WeakRef(item));
      registry.add(item);
      if (id > 10) registry.remove(registry.find(id - 10)!);
    }
    await new Promise((resolve) => setImmediate(resolve));

    globalThis.gc?.();

    assert.ok(gone.slice(0, 900).every((reference) => reference.deref() === undefined));
    assert.equal(registry.count, 10);
  });
});
