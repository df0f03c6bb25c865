/**
 * The names that users see: of each entry point, and the members of its classes, as the declarations have
 * them. Who changes one changes the list in the same commit: `HP_SOCKET_WRITE_MEMBERS=1` writes it anew.
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { entryPoints, exportedNames, type Place } from "../../support/declarations.js";
import { PROJECT } from "../../support/document.js";

const LIST = join(PROJECT, "test/unit/docs/public-members.txt");

/** The types that all entry points have. */
const SHARED = "hp-socket: types that all entry points have";

/** Names that an entry point exports by itself → where they are declared. */
function exportsOf(file: string): ReadonlyMap<string, Place> {
  const { names, stars } = exportedNames(file);
  assert.deepEqual(stars, [join(PROJECT, "dist/public-types.d.ts")], "all have the shared types");
  return names;
}

/** Those and the types that all have, by heading of the list. */
function listed(): ReadonlyMap<string, ReadonlyMap<string, Place>> {
  const lists = new Map([[SHARED, exportedNames(join(PROJECT, "dist/public-types.d.ts")).names]]);
  for (const [entry, file] of entryPoints()) lists.set(entry, exportsOf(file));
  return lists;
}

/** Members of a class or interface, without those that are private. */
function membersOf(file: string, name: string): string[] {
  const text = readFileSync(file, "utf8").replace(/\/\*[\s\S]*?\*\//g, "");
  const head = new RegExp(`^export (?:declare )?(?:abstract )?(?:class|interface) ${name}\\b`, "m");
  const start = head.exec(text)?.index;
  if (start === undefined) return [];
  const lines = text.slice(start).split("\n");
  const end = lines.findIndex((line) => line.startsWith("}"));
  const members = lines.slice(1, end).flatMap((line) => {
    const match =
      /^ {4}(?:(?:static|readonly|get|set|abstract|override) )*(\[?[\w.]+\]?)\??[<(:;]/.exec(line);
    return /^ {4}(private|protected|#)/.test(line) || match === null ? [] : [`${match[1]}`];
  });
  return [...new Set(members)].sort();
}

/** What stands in the comments of a class or interface, one line each. */
function commentsOf(file: string, name: string): string[] {
  const text = readFileSync(file, "utf8");
  const head = new RegExp(`^export (?:declare )?(?:abstract )?(?:class|interface) ${name}\\b`, "m");
  const body = text.slice(head.exec(text)?.index ?? text.length).split("\n}", 1)[0] ?? "";
  return [...body.matchAll(/\/\*\*([\s\S]*?)\*\//g)].map(([, comment = ""]) =>
    comment.replace(/\s*\n\s*\* ?/g, " ").trim(),
  );
}

function publicNames(): string {
  const lines: string[] = [];
  for (const [heading, names] of listed()) {
    lines.push(heading);
    for (const [alias, { file, name }] of [...names].sort(([one], [other]) =>
      one < other ? -1 : 1,
    )) {
      const members = membersOf(file, name);
      const shown = alias === name ? name : `${alias} (${name})`;
      lines.push(`  ${shown}${members.length === 0 ? "" : `: ${members.join(" ")}`}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

const MEMBER = /^ {4}(?:(?:static|readonly|get|set|abstract|override) )*(\[?[\w.]+\]?)\??[<(:;]/;

/** Names and members that have no comment; of overloads and accessors the first has it. */
function unexplainedIn(file: string, name: string): string[] {
  const lines = readFileSync(file, "utf8").split("\n");
  const head = new RegExp(
    `^export (?:declare )?(?:abstract )?(?:class|interface|type|function|const) ${name}\\b`,
  );
  const start = lines.findIndex((line) => head.test(line));
  const found = isExplained(lines, start) || start < 0 ? [] : [name];
  if (!/ (?:class|interface) .*\{$/.test(lines[start] ?? "")) return found;
  let last = "constructor";
  // What a type parameter extends may take lines of its own.
  const first = lines.findIndex(
    (line, at) => at >= start && / \{$/.test(line) && !/ extends \{$/.test(line),
  );
  for (let at = first + 1; at < lines.length && !lines[at]?.startsWith("}"); at++) {
    const [, member = ""] = MEMBER.exec(lines[at] ?? "") ?? [];
    if (member === "" || /^ {4}(?:private|protected)/.test(lines[at] ?? "")) continue;
    // Constants of a standard, and what the language asks for, explain themselves.
    const isKnown = /^(?:[A-Z_]+|\[Symbol.*|constructor)$/.test(member);
    if (!isKnown && member !== last && !isExplained(lines, at)) found.push(`${name}.${member}`);
    last = member;
  }
  return found;
}

function isExplained(lines: readonly string[], at: number): boolean {
  const before = lines[at - 1] ?? "";
  return /\*\/\s*$/.test(before) || /^export (?:declare )?function /.test(before);
}

describe("what users see", () => {
  it("is the list of public names and members", () => {
    const now = publicNames();
    const isToBeWritten = process.env["HP_SOCKET_WRITE_MEMBERS"] === "1";
    if (isToBeWritten) writeFileSync(LIST, now);

    assert.equal(now, readFileSync(LIST, "utf8"));
    assert.ok(now.split("\n").length > 100);
  });

  it("is explained where an editor shows it: no comment only points elsewhere", () => {
    const pointing: string[] = [];
    for (const names of listed().values()) {
      for (const { file, name } of names.values()) {
        for (const comment of commentsOf(file, name)) {
          if (/^See |^\(?HP §[\d.]+\)?\.?$|head of the file/.test(comment))
            pointing.push(`${name}: ${comment}`);
        }
      }
    }
    assert.deepEqual(pointing, []);
  });

  it("is explained: each name, and each member of it", () => {
    const unexplained = [...listed().values()].flatMap((names) =>
      [...names.values()].flatMap(({ file, name }) => unexplainedIn(file, name)),
    );

    assert.deepEqual([...new Set(unexplained)], []);
  });
});
