/** The examples of README.md are run as they stand there, and must print what it says. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { codeBlocks } from "../support/document.js";
import { runBlock } from "../support/document-run.js";

const examples = codeBlocks("README.md").filter(({ language }) => language === "ts");

describe("README.md", () => {
  it("has four examples, each with what it prints", () => {
    assert.equal(examples.length, 4);
    assert.ok(examples.every(({ output }) => output !== undefined));
  });

  for (const example of examples) {
    it(`prints what it says: the example of line ${example.line}`, async () => {
      const run = await runBlock(example);

      assert.equal(run.stderr, "");
      assert.equal(run.stdout, example.output);
      assert.equal(run.exitCode, 0);
    });
  }
});
