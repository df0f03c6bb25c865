/** Runs what the project's documents show, as programs of their own. */
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { type CodeBlock, PROJECT } from "./document.js";

const RUN_LIMIT_MS = 60_000;

/** What a program printed and how it ended. */
export interface Run {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What begins a line that says which block's output follows. */
export const MARK = "\u0001block ";

const CHILD = fileURLToPath(new URL("document-blocks-child.js", import.meta.url));

/**
 * Runs blocks of code as modules, inside the project so that they find the package: all of them in one
 * process, each when nothing of the last one is left. Answers what each of them printed.
 */
export async function runBlocks(blocks: readonly CodeBlock[]): Promise<Run[]> {
  const folder = join(PROJECT, "build", "documents");
  mkdirSync(folder, { recursive: true });
  const files = blocks.map((block) => {
    const name = relative("", block.document).replaceAll("/", "-");
    const file = join(folder, `${basename(name, ".md")}-${block.line}.mjs`);
    writeFileSync(file, block.text);
    return file;
  });
  const run = await runProgram(process.execPath, [CHILD, ...files]);
  const [stdout, stderr] = [parts(run.stdout), parts(run.stderr)];
  return blocks.map((_, index) => {
    const isLast = index + 1 === stdout.length;
    return {
      exitCode: isLast ? run.exitCode : 0,
      stdout: stdout[index] ?? "",
      stderr: stderr[index] ?? "the block was not reached",
    };
  });
}

function parts(output: string): string[] {
  return output
    .split(MARK)
    .slice(1)
    .map((part) => part.slice(part.indexOf("\n") + 1));
}

/** Runs a program in the project's folder, for a limited time. */
export async function runProgram(program: string, words: readonly string[]): Promise<Run> {
  const child = spawn(program, words, { cwd: PROJECT, timeout: RUN_LIMIT_MS });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (bytes: Buffer) => {
    stdout += bytes;
  });
  child.stderr.on("data", (bytes: Buffer) => {
    stderr += bytes;
  });
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  return { exitCode, stdout, stderr };
}
