/** Runs what the project's documents show, as programs of their own. */
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import process from "node:process";
import { type CodeBlock, PROJECT } from "./document.js";

const RUN_LIMIT_MS = 20_000;

/** What a program printed and how it ended. */
export interface Run {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a block of code as a module of its own, inside the project so that it finds the package. */
export async function runBlock(block: CodeBlock): Promise<Run> {
  const folder = join(PROJECT, "build", "documents");
  mkdirSync(folder, { recursive: true });
  const name = relative("", block.document).replaceAll("/", "-");
  const file = join(folder, `${basename(name, ".md")}-${block.line}.mjs`);
  writeFileSync(file, block.text);
  return await runProgram(process.execPath, [file]);
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
