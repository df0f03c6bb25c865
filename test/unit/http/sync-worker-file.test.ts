import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { syncWorkerFile } from "#src/http/sync/sync-worker-file.js";
import { PROJECT } from "../../support/document.js";

/** A folder with empty files of these names; answers the URL of a module in it. */
function moduleBeside(test: TestContext, ...files: string[]): string {
  const folder = mkdtempSync(join(tmpdir(), "hp-socket-worker-"));
  test.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, "sync"));
  for (const file of files) writeFileSync(join(folder, file), "");
  return pathToFileURL(join(folder, "module.js")).href;
}

describe("syncWorkerFile", () => {
  for (const place of ["sync-worker.js", "sync/sync-worker.js"]) {
    it(`is found at ${place}`, (test) => {
      const module = moduleBeside(test, place);

      assert.equal(syncWorkerFile(module).href, new URL(place, module).href);
    });
  }

  it("is found in the installed package where a bundle lies elsewhere, and where it has no URL", () => {
    const inPackage = join(PROJECT, "dist/http/sync/sync-worker.js");

    assert.equal(fileURLToPath(syncWorkerFile(`file://${PROJECT}build/bundle.js`)), inPackage);
    assert.equal(fileURLToPath(syncWorkerFile(undefined)), inPackage);
  });

  it("throws at once where there is none, with the path", (test) => {
    const module = moduleBeside(test);
    const [folder, started] = [process.cwd(), process.argv[1] ?? ""];
    process.chdir(tmpdir());
    process.argv[1] = fileURLToPath(module);
    test.after(() => {
      process.chdir(folder);
      process.argv[1] = started;
    });

    assert.throws(() => syncWorkerFile(module), {
      code: "NOT_SUPPORTED",
      message: new RegExp(fileURLToPath(new URL("sync-worker.js", module))),
    });
  });
});
