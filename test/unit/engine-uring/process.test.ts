/** What the engine does to its process. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe } from "node:test";
import { fileURLToPath } from "node:url";
import { uringTest } from "./uring-case.js";

const CHILD = fileURLToPath(new URL("./process-child.js", import.meta.url));

/** Runs the program to its end; it is killed when it does not come to one. */
function run(args: readonly string[], env: NodeJS.ProcessEnv = {}): object {
  const { stdout, stderr, status, signal } = spawnSync(process.execPath, [CHILD, ...args], {
    timeout: 20_000,
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
  return { stdout, stderr, status, signal };
}

const ENDED = { stdout: "heard\n", stderr: "", status: 0, signal: null };

describe("uring engine and its process", () => {
  uringTest("lets the process end when every socket is closed", () => {
    assert.deepEqual(run([]), ENDED);
  });

  uringTest("lets a worker thread end when every socket is closed", () => {
    assert.deepEqual(run(["worker"]), ENDED);
  });

  uringTest("checks ownership when HP_SOCKET_URING_DEBUG is 1", () => {
    assert.deepEqual(run([], { HP_SOCKET_URING_DEBUG: "1" }), ENDED);
  });
});
