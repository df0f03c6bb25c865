import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "node:test";
import { runProgram } from "../support/document-run.js";

/** The names of packages of CommonJS that are loaded after the import of a module. */
async function loadedAfter(specifier: string): Promise<string> {
  const program = `
    import { createRequire } from "node:module";
    await import(${JSON.stringify(specifier)});
    const loaded = Object.keys(createRequire(import.meta.url).cache);
    console.log(loaded.some((path) => path.includes("tldts")) ? "suffix list" : "none");`;
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
    assert.equal(await loadedAfter("hp-socket/http"), "suffix list");
    assert.equal(await loadedAfter("hp-socket"), "none");
    assert.equal(await loadedAfter("hp-socket/testing"), "none");
  });
});
