/**
 * Pools under random schedules: one of three destinations refuses, swallows connects, resets or stays silent, and is well
 * by turns, while connections are taken, asked, aborted and given up, and destinations leave and come back.
 */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { NetError } from "hp-socket";
import type { ConnectionPool, PoolOptions } from "hp-socket/pool";
import { fuzzRuns } from "../support/fuzz-runs.js";
import { POOL_PORTS, type PoolWorld, poolWorld } from "../support/pool-world.js";
import { Random } from "../support/random.js";

const STEPS = 120;
const PATIENCE_MS = 20_000;

/** What may become of a taker or a request that gives up, or that nobody asked to repeat. */
const ENDS = [
  "ABORTED",
  "CONNECTION_CLOSED",
  "CONNECTION_REFUSED",
  "CONNECTION_RESET",
  "CONNECT_TIMEOUT",
  "POOL_TIMEOUT",
  "REQUEST_TIMEOUT",
];

function optionsOf(random: Random): Partial<PoolOptions> {
  const isShared = random.next() < 0.4;
  return {
    balance: random.pick(["roundRobin", "leastUsed", "randomOfTwo"]),
    minConnectionsPerDestination: random.integer(0, 1),
    maxConnectionsPerDestination: random.integer(1, 4),
    maxConnectingPerDestination: random.integer(1, 4),
    ejectAfter: random.integer(1, 3),
    ejectMs: random.integer(100, 2_000),
    maxEjectedPercent: random.pick([0, 34, 50, 100]),
    connectTimeoutMs: 500,
    attemptDelayMs: random.integer(10, 200),
    idleTimeoutMs: random.integer(50, 1_000),
    maxAgeMs: random.pick([0, 300]),
    checkAfterMs: random.pick([1, 10_000]),
    checkTimeoutMs: 50,
    waitTimeoutMs: PATIENCE_MS,
    check: ({ id }) => (id % 7 === 0 ? new Promise(() => {}) : id % 5 > 0),
    ...(random.next() < 0.4 && { healthCheck: { everyMs: 200, timeoutMs: 100, rise: 1, fall: 2 } }),
    ...(isShared && {
      maxRequestsPerConnection: 5,
      agent: { correlate: (packet: Buffer) => packet.toString().split(" ")[0] },
    }),
  };
}

/** One destination is ill at times; all that others could serve is wanted. */
class Life {
  readonly #world: PoolWorld;
  readonly #random: Random;
  readonly #lent: Set<number> = new Set();
  readonly #all: Promise<void>[] = [];
  readonly #bad: number;
  #count = 0;
  pendingCount = 0;

  constructor(world: PoolWorld, random: Random) {
    this.#world = world;
    this.#random = random;
    this.#bad = random.pick(POOL_PORTS);
  }

  get #pool(): ConnectionPool {
    return this.#world.pool;
  }

  async fallIll(): Promise<void> {
    await this.heal();
    const { memory, resetting, silent } = this.#world;
    const port = this.#bad;
    const illnesses = [
      () => this.#world.stop(port),
      () => void resetting.add(port),
      () => void silent.add(port),
      () => {
        memory.engine.network.connectFate = (to) => (to.port === port ? "blackHole" : "answer");
      },
    ];
    await this.#random.pick(illnesses)();
  }

  async heal(): Promise<void> {
    const { memory, resetting, servers, silent } = this.#world;
    const port = this.#bad;
    resetting.delete(port);
    silent.delete(port);
    memory.engine.network.connectFate = () => "answer";
    if (!servers.has(port)) await this.#world.start(port);
  }

  #track(work: () => Promise<void>): void {
    this.pendingCount++;
    this.#all.push(
      work().finally(() => {
        this.pendingCount--;
      }),
    );
  }

  /** What may be sent twice is served, as long as somebody is well. */
  ask(): void {
    const text = `q${this.#count++}`;
    this.#track(async () => {
      const options = { idempotent: true, attemptTimeoutMs: 150, timeoutMs: PATIENCE_MS };
      const answer = await this.#pool.request(text, options);
      assert.equal(answer.toString().split(" ")[0], text);
    });
  }

  /** What may be sent once is served, or its end told. */
  askOnce(): void {
    const text = `q${this.#count++}`;
    const controller = new AbortController();
    const random = this.#random;
    if (random.next() < 0.3) {
      this.#world.memory.clock.setTimer(random.integer(0, 200), () => controller.abort());
    }
    const { signal } = controller;
    this.#track(async () => {
      try {
        const answer = await this.#pool.request(text, { signal, timeoutMs: 300 });
        assert.equal(answer.toString().split(" ")[0], text);
      } catch (error) {
        assert.ok(ENDS.includes((error as NetError).code), String(error));
      }
    });
  }

  /** A lease is of nobody else, whatever becomes of it. */
  lend(): void {
    const random = this.#random;
    const [howLong, fate, timeoutMs] = [random.integer(0, 5), random.next(), random.pick([0, 5])];
    this.#track(async () => {
      try {
        const lease = await this.#pool.take({ timeoutMs });
        const { id } = lease.connection;
        assert.ok(!this.#lent.has(id), `connection ${id} is lent twice`);
        this.#lent.add(id);
        for (let turn = 0; turn < howLong; turn++) await new Promise(setImmediate);
        if (fate < 0.1) lease.connection.abort();
        this.#lent.delete(id);
        lease.release(fate < 0.2 ? "close" : "reuse");
      } catch (error) {
        assert.ok(ENDS.includes((error as NetError).code), String(error));
      }
    });
  }

  warmUp(): void {
    this.#track(() => this.#pool.warmUp());
  }

  /** One leaves, and comes back in a later turn. */
  async change(): Promise<void> {
    const named = (ports: readonly number[]) =>
      this.#pool.setDestinations(ports.map((port) => ({ port })));
    const gone = this.#random.pick(POOL_PORTS);
    named(POOL_PORTS.filter((port) => port !== gone));
    await this.#world.wait(this.#random.integer(1, 50));
    named(POOL_PORTS);
  }

  async over(): Promise<void> {
    for (let round = 0; this.pendingCount > 0 && round < 1_000; round++) await this.#world.wait(50);
    assert.equal(this.pendingCount, 0, "some were never served or refused");
    await Promise.all(this.#all);
  }
}

async function live(test: TestContext, seed: number): Promise<void> {
  const random = new Random(seed);
  const options = optionsOf(random);
  const world = await poolWorld(test, options);
  const life = new Life(world, random);
  const { maxConnectionsPerDestination = 0 } = options;
  for (let step = 0; step < STEPS; step++) {
    const chance = random.next();
    if (chance < 0.05) await life.fallIll();
    else if (chance < 0.08) await life.heal();
    else if (chance < 0.1) await life.change();
    else if (chance < 0.12) life.warmUp();
    else if (chance < 0.5) life.ask();
    else if (chance < 0.75) life.askOnce();
    else life.lend();
    if (random.next() < 0.3) await world.wait(random.integer(1, 300));
    const most = Math.max(
      ...Object.values(world.pool.stats.destinations).map((one) => one.connectionCount),
    );
    assert.ok(most <= maxConnectionsPerDestination, `${most} connections to one destination`);
  }
  await life.over();
  const { waitingCount } = world.pool.stats;
  assert.equal(waitingCount, 0);
  await world.wait(1_000);
  await world.pool.stop({ drainMs: 0 });
  await world.turns();
  for (const server of world.servers.values()) assert.equal(server.connectionCount, 0);
}

describe("the life of a pool", () => {
  for (let seed = 1; seed <= fuzzRuns(80); seed++) {
    it(`serves what can be served, and settles all, by the schedule ${seed}`, async (test) => {
      await live(test, seed);
    });
  }
});
