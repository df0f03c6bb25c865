/**
 * The names that users see: of each entry point, and the members of its classes, as the declarations have
 * them. Who changes one changes the list in the same commit: `HP_SOCKET_WRITE_MEMBERS=1` writes it anew.
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { PROJECT } from "../../support/document.js";

const LIST = join(PROJECT, "test/unit/docs/public-members.txt");

const manifest: { readonly exports: Readonly<Record<string, { readonly types?: string }>> } =
  JSON.parse(readFileSync(join(PROJECT, "package.json"), "utf8"));

/** Names that a module exports → the module that declares them. */
function exportsOf(file: string): Map<string, string> {
  const found = new Map<string, string>();
  const text = readFileSync(file, "utf8");
  for (const [, names = "", from = ""] of text.matchAll(
    /^export (?:type )?\{([^}]*)\} from "(\.[^"]+)\.js";/gm,
  )) {
    const source = join(dirname(file), `${from}.d.ts`);
    for (const name of names.split(",")) {
      const word = name.replace(/\btype\b/, "").trim();
      if (word !== "") found.set(word, source);
    }
  }
  return found;
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
  for (const [entry, { types }] of Object.entries(manifest.exports)) {
    if (types === undefined || entry.endsWith("-worker")) continue;
    lines.push(`${join("hp-socket", entry)}`);
    const names = exportsOf(join(PROJECT, types));
    for (const name of [...names.keys()].sort()) {
      const members = membersOf(`${names.get(name)}`, name);
      lines.push(`  ${name}${members.length === 0 ? "" : `: ${members.join(" ")}`}`);
    }
  }
  return `${lines.join("\n")}\n`;
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
    for (const { types } of Object.values(manifest.exports)) {
      if (types === undefined) continue;
      for (const [name, file] of exportsOf(join(PROJECT, types))) {
        for (const comment of commentsOf(file, name)) {
          if (/^See |^\(?HP §[\d.]+\)?\.?$|head of the file/.test(comment))
            pointing.push(`${name}: ${comment}`);
        }
      }
    }
    assert.deepEqual(pointing, []);
  });
});
