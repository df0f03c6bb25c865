/** The examples of README.md are run as they stand there, and must print what it says. */
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { codeBlocks } from "../support/document.js";
import { type Run, runBlocks } from "../support/document-run.js";

const examples = codeBlocks("README.md").filter(({ language }) => language === "ts");

describe("README.md", () => {
  it("has four examples, each with what it prints", () => {
    assert.equal(examples.length, 4);
    assert.ok(examples.every(({ output }) => output !== undefined));
  });

  let runs: readonly Run[] = [];
  before(async () => {
    runs = await runBlocks(examples);
  });

  for (const [index, example] of examples.entries()) {
    it(`prints what it says: the example of line ${example.line}`, () => {
      const run = runs[index];

      assert.equal(run?.stderr, "");
      assert.equal(run.stdout, example.output);
      assert.equal(run.exitCode, 0);
    });
  }
});
