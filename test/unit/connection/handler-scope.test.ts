import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const PACKAGE = fileURLToPath(new URL("../../../../dist/http/index.js", import.meta.url));

/** Where Node follows promises, each continuation has an async id of its own. Prints how many there are. */
const PROGRAM = `
  const { executionAsyncId } = await import("node:async_hooks");
  const { HttpServer } = await import(process.argv[1]);
  new HttpServer({ onRequest() {} });
  const ids = new Set();
  for (let turn = 0; turn < 4; turn++) {
    await undefined;
    ids.add(executionAsyncId());
  }
  console.log(ids.size);
`;

describe("the async context of handlers", () => {
  it("is found without having Node follow every promise of the process", () => {
    const args = ["--input-type=module", "--eval", PROGRAM, PACKAGE];

    const { stdout } = spawnSync(process.execPath, args, { timeout: 20_000, encoding: "utf8" });

    assert.equal(stdout, "1\n");
  });
});
