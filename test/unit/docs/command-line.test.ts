/** The document on the command line names what the program itself says it has, and nothing else. */
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { runCommand } from "../../support/cli-run.js";
import { readProjectFile } from "../../support/document.js";

const document = readProjectFile("docs/guide/command-line.md");

async function helpOf(...words: string[]): Promise<string> {
  const run = await runCommand([...words, "--help"]);
  assert.equal(run.code, 0);
  return run.stdout;
}

describe("docs/guide/command-line.md", () => {
  let commands: string[] = [];
  let options: string[] = [];

  before(async () => {
    const overview = await helpOf();
    commands = [...overview.matchAll(/^ {2}([a-z]+) .*options/gm)].map((match) => `${match[1]}`);
    const helps = await Promise.all(commands.map((command) => helpOf(command)));
    options = helps.flatMap((help) => help.match(/(?<=^ {2}(?:-\w, )?)--[a-z-]+/gm) ?? []);
  });

  it("names every command", () => {
    assert.ok(commands.length >= 5);
    const missing = commands.filter((command) => !document.includes(`| \`${command}`));
    assert.deepEqual(missing, []);
  });

  it("names every option", () => {
    assert.ok(options.length >= 20);
    const missing = options.filter((option) => !document.includes(`\`${option}\``));
    assert.deepEqual(missing, []);
  });

  it("names no option that is not there", () => {
    const named = document.match(/--[a-z][a-z-]*/g) ?? [];
    const known = [...options, "--help", "--version"];
    const unknown = named.filter((option) => !known.includes(option));
    assert.deepEqual(unknown, []);
  });
});
