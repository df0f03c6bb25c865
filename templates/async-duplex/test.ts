import assert from "node:assert/strict";
import { it } from "node:test";
import { Branch } from "./client.ts";
import { Center } from "./server.ts";

const until = async (is: () => boolean): Promise<void> => {
  while (!is()) await new Promise((resolve) => setTimeout(resolve, 10));
};

it("lets both sides ask on one connection, with answers in any order", async (test) => {
  const notices: string[] = [];
  const center = new Center(async (amount) => {
    // Those that come first take longest.
    await new Promise((resolve) => setTimeout(resolve, 60 - Number(amount)));
    return `approved ${amount}`;
  });
  test.after(() => center.stop());
  const branch = new Branch(
    "branch 7",
    (question) => `${question}: open`,
    (notice) => void notices.push(notice),
  );
  test.after(() => branch.stop());
  await branch.connect(await center.server.listen({ host: "127.0.0.1" }));
  await until(() => center.server.byKey("branch 7") !== undefined);

  const [first, second, third, tills] = await Promise.all([
    branch.ask("10"),
    branch.ask("30"),
    branch.ask("50"),
    center.ask("branch 7", "tills"),
  ]);

  assert.deepEqual([first, second, third], ["approved 10", "approved 30", "approved 50"]);
  assert.equal(tills, "tills: open");
  assert.deepEqual(notices, ["welcome"]);
  assert.equal(center.server.stats.openedCount, 1);
});

it("gives a question up after its time-out, and drops the answer that comes too late", async (test) => {
  let late = (_answer: string): void => {};
  const center = new Center((amount) =>
    amount === "13" ? new Promise((resolve) => (late = resolve)) : `approved ${amount}`,
  );
  test.after(() => center.stop());
  const branch = new Branch("branch 7", () => "open");
  test.after(() => branch.stop());
  await branch.connect(await center.server.listen({ host: "127.0.0.1" }));

  await assert.rejects(branch.ask("13", { timeoutMs: 50 }), { code: "REQUEST_TIMEOUT" });
  late("too late");

  assert.equal(await branch.ask("20"), "approved 20");
});

it("comes back by itself when the connection is lost; what was under way is rejected", async (test) => {
  let isSlow = true;
  const center = new Center((amount) =>
    isSlow ? new Promise<string>(() => {}) : `approved ${amount}`,
  );
  test.after(() => center.stop());
  const branch = new Branch("branch 7", () => "open");
  test.after(() => branch.stop());
  await branch.connect(await center.server.listen({ host: "127.0.0.1" }));

  const lost = branch.ask("50");
  const rejected = assert.rejects(lost, { code: "CONNECTION_CLOSED" });
  await until(() => center.server.stats.receivedBytes > 20);
  isSlow = false;
  for (const id of center.server.connectionIds()) center.server.abort(id);
  await rejected;
  await until(() => branch.client.isOpen);

  assert.equal(await branch.ask("50"), "approved 50");
  // Another connection with another id, and the same branch.
  assert.equal(await center.ask("branch 7", "tills"), "open");
});
