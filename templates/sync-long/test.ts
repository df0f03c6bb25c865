import assert from "node:assert/strict";
import { it } from "node:test";
import { add, createClient } from "./client.ts";
import { createServer } from "./server.ts";

it("asks many times on one connection", async (test) => {
  const server = createServer();
  test.after(() => server.stop());
  const client = createClient();
  test.after(() => client.stop());
  await client.connect(await server.listen({ host: "127.0.0.1" }));

  const totals = [await add(client, 1), await add(client, 2), await add(client, 3)];

  assert.deepEqual(totals, [1, 3, 6]);
  assert.equal(server.stats.openedCount, 1);
});

it("comes back by itself when the connection is lost", async (test) => {
  const server = createServer();
  test.after(() => server.stop());
  const client = createClient();
  test.after(() => client.stop());
  await client.connect(await server.listen({ host: "127.0.0.1" }));

  for (const id of server.connectionIds()) server.abort(id);
  await client.closed();
  await assert.rejects(add(client, 1), { code: "CONNECTION_CLOSED" });
  while (!client.isOpen) await new Promise((resolve) => setTimeout(resolve, 10));

  assert.equal(await add(client, 10), 10);
});
