import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import {
  WebSocketAgent,
  WebSocketClient,
  type WebSocketClientOptions,
  type WebSocketConnection,
  type WebSocketLoss,
  WebSocketServer,
} from "hp-socket/websocket";
import { availableEngines } from "../support/engine-list.js";
import { memoryWorld } from "../support/memory-world.js";
import { pass } from "../support/steps.js";
import { until } from "../support/until.js";

interface World {
  readonly client: WebSocketClient;
  readonly told: string[];
  readonly got: string[];
  readonly opened: WebSocketConnection[];
  readonly engine: ReturnType<typeof memoryWorld>["engine"];
  start(port?: number): Promise<void>;
  stop(): Promise<void>;
  wait(ms: number): Promise<void>;
}

const URL_OF_SERVER = "ws://127.0.0.1:7000/";

async function world(test: TestContext, options: WebSocketClientOptions = {}): Promise<World> {
  const { engine, clock } = memoryWorld();
  const told: string[] = [];
  const got: string[] = [];
  const opened: WebSocketConnection[] = [];
  let server: WebSocketServer | undefined;
  const start = async (port = 7_000): Promise<void> => {
    server = new WebSocketServer({
      engine,
      onOpen: (socket) => void opened.push(socket),
      onMessage: (_, data, isText) => void got.push(`${isText ? "text" : "bytes"} ${data}`),
    });
    await server.listen({ host: "127.0.0.1", port });
  };
  const stop = async (): Promise<void> => {
    await server?.stop({ drainMs: 0 });
  };
  await start();
  const client: WebSocketClient = new WebSocketClient({
    engine,
    reconnect: { firstDelayMs: 100, maxDelayMs: 500 },
    onOpen: () => void told.push("open"),
    onClose: (_, code) => void told.push(`close ${code}`),
    onReconnecting: (own, attempt, _delayMs, { code, closeCode }, unsentBytes): void => {
      assert.equal(own, client);
      told.push(`reconnecting ${attempt} ${code} ${closeCode} ${unsentBytes}`);
    },
    onReconnected: (_, attempt) => void told.push(`reconnected ${attempt}`),
    onGiveUp: (_, lostBytes) => void told.push(`give up ${lostBytes}`),
    ...options,
  });
  test.after(() => Promise.all([client.stop({ drainMs: 0 }), stop()]));
  return { client, told, got, opened, engine, start, stop, wait: (ms) => pass(clock, ms) };
}

async function connected(world: World): Promise<void> {
  const promise = world.client.connect(URL_OF_SERVER);
  await world.wait(10);
  await promise;
}

describe("a WebSocket client that reconnects", () => {
  it("makes a lost socket anew, with an id of its own and the context of the last", async (test) => {
    const one = await world(test);
    await connected(one);
    const { client, told, opened } = one;
    const { id } = client.socket;
    client.socket.context = "mine";
    opened[0]?.abort();
    await one.wait(300);
    assert.equal(client.isOpen, true);
    assert.notEqual(client.socket.id, id);
    assert.equal(client.socket.context, "mine");
    assert.deepEqual(told, [
      "open",
      "close 1006",
      "reconnecting 1 CONNECTION_RESET 1006 0",
      "open",
      "reconnected 1",
    ]);
  });

  it("comes back after a Close frame of the server, and when that is away for long", async (test) => {
    const one = await world(test);
    await connected(one);
    one.opened[0]?.close(1_012, "restart");
    await one.wait(400);
    assert.equal(one.client.isOpen, true);
    assert.deepEqual(one.told.slice(1, 3), ["close 1012", "reconnecting 1 CLOSED 1012 0"]);

    await one.stop();
    await one.wait(5_000);
    assert.equal(one.client.isReconnecting, true);
    await assert.rejects(one.client.connect(URL_OF_SERVER), { code: "INVALID_STATE" });
    await one.start();
    await one.wait(1_100);
    assert.equal(one.client.isOpen, true);
  });

  for (const how of ["close", "abort", "stop"] as const) {
    it(`does not come back after ${how} in shouldReconnect, whatever that answers`, async (test) => {
      let askedCount = 0;
      const one: World = await world(test, {
        reconnect: {
          firstDelayMs: 10,
          shouldReconnect() {
            askedCount++;
            void one.client[how]();
            return true;
          },
        },
      });
      await connected(one);
      await one.stop();
      await one.start();
      await one.wait(2_000);
      assert.deepEqual([askedCount, one.opened.length], [1, 1]);
      assert.equal(one.client.isReconnecting, false);
    });

    it(`does not come back after ${how}, and is called off by it`, async (test) => {
      const one = await world(test);
      await connected(one);
      void one.client[how]();
      await one.wait(2_000);
      assert.equal(
        one.told.some((line) => line.startsWith("reconnecting")),
        false,
      );
      if (how === "stop") return;

      await connected(one);
      await one.stop();
      await one.wait(20);
      assert.equal(one.client.isReconnecting, true);
      assert.equal(one.client[how](), true);
      const { length } = one.told;
      await one.wait(2_000);
      assert.equal(one.told.length, length);
      assert.equal(one.told.at(-1), "give up 0");
    });
  }

  it("is called off while an attempt is under way", async (test) => {
    const one = await world(test);
    await connected(one);
    await one.stop();
    // Nobody answers: the attempt takes until its time-out.
    one.engine.network.connectFate = () => "blackHole";
    await one.wait(500);
    assert.equal(one.client.isReconnecting, true);
    assert.equal(one.client.close(), true);
    await one.wait(100);
    assert.equal(one.client.isReconnecting, false);
    assert.equal(one.told.at(-1), "give up 0");
  });

  it("asks the application, with the code of the Close frame", async (test) => {
    const asked: WebSocketLoss[] = [];
    const one = await world(test, {
      reconnect: {
        firstDelayMs: 10,
        shouldReconnect(reason) {
          asked.push(reason);
          return reason.closeCode !== 4_001;
        },
      },
    });
    await connected(one);
    one.opened[0]?.close(4_000, "again");
    await one.wait(100);
    assert.equal(one.client.isOpen, true);
    one.opened[1]?.close(4_001, "never");
    await one.wait(500);
    assert.equal(one.client.isReconnecting, false);
    assert.deepEqual(
      asked.map(({ closeCode, closeText }) => `${closeCode} ${closeText}`),
      ["4000 again", "4001 never"],
    );
    assert.equal(one.told.at(-1), "give up 0");
  });

  it("sends greeting and kept messages, text as text and bytes as bytes", async (test) => {
    const one = await world(test, {
      reconnect: { firstDelayMs: 50, maxDelayMs: 50, greeting: () => "login", maxKeptBytes: 8 },
      onOpen: (socket) => void socket.send("from onOpen"),
    });
    await connected(one);
    await one.stop();
    await one.wait(10);
    const { client, got } = one;
    const bytes = Buffer.from("1234");
    assert.deepEqual(
      [client.send("text"), client.send(bytes), client.send("x")],
      ["slow", "slow", false],
    );
    bytes.fill("z");
    await one.start();
    await one.wait(200);
    assert.deepEqual(got, [
      "text login",
      "text from onOpen",
      "text login",
      "text from onOpen",
      "text text",
      "bytes 1234",
    ]);
  });

  it("ends a socket whose greeting fails", async (test) => {
    const one = await world(test, {
      reconnect: {
        greeting: () => {
          throw new Error("no token");
        },
      },
    });
    await connected(one);
    await one.wait(1_000);
    assert.equal(one.client.isOpen, false);
    assert.deepEqual(one.told, ["close 1006"]);
  });

  it("tries further URLs, from the start where asked", async (test) => {
    const one = await world(test, {
      reconnect: {
        fromStart: true,
        firstDelayMs: 10,
        targets: ["ws://127.0.0.1:7001/x", new URL("ws://127.0.0.1:7002/")],
      },
    });
    await one.stop();
    await one.start(7_002);
    const promise = one.client.connect(URL_OF_SERVER);
    await one.wait(500);
    await promise;
    assert.equal(one.client.socket.remoteAddress?.port, 7_002);
  });

  it("rejects connect when the first attempts are given up", async (test) => {
    for (const [how, code] of [
      ["limit", "CONNECTION_REFUSED"],
      ["signal", "ABORTED"],
      ["close", "CONNECTION_REFUSED"],
      ["stop", "CONNECTION_REFUSED"],
    ] as const) {
      const one = await world(test, {
        reconnect: {
          fromStart: true,
          firstDelayMs: 10,
          maxDelayMs: 10,
          maxAttempts: how === "limit" ? 2 : 0,
        },
      });
      await one.stop();
      const controller = new AbortController();
      const promise = one.client.connect(URL_OF_SERVER, { signal: controller.signal });
      promise.catch(() => {});
      await one.wait(100);
      if (how === "signal") controller.abort();
      if (how === "close") one.client.close();
      if (how === "stop") void one.client.stop();
      await assert.rejects(promise, { code }, how);
      assert.equal(one.client.isReconnecting, false);
    }
  });

  it("keeps nothing of a call that can't be", async (test) => {
    const { engine } = memoryWorld();
    const agent = new WebSocketAgent({ engine, reconnect: true });
    test.after(() => agent.stop({ drainMs: 0 }));
    await assert.rejects(agent.connect("http:"), { code: "INVALID_ARGUMENT" });
    await assert.rejects(agent.connect("ws://h/", { timeoutMs: -1 }), { code: "INVALID_ARGUMENT" });
    assert.equal(agent.targets().length, 0);
    for (const reconnect of [7, { targets: ["mailto:x"] }, { targets: "x" }, { delay: 1 }]) {
      assert.throws(() => new WebSocketClient({ reconnect: reconnect as never }), {
        code: "INVALID_ARGUMENT",
      });
    }
    assert.throws(() => new WebSocketClient({ onGiveUp: 7 as never }), {
      code: "INVALID_ARGUMENT",
    });
  });
});

describe("a WebSocket agent that reconnects", () => {
  it("keeps each of its targets, up to maxConnections, until it stops", async (test) => {
    const one = await world(test);
    const told: string[] = [];
    const agent = new WebSocketAgent({
      engine: one.engine,
      maxConnections: 3,
      reconnect: { firstDelayMs: 10, maxDelayMs: 50 },
      onReconnected: (target) => void told.push(`back ${target.destination}`),
      onGiveUp: (target) => void told.push(`give up ${target.destination}`),
    });
    test.after(() => agent.stop({ drainMs: 0 }));
    const sockets = [1, 2, 3].map((number) => agent.connect(`${URL_OF_SERVER}${number}`));
    await one.wait(20);
    const [first] = await Promise.all(sockets);
    await assert.rejects(agent.connect(URL_OF_SERVER), { code: "CONNECTION_LIMIT" });
    const target = agent.target(first?.id ?? 0);
    for (const socket of [...one.opened]) socket.abort();
    await one.wait(300);
    assert.equal(target?.isOpen, true);
    assert.equal(agent.connectionCount, 3);
    assert.deepEqual(
      told.sort(),
      [1, 2, 3].map((number) => `back ${URL_OF_SERVER}${number}`),
    );

    target?.close();
    await one.wait(100);
    assert.equal(agent.targets().length, 2);
    await one.stop();
    await one.wait(20);
    await agent.stop();
    await one.wait(500);
    assert.equal(agent.targets().length, 0);
    assert.equal(told.filter((line) => line.startsWith("give up")).length, 3);
  });
});

for (const engine of availableEngines()) {
  it(`a WebSocket client on ${engine} comes back to a server that comes back`, async (test) => {
    const start = async (port: number): Promise<WebSocketServer> => {
      const made = new WebSocketServer({
        engine,
        onMessage: (socket, data) => void socket.send(data),
      });
      await made.listen({ host: "127.0.0.1", port });
      return made;
    };
    let server = await start(0);
    const port = server.port as number;
    const client = new WebSocketClient({ engine, reconnect: { firstDelayMs: 5, maxDelayMs: 20 } });
    test.after(() => Promise.all([client.stop({ drainMs: 0 }), server.stop({ drainMs: 0 })]));
    await client.connect(`ws://127.0.0.1:${port}/`);
    for (let round = 0; round < 3; round++) {
      await server.stop({ drainMs: 0 });
      await until(() => client.isReconnecting);
      server = await start(port);
      await until(() => client.isOpen && !client.isReconnecting);
      client.send("hello");
      assert.equal(await client.read({ timeoutMs: 5_000 }), "hello");
    }
  });
}
