/**
 * Reads the project's documents for the tests that keep them true: code blocks, tables, links. A
 * block of code that is run is followed by a `text` block with what it prints.
 */
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import process from "node:process";

/** The folder of the project, with a slash at the end. */
export const PROJECT: string = new URL("../../../", import.meta.url).pathname;

const RUN_LIMIT_MS = 20_000;

/** A fenced block of code. */
export interface CodeBlock {
  /** Path of the document from the project's folder. */
  readonly document: string;
  /** Line of the document at which the code begins, from 1. */
  readonly line: number;
  readonly language: string;
  /** Whether the fence says `run`. */
  readonly isRun: boolean;
  readonly text: string;
  /** The `text` block that follows at once: what the code prints. */
  readonly output: string | undefined;
}

/** Reads a file of the project. */
export function readProjectFile(path: string): string {
  return readFileSync(join(PROJECT, path), "utf8");
}

/** Paths of the files under `folder` that end with `ending`, from the project's folder. */
export function projectFiles(folder: string, ending: string): string[] {
  return readdirSync(join(PROJECT, folder), { recursive: true })
    .map((path) => join(folder, String(path)))
    .filter((path) => path.endsWith(ending))
    .sort();
}

/** The fenced blocks of a document. */
export function codeBlocks(document: string): CodeBlock[] {
  const text = readProjectFile(document);
  const fence = /^```(\w*)( run)?\n([\s\S]*?)^```$(?:\n\n```text\n([\s\S]*?)^```$)?/gm;
  return [...text.matchAll(fence)].map((match) => ({
    document,
    line: text.slice(0, match.index).split("\n").length + 1,
    language: match[1] ?? "",
    isRun: match[2] !== undefined,
    text: match[3] ?? "",
    output: match[4],
  }));
}

/**
 * The cells of the rows of all tables of a document whose first column is headed `heading`, without
 * head and rule; the backquotes are left out.
 */
export function tableRows(document: string, heading: string): string[][] {
  const rows: string[][] = [];
  let isInside = false;
  for (const line of readProjectFile(document).split("\n")) {
    if (!line.startsWith("|")) isInside = false;
    else if (line.startsWith(`| ${heading} |`)) isInside = true;
    else if (isInside && !line.startsWith("| ---")) rows.push(cellsOf(line));
  }
  return rows;
}

function cellsOf(line: string): string[] {
  return line
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.replaceAll("`", "").trim());
}

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
