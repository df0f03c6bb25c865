import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "node:test";
import { runProgram } from "../support/document-run.js";

/** After which of these modules, imported one after the other, the list of public suffixes is there. */
async function loadedAfter(specifiers: readonly string[]): Promise<string> {
  const program = `
    import { createRequire } from "node:module";
    for (const specifier of ${JSON.stringify(specifiers)}) {
      await import(specifier);
      const loaded = Object.keys(createRequire(import.meta.url).cache);
      if (loaded.some((path) => path.includes("tldts"))) console.log(specifier);
    }`;
  const run = await runProgram(process.execPath, ["--input-type=module", "-e", program]);
  assert.equal(run.stderr, "");
  return run.stdout.trim();
}

describe("the entry hp-socket/http", () => {
  it("has the cookie store", async () => {
    const { CookieStore } = await import("hp-socket/http");

    assert.equal(new CookieStore().count, 0);
  });

  it("alone loads the list of public suffixes: hp-socket does without", async () => {
    const all = ["hp-socket", "hp-socket/testing", "hp-socket/http"];
    assert.equal(await loadedAfter(all), "hp-socket/http");
  });
});
