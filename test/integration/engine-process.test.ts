/** What an engine does to its process: when descriptors run out, and when nothing holds it. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { connect, type Socket } from "node:net";
import process from "node:process";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { engineReport } from "#src/engine/choose-engine.js";
import type { ExhaustionState } from "../support/engine-exhaustion-child.js";
import { until } from "../support/until.js";

// Node opens all modules of a program at once before it runs.
const DESCRIPTOR_LIMIT = 128;
const CLIENT_COUNT = 200;

const childPath = (name: string): string =>
  fileURLToPath(new URL(`../support/${name}.js`, import.meta.url));

class ExhaustionChild {
  state: ExhaustionState | undefined = undefined;
  busyShare: number | undefined = undefined;
  readonly process: ChildProcess;

  constructor(engine: string) {
    const command = `ulimit -n ${DESCRIPTOR_LIMIT}; exec "$0" "$@"`;
    const values = [process.execPath, childPath("engine-exhaustion-child"), engine];
    this.process = spawn("sh", ["-c", command, ...values], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.process.on("message", (state: ExhaustionState) => {
      this.state = state;
      this.busyShare ??= state.busyShare;
    });
  }

  get openCount(): number {
    return this.state?.openCount ?? 0;
  }
}

function openClients(port: number): Socket[] {
  return Array.from({ length: CLIENT_COUNT }, () => {
    const socket = connect({ port, host: "127.0.0.1" });
    // Being refused or reset is what is expected of most of them.
    socket.on("error", () => {});
    return socket;
  });
}

async function echoes(port: number): Promise<string> {
  let answer = "";
  const socket = connect({ port, host: "127.0.0.1" });
  socket.on("error", () => {});
  socket.on("data", (bytes) => {
    answer += bytes;
  });
  socket.write("are you there?");
  await until(() => answer.length === 14 || socket.destroyed);
  socket.destroy();
  return answer;
}

async function checkExhaustion(engine: string): Promise<void> {
  const child = new ExhaustionChild(engine);
  try {
    await until(() => child.state !== undefined, 30_000);
    const { port } = child.state!;

    const clients = openClients(port);
    await until(() => clients.every((client) => client.destroyed || !client.connecting));
    child.process.send("measure");
    await until(() => child.busyShare !== undefined);
    const { failedCount, acceptedCount } = child.state!;
    for (const client of clients) client.destroy();
    await until(() => child.openCount === 0);
    const answer = await echoes(port);

    assert.ok(acceptedCount > 0 && acceptedCount < CLIENT_COUNT, `${acceptedCount} accepted`);
    assert.ok(failedCount <= 5, `${failedCount} reports of a failed accept`);
    assert.ok(child.busyShare! < 0.5, `busy for ${child.busyShare} of the time`);
    assert.equal(answer, "are you there?");
    assert.equal(child.process.exitCode, null);
  } finally {
    child.process.kill("SIGKILL");
  }
}

for (const { name, available } of engineReport()) {
  const unavailable = available === true ? false : available;
  const noLimits = process.platform === "win32" ? "descriptors are not limited by ulimit" : false;

  describe(`engine and process: ${name}`, { skip: unavailable }, () => {
    test(
      "lives through a lack of descriptors without spinning, and recovers",
      {
        skip: noLimits,
        timeout: 60_000,
      },
      () => checkExhaustion(name),
    );

    test("is held by streams that are paused, and ends when all its sockets are unreferenced", () => {
      const { stdout, stderr, status } = spawnSync(
        process.execPath,
        [childPath("engine-holding-child"), name],
        { timeout: 30_000, encoding: "utf8" },
      );

      assert.equal(stderr, "");
      assert.equal(stdout, "paused: goes on, ends, goes on, ends\nopen\n");
      assert.equal(status, 0);
    });
  });
}

test("in node:cluster, auto takes the engine whose listeners the workers share, and says why", () => {
  const env = { ...process.env };
  delete env["HP_SOCKET_ENGINE"];
  const { stdout, stderr } = spawnSync(process.execPath, [childPath("cluster-child")], {
    timeout: 30_000,
    encoding: "utf8",
    env,
  });
  const said = JSON.parse(stdout || stderr) as {
    messages: { engine: string; passedOver?: string; port: number }[];
    servedBy: string[];
  };

  assert.deepEqual(said.servedBy, ["1", "2"]);
  assert.equal(said.messages[0]!.port, said.messages[1]!.port);
  for (const { engine, passedOver } of said.messages) {
    assert.equal(engine, "node");
    assert.match(passedOver!, /node:cluster/);
  }
});
