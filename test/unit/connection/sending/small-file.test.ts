import assert from "node:assert/strict";
import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { MAX_SMALL_FILE_BYTES, readSmallFile } from "#src/connection/sending/small-file.js";

let folder = "";

/** A file of so many bytes, all of them 0. */
async function fileOf(byteCount: number): Promise<string> {
  const path = join(folder, `of-${byteCount}`);
  await writeFile(path, "");
  await truncate(path, byteCount);
  return path;
}

describe("readSmallFile", () => {
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "hp-socket-small-"));
  });
  after(() => rm(folder, { recursive: true }));

  it("gives head, file and tail as pieces, and no empty ones", async () => {
    const path = join(folder, "text");
    await writeFile(path, "content");

    const all = await readSmallFile(path, { head: "head ", tail: Buffer.from(" tail") });
    const bare = await readSmallFile(path, { head: "" });

    assert.deepEqual(all.map(String), ["head ", "content", " tail"]);
    assert.deepEqual(bare.map(String), ["content"]);
  });

  it("takes MAX_SMALL_FILE_BYTES with head and tail, and not one more", async () => {
    const most = await fileOf(MAX_SMALL_FILE_BYTES - 5);

    const pieces = await readSmallFile(most, { head: "abc", tail: "de" });

    assert.equal(Buffer.concat(pieces).length, MAX_SMALL_FILE_BYTES);
    await assert.rejects(readSmallFile(most, { head: "abc", tail: "def" }), {
      code: "FILE_INVALID",
      message: /larger than .*4194303 bytes with head and tail/,
    });
  });

  it("rejects with FILE_INVALID for a file that is empty, or can't be read, with the cause", async () => {
    await assert.rejects(readSmallFile(await fileOf(0), {}), { code: "FILE_INVALID" });
    await assert.rejects(readSmallFile(join(folder, "none"), {}), (error: Error) => {
      assert.equal((error.cause as { code: string }).code, "ENOENT");
      return true;
    });
    await assert.rejects(readSmallFile(folder, {}), { code: "FILE_INVALID" });
  });

  it("refuses options and data that can't be before the file is looked at", async () => {
    const none = join(folder, "none");

    await assert.rejects(readSmallFile(5 as never, {}), { code: "INVALID_ARGUMENT" });
    await assert.rejects(readSmallFile(none, { heads: "" } as never), { code: "INVALID_ARGUMENT" });
    await assert.rejects(readSmallFile(none, { head: 5 as never }), { code: "INVALID_ARGUMENT" });
  });
});
