import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { runCommand } from "../support/cli-run.js";

const TEMPLATES = ["sync-short", "sync-long", "async-short", "async-duplex", "async-simplex"];
const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const COMPILER = join(ROOT, "node_modules/typescript/bin/tsc");

let folder = "";

/** Installs what a package made by the program needs, from here. */
function install(into: string): void {
  mkdirSync(join(into, "node_modules"));
  symlinkSync(ROOT, join(into, "node_modules/hp-socket"));
  for (const name of ["@types", "typescript"]) {
    symlinkSync(join(ROOT, "node_modules", name), join(into, "node_modules", name));
  }
}

function run(cwd: string, ...words: string[]): string {
  const env = { ...process.env };
  // A runner below a runner would report to it.
  delete env["NODE_TEST_CONTEXT"];
  const { status, stdout, stderr } = spawnSync(process.execPath, words, {
    cwd,
    env,
    encoding: "utf8",
    timeout: 120_000,
  });
  assert.equal(status, 0, `${words.join(" ")}\n${stdout}${stderr}`);
  return stdout;
}

describe("hp-socket new", () => {
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "hp-socket-new-"));
    install(folder);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("writes each template, of either length; all compile, and their tests pass", async () => {
    for (const length of ["ascii", "binary"]) {
      for (const template of TEMPLATES) {
        const name = `${template}-${length}`;
        const { code, stderr } = await runCommand([
          "new",
          template,
          join(folder, name),
          "--length",
          length,
        ]);
        assert.deepEqual([code, stderr], [0, ""]);
        const protocol = readFileSync(join(folder, name, "protocol.ts"), "utf8");
        const format = length === "ascii" ? /format: "ascii", bytes: 4/ : /"uint-be", bytes: 2/;
        assert.match(protocol, format);
      }
    }
    const compilerOptions = { rootDir: ".", outDir: "dist" };
    const settings = { extends: "./sync-short-ascii/tsconfig.json", compilerOptions };
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({ ...settings, include: ["*/*.ts"] }),
    );
    run(folder, COMPILER, "-p", folder);
    const tests = TEMPLATES.flatMap((template) =>
      ["ascii", "binary"].map((length) => `import "./${template}-${length}/test.js";\n`),
    );
    // One process for all: most of the time of one is to start.
    writeFileSync(join(folder, "dist/all.mjs"), tests.join(""));
    const output = run(folder, "--test", "dist/all.mjs");
    assert.match(output, /(#|ℹ) fail 0/);
    assert.match(output, /(#|ℹ) pass 20/);
  });

  it("writes a package whose own scripts work", async () => {
    const own = join(folder, "My Switch");
    const { code, stdout } = await runCommand(["new", "async-duplex", own]);
    assert.equal(code, 0);
    assert.match(stdout, /npm install\n {2}npm test\n$/);
    assert.deepEqual(readdirSync(own).sort(), [
      ".gitignore",
      "README.md",
      "client.ts",
      "package.json",
      "protocol.ts",
      "run.mjs",
      "server.ts",
      "side.ts",
      "test.ts",
      "tsconfig.json",
    ]);
    const manifest = JSON.parse(readFileSync(join(own, "package.json"), "utf8"));
    assert.equal(manifest.name, "my-switch");
    const ours = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    const { "hp-socket": where, ...others } = manifest.dependencies;
    assert.deepEqual(others, {});
    assert.match(where, /^file:/); // of a clone: what is installed names its version
    assert.equal(realpathSync(join(realpathSync(own), where.slice(5))), realpathSync(ROOT));
    assert.equal(manifest.engines.node, ours.engines.node);
    install(own);
    for (const script of Object.values<string>(manifest.scripts)) {
      assert.match(script, /^node run\.mjs (server|client|test)$|^tsc --noEmit$/);
    }
    run(own, "run.mjs", "test");
  });

  for (const [args, message] of [
    [[], /which template\? sync-short, sync-long, /],
    [["sync-shrot", "x"], /"sync-shrot" is no template; did you mean "sync-short"\?/],
    [["elegant", "x"], /"elegant" is no template; sync-short, /],
    [["sync-short"], /into which directory\?/],
    [["sync-short", "x", "y"], /what is "y" for\?/],
    [["sync-short", "x", "--length", "bcd"], /--length must be one of ascii, binary, not "bcd"/],
    [["sync-short", ROOT], /is not empty/],
    [["sync-short", join(ROOT, "package.json")], /is no directory/],
    [["sync-short", join(ROOT, "package.json/x")], /can't be written/],
  ] as const) {
    it(`refuses ${args.slice(0, 4).join(" ") || "nothing"} with one line and code 2`, async () => {
      const { code, stdout, stderr } = await runCommand(["new", ...args]);
      assert.deepEqual([code, stdout], [2, ""]);
      assert.match(stderr, message);
      assert.equal(stderr.trim().split("\n").length, 1);
    });
  }

  it("has help with the templates", async () => {
    const { code, stdout } = await runCommand(["new", "--help"]);
    assert.equal(code, 0);
    for (const template of TEMPLATES) assert.match(stdout, new RegExp(`^ {2}${template} `, "m"));
  });
});
