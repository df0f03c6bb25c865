import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Connection, delimiter, type NetError, TcpServer } from "hp-socket";
import { ConnectionPool, type PoolOptions } from "hp-socket/pool";
import { availableEngines } from "../support/engine-list.js";
import { POOL_PORTS as PORTS, poolWorld as world } from "../support/pool-world.js";
import { seedMathRandom } from "../support/random.js";
import { until } from "../support/until.js";

const receive = delimiter();

const text = (bytes: Buffer): string => bytes.toString();

describe("a pool of connections", () => {
  it("lends a connection, and lends it again", async (test) => {
    const { pool } = await world(test, {}, [7_001]);
    const first = await pool.take();
    const { id } = first.connection;
    assert.equal(text(await first.connection.request("a")), "a from 7001");
    first.release();
    first.release();
    const second = await pool.take();
    assert.equal(second.connection.id, id);
    assert.deepEqual([pool.stats.connectionCount, pool.stats.idleCount], [1, 0]);
    second.release("close");
    const third = await pool.take();
    assert.notEqual(third.connection.id, id);
    third.release();
  });

  it("gives one back at the end of its block", async (test) => {
    const { pool } = await world(test, {}, [7_001]);
    {
      await using lease = await pool.take();
      assert.equal(text(await lease.connection.request("x")), "x from 7001");
    }
    assert.equal(pool.stats.idleCount, 1);
    {
      using lease = await pool.take();
      assert.equal(pool.stats.idleCount, 0);
      assert.equal(text(await lease.connection.request("y")), "y from 7001");
    }
    assert.equal(pool.stats.idleCount, 1);
  });

  it("tells with stop how many connections ended in good order, and how many were cut", async (test) => {
    const { pool } = await world(test, {}, [7_001]);
    (await pool.take()).release();
    assert.deepEqual(await pool.stop(), { drainedCount: 1, cutCount: 0 });

    const { pool: other } = await world(test, {}, [7_001]);
    await other.take();
    assert.deepEqual(await other.stop({ drainMs: 0 }), { drainedCount: 0, cutCount: 1 });
  });

  it("waits for nobody who does not let go of a connection that is too old", async (test) => {
    const options = { maxConnectionsPerDestination: 1, maxAgeMs: 1_000 };
    const { pool, servers, wait } = await world(test, options, [7_001]);
    (await pool.take()).release();
    const server = servers.get(7_001);
    for (const id of server?.connectionIds() ?? []) server?.pause(id);
    await wait(1_100);
    const taking = pool.take({ timeoutMs: 100 });
    await wait(50);
    assert.equal((await taking).connection.isOpen, true);
  });

  it("lends no connection twice, and serves those who wait in their order", async (test) => {
    const { pool } = await world(test, { maxConnectionsPerDestination: 2 }, [7_001]);
    const leases = [await pool.take(), await pool.take()];
    const order: number[] = [];
    const waiting = [0, 1, 2].map((number) =>
      pool.take().then((lease) => {
        order.push(number);
        return lease;
      }),
    );
    assert.equal(pool.stats.waitingCount, 3);
    assert.notEqual(leases[0]?.connection.id, leases[1]?.connection.id);
    for (const lease of leases) lease.release();
    const [one, two] = await Promise.all(waiting.slice(0, 2));
    assert.deepEqual(order, [0, 1]);
    one?.release();
    (await waiting[2])?.release();
    two?.release();
    assert.equal(pool.stats.connectionCount, 2);
  });

  it("bounds how many wait, and how long", async (test) => {
    const { pool, wait } = await world(
      test,
      { maxConnectionsPerDestination: 1, maxWaiting: 1 },
      [7_001],
    );
    const lease = await pool.take();
    const waiting = pool.take({ timeoutMs: 100 });
    waiting.catch(() => {});
    await assert.rejects(pool.take(), { code: "POOL_FULL", message: /1 takers wait.*maxWaiting/ });
    await wait(150);
    await assert.rejects(waiting, {
      code: "POOL_TIMEOUT",
      message: "no connection was free within timeoutMs (100)",
    });
    lease.release();
    (await pool.take()).release();
  });

  it("lets a taker go by his signal, in each state", async (test) => {
    const { pool } = await world(test, { maxConnectionsPerDestination: 1 }, [7_001]);
    const early = AbortSignal.abort();
    await assert.rejects(pool.take({ signal: early }), { code: "ABORTED" });
    const connecting = new AbortController();
    const attempt = pool.take({ signal: connecting.signal });
    connecting.abort();
    await assert.rejects(attempt, { code: "ABORTED" });
    const lease = await pool.take();
    const controller = new AbortController();
    const waiting = pool.take({ signal: controller.signal });
    controller.abort();
    await assert.rejects(waiting, { code: "ABORTED" });
    lease.release();
    assert.equal(pool.stats.waitingCount, 0);
    assert.equal(pool.stats.connectionCount, 1);
  });

  it("passes over destinations that can't be connected to, and ejects them", async (test) => {
    const { pool, stop, told } = await world(test, { ejectAfter: 2, ejectMs: 1_000 });
    await stop(7_002);
    for (let round = 0; round < 30; round++) {
      assert.match(text(await pool.request(`r${round}`)), /from 700[13]/);
    }
    const leases = await Promise.all(Array.from({ length: 12 }, () => pool.take()));
    assert.ok(leases.every(({ destination }) => destination.port !== 7_002));
    assert.ok(told.length <= 1 && (told[0] ?? "eject 7002 1000") === "eject 7002 1000");
    for (const lease of leases) lease.release();
  });

  it("tries an ejected destination again, ejects it for longer, and lets it back when it is well", async (test) => {
    const { pool, start, stop, told, wait } = await world(
      test,
      { ejectAfter: 1, ejectMs: 1_000, balance: "roundRobin", maxConnectionsPerDestination: 1 },
      [7_001, 7_002],
    );
    await stop(7_002);
    const fill = async (): Promise<void> => {
      const take = () => pool.take({ timeoutMs: 10 }).catch(() => undefined);
      for (const lease of await Promise.all([take(), take()])) lease?.release("close");
    };
    const filled = fill();
    await wait(20);
    await filled;
    assert.deepEqual(told, ["eject 7002 1000"]);
    await wait(1_100);
    assert.equal(told.at(-1), "return 7002");
    const again = fill();
    await wait(20);
    await again;
    assert.equal(told.at(-1), "eject 7002 2000");
    await start(7_002);
    await wait(2_100);
    assert.equal(told.at(-1), "return 7002");
    const both = await Promise.all([pool.take(), pool.take()]);
    assert.deepEqual(both.map(({ destination }) => destination.port).sort(), [7_001, 7_002]);
    for (const lease of both) lease.release();
  });

  it("never ejects the only destination, nor more than its share", async (test) => {
    const alone = await world(test, { ejectAfter: 1 }, [7_001]);
    await alone.stop(7_001);
    for (let round = 0; round < 5; round++) {
      await assert.rejects(alone.pool.take(), { code: "CONNECTION_REFUSED" });
    }
    await alone.start(7_001);
    (await alone.pool.take()).release();
    assert.deepEqual(alone.told, []);

    const many = await world(test, { ejectAfter: 1, maxEjectedPercent: 34 });
    for (const port of PORTS) await many.stop(port);
    await assert.rejects(many.pool.take(), { code: "CONNECTION_REFUSED" });
    await assert.rejects(many.pool.take(), { code: "CONNECTION_REFUSED" });
    assert.equal(many.pool.stats.ejectedCount, 1);
  });

  it("repeats what was surely not sent or may be sent twice, and nothing else", async (test) => {
    const { pool, turns } = await world(test, {}, [7_001]);
    await assert.rejects(pool.request("die"), { code: "CONNECTION_CLOSED" });
    await turns();
    const lease = await pool.take();
    const { connection } = lease;
    lease.release();
    connection.abort();
    assert.equal(text(await pool.request("once")), "once from 7001");
    await assert.rejects(pool.request("die", { idempotent: true }), { code: "CONNECTION_CLOSED" });
  });

  it("uses no connection again whose response may still come", async (test) => {
    const { pool, wait } = await world(test, {}, [7_001]);
    const hanging = pool.request("hang", { timeoutMs: 50 });
    hanging.catch(() => {});
    await wait(100);
    await assert.rejects(hanging, { code: "REQUEST_TIMEOUT" });
    assert.equal(pool.stats.connectionCount, 0);
    assert.equal(text(await pool.request("next")), "next from 7001");
    await assert.rejects(pool.request("two\nlines"), { code: "PACKET_INVALID" });
    assert.equal(pool.stats.connectionCount, 1);
  });

  it("sends many requests at a time over one connection where responses are told apart", async (test) => {
    const { pool } = await world(
      test,
      {
        maxConnectionsPerDestination: 1,
        maxRequestsPerConnection: 100,
        agent: { correlate: (packet) => packet.toString().split(" ")[0] },
      } as Partial<PoolOptions>,
      [7_001],
    );
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) => pool.request(`k${index}`)),
    );
    answers.forEach((answer, index) => {
      assert.equal(text(answer), `k${index} from 7001`);
    });
    assert.equal(pool.stats.connectionCount, 1);
  });

  it("checks a connection that was idle for long before it is used", async (test) => {
    const checked: number[] = [];
    let isWell = true;
    const { pool, wait } = await world(
      test,
      {
        checkAfterMs: 100,
        check: (connection: Connection) => {
          checked.push(connection.id);
          return isWell;
        },
      },
      [7_001],
    );
    (await pool.take()).release();
    const first = await pool.take();
    assert.deepEqual(checked, []);
    first.release();
    await wait(150);
    const second = await pool.take();
    assert.deepEqual(checked, [first.connection.id]);
    assert.equal(second.connection.id, first.connection.id);
    second.release();
    isWell = false;
    await wait(150);
    const third = await pool.take();
    assert.notEqual(third.connection.id, first.connection.id);
    third.release();
  });

  it("takes a check that throws, rejects or hangs for no", async (test) => {
    for (const check of [
      () => assert.fail("no"),
      () => Promise.reject(new Error("no")),
      () => new Promise<boolean>(() => {}),
    ]) {
      const { pool, wait } = await world(
        test,
        { checkAfterMs: 0, checkTimeoutMs: 100, check },
        [7_001],
      );
      const first = await pool.take();
      first.release();
      const again = pool.take();
      await wait(150);
      const second = await again;
      assert.notEqual(second.connection.id, first.connection.id);
      second.release();
    }
  });

  it("warms up, keeps the least, closes what is idle or too old", async (test) => {
    const { pool, wait } = await world(
      test,
      {
        minConnectionsPerDestination: 2,
        maxConnectionsPerDestination: 5,
        idleTimeoutMs: 1_000,
        maxAgeMs: 10_000,
      },
      [7_001],
    );
    await pool.warmUp();
    assert.equal(pool.stats.idleCount, 2);
    const leases = await Promise.all(Array.from({ length: 5 }, () => pool.take()));
    for (const lease of leases) lease.release();
    assert.equal(pool.stats.idleCount, 5);
    await wait(2_500);
    assert.equal(pool.stats.connectionCount, 2);
    await wait(10_000);
    const fresh = await pool.take();
    assert.ok(leases.every(({ connection }) => connection.id !== fresh.connection.id));
    fresh.release();
  });

  it("makes at most so many connections at a time, for takers and when it warms up", async (test) => {
    const options = {
      minConnectionsPerDestination: 20,
      maxConnectionsPerDestination: 30,
      maxConnectingPerDestination: 3,
    };
    const { pool, opened } = await world(test, options, [7_001]);
    const warming = pool.warmUp();
    assert.equal(pool.stats.connectingCount, 3);
    await warming;
    assert.deepEqual([pool.stats.idleCount, opened.get(7_001)], [20, 20]);
    const warm = await Promise.all(Array.from({ length: 20 }, () => pool.take()));
    const taking = Array.from({ length: 10 }, () => pool.take());
    assert.deepEqual([pool.stats.connectingCount, pool.stats.waitingCount], [3, 10]);
    for (const lease of [...warm, ...(await Promise.all(taking))]) lease.release();
    assert.deepEqual([pool.stats.idleCount, opened.get(7_001)], [30, 30]);
  });

  it("ends to warm up where connections can't be made, after one failure of each attempt", async (test) => {
    const failed: number[] = [];
    const { pool, stop } = await world(
      test,
      {
        minConnectionsPerDestination: 1_000,
        maxConnectionsPerDestination: 1_000,
        maxConnectingPerDestination: 3,
        agent: { onClose: ({ id }) => void failed.push(id) },
      },
      [7_001],
    );
    await stop(7_001);
    await pool.warmUp();
    assert.deepEqual([pool.stats.connectionCount, pool.stats.connectingCount], [0, 0]);
    assert.equal(failed.length, 3);
  });

  it("closes what is too old although it is one of the least, and makes others when they are wanted", async (test) => {
    const { pool, wait } = await world(
      test,
      { minConnectionsPerDestination: 2, maxAgeMs: 10_000 },
      [7_001],
    );
    await pool.warmUp();
    await wait(11_000);
    assert.equal(pool.stats.connectionCount, 0);
    await pool.warmUp();
    assert.equal(pool.stats.idleCount, 2);
  });

  it("lends no connection with unread data: the next would take it for an answer", async (test) => {
    const { pool, turns } = await world(test, { maxConnectionsPerDestination: 1 }, [7_001]);
    const first = await pool.take();
    first.connection.send("nobody reads");
    first.release();
    await turns();
    const second = await pool.take();
    assert.notEqual(second.connection.id, first.connection.id);
    second.connection.send("mine");
    assert.equal(text(await second.connection.read()), "mine from 7001");
    second.connection.send("nobody reads");
    await turns();
    second.release();
    assert.equal(pool.stats.idleCount, 0);
    assert.equal(text(await pool.request("x")), "x from 7001");
  });

  it("follows other destinations without a cut", async (test) => {
    const { pool, turns } = await world(test);
    pool.setDestinations([{ port: 7_001 }]);
    const lease = await pool.take();
    pool.setDestinations([{ port: 7_002 }, { port: 7_003 }]);
    assert.equal(text(await lease.connection.request("still")), "still from 7001");
    lease.release();
    await turns();
    assert.equal(lease.connection.isOpen, false);
    for (let round = 0; round < 6; round++) assert.match(text(await pool.request("x")), /700[23]/);
    assert.throws(() => pool.setDestinations([]), { code: "INVALID_ARGUMENT" });
  });

  it("balances", async (test) => {
    seedMathRandom(test);
    for (const balance of ["roundRobin", "leastUsed", "randomOfTwo"] as const) {
      const { pool } = await world(test, { balance, maxConnectionsPerDestination: 100 });
      const leases = await Promise.all(Array.from({ length: 60 }, () => pool.take()));
      const counts = PORTS.map(
        (port) => leases.filter(({ destination }) => destination.port === port).length,
      );
      if (balance === "randomOfTwo")
        assert.ok(
          counts.every((count) => count >= 10),
          `${counts}`,
        );
      else assert.deepEqual(counts, [20, 20, 20]);
      for (const lease of leases) lease.release();
    }
  });

  it("serves a thousand who wait, through failures, and loses none", async (test) => {
    const { pool, stop, wait } = await world(test, { ejectAfter: 2, waitTimeoutMs: 0 });
    const count = 1_000;
    let served = 0;
    const all = Promise.all(
      Array.from({ length: count }, async () => {
        const lease = await pool.take();
        served++;
        await new Promise(setImmediate);
        lease.release(served % 7 === 0 ? "close" : "reuse");
      }),
    );
    await wait(10);
    const before = served;
    await stop(7_001);
    await all;
    assert.ok(before > 0 && before < count / 2, `${before} were served before the failure`);
    assert.equal(served, count);
    assert.ok(pool.stats.connectionCount <= 30);
  });

  it("waits when it stops for leases of destinations that it has no more, and for none whose connection is lost", async (test) => {
    const { pool, wait, stop } = await world(test);
    const lent = await Promise.all([1, 2, 3].map(() => pool.take()));
    pool.setDestinations([{ port: 7_001 }]);
    let isStopped = false;
    const stopping = pool.stop({ drainMs: 1_000 }).then(() => {
      isStopped = true;
    });
    await wait(500);
    assert.deepEqual(
      lent.map(({ connection }) => connection.isOpen),
      [true, true, true],
    );
    await stop(7_001);
    await wait(100);
    assert.equal(isStopped, false);
    for (const lease of lent) if (lease.destination.port !== 7_001) lease.release();
    await wait(50);
    assert.equal(isStopped, true);
    await stopping;
  });

  it("stops: refuses who waits, waits for leases, then cuts", async (test) => {
    const { pool, wait, servers } = await world(test, { maxConnectionsPerDestination: 1 }, [7_001]);
    const lease = await pool.take();
    const waiting = pool.take().catch((error: NetError) => error.code);
    let isStopped = false;
    const stopped = pool.stop({ drainMs: 1_000 }).then(() => {
      isStopped = true;
    });
    assert.equal(await waiting, "STOPPED");
    await wait(500);
    assert.equal(isStopped, false);
    assert.equal(text(await lease.connection.request("last")), "last from 7001");
    await wait(600);
    await stopped;
    assert.equal(lease.connection.isOpen, false);
    lease.release();
    await assert.rejects(pool.take(), { code: "STOPPED" });
    await assert.rejects(pool.warmUp(), { code: "STOPPED" });
    for (const options of [null, { drainMs: -1 }, { drainMs: "1" }, { drain: 1 }]) {
      await assert.rejects(pool.stop(options as never), { code: "INVALID_ARGUMENT" });
    }
    await wait(10);
    assert.equal(servers.get(7_001)?.connectionCount, 0);
  });

  it("is refused with options that can't be", () => {
    const destinations = [{ port: 1 }];
    const bad = { code: "INVALID_ARGUMENT" };
    for (const options of [
      {},
      null,
      { destinations: [] },
      { destinations: [{}] },
      { destinations: [{ port: 1, hosts: "x" }] },
      { destinations, maxConnectionsPerDestination: 0 },
      { destinations, minConnectionsPerDestination: 11 },
      { destinations, maxRequestsPerConnection: 2 },
      { destinations, balance: "best" },
      { destinations, check: true },
      { destinations, maxWait: 1 },
    ]) {
      assert.throws(() => new ConnectionPool(options as never), bad, JSON.stringify(options));
    }
  });
});

for (const engine of availableEngines()) {
  it(`a pool on ${engine} goes on after more late answers than may be unread`, async (test) => {
    const late: string[] = [];
    const server = new TcpServer({
      engine,
      receive,
      onReceive(connection, packet) {
        const key = text(packet).slice(0, 4);
        if (text(packet).endsWith("late")) late.push(`${key} ${"x".repeat(100)}`);
        else for (const answer of [...late.splice(0), key]) connection.send(answer);
      },
    });
    const { port } = await server.listen({ host: "127.0.0.1" });
    const pool = new ConnectionPool({
      destinations: [{ port }],
      maxConnectionsPerDestination: 1,
      maxRequestsPerConnection: 100,
      agent: {
        engine,
        receive,
        maxUnreadBytes: 1_000,
        correlate: (packet: Buffer) => text(packet).slice(0, 4),
      },
    });
    test.after(async () => {
      await pool.stop({ drainMs: 0 });
      await server.stop({ drainMs: 0 });
    });
    assert.equal(text(await pool.request("0000")), "0000");
    const given: unknown[] = [];
    for (let key = 1_000; key < 1_050; key++) {
      pool.request(`${key} late`, { timeoutMs: 20 }).catch(({ code }) => given.push(code));
    }
    await until(() => given.length === 50);
    assert.deepEqual([...new Set(given)], ["REQUEST_TIMEOUT"]);
    assert.equal(text(await pool.request("9999")), "9999");
  });

  it(`a pool on ${engine} outlives the restart of its server`, async (test) => {
    const echo = (): TcpServer =>
      new TcpServer({
        engine,
        receive,
        onReceive: (connection, packet) => void connection.send(packet),
      });
    let server = echo();
    const { port } = await server.listen({ host: "127.0.0.1" });
    const pool = new ConnectionPool({
      destinations: [{ port: port as number }],
      agent: { engine, receive },
    });
    test.after(() => Promise.all([pool.stop({ drainMs: 0 }), server.stop({ drainMs: 0 })]));
    await Promise.all(Array.from({ length: 50 }, (_, index) => pool.request(`r${index}`)));
    await server.stop({ drainMs: 0 });
    server = echo();
    await server.listen({ host: "127.0.0.1", port: port as number });
    await until(() => pool.stats.connectionCount === 0);
    assert.equal(text(await pool.request("again")), "again");
  });
}
