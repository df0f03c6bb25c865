import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { chunksOf } from "#src/connection/views/chunks.js";
import { NetError } from "#src/errors.js";

/** Reads that give each of `texts`, and then reject with `error`. */
function reads(texts: readonly string[], error: Error): () => Promise<Buffer> {
  const left = [...texts];
  return async () => {
    const text = left.shift();
    if (text === undefined) throw error;
    return Buffer.from(text);
  };
}

async function all(read: () => Promise<Buffer>): Promise<string[]> {
  const found: string[] = [];
  for await (const chunk of chunksOf(read)) found.push(String(chunk));
  return found;
}

describe("chunksOf", () => {
  it("gives one read after the other, an empty packet too, until the connection is closed", async () => {
    const read = reads(["a", "", "b"], new NetError("CONNECTION_CLOSED"));

    assert.deepEqual(await all(read), ["a", "", "b"]);
  });

  it("throws what ended the connection otherwise", async () => {
    const cause = new NetError("CONNECTION_RESET");
    const closed = new NetError("CONNECTION_CLOSED", "closed", { cause });

    await assert.rejects(all(reads(["a"], closed)), closed);
    await assert.rejects(all(reads([], new NetError("INVALID_STATE"))), { code: "INVALID_STATE" });
    await assert.rejects(all(reads([], new Error("other"))), { message: "other" });
  });

  it("reads no further than it is asked for", async () => {
    let count = 0;
    const read = async (): Promise<Buffer> => {
      count++;
      return Buffer.of(count);
    };

    for await (const chunk of chunksOf(read)) if (chunk[0] === 2) break;

    assert.equal(count, 2);
  });
});
