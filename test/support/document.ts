/**
 * Reads the project's documents for the tests that keep them true: code blocks, tables, links. A
 * block of code that is run is followed by a `text` block with what it prints; see document-run.ts.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The folder of the project, with a slash at the end. */
export const PROJECT: string = new URL("../../../", import.meta.url).pathname;

/** A fenced block of code. */
export interface CodeBlock {
  /** Path of the document from the project's folder. */
  readonly document: string;
  /** Line of the document at which the code begins, from 1. */
  readonly line: number;
  readonly language: string;
  /** Whether the fence says `run`. */
  readonly isRun: boolean;
  /** Why it is not run, as the fence says: `not run: needs its server`. */
  readonly notRun: string | undefined;
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
  const fence =
    /^```(\w*)( run| not run: [^\n`]+)?\n([\s\S]*?)^```$(?:\n\n```text\n([\s\S]*?)^```$)?/gm;
  return [...text.matchAll(fence)].map((match) => ({
    document,
    line: text.slice(0, match.index).split("\n").length + 1,
    language: match[1] ?? "",
    isRun: match[2] === " run",
    notRun: /: (.*)/.exec(match[2] ?? "")?.[1],
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
