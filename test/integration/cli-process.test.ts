/** What only a process of its own can show: exit codes, signals, pipes, and the file that starts it. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { connect as connectSocket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, it, type TestContext } from "node:test";
import { setInterval as ticks } from "node:timers/promises";
import { promisify } from "node:util";
import { type IpAddress, TcpServer } from "hp-socket";
import { CliProgram, PROGRAM_PATH, runProgram, startProgram } from "../support/cli-program.js";
import { runCommand } from "../support/cli-run.js";
import { nodeServer } from "../support/http-scripted-server.js";

/** A folder that goes with the test. */
async function folder(test: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "hp-socket-cli-"));
  test.after(() => rm(path, { recursive: true }));
  return path;
}

/** A peer that keeps its side open whatever comes. */
async function holdConnection(test: TestContext, program: CliProgram): Promise<void> {
  const port = await program.readyPort();
  const socket = connectSocket({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => {});
  test.after(() => socket.destroy());
  await new Promise((resolve) => socket.write("x", resolve));
  await new Promise((resolve) => socket.once("data", resolve));
}

describe("the process of hp-socket", () => {
  it("ends with the exit code of its command, and writes where it belongs", async () => {
    const [good, bad] = await Promise.all([runProgram(["--version"]), runProgram(["fly"])]);

    assert.deepEqual([good.code, good.stderr, bad.code, bad.stdout], [0, "", 2, ""]);
    assert.match(good.stdout, /^\d+\.\d+\.\d+\n$/);
    assert.match(bad.stderr, /^hp-socket: "fly" is no command/);
  });

  const full = existsSync("/dev/full") ? false : "there is no /dev/full here";
  it("says once that its output can't be written, with exit code 1", { skip: full }, async () => {
    const shell = promisify(execFile);
    for (const command of ["--version", "help"]) {
      const line = `"${process.execPath}" "${PROGRAM_PATH}" ${command} > /dev/full`;
      const ended = await shell("sh", ["-c", line]).catch((error) => error);

      assert.equal(ended.code, 1);
      assert.match(ended.stderr, /^hp-socket: the output can't be written: ENOSPC.*\n$/);
    }
    // Nor is there a word where errors can't be told.
    const line = `"${process.execPath}" "${PROGRAM_PATH}" fly 2> /dev/full`;
    assert.equal((await shell("sh", ["-c", line]).catch((error) => error)).code, 2);
  });

  it("says that HP_SOCKET_ENGINE names no engine", async () => {
    const env = { ...process.env, HP_SOCKET_ENGINE: "fast" };
    const ended = await promisify(execFile)(process.execPath, [PROGRAM_PATH, "doctor"], { env });

    assert.match(ended.stdout, /^HP_SOCKET_ENGINE +fast: there is no such engine.*uring, node\)$/m);
  });

  it("drains at SIGTERM and ends with exit code 0", async (test) => {
    const program = startProgram(test, ["echo", "--port", "0"]);
    await program.readyPort();

    program.kill("SIGTERM");

    assert.deepEqual(await program.ended, { code: 0, signal: null });
    assert.match(program.stdout, /^Summary: send - 0, recv - 0$/m);
  });

  it("ends at once with exit code 1 at a second signal", async (test) => {
    const program = startProgram(test, ["echo", "--port", "0"]);
    await holdConnection(test, program);

    program.kill("SIGINT");
    await program.shows("stderr", /draining 1 connection;/);
    for await (const _ of ticks(50)) {
      if (!program.isRunning) break;
      program.kill("SIGINT");
    }

    assert.deepEqual(await program.ended, { code: 1, signal: null });
    assert.doesNotMatch(program.stdout, /Summary/);
  });

  it("keeps bytes as they are, through standard output and files", async (test) => {
    const bytes = randomBytes(3_000_000);
    const path = await folder(test);
    const [from, to] = ["from", "to"].map((name) => join(path, name)) as [string, string];
    writeFileSync(from, bytes);
    const { origin } = await nodeServer(test, (request, response) => request.pipe(response));
    const words = [PROGRAM_PATH, "http", origin, "--data", `@${from}`];

    const options = { encoding: "buffer", maxBuffer: 2 * bytes.length } as const;
    const shown = await promisify(execFile)(process.execPath, words, options);
    const saved = await runCommand([...words.slice(1), "--output", to]);

    assert.ok(shown.stdout.equals(bytes));
    assert.deepEqual([saved.code, saved.stdout], [0, ""]);
    assert.ok(readFileSync(to).equals(bytes));
  });

  it("ends http when nobody reads its output any more", async (test) => {
    const { origin } = await nodeServer(test, (_request, response) => {
      const block = Buffer.alloc(65_536, "x");
      const more = (): void => {
        while (response.write(block));
      };
      response.on("drain", more);
      more();
    });
    const program = startProgram(test, ["http", origin]);

    await program.shows("stdout", /x/);
    program.closeOutput();
    const ended = await program.ended;

    assert.deepEqual([ended, program.stderr], [{ code: 0, signal: null }, ""]);
  });

  it("ends cat quietly when nobody reads its output any more", async (test) => {
    const server = new TcpServer({
      onHandshake: (connection) => void connection.send("line\n".repeat(1_000)),
      onSend: (connection) => void connection.send("line\n".repeat(1_000)),
    });
    test.after(() => server.stop({ drainMs: 0 }));
    const { port } = (await server.listen({ host: "127.0.0.1" })) as IpAddress;
    const program = startProgram(test, ["cat", `127.0.0.1:${port}`]);
    await program.shows("stdout", /line/);

    program.closeOutput();

    assert.deepEqual(await program.ended, { code: 0, signal: null });
    assert.equal(program.stderr, "hp-socket cat: closed\n");
  });

  it("says how to build where it is not built", async (test) => {
    const path = join(await folder(test), "hp-socket.mjs");
    await copyFile(PROGRAM_PATH, path);

    const program = new CliProgram([], path);

    assert.equal((await program.ended).code, 1);
    assert.match(program.stderr, /^hp-socket: .*npm run build/);
  });
});
