import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { encodeForm, formChunks } from "#src/http/client/form-content.js";

/** The bytes of a form, and what they are read back as by the platform. */
async function sent(form: FormData): Promise<{ bytes: Buffer; byteCount: number; read: FormData }> {
  const { type, byteCount, pieces } = encodeForm(form);
  const chunks: Uint8Array[] = [];
  for await (const chunk of formChunks(pieces)) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  const read = await new Response(bytes, { headers: { "Content-Type": type } }).formData();
  return { bytes, byteCount, read };
}

describe("a form that is encoded", () => {
  it("has the length that was said before, and is read back as it was", async () => {
    const form = new FormData();
    form.append("text", "välue ☃");
    form.append("file", new File(["content"], "a.txt", { type: "text/plain" }));
    form.append("text", "again");
    form.append("blob", new Blob([new Uint8Array(100_000)]));

    const { bytes, byteCount, read } = await sent(form);
    const file = read.get("file") as File;
    const blob = read.get("blob") as File;

    assert.equal(bytes.length, byteCount);
    assert.deepEqual([...read.keys()], ["text", "file", "text", "blob"]);
    assert.deepEqual(read.getAll("text"), ["välue ☃", "again"]);
    assert.deepEqual([file.name, file.type, await file.text()], ["a.txt", "text/plain", "content"]);
    assert.deepEqual([blob.name, blob.type, blob.size], ["blob", "application/octet-stream", 1e5]);
  });

  it("can't be broken out of by names, file names and values", async () => {
    const form = new FormData();
    const evil = 'a"; filename="x"\r\n\r\nb';
    form.append(evil, "1\n2\r3\r\n4");
    form.append("f", new File(["c"], evil));

    const { bytes, byteCount, read } = await sent(form);

    assert.equal(bytes.length, byteCount);
    assert.equal(bytes.toString().match(/Content-Disposition/g)?.length, 2);
    assert.match(
      bytes.toString(),
      /name="a%22; filename=%22x%22%0D%0A%0D%0Ab"\r\n\r\n1\r\n2\r\n3\r\n4\r\n/,
    );
    assert.equal([...read.keys()].length, 2);
  });

  it("is one end when it is empty", async () => {
    const { bytes, byteCount } = await sent(new FormData());

    assert.match(bytes.toString(), /^--([-\w]+)--\r\n$/);
    assert.equal(bytes.length, byteCount);
  });

  it("does not change with the form", () => {
    const form = new FormData();
    form.append("a", "b");
    const { pieces } = encodeForm(form);
    form.append("c", "d");

    assert.doesNotMatch(String(pieces[0]), /name="c"/);
  });
});
