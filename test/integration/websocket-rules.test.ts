/** What an application sets for single WebSockets, keys and deadlines; what goes to all; waits for the end. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { NetError } from "hp-socket";
import { ManualClock, MemoryEngine } from "hp-socket/testing";
import {
  WebSocketAgent,
  type WebSocketConnection,
  WebSocketServer,
  type WebSocketServerOptions,
} from "hp-socket/websocket";
import { until } from "../support/until.js";
import { socketsOf } from "../support/websocket-world.js";

interface World {
  readonly server: WebSocketServer;
  readonly agent: WebSocketAgent;
  connect(): Promise<WebSocketConnection>;
}

async function world(test: TestContext, options: WebSocketServerOptions = {}): Promise<World> {
  const server = new WebSocketServer(options);
  const agent = new WebSocketAgent();
  await server.listen({ host: "127.0.0.1" });
  test.after(async () => {
    await agent.stop({ drainMs: 0 });
    await server.stop({ drainMs: 0 });
  });
  const connect = () => agent.connect(`ws://127.0.0.1:${server.port}/`);
  return { server, agent, connect };
}

/** Sockets take their first message as their key. */
const login = (socket: WebSocketConnection, name: string | Buffer): void => {
  socket.key = String(name);
  socket.send(`welcome ${socket.key}`);
};

describe("the key of a WebSocket", () => {
  it("finds it until it has ended", async (test) => {
    const { server, connect } = await world(test, { onMessage: login });
    const socket = await connect();
    socket.send("ann");
    assert.equal(await socket.read(), "welcome ann");

    const held = server.byKey("ann");
    assert.equal(held?.key, "ann");
    assert.equal(server.byKey("bob"), undefined);
    socket.close();
    await held.closed();
    assert.equal(server.byKey("ann"), undefined);
    assert.equal(held.key, "ann", "it goes on telling");
  });

  it("goes to the second holder, and the first is closed with 1008", async (test) => {
    const reasons: (string | undefined)[] = [];
    const { server, connect } = await world(test, {
      onMessage: login,
      onClose: ({ key }, code, _reason, end) => reasons.push(`${key} ${code} ${end.code}`),
    });
    const [first, second] = [await connect(), await connect()];
    first.send("ann");
    await first.read();
    second.send("ann");
    assert.equal(await second.read(), "welcome ann");

    const end = await first.closed();
    assert.deepEqual([end.code, end.reason], [1008, "another socket has the key"]);
    await until(() => reasons.length === 1);
    assert.deepEqual(reasons, ["ann 1006 DUPLICATE_KEY"]);
    assert.equal(server.byKey("ann")?.isOpen, true);
  });

  it("stays with the first holder where that is asked for", async (test) => {
    const { server, connect } = await world(test, { duplicateKey: "refuse", onMessage: login });
    const [first, second] = [await connect(), await connect()];
    first.send("ann");
    await first.read();
    second.send("ann");
    assert.equal((await second.closed()).code, 1008);
    assert.equal(first.isOpen, true);

    const keeping = await world(test, { duplicateKey: "keep", onMessage: login });
    const [third, fourth] = [await keeping.connect(), await keeping.connect()];
    third.send("ann");
    await third.read();
    fourth.send("ann");
    assert.equal(await fourth.read(), "welcome undefined");
    assert.equal(server.byKey("ann")?.isOpen, true);
  });

  it("is one of an agent's sockets, too, and can be given up", async (test) => {
    const { agent, connect } = await world(test);
    const socket = await connect();
    socket.key = 7;
    assert.equal(agent.byKey(7), socket);
    socket.key = undefined;
    assert.equal(agent.byKey(7), undefined);
    assert.equal(socket.key, undefined);
  });
});

describe("the deadline of a WebSocket", () => {
  it("closes it with 1008 and its reason, whatever came, unless it was taken back", async () => {
    const clock = new ManualClock();
    const engine = new MemoryEngine({ clock });
    const ends: string[] = [];
    const server = new WebSocketServer({
      engine,
      onOpen: (socket) => void socket.setDeadline(10_000, "no login within 10 s"),
      onMessage(socket, text) {
        if (text === "login") socket.setDeadline(0);
      },
      onClose: (_socket, code, _reason, end) =>
        ends.push(`${code} ${end.code}: ${end.cause?.message}`),
    });
    const agent = new WebSocketAgent({ engine });
    const { port } = await server.listen({ port: 0 });
    const both = Promise.all([0, 1].map(() => agent.connect(`ws://127.0.0.1:${port}/`)));
    await engine.settle();
    const [good, bad] = await both;
    good?.send("login");
    await engine.advance(5_000);
    bad?.send("hello");
    await engine.advance(5_100);

    const end = await bad?.closed();
    assert.deepEqual([end?.code, end?.reason], [1008, "no login within 10 s"]);
    assert.deepEqual(ends, ["1006 DEADLINE_PASSED: no login within 10 s"]);
    assert.equal(good?.isOpen, true);
    assert.equal(bad?.setDeadline(1), false);
    assert.throws(() => good?.setDeadline(-1), { code: "INVALID_ARGUMENT" });
    await Promise.all([agent.stop({ drainMs: 0 }), server.stop({ drainMs: 0 })]);
  });
});

describe("a broadcast to WebSockets", () => {
  it("goes to all but those that are left out, and counts", async (test) => {
    const { server, connect } = await world(test);
    const sockets = [await connect(), await connect(), await connect()];
    const [first, second] = socketsOf(server);

    assert.deepEqual(server.broadcast("to all"), { taken: 3, slow: 0, refused: 0 });
    const others = { except: first, filter: (socket: WebSocketConnection) => socket !== second };
    assert.deepEqual(server.broadcast("to one", others), { taken: 1, slow: 0, refused: 0 });
    server.broadcast(Buffer.of(1), { except: first?.id, isText: false });
    assert.deepEqual(await sockets[0]?.read(), "to all");
    assert.deepEqual(await sockets[1]?.read(), "to all");
    assert.deepEqual(await sockets[1]?.read(), Buffer.of(1));
    assert.deepEqual([await sockets[2]?.read(), await sockets[2]?.read()], ["to all", "to one"]);
    assert.deepEqual(await sockets[2]?.read(), Buffer.of(1));
  });

  it("says who is slow, and who did not take it", async (test) => {
    const { server, connect } = await world(test, {
      maxPendingBytes: 8 * 1_048_576,
      slowConsumer: "drop",
    });
    const reader = await connect();
    const other = await connect();
    other.pause();
    const bytes = Buffer.alloc(4 * 1_048_576);
    const counts = { taken: 0, slow: 0, refused: 0 };
    for (let round = 0; round < 8; round++) {
      const { taken, slow, refused } = server.broadcast(bytes);
      counts.taken += taken;
      counts.slow += slow;
      counts.refused += refused;
      await reader.read();
    }

    assert.equal(counts.taken + counts.slow + counts.refused, 16);
    assert.ok(counts.slow >= 1, "the one that reads nothing is slow");
    assert.ok(counts.refused >= 1, "and then its messages are dropped");
  });

  it("refuses what can't be, before anything is sent", async (test) => {
    const { server, connect } = await world(test);
    const socket = await connect();
    const broadcast = (options: object) => () => server.broadcast("x", options);
    assert.throws(broadcast({ but: 1 }), /broadcast has no option "but"|but/);
    assert.throws(broadcast({ filter: true }), { code: "INVALID_ARGUMENT" });
    assert.throws(broadcast({ isText: "yes" }), { code: "INVALID_ARGUMENT" });
    assert.throws(
      broadcast({
        filter: () => {
          throw new RangeError("mine");
        },
      }),
      RangeError,
    );
    server.broadcast("after");
    assert.equal(await socket.read(), "after");
  });
});

describe("closed() of a WebSocket", () => {
  it("gives up by time-out and signal, and the socket goes on", async (test) => {
    const { connect } = await world(test);
    const socket = await connect();
    const code = (error: NetError) => error.code;
    assert.equal(await socket.closed({ timeoutMs: 1 }).catch(code), "CLOSE_TIMEOUT");
    const signal = AbortSignal.abort();
    assert.equal(await socket.closed({ signal }).catch(code), "ABORTED");
    assert.equal(socket.isOpen, true);
    const closed = socket.closed({ timeoutMs: 10_000 });
    socket.close(1000);
    assert.equal((await closed).code, 1000);
  });
});
