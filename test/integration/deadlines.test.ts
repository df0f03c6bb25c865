import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { describe, it } from "node:test";
import { type Connection, type NetError, TcpAgent, TcpClient, TcpServer } from "hp-socket";
import { ManualClock, MemoryEngine, type MemoryEngineOptions } from "hp-socket/testing";
import { availableEngines } from "../support/engine-list.js";
import { EventLog } from "../support/event-log.js";

/** A network in memory whose time is moved by hand. */
function network(options: MemoryEngineOptions = {}): {
  clock: ManualClock;
  engine: MemoryEngine;
  pass: (ms: number) => Promise<void>;
} {
  const clock = new ManualClock();
  const engine = new MemoryEngine({ clock, ...options });
  const pass = async (ms: number): Promise<void> => {
    await engine.settle();
    clock.advance(ms);
    await engine.settle();
  };
  return { clock, engine, pass };
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "nothing";
  } catch (error) {
    return (error as NetError).code;
  }
}

describe("deadlines, in time moved by hand", () => {
  it("idleTimeoutMs ends a connection that is silent for so long, and not one that is not", async () => {
    const { engine, pass } = network();
    const log = new EventLog();
    const server = new TcpServer({
      engine,
      idleTimeoutMs: 1_000,
      ...log.serverHandlers<Connection, Buffer>(),
    });
    await server.listen({ port: 5555 });
    const client = new TcpClient({ engine });
    const connecting = client.connect({ port: 5555 });
    await pass(0);
    await connecting;

    for (let second = 0; second < 5; second++) {
      client.send("x");
      await pass(900);
    }
    assert.equal(log.reasons.length, 0);
    await pass(1_200);

    assert.equal(log.reasons[0]?.code, "IDLE_TIMEOUT");
    assert.match(String(log.reasons[0]?.cause?.message), /idleTimeoutMs \(1000\)/);
    await server.stop({ drainMs: 0 });
  });

  it("connect gives up after timeoutMs, and the connection ends once with that reason", async () => {
    const { engine, pass } = network({ connectFate: () => "blackHole" });
    const log = new EventLog();
    const agent = new TcpAgent({ engine, ...log.outgoingHandlers<Connection, Buffer>() });

    const code = codeOf(agent.connect({ host: "10.0.0.1", port: 1, timeoutMs: 3_000 }));
    await pass(2_990);
    assert.equal(log.reasons.length, 0);
    await pass(20);

    assert.equal(await code, "CONNECT_TIMEOUT");
    assert.deepEqual(log.events, ["prepareConnect", "close:connect/CONNECT_TIMEOUT/local"]);
  });

  it("connect ends when its signal is aborted", async () => {
    const { engine, pass } = network({ connectFate: () => "blackHole" });
    const agent = new TcpAgent({ engine });
    const controller = new AbortController();

    const code = codeOf(agent.connect({ host: "10.0.0.1", port: 1, signal: controller.signal }));
    await pass(10);
    controller.abort();
    await pass(0);

    assert.equal(await code, "ABORTED");
    assert.equal(agent.connectionCount, 0);
  });

  it("addresses are raced: a family that is dead costs one attempt delay", async () => {
    const { clock, engine, pass } = network({
      names: { both: ["2001:db8::1", "127.0.0.1"] },
      connectFate: (to) => (to.host?.includes(":") ? "blackHole" : "answer"),
    });
    const server = new TcpServer({ engine });
    await server.listen({ port: 5555 });
    const agent = new TcpAgent({ engine });

    const connecting = agent.connect({ host: "both", port: 5555 });
    await pass(240);
    assert.equal(server.connectionCount, 0);
    await pass(20);
    const connection = await connecting;

    assert.deepEqual(connection.remoteAddress, { host: "127.0.0.1", port: 5555, family: "IPv4" });
    assert.ok(clock.now() < 300);
    await agent.stop({ drainMs: 0 });
    await server.stop({ drainMs: 0 });
  });

  it("when every address fails the error has the error of each as its cause", async () => {
    const { engine, pass } = network({
      names: { both: ["2001:db8::1", "127.0.0.1"] },
      connectFate: (to) => (to.host?.includes(":") ? "EHOSTUNREACH" : "ECONNREFUSED"),
    });
    const agent = new TcpAgent({ engine });

    let error: NetError | undefined;
    const connecting = agent.connect({ host: "both", port: 5555 }).catch((cause: NetError) => {
      error = cause;
    });
    await pass(1_000);
    await connecting;

    assert.ok(error !== undefined);
    assert.equal(error.code, "CONNECTION_REFUSED");
    const causes = (error.cause as AggregateError).errors as NetError[];
    assert.deepEqual(
      causes.map((cause) => cause.code),
      ["HOST_UNREACHABLE", "CONNECTION_REFUSED"],
    );
  });

  it("silentForMs, closeSilent and closeOlderThan go by the clock", async () => {
    const { engine, pass } = network();
    const log = new EventLog();
    const server = new TcpServer({ engine, ...log.serverHandlers<Connection, Buffer>() });
    await server.listen({ port: 5555 });
    const agent = new TcpAgent({ engine });
    const connecting = Promise.all([1, 2].map(() => agent.connect({ port: 5555 })));
    await pass(0);
    const [first] = await connecting;

    await pass(5_000);
    first?.send("still here");
    await pass(1_000);
    const silent = server.connectionIds().map((id) => server.connection(id)?.silentForMs);
    const closedSilent = server.closeSilent(5_500);
    await pass(0);
    const closedOld = server.closeOlderThan(6_000);
    await pass(0);

    assert.deepEqual(silent, [1_000, 6_000]);
    assert.equal(closedSilent, 1);
    assert.equal(closedOld, 1);
    assert.deepEqual(
      log.reasons.map((reason) => reason.code),
      ["IDLE_TIMEOUT", "AGE_LIMIT"],
    );
    await agent.stop({ drainMs: 0 });
    await server.stop({ drainMs: 0 });
  });

  it("a request fails by itself when no answer comes, in requestTimeoutMs or its own time", async () => {
    const { engine, pass } = network();
    const server = new TcpServer({ engine, onReceive() {} });
    await server.listen({ port: 5555 });
    const client = new TcpClient({ engine, requestTimeoutMs: 2_000 });
    const connecting = client.connect({ port: 5555 });
    await pass(0);
    await connecting;

    const standard = codeOf(client.request("a"));
    const own = codeOf(client.request("b", { timeoutMs: 500 }));
    await pass(510);
    assert.equal(await own, "REQUEST_TIMEOUT");
    await pass(1_500);

    assert.equal(await standard, "REQUEST_TIMEOUT");
    await client.stop({ drainMs: 0 });
    await server.stop({ drainMs: 0 });
  });

  it("a thousand idle connections share one timer", async () => {
    const { clock, engine, pass } = network();
    const server = new TcpServer({ engine, idleTimeoutMs: 60_000, maxConnections: 1_000 });
    await server.listen({ port: 5555 });
    const agent = new TcpAgent({ engine, maxConnections: 1_000 });
    const connecting = Promise.all(
      Array.from({ length: 1_000 }, () => agent.connect({ port: 5555 })),
    );
    await pass(0);
    await connecting;

    assert.equal(clock.timerCount, 1);
    await agent.stop({ drainMs: 0 });
    await server.stop({ drainMs: 0 });
  });

  it("lent bytes are copied where the application shall keep them, and lent where it says so", async () => {
    for (const delivery of ["copy", "borrow"] as const) {
      const { engine, pass } = network();
      const kept: Buffer[] = [];
      const seen: string[] = [];
      const server = new TcpServer({
        engine,
        delivery,
        onReceive(connection, bytes) {
          seen.push(bytes.toString());
          kept.push(bytes);
          connection.send(bytes);
        },
      });
      await server.listen({ port: 5555 });
      const client = new TcpClient({ engine });
      const connecting = client.connect({ port: 5555 });
      await pass(0);
      await connecting;

      client.send("mine?");
      await pass(0);
      const echo = client.fetch(5)?.toString();

      assert.deepEqual(seen, ["mine?"]);
      assert.equal(echo, "mine?", "what is sent is intact either way");
      assert.equal(kept[0]?.toString() === "mine?", delivery === "copy");
      await client.stop({ drainMs: 0 });
      await server.stop({ drainMs: 0 });
    }
  });
});

for (const engine of availableEngines()) {
  describe(`deadlines on ${engine}`, () => {
    it("take what lay in the kernel in time, although the process was busy until a moment after", async (test) => {
      const timeoutMs = 200;
      let startMs = 0;
      const peer = createServer((socket) => {
        socket.on("error", () => {});
        socket.on("data", () => {
          // Node writes at once: it is in the kernel when this side begins to be busy.
          socket.write("y");
          while (performance.now() < startMs + timeoutMs + 6);
        });
      });
      peer.listen(0, "127.0.0.1");
      await once(peer, "listening");
      test.after(() => void peer.close());
      const client = new TcpClient({ engine });
      test.after(() => client.stop({ drainMs: 0 }));
      await client.connect({ port: (peer.address() as AddressInfo).port });

      startMs = performance.now();
      const response = await client.request("x", { timeoutMs });

      assert.equal(response.toString(), "y");
    });
  });
}
