import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import * as promises from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { type FileSystem, replaceFile } from "#src/http/cookie/file-replacement.js";

const OLD = "the old content";
const NEW = Buffer.from("the new content, which is longer");

const top = mkdtempSync(join(tmpdir(), "replacement-"));
after(() => rmSync(top, { recursive: true }));

function newFile(): string {
  const path = join(mkdtempSync(join(top, "x")), "file");
  writeFileSync(path, OLD);
  return path;
}

type Step = "open" | "chmod" | "writeFile" | "sync" | "close" | "rename" | "stat" | "realpath";

/**
 * The file system of the machine, but `step` fails; when the process is to `die` there, nothing
 * that comes later happens either. A write that fails has written half.
 */
function failingAt(step: Step | "none", die: boolean, steps: string[] = []): FileSystem {
  let isDead = false;
  const attempt = async <Value>(name: string, act: () => Promise<Value>): Promise<Value> => {
    steps.push(name);
    if (isDead || name === step) {
      isDead = die;
      throw Object.assign(new Error(`${name} failed`), { code: "EIO" });
    }
    return await act();
  };
  return {
    realpath: (path) => attempt("realpath", () => promises.realpath(path)),
    stat: (path) => attempt("stat", () => promises.stat(path)),
    rename: (from, to) => attempt("rename", () => promises.rename(from, to)),
    unlink: (path) => attempt("unlink", () => promises.unlink(path)),
    open: (path, flags, mode) =>
      attempt("open", async () => {
        const file = await promises.open(path, flags, mode);
        return {
          chmod: (mode) => attempt("chmod", () => file.chmod(mode)),
          writeFile: async (bytes) => {
            if (step === "writeFile") await file.writeFile(bytes.subarray(0, bytes.length / 2));
            await attempt("writeFile", () => file.writeFile(bytes));
          },
          sync: () => attempt("sync", () => file.sync()),
          close: async () => {
            // The test's own handle is closed in any case.
            await file.close();
            await attempt("close", async () => undefined);
          },
        };
      }),
  };
}

const STEPS: readonly Step[] = [
  "realpath",
  "stat",
  "open",
  "chmod",
  "writeFile",
  "sync",
  "close",
  "rename",
];

describe("replaceFile", () => {
  it("writes, brings to the disk, and only then gives the name", async () => {
    const path = newFile();
    const steps: string[] = [];

    await replaceFile(path, () => NEW, failingAt("none", false, steps));

    assert.deepEqual(steps, [...STEPS]);
    assert.deepEqual(readFileSync(path), NEW);
  });

  for (const step of STEPS) {
    it(`leaves the old file and nothing else when ${step} fails`, async () => {
      const path = newFile();

      await assert.rejects(
        replaceFile(path, () => NEW, failingAt(step, false)),
        { code: "EIO" },
      );

      assert.equal(readFileSync(path, "utf8"), OLD);
      assert.deepEqual(readdirSync(join(path, "..")), ["file"]);
    });

    it(`leaves the old file whole when the process dies at ${step}, and can be repeated`, async () => {
      const path = newFile();

      await assert.rejects(
        replaceFile(path, () => NEW, failingAt(step, true)),
        { code: "EIO" },
      );
      const afterDeath = readFileSync(path, "utf8");
      await replaceFile(path, () => NEW);

      assert.equal(afterDeath, OLD);
      assert.deepEqual(readFileSync(path), NEW);
    });
  }

  it("rejects with what the content throws, and touches nothing", async () => {
    const path = newFile();
    const steps: string[] = [];
    const mine = new Error("mine");

    const replacement = replaceFile(
      path,
      () => Promise.reject(mine),
      failingAt("none", false, steps),
    );

    await assert.rejects(replacement, mine);
    assert.deepEqual(steps, []);
  });

  it("lets replacements of one file go one after the other, also behind one that failed", async () => {
    const path = newFile();
    const order: string[] = [];
    const content = (name: string) => (): Buffer => {
      order.push(`${name} sees ${readFileSync(path, "utf8")}`);
      return Buffer.from(name);
    };

    const replacements = [
      replaceFile(path, content("first")),
      replaceFile(path, content("second"), failingAt("rename", false)),
      replaceFile(join(path, "..", ".", "file"), content("third")),
    ];
    const results = await Promise.allSettled(replacements);

    assert.deepEqual(
      results.map(({ status }) => status),
      ["fulfilled", "rejected", "fulfilled"],
    );
    assert.deepEqual(order, [`first sees ${OLD}`, "second sees first", "third sees first"]);
    assert.equal(readFileSync(path, "utf8"), "third");
  });
});
