/** What connections of the node engine have from their listener, asked of the kernel. */
import assert from "node:assert/strict";
import { type AddressInfo, connect, createServer, type Server, Socket } from "node:net";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { StreamOptions } from "#src/engine/engine.js";
import { InheritedOptions } from "#src/engine/node/inherited-options.js";
import { nodeEngine } from "#src/engine/node/node-engine.js";
import type { NodeStream } from "#src/engine/node/node-stream.js";
import { askSocket, socketCalls } from "#src/engine/node/socket-calls.js";
import { SOL_SOCKET } from "#src/engine/option-calls.js";
import { EngineWorld, loopback } from "../../support/engine-world.js";
import { until } from "../../support/until.js";

const IPPROTO_TCP = 6;
const NO_DELAY = [IPPROTO_TCP, 1] as const;
const KEEP_ALIVE = [SOL_SOCKET, 9] as const;
const IDLE_SECONDS = [IPPROTO_TCP, 4] as const;
const INTERVAL_SECONDS = [IPPROTO_TCP, 5] as const;
const PROBES = [IPPROTO_TCP, 6] as const;
const USER_TIMEOUT_MS = [IPPROTO_TCP, 18] as const;

const calls = socketCalls();
const skip = typeof calls === "string" ? calls : false;

const stream: StreamOptions = {
  noDelay: true,
  keepAlive: { idleMs: 61_000, intervalMs: 7_000, count: 3 },
  userTimeoutMs: 45_000,
};

/** The value of an option of the socket below `it`. */
function asked(it: Socket, [level, name]: readonly [number, number]): number | undefined {
  return askSocket(it, (known, descriptor) => {
    const bytes = Buffer.alloc(4);
    assert.equal(known.getOption(descriptor, level, name, bytes), 4);
    return bytes.readInt32LE(0);
  });
}

const allOf = (it: Socket): (number | undefined)[] =>
  [NO_DELAY, KEEP_ALIVE, IDLE_SECONDS, INTERVAL_SECONDS, PROBES, USER_TIMEOUT_MS].map((option) =>
    asked(it, option),
  );

describe("options that a connection has from its listener", { skip }, () => {
  let world: EngineWorld;

  beforeEach(() => {
    world = new EngineWorld(nodeEngine());
  });

  afterEach(() => world.end());

  it("are on each connection, without a call of Node's for it", async (t) => {
    const listener = await world.listen(loopback(), { stream });
    const set = t.mock.method(Socket.prototype, "setKeepAlive");
    for (let index = 0; index < 3; index++) {
      const { server } = await world.pair(listener);

      assert.deepEqual(allOf((server.socket as NodeStream).socket), [1, 1, 61, 7, 3, 45_000]);
    }
    // Each client sets its own.
    assert.ok(set.mock.callCount() <= 3, String(set.mock.callCount()));
  });

  it("can be taken back, each by itself", async () => {
    const listener = await world.listen(loopback(), { stream });
    const one = await world.pair(listener);
    const other = await world.pair(listener);

    one.server.socket.setNoDelay(false);
    assert.equal(other.server.socket.setKeepAlive(false), false);

    assert.deepEqual(allOf((one.server.socket as NodeStream).socket), [0, 1, 61, 7, 3, 45_000]);
    const { socket } = other.server.socket as NodeStream;
    assert.equal(asked(socket, NO_DELAY), 1);
    assert.equal(asked(socket, KEEP_ALIVE), 0);
  });

  it("are not there of listeners that have none", async () => {
    const listener = await world.listen(loopback(), {
      stream: { noDelay: false, keepAlive: false },
    });
    const { server } = await world.pair(listener);

    const { socket } = server.socket as NodeStream;
    assert.deepEqual([asked(socket, NO_DELAY), asked(socket, KEEP_ALIVE)], [0, 0]);
  });

  it("are not there of a connection that came before they were set", async () => {
    const { server, accepted } = await listening();
    const early = connect((server.address() as AddressInfo).port, "127.0.0.1");
    await until(() => accepted.length === 1);
    const inherited = new InheritedOptions(server, stream);
    const late = connect((server.address() as AddressInfo).port, "127.0.0.1");
    await until(() => accepted.length === 2);

    assert.deepEqual(
      accepted.map((it) => inherited.areOn(it)),
      [false, true],
    );

    for (const it of [early, late, ...accepted]) it.destroy();
    server.close();
  });
});

async function listening(): Promise<{ server: Server; accepted: Socket[] }> {
  const accepted: Socket[] = [];
  const server = createServer((it) => accepted.push(it));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, accepted };
}
