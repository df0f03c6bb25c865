/** Look-ups of names on threads that are not Node's. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { lookup } from "node:dns/promises";
import { hostname } from "node:os";
import process from "node:process";
import { describe, test } from "node:test";
import { canDetach, detachedLookup } from "#src/engine/detached-lookup.js";

const skip = canDetach() ? false : "look-ups are Node's here";

/** A program that looks a name up, and has nothing else to do. */
const PROGRAM = `
  const { detachedLookup } = await import(${JSON.stringify(import.meta.resolve("#src/engine/detached-lookup.js"))});
  detachedLookup("localhost").hosts.then(() => console.log("answered"));
`;

function runProgram(): string {
  const { stdout } = spawnSync(process.execPath, ["--input-type=module", "--eval", PROGRAM], {
    encoding: "utf8",
    timeout: 20_000,
  });
  return stdout;
}

/** Timers that hold the process. */
function heldTimers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
}

describe("a detached look-up", { skip }, () => {
  test("finds what Node finds", async () => {
    for (const name of ["localhost", hostname()]) {
      const expected = await lookup(name, { all: true, order: "verbatim" }).catch(() => undefined);
      if (expected === undefined) continue;

      const found = await detachedLookup(name)!.hosts;

      assert.deepEqual(
        found.map(({ host }) => host).sort(),
        [...new Set(expected.map(({ address }) => address))].sort(),
      );
    }
  });

  test("refuses what can't be a name", () => {
    for (const name of ["", "with\0zero"]) {
      assert.throws(() => detachedLookup(name), { code: "ENOTFOUND" });
    }
  });

  test("holds the process while somebody waits, and not longer", async () => {
    assert.equal(runProgram(), "answered\n");
    const asked = detachedLookup("localhost")!;

    const held = heldTimers();
    asked.hold(false);
    const freed = heldTimers();
    asked.hold(true);
    const again = heldTimers();

    // The answer may have been there at once.
    assert.ok(held - freed <= 1 && again === held, `${held} ${freed} ${again}`);
    await asked.hosts;
  });
});
