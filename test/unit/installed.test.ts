import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import { lookUpPlaces } from "#src/installed.js";

function folderFor(test: TestContext): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "hp-socket-installed-")));
  test.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Lets the program `started` run in `folder`, for a test. */
function startIn(test: TestContext, folder: string, started: string | undefined): void {
  const before = { folder: process.cwd(), started: process.argv[1] };
  process.chdir(folder);
  setStarted(started);
  test.after(() => {
    process.chdir(before.folder);
    setStarted(before.started);
  });
}

function setStarted(path: string | undefined): void {
  if (path === undefined) process.argv.length = 1;
  else process.argv[1] = path;
}

function install(folder: string): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "package.json");
  writeFileSync(file, '{ "name": "hp-socket" }');
  return file;
}

describe("lookUpPlaces", () => {
  it("begins at the module, goes on at the program that was started, and ends at the working directory", (test) => {
    const folder = folderFor(test);
    mkdirSync(join(folder, "work"));
    writeFileSync(join(folder, "bundle.cjs"), "");
    startIn(test, join(folder, "work"), join(folder, "bundle.cjs"));
    const module = join(folder, "lib", "chunk.mjs");

    assert.deepEqual(
      [...lookUpPlaces(pathToFileURL(module).href)],
      [module, join(folder, "bundle.cjs"), join(folder, "work", "program.js")],
    );
    assert.deepEqual(
      [...lookUpPlaces(undefined)].map((path) => dirname(path)),
      [folder, join(folder, "work")],
    );
  });

  it("takes a program by where it lies, not by the link that started it", (test) => {
    const folder = folderFor(test);
    for (const name of ["bin", "app"]) mkdirSync(join(folder, name));
    writeFileSync(join(folder, "app", "bundle.cjs"), "");
    symlinkSync(join(folder, "app", "bundle.cjs"), join(folder, "bin", "bundle"));
    startIn(test, folder, join(folder, "bin", "bundle"));

    assert.equal([...lookUpPlaces(undefined)][0], join(folder, "app", "bundle.cjs"));
  });

  it("goes on beside the hp-socket that is installed there, wherever its package really lies", (test) => {
    const folder = folderFor(test);
    const store = join(folder, "node_modules", ".pnpm", "hp-socket@1", "node_modules", "hp-socket");
    const installed = install(store);
    symlinkSync(store, join(folder, "node_modules", "hp-socket"));
    writeFileSync(join(folder, "bundle.cjs"), "");
    startIn(test, tmpdir(), join(folder, "bundle.cjs"));

    assert.deepEqual([...lookUpPlaces(undefined)].slice(0, 2), [
      join(folder, "bundle.cjs"),
      installed,
    ]);
  });

  it("goes by the working directory alone where no file was started, and by none of no file", (test) => {
    const folder = folderFor(test);
    startIn(test, folder, undefined);

    assert.deepEqual([...lookUpPlaces("data:text/javascript,")], [join(folder, "program.js")]);
  });
});
