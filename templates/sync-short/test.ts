import assert from "node:assert/strict";
import { it } from "node:test";
import { ask } from "./client.ts";
import { createServer } from "./server.ts";

it("answers each question on a connection of its own", async (test) => {
  const server = createServer();
  test.after(() => server.stop());
  const to = await server.listen({ host: "127.0.0.1" });

  const answers = await Promise.all([ask(to, "one"), ask(to, "two"), ask(to, "three")]);

  assert.deepEqual(answers, ["ONE", "TWO", "THREE"]);
  assert.equal(server.stats.openedCount, 3);
});

it("says so when nobody is there", async () => {
  const server = createServer();
  const to = await server.listen({ host: "127.0.0.1" });
  await server.stop();

  await assert.rejects(ask(to, "hello"), { code: "CONNECTION_REFUSED" });
});
