/** What a program loads that imports hp-socket and uses none of it yet. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { pathToFileURL } from "node:url";
import { PROJECT } from "../support/document.js";
import { runProgram } from "../support/document-run.js";

/** Modules of Node that cost a start some milliseconds. */
const DEAR = ["tls", "crypto", "dgram", "dns/promises", "child_process", "cluster", "http"];

/** Those of them that are loaded after each of these programs, which run one after the other in one process. */
async function loadedBy(...programs: readonly string[]): Promise<readonly string[][]> {
  const show = `console.log(JSON.stringify(process.moduleLoadList
    .flatMap((line) => line.match(/^NativeModule ([^_]\\S*)$/)?.[1] ?? [])));`;
  const { stderr, stdout } = await runProgram(process.execPath, [
    "--input-type=module",
    "--eval",
    programs.map((program) => `${program}\n${show}\n`).join(""),
  ]);
  assert.equal(stderr, "");
  return stdout
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as string[]).filter((name) => DEAR.includes(name)));
}

it('import "hp-socket" loads those of Node\'s modules that many programs never need when they are used', async () => {
  const entry = JSON.stringify(pathToFileURL(`${PROJECT}/dist/index.js`).href);

  const [imported, used] = await loadedBy(
    `const { TcpServer } = await import(${entry});`,
    `try { new TcpServer({ engine: "node", tls: { cert: "x", key: "x" } }); } catch {}`,
  );

  assert.deepEqual(imported, []);
  assert.deepEqual(used?.toSorted(), ["crypto", "tls"]);
});
