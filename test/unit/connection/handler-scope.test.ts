/** What the library does to the async contexts of its process. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";

/** Node marks each promise, with calls into JavaScript for it, while any program follows async contexts. */
const PROGRAM = `
  const marks = () => Object.getOwnPropertySymbols(new Promise(() => {})).length;
  const { TcpServer } = await import(${JSON.stringify(import.meta.resolve("hp-socket"))});
  const server = new TcpServer({ onReceive() {} });
  await server.listen({ host: "127.0.0.1" });
  await server.stop();
  console.log(marks());
`;

describe("handler scope", () => {
  it("leaves Node's following of promises switched off", () => {
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ["--input-type=module", "--eval", PROGRAM],
      { encoding: "utf8", timeout: 20_000 },
    );

    assert.equal(stderr, "");
    assert.equal(stdout, "0\n");
  });
});
