/** A connection that an administrator destroys with `ss -K`: both ends know at once, also one that does not read. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { connect, createServer } from "node:net";
import process from "node:process";
import { describe, it } from "node:test";
import { type Connection, TcpClient, TcpServer } from "hp-socket";
import { availableEngines } from "../support/engine-list.js";
import { until } from "../support/until.js";

/** Destroys the socket here whose peer is at this port. */
function destroy(port: number): void {
  spawnSync("ss", ["-K", "dst", "127.0.0.1", "dport", "=", String(port)], { stdio: "ignore" });
}

/** Why it can't be done here, or false. */
async function whyNot(): Promise<string | false> {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "it needs Linux and root";
  if (spawnSync("ss", ["-V"]).error !== undefined) return "there is no ss";
  const server = createServer((socket) => socket.on("error", () => {})).listen(0, "127.0.0.1");
  await until(() => server.listening);
  const { port } = server.address() as { port: number };
  const socket = connect(port, "127.0.0.1");
  let isDestroyed = false;
  socket.on("error", () => {
    isDestroyed = true;
  });
  await until(() => socket.readyState === "open");
  destroy(port);
  for (let turn = 0; turn < 100 && !isDestroyed; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  socket.destroy();
  server.close();
  return isDestroyed ? false : "the kernel does not destroy sockets (INET_DIAG_DESTROY)";
}

const skip = await whyNot();
if (skip !== false) console.log(`# connections that are destroyed are not tested: ${skip}`);

describe("a connection that is destroyed", { skip }, () => {
  for (const engine of availableEngines()) {
    for (const how of ["reading", "paused", "held by a busy handler"] as const) {
      // What libuv does not read it hears nothing of: see `resetWhilePaused`.
      if (how === "paused" && engine === "node") continue;
      it(`is known to both ends at once, ${how}, on ${engine}`, async (test) => {
        const told: string[] = [];
        let accepted: Connection | undefined;
        const server = new TcpServer({
          engine,
          onAccept: (connection) => {
            accepted = connection;
            if (how === "paused") connection.pause();
          },
          onReceive: () => (how === "held by a busy handler" ? new Promise(() => {}) : undefined),
          onClose: (_, { code }) => void told.push(`server ${code}`),
        });
        const client = new TcpClient({
          engine,
          onReceive() {},
          onClose: (_, { code }) => void told.push(`client ${code}`),
        });
        test.after(() => Promise.all([client.stop({ drainMs: 0 }), server.stop({ drainMs: 0 })]));
        const { port } = (await server.listen({ host: "127.0.0.1" })) as { port: number };
        await client.connect({ host: "127.0.0.1", port });
        if (how === "paused") client.pause();
        else client.send("x");
        await until(() => accepted !== undefined);
        if (how !== "paused") await until(() => accepted?.stats.receivedBytes === 1);

        destroy(port);
        const destroyedMs = performance.now();
        await until(() => told.length === 2);

        assert.deepEqual(told.sort(), ["client CONNECTION_RESET", "server CONNECTION_RESET"]);
        assert.ok(performance.now() - destroyedMs < 10_000);
      });
    }
  }
});
