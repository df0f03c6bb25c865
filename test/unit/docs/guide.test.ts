/** Every snippet of the documents is compiled, and those marked `run` are run. */
import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { type CodeBlock, codeBlocks, PROJECT, projectFiles } from "../../support/document.js";
import { type Run, runBlocks, runProgram } from "../../support/document-run.js";

const FOLDER = "build/documents-types";

/** What a snippet without imports of its own may use. One line, so that line numbers stay telling. */
const PRELUDE = `import { type Address, type Connection, delimiter, engineReport, fixedLength, \
lengthPrefix, NetError, pack, pull, push, startEnd, TcpAgent, TcpClient, TcpServer, untilClosed } \
from "hp-socket"; declare const server: TcpServer; declare const client: TcpClient; \
declare const agent: TcpAgent; declare const connection: Connection; declare const id: number; \
declare const address: Address; declare const bytes: Buffer; export async function snippet() {`;

const CONFIGURATION = {
  extends: "../../tsconfig.base.json",
  compilerOptions: { noEmit: true, noUnusedLocals: false, noUnusedParameters: false },
  include: ["*.ts"],
};

const documents = ["README.md", ...projectFiles("docs", ".md"), ...projectFiles("src", ".md")];
const blocks = documents.flatMap(codeBlocks).filter(({ language }) => language === "ts");

function asModule({ text }: CodeBlock): string {
  return /^import /m.test(text) ? text : `${PRELUDE}\n${text}}\n`;
}

function fileName({ document, line }: CodeBlock): string {
  return `${document.replaceAll("/", "-")}-${line}.ts`;
}

describe("the documents' snippets", () => {
  it("compile", async () => {
    rmSync(join(PROJECT, FOLDER), { recursive: true, force: true });
    mkdirSync(join(PROJECT, FOLDER), { recursive: true });
    for (const block of blocks)
      writeFileSync(join(PROJECT, FOLDER, fileName(block)), asModule(block));
    writeFileSync(join(PROJECT, FOLDER, "tsconfig.json"), JSON.stringify(CONFIGURATION));

    const compiler = join(PROJECT, "node_modules/typescript/bin/tsc");
    const run = await runProgram(process.execPath, [compiler, "-p", FOLDER]);

    assert.equal(run.stdout, "");
    assert.equal(run.exitCode, 0);
    assert.ok(blocks.length > 20);
  });

  it("are run, or say why not", () => {
    // Those of README.md are run by a test of their own.
    const silent = blocks
      .filter(({ document, isRun, notRun }) => document !== "README.md" && !isRun && !notRun)
      .map(({ document, line }) => `${document}:${line}`);

    assert.deepEqual(silent, [], "write `run` or `not run: WHY` behind ts");
  });

  const programs = blocks.filter(({ isRun }) => isRun);
  let runs: readonly Run[] = [];
  before(async () => {
    runs = await runBlocks(programs);
  });

  for (const [index, block] of programs.entries()) {
    it(`print what they say: ${block.document}, line ${block.line}`, () => {
      const run = runs[index];

      assert.equal(run?.stderr, "");
      assert.equal(run.stdout, block.output);
      assert.equal(run.exitCode, 0);
    });
  }
});
