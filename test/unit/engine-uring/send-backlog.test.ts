/** Sends that wait for room, by their order. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SendBacklog, type WaitingSend } from "#src/engine/uring/sockets/send-backlog.js";
import { Random } from "../../support/random.js";

class Send implements WaitingSend<Send> {
  next: Send | undefined = undefined;
  readonly order: number;

  constructor(order: number) {
    this.order = order;
  }
}

function takeAll(backlog: SendBacklog<Send>): number[] {
  const orders: number[] = [];
  for (let send = backlog.take(); send !== undefined; send = backlog.take()) {
    assert.equal(send.next, undefined);
    orders.push(send.order);
  }
  return orders;
}

test("gives sends back in their order, however they come", () => {
  const backlog = new SendBacklog<Send>();
  assert.equal(backlog.isEmpty, true);
  assert.equal(backlog.take(), undefined);
  for (let seed = 1; seed <= 100; seed++) {
    const random = new Random(seed);
    const orders = [...Array(random.integer(1, 30)).keys()];
    for (const order of [...orders].sort(() => random.next() - 0.5)) backlog.add(new Send(order));
    assert.equal(backlog.isEmpty, false);
    assert.deepEqual(takeAll(backlog), orders, `seed ${seed}`);
    assert.equal(backlog.isEmpty, true);
  }
});

test("puts back in front what was tried and found no room", () => {
  const backlog = new SendBacklog<Send>();
  for (let order = 0; order < 6; order++) backlog.add(new Send(order));
  const tried = [backlog.take()!, backlog.take()!, backlog.take()!];
  backlog.add(new Send(6));

  backlog.add(tried[1]!);
  backlog.add(tried[2]!);

  assert.deepEqual(takeAll(backlog), [1, 2, 3, 4, 5, 6]);
});
