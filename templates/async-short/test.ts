import assert from "node:assert/strict";
import { it } from "node:test";
import { order } from "./client.ts";
import { createShop } from "./server.ts";

it("delivers each order later, on a connection of its own", async (test) => {
  const shop = createShop();
  test.after(() => shop.stop());
  const at = await shop.listen({ host: "127.0.0.1" });

  const delivered = await order(at, ["flour", "butter", "sugar"]);

  assert.deepEqual(delivered.sort(), ["here is: butter", "here is: flour", "here is: sugar"]);
});

it("says so when an order can't be sent", async () => {
  const shop = createShop();
  const at = await shop.listen({ host: "127.0.0.1" });
  await shop.stop();

  await assert.rejects(order(at, ["flour"]), { code: "CONNECTION_REFUSED" });
});
