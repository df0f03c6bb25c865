/** What a program hears that a bundler has made of hp-socket, and that has lost io_uring by it. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { build, type Format } from "esbuild";
import { isBundled } from "#src/engine/bundled.js";
import { PROJECT } from "../support/document.js";
import { type Run, runProgram } from "../support/document-run.js";

const PROGRAM = `import { TcpServer } from "hp-socket";
new TcpServer(); new TcpServer();
console.log("done");`;

const startHere = (file: string): string => `import(${file});`;
const startFork = (file: string): string =>
  `import("node:child_process").then(({ fork }) => fork(${file}));`;
const startWorker = (file: string): string =>
  `import("node:cluster").then(({ default: cluster }) => {
    cluster.setupPrimary({ exec: ${file} });
    cluster.fork();
    cluster.on("online", (worker) => worker.disconnect());
  });`;

describe("a bundle on Linux", {
  skip: process.platform === "linux" ? false : "io_uring is Linux's",
}, () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "hp-socket-bundle-"));
  });
  after(() => rmSync(folder, { recursive: true }));

  async function run(format: Format, engine = "auto", start = startHere): Promise<Run> {
    const file = join(folder, format === "cjs" ? "bundle.cjs" : "bundle.mjs");
    await build({
      stdin: { contents: PROGRAM, resolveDir: PROJECT },
      bundle: true,
      platform: "node",
      format,
      outfile: file,
      logLevel: "silent",
    });
    // From the bundle's own folder, which has no packages.
    const text = `process.chdir(${JSON.stringify(folder)}); process.env.HP_SOCKET_ENGINE = "${engine}";
${start(JSON.stringify(file))}`;
    writeFileSync(join(folder, "start.mjs"), text);
    return await runProgram(process.execPath, [join(folder, "start.mjs")]);
  }

  for (const format of ["cjs", "esm"] as const) {
    it(`says once that io_uring is lost, and how to get it: ${format}`, async () => {
      const { stderr, stdout, exitCode } = await run(format);

      assert.equal(stdout, "done\n");
      assert.equal(exitCode, 0);
      assert.equal(stderr.match(/runs without io_uring/g)?.length, 1, stderr);
      assert.match(stderr, /koffi is not found: install it beside the bundle/);
    });
  }

  for (const [name, start] of Object.entries({ startFork, startWorker })) {
    it(`starts in another process: CommonJS, ${name}`, async () => {
      const { stderr, stdout, exitCode } = await run("cjs", "auto", start);

      assert.equal(stdout, "done\n");
      assert.equal(exitCode, 0);
      assert.match(stderr, /runs without io_uring.*koffi is not found/);
    });
  }

  it("imports nothing of node:module, which webpack takes away", async () => {
    await run("esm");
    assert.doesNotMatch(readFileSync(join(folder, "bundle.mjs"), "utf8"), /from "node:module"/);
  });

  it("says nothing where the node engine was asked for", async () => {
    assert.equal((await run("cjs", "node")).stderr, "");
  });
});

describe("isBundled", () => {
  it("is false in the package, and true elsewhere", () => {
    assert.equal(isBundled(), false);
    assert.equal(isBundled("file:///no/such/folder/bundle.js"), true);
    assert.equal(isBundled("https://example.com/bundle.js"), true);
  });
});
