import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runCommand, startCommand } from "../support/cli-run.js";

const HOST = "127.0.0.1";

describe("hp-socket over ARQ", () => {
  it("echo answers cat and load, and says at its end what it has done", async (test) => {
    const program = startCommand(test, ["echo", "--arq", "--port", "0"]);
    const port = await program.readyPort();
    const target = `${HOST}:${port}`;
    const cat = startCommand(test, ["cat", "--arq", target, "--wait", "0.2"]);

    cat.stdin.end("one\ntwo\n");
    assert.equal(await cat.ended, 0);
    assert.equal(cat.stdout, "one\ntwo\n");

    const amounts = ["--connections", "2", "--depth", "4", "--size", "3000"];
    const times = ["--messages", "200"];
    const load = await runCommand(["load", "--arq", target, ...amounts, ...times]);
    assert.equal(load.code, 0);
    assert.match(load.stdout, /^target +127\.0\.0\.1:\d+, arq, /m);
    assert.match(load.stdout, /^errors +none$/m);

    program.kill("SIGTERM");
    assert.equal(await program.ended, 0);
    assert.match(program.stdout, /^READY 127\.0\.0\.1:\d+ engine=\w+ receive=arq$/m);
    assert.match(program.stdout, /^connections - 3 /m);
  });

  for (const wrong of [
    ["echo", "--arq", "--udp"],
    ["echo", "--arq", "--receive", "pack"],
    ["echo", "--arq", "--path", "/tmp/x"],
    ["echo", "--arq", "--max-packet", "178817"],
    ["cat", "--arq", "--udp", "127.0.0.1:1"],
    ["cat", "--arq", "127.0.0.1:1", "--receive", "line"],
    ["load", "--arq", "127.0.0.1:1", "--receive", "pack"],
    ["load", "--arq", "127.0.0.1:1", "--size", "178817"],
    ["load", "--arq", "--path", "/tmp/x"],
  ]) {
    it(`refuses ${wrong.join(" ")}`, async () => {
      const { code } = await runCommand(wrong);
      assert.equal(code, 2);
    });
  }
});
