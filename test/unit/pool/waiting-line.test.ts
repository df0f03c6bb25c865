import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { WaitingLine } from "#src/pool/waiting-line.js";
import { Random } from "../../support/random.js";

describe("a waiting line", () => {
  it("keeps the order; who comes in front, and who leaves, included", () => {
    const line = new WaitingLine<string>();
    for (const one of ["a", "b", "c", "d"]) line.add(one);
    line.addFirst("z");

    assert.equal(line.remove("b"), true);
    assert.equal(line.remove("b"), false);
    assert.equal(line.shift(), "z");
    assert.deepEqual([line.first, line.has("c"), line.has("b"), line.size], ["a", true, false, 3]);
    assert.deepEqual(line.takeAll(), ["a", "c", "d"]);
    assert.deepEqual([line.first, line.shift(), line.size], [undefined, undefined, 0]);
  });

  it("counts along with others", () => {
    const common = { waitingCount: 0 };
    const lines = [new WaitingLine<number>(common), new WaitingLine<number>(common)];
    for (const line of lines) for (let one = 0; one < 3; one++) line.add(one);
    assert.equal(common.waitingCount, 6);
    lines[0]?.takeAll();
    lines[1]?.remove(1);
    assert.equal(common.waitingCount, 2);
  });

  it("does what a list would do", () => {
    const random = new Random(7);
    const line = new WaitingLine<number>();
    let list: number[] = [];
    for (let step = 0; step < 5_000; step++) {
      const choice = random.next();
      const one = list[Math.floor(random.next() * list.length)];
      if (choice < 0.4) {
        line.add(step);
        list.push(step);
      } else if (choice < 0.5) {
        line.addFirst(step);
        list.unshift(step);
      } else if (choice < 0.7) assert.equal(line.shift(), list.shift());
      else if (one !== undefined) {
        line.remove(one);
        list = list.filter((other) => other !== one);
      }
      assert.equal(line.first, list[0]);
      assert.equal(line.size, list.length);
    }
    assert.deepEqual(line.takeAll(), list);
  });
});
