/** What reconnects is ended in each of its handlers and at each moment of its life; names change; servers come and go. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { type Connection, TcpClient, type TcpClientOptions, TcpServer } from "hp-socket";
import type { MemoryEngine } from "#src/engine/memory/memory-engine.js";
import type { ManualClock } from "#src/time/clock.js";
import { memoryWorld } from "../support/memory-world.js";
import { pass } from "../support/steps.js";

const PORT = 7_000;

class Server {
  readonly engine: MemoryEngine;
  #server: TcpServer | undefined;
  acceptedCount = 0;

  constructor(engine: MemoryEngine) {
    this.engine = engine;
  }

  get connectionCount(): number {
    return this.#server?.connectionCount ?? 0;
  }

  async start(host = "127.0.0.1"): Promise<void> {
    this.#server = new TcpServer({
      engine: this.engine,
      onAccept: () => void this.acceptedCount++,
      onReceive: (connection, bytes) => void connection.send(bytes),
    });
    await this.#server.listen({ host, port: PORT });
  }

  async stop(): Promise<void> {
    await this.#server?.stop({ drainMs: 0 });
  }
}

/** How the application ends it. */
const WAYS: Readonly<Record<string, (client: TcpClient) => unknown>> = {
  close: (client) => client.close(),
  abort: (client) => client.abort(),
  stop: (client) => void client.stop(),
  "stop at once": (client) => void client.stop({ drainMs: 0 }),
};

interface Life {
  readonly client: TcpClient;
  readonly told: string[];
  readonly server: Server;
  readonly clock: ManualClock;
  /** Ends it, and counts the attempts that follow nevertheless. */
  end(way: (client: TcpClient) => unknown): void;
  laterDialCount(): number;
}

/** A client whose handlers call `during` with their names. */
async function life(test: TestContext, during: (name: string) => void): Promise<Life> {
  const { engine, clock } = memoryWorld();
  let dialCount = 0;
  let dialsBeforeEnd = Number.NaN;
  engine.network.connectFate = () => {
    dialCount++;
    return "answer";
  };
  const told: string[] = [];
  const names = [
    "onPrepareConnect",
    "onConnect",
    "onHandshake",
    "onReceive",
    "onSend",
    "onEnd",
    "onClose",
    "onReconnecting",
    "onReconnected",
    "onGiveUp",
    "onShutdown",
  ] as const;
  const calls = (name: string, subject?: { readonly id?: number }): void => {
    const id = subject === undefined || subject instanceof TcpClient ? client.id : subject.id;
    told.push(`${name} ${id ?? 0}`);
    during(name);
  };
  const handlers = Object.fromEntries(
    names.map((name) => [name, (subject: Connection) => calls(name, subject)]),
  );
  const client: TcpClient = new TcpClient({
    engine,
    reconnect: {
      firstDelayMs: 40,
      maxDelayMs: 80,
      fromStart: true,
      greeting: () => {
        calls("greeting");
        return "hello";
      },
      shouldReconnect: (reason) => {
        calls("shouldReconnect");
        return reason.code !== "HANDLER_FAILED";
      },
    },
    ...handlers,
  } as TcpClientOptions);
  const server = new Server(engine);
  test.after(() => Promise.all([client.stop({ drainMs: 0 }), server.stop()]));
  const end = (way: (typeof WAYS)[string]): void => {
    dialsBeforeEnd = dialCount;
    way(client);
  };
  return { client, told, server, clock, end, laterDialCount: () => dialCount - dialsBeforeEnd };
}

/** Nothing goes on, each connection was told to be closed once, and nothing of it after. */
async function assertOver(
  { client, told, clock, laterDialCount }: Life,
  connecting: Promise<unknown>,
  text: string,
): Promise<void> {
  // Several times the longest wait.
  await pass(clock, 300);
  assert.equal(laterDialCount(), 0, `${text}: attempts follow`);
  const settled = await Promise.race([connecting, Promise.resolve("waits")]);
  assert.notEqual(settled, "waits", `${text}: connect has not settled`);
  await client.stop({ drainMs: 0 });
  assert.deepEqual([client.isOpen, client.isReconnecting], [false, false], text);
  const closed = told.filter((line) => line.startsWith("onClose "));
  assert.equal(new Set(closed).size, closed.length, `${text}: ${told}`);
  for (const line of closed) {
    const [, id] = line.split(" ");
    const later = told.slice(told.indexOf(line) + 1).filter((other) => other.endsWith(` ${id}`));
    const known = /^(onReconnecting|onGiveUp|onShutdown|shouldReconnect) /;
    for (const other of later) assert.match(other, known, `${text}: ${told}`);
  }
}

/** The life of a client: its server is there, goes, and comes again. */
async function lived({ server, clock, client }: Life): Promise<void> {
  await pass(clock, 200);
  await server.start();
  await pass(clock, 200);
  client.send("data");
  await pass(clock, 200);
  await server.stop();
  await pass(clock, 200);
  await server.start();
  await pass(clock, 200);
}

const HANDLERS = [
  "onPrepareConnect",
  "onConnect",
  "onHandshake",
  "onReceive",
  "onSend",
  "onClose",
  "onReconnecting",
  "onReconnected",
  "greeting",
  "shouldReconnect",
];

describe("a client that reconnects, and is ended", () => {
  for (const [way, end] of Object.entries(WAYS)) {
    it(`by ${way} in each of its handlers, at the first call and later, makes no other connection`, async (test) => {
      for (const handler of HANDLERS) {
        for (const nth of [1, 2, 3]) {
          let count = 0;
          const one: Life = await life(test, (name) => {
            if (name === handler && ++count === nth) one.end(end);
          });
          const connecting = one.client.connect({ port: PORT }).catch(() => "failed");
          await lived(one);
          // Data that came and went once has no third call.
          if (count < nth) {
            assert.ok(nth > 1, `${handler} was not called`);
            await one.client.stop({ drainMs: 0 });
            continue;
          }
          await assertOver(one, connecting, `${way} in ${handler} (${nth})`);
          await one.server.stop();
        }
      }
    });

    it(`by ${way} at each moment, makes no other connection`, async (test) => {
      for (let moment = 0; moment < 120; moment++) {
        const one = await life(test, () => {});
        const connecting = one.client.connect({ port: PORT }).catch(() => "failed");
        for (let step = 0; step < moment; step++) {
          if (step === 15) await one.server.start();
          if (step === 50) await one.server.stop();
          if (step === 80) await one.server.start();
          if (step % 3 === 0) one.clock.advance(10);
          else await new Promise(setImmediate);
        }
        one.end(end);
        await assertOver(one, connecting, `${way} at ${moment}`);
        await one.server.stop();
      }
    });
  }
});

describe("a name whose addresses change", () => {
  it("is looked up for each attempt: the client follows its server", async (test) => {
    const { engine, clock } = memoryWorld();
    let host = "127.0.0.1";
    const lookups = test.mock.method(engine, "resolve", async () => [
      { host, family: host.includes(":") ? ("IPv6" as const) : ("IPv4" as const) },
    ]);
    const server = new Server(engine);
    await server.start(host);
    const client = new TcpClient({
      engine,
      reconnect: { firstDelayMs: 50, maxDelayMs: 100 },
      onReceive() {},
    });
    test.after(() => Promise.all([client.stop({ drainMs: 0 }), server.stop()]));
    const connecting = client.connect({ host: "moves.example", port: PORT });
    await pass(clock, 50);
    await connecting;
    for (const next of ["::1", "127.0.0.1", "::1"]) {
      await server.stop();
      await pass(clock, 200);
      host = next;
      await server.start(host);
      await pass(clock, 300);
      assert.equal(client.remoteAddress?.host, host);
    }
    assert.ok(lookups.mock.callCount() > 4);
  });
});

describe("many clients of a server that restarts each second", () => {
  it("come less and less often, all of them when it stays, and leave nothing behind", async () => {
    const { engine, clock } = memoryWorld();
    let dialCount = 0;
    engine.network.connectFate = () => {
      dialCount++;
      return "answer";
    };
    const server = new Server(engine);
    await server.start();
    const clients = Array.from(
      { length: 250 },
      () => new TcpClient({ engine, reconnect: true, onReceive() {} }),
    );
    await Promise.all(clients.map((client) => client.connect({ port: PORT })));
    const inSecond: number[] = [];
    for (let second = 0; second < 60; second++) {
      dialCount = 0;
      await server.stop();
      await pass(clock, 500);
      await server.start();
      await pass(clock, 500);
      inSecond.push(dialCount);
    }
    // With a greatest wait of 30 s, whose mean is half of it, about 17 of 250 come in a second.
    const last = inSecond.slice(-20).reduce((sum, count) => sum + count, 0) / 20;
    assert.ok(last < 38, `${inSecond}`);
    await pass(clock, 65_000);
    assert.equal(server.connectionCount, 250);
    await Promise.all(clients.map((client) => client.stop({ drainMs: 0 })));
    await server.stop();
    assert.equal(clock.timerCount, 0);
  });
});
