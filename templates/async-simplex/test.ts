import assert from "node:assert/strict";
import { it } from "node:test";
import { createBranch } from "./client.ts";
import { createBank } from "./server.ts";

const until = async (is: () => boolean): Promise<void> => {
  while (!is()) await new Promise((resolve) => setTimeout(resolve, 10));
};

it("sends on one connection, hears on the other, and either comes back by itself", async (test) => {
  const booked: string[] = [];
  const bank = createBank();
  test.after(() => bank.stop());
  const branch = createBranch((message) => void booked.push(message));
  test.after(() => branch.stop());
  const toBank = await bank.listen({ host: "127.0.0.1" });
  const toBranch = await branch.listen({ host: "127.0.0.1" });
  await Promise.all([branch.connect(toBank), bank.connect(toBranch)]);

  branch.send("100");
  await until(() => booked.length === 1);
  branch.cut(); // the bank's way to us
  await until(() => bank.lossCount === 1); // it may be back by now
  branch.send("200");
  branch.send("300");
  await until(() => booked.length === 3);

  assert.deepEqual(booked, ["booked: 100", "booked: 200", "booked: 300"]);
});
