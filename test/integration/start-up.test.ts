/** What a program loads that imports hp-socket and uses none of it yet. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { PROJECT } from "../support/document.js";
import { runProgram } from "../support/document-run.js";

/** Modules of Node that cost a start some milliseconds. */
const DEAR = ["tls", "crypto", "dgram", "dns/promises", "child_process", "cluster", "http"];

async function loadedBy(program: string): Promise<readonly string[]> {
  const text = `${program}
const loaded = process.moduleLoadList.flatMap((line) => line.match(/^NativeModule ([^_]\\S*)$/)?.[1] ?? []);
console.log(JSON.stringify(loaded));`;
  const { stderr, stdout } = await runProgram(process.execPath, [
    "--input-type=module",
    "--eval",
    text,
  ]);
  assert.equal(stderr, "");
  return (JSON.parse(stdout) as string[]).filter((name) => DEAR.includes(name));
}

describe('import "hp-socket"', () => {
  const entry = JSON.stringify(pathToFileURL(`${PROJECT}/dist/index.js`).href);

  it("loads none of Node's modules that many programs never need", async () => {
    assert.deepEqual(await loadedBy(`await import(${entry});`), []);
  });

  it("loads them when they are used", async () => {
    const used = `const { TcpServer } = await import(${entry});
try { new TcpServer({ engine: "node", tls: { cert: "x", key: "x" } }); } catch {}`;
    assert.deepEqual((await loadedBy(used)).toSorted(), ["crypto", "tls"]);
  });
});
