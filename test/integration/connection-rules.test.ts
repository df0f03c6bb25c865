/** What an application sets for one connection: its idle time, its deadline, its key. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import {
  type CloseReason,
  type Connection,
  type DuplicateKey,
  type EngineName,
  TcpAgent,
  TcpServer,
} from "hp-socket";
import { ManualClock, MemoryEngine } from "hp-socket/testing";
import { availableEngines } from "../support/engine-list.js";
import { until } from "../support/until.js";

const host = "127.0.0.1";

interface World {
  readonly served: Connection;
  readonly peer: Connection;
  readonly reasons: CloseReason[];
  pass(ms: number): Promise<void>;
}

async function world(
  test: TestContext,
  onHandshake?: (connection: Connection) => void,
): Promise<World> {
  const clock = new ManualClock();
  const engine = new MemoryEngine({ clock });
  const reasons: CloseReason[] = [];
  let served: Connection | undefined;
  const server = new TcpServer({
    engine,
    idleTimeoutMs: 10_000,
    onHandshake(connection) {
      served = connection;
      onHandshake?.(connection);
    },
    onReceive() {},
    onClose: (_, reason) => reasons.push(reason),
  });
  const agent = new TcpAgent({ engine });
  const pass = async (ms: number): Promise<void> => {
    await engine.settle();
    clock.advance(ms);
    await engine.settle();
  };
  await server.listen({ port: 5555 });
  const connecting = agent.connect({ port: 5555 });
  await pass(0);
  const peer = await connecting;
  test.after(async () => {
    await agent.stop({ drainMs: 0 });
    await server.stop({ drainMs: 0 });
  });
  return { served: served as Connection, peer, reasons, pass };
}

describe("setIdleTimeout, in time moved by hand", () => {
  it("holds instead of the component's, longer and shorter", async (test) => {
    const { served, peer, reasons, pass } = await world(test);

    assert.equal(served.setIdleTimeout(30_000), true);
    await pass(20_000);
    peer.send("here");
    await pass(0);
    assert.equal(served.setIdleTimeout(1_000), true);
    await pass(900);
    assert.equal(reasons.length, 0);
    await pass(200);

    assert.equal(reasons[0]?.code, "IDLE_TIMEOUT");
    assert.match(`${reasons[0]?.cause?.message}`, /idleTimeoutMs \(1000\)/);
    assert.equal(served.setIdleTimeout(5), false);
  });

  it("never ends it with 0, and can be set in onHandshake", async (test) => {
    const { reasons, pass } = await world(test, (connection) => connection.setIdleTimeout(0));

    await pass(1_000_000);

    assert.deepEqual(reasons, []);
  });

  it("is refused when it is no time", async (test) => {
    const { served } = await world(test);

    assert.throws(() => served.setIdleTimeout(-1), /idleTimeoutMs must be a whole number/);
    assert.throws(() => served.setDeadline(1.5), /deadlineMs must be a whole number/);
    assert.throws(() => served.setDeadline(1, ""), /reason must be text/);
  });
});

describe("setDeadline, in time moved by hand", () => {
  it("closes the connection whatever comes until then, with the reason that was given", async (test) => {
    const { peer, reasons, pass } = await world(test, (connection) => {
      connection.setDeadline(10_000, "no login within 10 s");
    });

    for (let second = 0; second < 9; second++) {
      peer.send("not a login");
      await pass(1_000);
    }
    assert.equal(reasons.length, 0);
    await pass(1_500);

    assert.equal(reasons[0]?.code, "DEADLINE_PASSED");
    assert.equal(reasons[0]?.cause?.fault, "limit");
    assert.equal(reasons[0]?.cause?.message, "no login within 10 s");
  });

  it("is taken back by 0, and replaced by another", async (test) => {
    const { served, reasons, pass } = await world(test, (connection) => {
      connection.setIdleTimeout(0);
      connection.setDeadline(1_000);
    });

    served.setDeadline(0);
    await pass(5_000);
    assert.equal(reasons.length, 0);
    served.setDeadline(1_000);
    served.setDeadline(3_000);
    await pass(2_000);
    assert.equal(reasons.length, 0);
    await pass(2_000);

    assert.equal(reasons[0]?.code, "DEADLINE_PASSED");
    assert.match(`${reasons[0]?.cause?.message}`, /3000 ms/);
    assert.equal(served.setDeadline(1), false);
  });
});

/** Two connections of a server with the rule, in the order in which they came. */
async function two(
  engine: EngineName,
  duplicateKey: DuplicateKey | undefined,
  closed: (code: string, key: unknown) => void,
): Promise<{ server: TcpServer; first: Connection; second: Connection; stop(): Promise<void> }> {
  const server = new TcpServer({
    engine,
    ...(duplicateKey !== undefined && { duplicateKey }),
    onReceive() {},
    onClose: ({ key }, { code }) => closed(code, key),
  });
  const { port } = await server.listen({ host });
  const agent = new TcpAgent({ engine });
  await agent.connect({ host, port });
  await agent.connect({ host, port });
  await until(() => server.connectionCount === 2);
  const [first, second] = server.connectionIds().map((id) => server.connection(id));
  const stop = async (): Promise<void> => {
    await agent.stop({ drainMs: 0 });
    await server.stop({ drainMs: 0 });
  };
  return { server, first: first as Connection, second: second as Connection, stop };
}

function keys(engine: EngineName): void {
  it("finds a connection by its key until it has ended, or has another", async () => {
    const { server, first, second, stop } = await two(engine, undefined, () => {});

    first.key = "ann";
    second.key = second;
    assert.equal(server.byKey("ann"), first);
    assert.equal(server.byKey(second), second);
    first.key = "anna";
    assert.equal(server.byKey("ann"), undefined);
    assert.equal(server.byKey("anna"), first);
    second.key = undefined;
    assert.equal(server.byKey(second), undefined);
    assert.equal(server.byKey(undefined), undefined);
    first.abort();
    await first.closed();

    assert.equal(server.byKey("anna"), undefined);
    assert.equal(first.key, "anna");
    first.key = "again";
    assert.equal(server.byKey("again"), undefined);
    await stop();
  });

  it("duplicateKey replace closes the connection that had the key", async () => {
    const ends: unknown[] = [];
    const { server, first, second, stop } = await two(engine, undefined, (code, key) => {
      ends.push(code, key, server.byKey("ann") === second);
    });

    first.key = "ann";
    second.key = "ann";
    assert.equal(server.byKey("ann"), second);
    const reason = await first.closed();

    assert.deepEqual(ends, ["DUPLICATE_KEY", "ann", true]);
    assert.match(`${reason.cause?.message}`, /another connection was given the key ann/);
    assert.equal(server.byKey("ann"), second);
    await stop();
  });

  it("duplicateKey refuse closes the one that is given the key", async () => {
    const ends: unknown[] = [];
    const { server, first, second, stop } = await two(engine, "refuse", (...end) =>
      ends.push(...end),
    );

    first.key = "ann";
    second.key = "ann";
    await second.closed();

    assert.deepEqual(ends, ["DUPLICATE_KEY", undefined]);
    assert.equal(server.byKey("ann"), first);
    await stop();
  });

  it("duplicateKey keep lets both go on, the second without the key", async () => {
    const { server, first, second, stop } = await two(engine, "keep", () => {});

    first.key = "ann";
    second.key = "ann";

    assert.equal(second.key, undefined);
    assert.equal(server.byKey("ann"), first);
    assert.equal(second.isOpen && first.isOpen, true);
    first.close();
    second.key = "ann";
    assert.equal(server.byKey("ann"), second, "one that is on its way out gives its key up");
    await stop();
  });
}

for (const engine of availableEngines()) {
  describe(`keys of connections on the engine ${engine}`, () => keys(engine));
}

function endsOn(engine: EngineName): void {
  it("keeps at the end what was known: addresses, age and silence", async () => {
    const facts: unknown[] = [];
    const server = new TcpServer({
      engine,
      onReceive() {},
      onClose({ localAddress, remoteAddress, stats, silentForMs }) {
        facts.push(localAddress?.port, remoteAddress?.host, stats.ageMs, silentForMs);
      },
    });
    const { port } = await server.listen({ host });
    const agent = new TcpAgent({ engine });
    const peer = await agent.connect({ host, port });
    await until(() => server.connectionCount === 1);
    const served = server.connection(server.connectionIds()[0] ?? 0) as Connection;

    served.close();
    await served.closed();
    await peer.closed();
    const later = [served.stats.ageMs, served.silentForMs];
    await until(() => performance.now() > peer.connectedAt - performance.timeOrigin + 20);

    assert.deepEqual(facts, [port, host, ...later]);
    assert.deepEqual([served.stats.ageMs, served.silentForMs], later);
    await agent.stop();
    await server.stop();
  });

  it("connects from the local end of the component, unless connect names another", async () => {
    const server = new TcpServer({ engine, onReceive() {} });
    const { port } = await server.listen({ host: "0.0.0.0" });
    const agent = new TcpAgent({ engine, localHost: "127.0.0.2" });

    const one = await agent.connect({ host, port });
    const other = await agent.connect({ host, port, localHost: "127.0.0.3" });

    assert.equal(one.localAddress?.host, "127.0.0.2");
    assert.equal(other.localAddress?.host, "127.0.0.3");
    assert.throws(() => new TcpAgent({ engine, localPort: 70_000 }), /localPort must be/);
    await agent.stop();
    await server.stop();
  });
}

for (const engine of availableEngines()) {
  describe(`the ends of connections on the engine ${engine}`, () => endsOn(engine));
}
