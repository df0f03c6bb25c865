import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, it, type TestContext } from "node:test";
import { delimiter, lengthPrefix, pack, push, type ReceiveModel, TcpClient } from "hp-socket";
import { runCommand, startCommand } from "../support/cli-run.js";

const TIMEOUT = { timeoutMs: 5_000 };

/** What the program is told, and what a client must speak then. */
const MODELS: readonly (readonly [flags: readonly string[], receive: ReceiveModel<Buffer>])[] = [
  [["--receive", "push"], push()],
  [["--receive", "pull"], push()],
  [["--receive", "pack", "--flag", "361"], pack({ flag: 361 })],
  [["--receive", "line", "--delimiter", "\\r\\n"], delimiter({ delimiter: "\r\n" })],
  [
    ["--receive", "length", "--length-format", "uint-le", "--length-bytes", "2"],
    lengthPrefix({ format: "uint-le", bytes: 2 }),
  ],
];

async function connectedClient(
  test: TestContext,
  port: number,
  receive: ReceiveModel<Buffer> = push(),
): Promise<TcpClient> {
  const client = new TcpClient({ receive });
  test.after(() => client.stop({ drainMs: 0 }));
  return await client.connect({ host: "127.0.0.1", port });
}

describe("hp-socket echo", () => {
  for (const [flags, receive] of MODELS) {
    it(`answers in the same framing with ${flags.join(" ")}`, async (test) => {
      const program = startCommand(test, ["echo", "--port", "0", ...flags]);
      const client = await connectedClient(test, await program.readyPort(), receive);

      const answer = await client.request("hello", TIMEOUT);

      assert.equal(answer.toString(), "hello");
    });
  }

  it("drains at SIGTERM, says what it has done and ends with exit code 0", async (test) => {
    const program = startCommand(test, ["echo", "--port", "0"]);
    const client = await connectedClient(test, await program.readyPort());
    await client.request("hello", TIMEOUT);

    program.kill("SIGTERM");
    const ended = await program.ended;

    assert.deepEqual(ended, 0);
    assert.match(program.stdout, /^Summary: send - 5, recv - 5$/m);
    assert.match(program.stdout, /^connections - 1 \(refused 0, cut 0\), messages - 1$/m);
  });

  it("speaks JSON with --json", async (test) => {
    const program = startCommand(test, ["echo", "--port", "0", "--json", "--engine", "node"]);
    await program.shows("stdout", /\n/);

    program.kill("SIGINT");
    await program.ended;

    const [ready, summary] = program.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    assert.equal(ready.event, "ready");
    assert.equal(ready.host, "127.0.0.1");
    assert.ok(ready.port > 0);
    assert.deepEqual([ready.engine, ready.receive], ["node", "push"]);
    assert.equal(summary.event, "summary");
    assert.equal(summary.receivedBytes, 0);
  });

  it("refuses connections above --max-connections", async (test) => {
    const program = startCommand(test, ["echo", "--port", "0", "--max-connections", "1"]);
    const port = await program.readyPort();
    const first = await connectedClient(test, port);
    await first.request("x", TIMEOUT);

    const second = await connectedClient(test, port);
    await second.stopped(TIMEOUT);
    program.kill("SIGTERM");
    await program.ended;

    assert.match(program.stdout, /^connections - 1 \(refused 1, cut 0\)/m);
  });

  it("listens on a Unix-domain socket with --path", {
    skip: process.platform === "win32" ? "Windows has pipes, not paths" : false,
  }, async (test) => {
    const path = join(tmpdir(), `hp-socket-cli-${process.pid}.sock`);
    const program = startCommand(test, ["echo", "--path", path]);
    await program.shows("stdout", /^READY .*\.sock engine=/);
    const client = new TcpClient();
    test.after(() => client.stop({ drainMs: 0 }));

    await client.connect({ path });
    const answer = await client.request("hello", TIMEOUT);

    assert.equal(answer.toString(), "hello");
  });

  it("says in one line that the port is taken, and ends with exit code 1", async (test) => {
    const program = startCommand(test, ["echo", "--port", "0"]);
    const port = await program.readyPort();

    const second = await runCommand(["echo", "--port", String(port)]);

    assert.equal(second.code, 1);
    assert.match(second.stderr, new RegExp(`^hp-socket echo: ADDRESS_IN_USE: .*:${port}.*\n$`));
    assert.equal(second.stdout, "");
  });
});
