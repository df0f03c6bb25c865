/** Random lives of what comes back by itself: a server that flaps at every moment, handlers that do and throw anything. */
import assert from "node:assert/strict";
import process from "node:process";
import { it, type TestContext } from "node:test";
import { TcpAgent, TcpClient, TcpServer } from "hp-socket";
import { fuzzRuns } from "../support/fuzz-runs.js";
import { type MemoryWorld, memoryWorld } from "../support/memory-world.js";
import { Random } from "../support/random.js";

const PORT = 7_000;
const FATES = ["answer", "answer", "answer", "blackHole", "ECONNREFUSED", "ENETUNREACH"] as const;

/** A world in which anything may happen to connections. */
class Flapping {
  readonly random: Random;
  readonly world: MemoryWorld = memoryWorld();
  /** Ids of connections whose `onClose` was called. */
  readonly closed: Set<number> = new Set();
  readonly prepared: Set<number> = new Set();
  /** Calls of `connect` that are not settled. */
  openCalls = 0;
  isOver = false;
  #server: TcpServer | undefined;

  constructor(seed: number) {
    this.random = new Random(seed);
    const { engine } = this.world;
    engine.network.connectFate = () => FATES[this.below(FATES.length)] ?? "answer";
  }

  async flap(): Promise<void> {
    if (this.#server !== undefined) {
      const server = this.#server;
      this.#server = undefined;
      await server.stop({ drainMs: 0 });
      return;
    }
    this.#server = new TcpServer({
      engine: this.world.engine,
      onAccept: () => this.below(8) > 0,
      onReceive: (connection) => void (this.below(3) === 0 && connection.abort()),
    });
    await this.#server.listen({ port: PORT });
  }

  async end(): Promise<void> {
    this.isOver = true;
    await this.#server?.stop({ drainMs: 0 });
  }

  hurt(): void {
    const server = this.#server;
    const [id = 0] = server?.connectionIds() ?? [];
    if (this.below(2) === 0) server?.abort(id);
    else server?.close(id);
  }

  async pass(): Promise<void> {
    // Now and then the clock jumps.
    this.world.clock.advance(this.below(20) === 0 ? 60_000 : this.below(200));
    await new Promise(setImmediate);
  }

  /** A whole number below `count`. */
  below(count: number): number {
    return this.random.integer(0, count - 1);
  }

  /** What handlers do besides: anything the application may call, or throw. */
  meddle(calls: readonly (() => unknown)[]): void {
    const what = this.below(40);
    if (what === 0) throw new Error("a handler failed");
    if (what === 1 && !this.isOver) calls[this.below(calls.length)]?.();
  }

  call(connect: () => Promise<unknown>): void {
    this.openCalls++;
    connect().then(
      () => this.openCalls--,
      () => this.openCalls--,
    );
  }

  options(calls: () => readonly (() => unknown)[]) {
    const meddle = (): void => this.meddle(calls());
    return {
      engine: this.world.engine,
      reconnect: {
        firstDelayMs: 10,
        maxDelayMs: 500,
        stableMs: this.below(2) * 1_000,
        maxAttempts: this.below(2) * 5,
        maxKeptBytes: this.below(2) * 100,
        fromStart: this.below(2) === 0,
        greeting: () => {
          meddle();
          return "hello";
        },
      },
      onReceive: meddle,
      onPrepareConnect: ({ id }: { readonly id: number }) => void this.prepared.add(id),
      onConnect: meddle,
      onHandshake: meddle,
      onClose: ({ id }: { readonly id: number }) => {
        assert.equal(this.closed.has(id), false, `onClose of ${id} twice`);
        this.closed.add(id);
        meddle();
      },
      onReconnecting: () => {
        assert.equal(this.isOver, false, "reconnecting after stop");
        meddle();
      },
      onReconnected: meddle,
      onGiveUp: meddle,
    };
  }

  /** Nothing is left of it. */
  async assertClean(): Promise<void> {
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
    assert.equal(this.openCalls, 0, "every connect has settled");
    assert.deepEqual([...this.closed].sort(), [...this.prepared].sort(), "one end for each begin");
    this.world.clock.advance(120_000);
    await new Promise(setImmediate);
    assert.equal(this.world.clock.timerCount, 0, "no timer is left");
  }
}

/** Handlers fail on purpose: their warnings are not for the report. */
function withoutWarnings(test: TestContext): void {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  test.after(() => {
    process.emitWarning = emitWarning;
  });
}

const RUNS = fuzzRuns(160);

it(`clients of a flapping server end in good order, ${RUNS} lives`, async (test) => {
  withoutWarnings(test);
  for (let seed = 1; seed <= RUNS; seed++) {
    const life = new Flapping(seed);
    let controller = new AbortController();
    const client: TcpClient = new TcpClient(
      life.options(() => [
        () => client.close(),
        () => client.abort(),
        () => void client.stop({ drainMs: 0 }),
        () => client.send("x"),
        () => controller.abort(),
        () => life.call(() => client.connect({ port: PORT })),
      ]),
    );
    for (let step = 0; step < 60; step++) {
      const what = life.below(12);
      if (what < 2) await life.flap();
      else if (what === 2) life.hurt();
      else if (what === 3) client.send("x".repeat(life.below(80)));
      else if (what === 4 && life.below(4) === 0) controller.abort();
      else if (what === 5 && life.below(6) === 0) client.close();
      else if (what === 6 && life.below(6) === 0) client.abort();
      else if (client.state === "stopped") {
        controller = new AbortController();
        const { signal } = controller;
        life.call(() => client.connect({ port: PORT, signal, timeoutMs: 300 }));
      }
      await life.pass();
    }
    life.isOver = true;
    await client.stop({ drainMs: 0 });
    assert.equal(client.state, "stopped", `seed ${seed}`);
    assert.equal(client.isReconnecting, false, `seed ${seed}`);
    await life.end();
    await life.assertClean();
  }
});

it(`agents of a flapping server end in good order, ${RUNS} lives`, async (test) => {
  withoutWarnings(test);
  for (let seed = 1; seed <= RUNS; seed++) {
    const life = new Flapping(seed);
    const any = (): number => agent.connectionIds()[0] ?? 0;
    const agent: TcpAgent = new TcpAgent({
      ...life.options(() => [
        () => agent.close(any()),
        () => agent.abort(any()),
        () => agent.targets()[0]?.close(),
        () => agent.targets().at(-1)?.abort(),
        () => agent.targets()[0]?.send("x"),
        () => life.call(() => agent.connect({ port: PORT })),
      ]),
      maxConnections: 10,
    });
    for (let step = 0; step < 60; step++) {
      const what = life.below(10);
      if (what < 2) await life.flap();
      else if (what === 2) life.hurt();
      else if (what === 3) agent.targets()[0]?.send("x".repeat(life.below(80)));
      else if (what === 4) agent.targets()[life.below(10)]?.close();
      else life.call(() => agent.connect({ port: PORT, timeoutMs: 300 }));
      await life.pass();
      const waiting = agent.targets().filter(({ connection }) => connection?.state === "closed");
      assert.ok(agent.connectionCount + waiting.length <= 10, `seed ${seed}: over the limit`);
    }
    life.isOver = true;
    await agent.stop({ drainMs: 0 });
    assert.equal(agent.targets().length, 0, `seed ${seed}`);
    await life.end();
    await life.assertClean();
  }
});
