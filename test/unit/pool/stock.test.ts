import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Stock, type Stocked } from "#src/pool/stock.js";

class Item implements Stocked {
  isUsable = true;
}

function stockOf(count: number): { stock: Stock<Item>; items: Item[]; closed: Item[] } {
  const closed: Item[] = [];
  const stock = new Stock<Item>((item) => closed.push(item));
  const items = Array.from({ length: count }, () => new Item());
  for (const item of items) {
    stock.add(item);
    stock.keep(item);
  }
  return { stock, items, closed };
}

describe("a stock of connections", () => {
  it("gives the one that was used last", () => {
    const { stock, items } = stockOf(3);
    assert.equal(stock.take(), items[2]);
    assert.equal(stock.take(), items[1]);
    stock.keep(items[2] as Item);
    assert.equal(stock.take(), items[2]);
    assert.equal(stock.idleCount, 1);
  });

  it("closes what turns out to be of no use, and gives the next", () => {
    const { stock, items, closed } = stockOf(3);
    for (const item of items.slice(1)) item.isUsable = false;
    assert.equal(stock.take(), items[0]);
    assert.deepEqual(closed, [items[2], items[1]]);
    assert.equal(stock.take(), undefined);
  });

  it("counts attempts as connections", () => {
    const { stock } = stockOf(2);
    stock.attemptCount = 3;
    assert.equal(stock.size, 5);
  });

  it("lets the one go that has been idle longest", () => {
    const { stock, items, closed } = stockOf(2);
    assert.equal(stock.idleLongest, items[0]);
    assert.equal(stock.evict(), true);
    assert.deepEqual(closed, [items[0]]);
    stock.evictAll();
    assert.deepEqual(closed, items);
    assert.equal(stock.evict(), false);
  });

  it("forgets what has ended, wherever it is", () => {
    const { stock, items } = stockOf(3);
    stock.remove(items[1] as Item);
    assert.equal(stock.leave(items[1] as Item), false);
    assert.deepEqual([stock.size, stock.idleCount], [2, 2]);
    assert.equal(stock.take(), items[2]);
    stock.remove(items[2] as Item);
    assert.equal(stock.take(), items[0]);
    assert.equal(stock.size, 1);
  });
});
