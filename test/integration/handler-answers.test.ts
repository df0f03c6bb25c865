/**
 * What handlers and other functions of the application answer by mistake: promises where an answer is wanted at once, promises
 * that reject where nothing is awaited, and objects with a `then` that throws. An unhandled rejection fails the test.
 */
import assert from "node:assert/strict";
import process from "node:process";
import { describe, it, type TestContext } from "node:test";
import {
  type CloseReason,
  type Connection,
  type ConnectOptions,
  delimiter,
  TcpAgent,
  type TcpAgentOptions,
  TcpServer,
  type TcpServerOptions,
} from "hp-socket";
import { HttpAgent, HttpServer } from "hp-socket/http";
import { ProxyServer, type ProxyServerOptions } from "hp-socket/proxy";
import { MemoryEngine } from "hp-socket/testing";
import { WebSocketAgent, WebSocketServer } from "hp-socket/websocket";
import { until } from "../support/until.js";

/** As an async function that fails, where the answer is wanted at once. */
const late = (async () => {
  throw new Error("late");
}) as never as () => never;
// biome-ignore lint/suspicious/noThenProperty: the mistake under test
const broken = Object.defineProperty({}, "then", {
  value: () => {
    throw new Error("then");
  },
});

/** Process warnings from here on. */
function warnings(test: TestContext): string[] {
  const found: string[] = [];
  test.mock.method(process, "emitWarning", (warning: Error) => void found.push(warning.message));
  return found;
}

interface World {
  readonly server: TcpServer<Buffer>;
  readonly agent: TcpAgent<Buffer>;
  readonly reasons: CloseReason[];
  connect(options?: ConnectOptions): Promise<Connection>;
}

async function world(
  test: TestContext,
  server: Partial<TcpServerOptions<Buffer>>,
  agent: Partial<TcpAgentOptions<Buffer>> = {},
): Promise<World> {
  const engine = new MemoryEngine();
  const receive = delimiter();
  const reasons: CloseReason[] = [];
  const onClose = (_: unknown, reason: CloseReason): void => void reasons.push(reason);
  const ours = new TcpServer<Buffer>({ engine, receive, onClose, ...server });
  const theirs = new TcpAgent<Buffer>({ engine, receive, ...agent });
  test.after(() => Promise.all([theirs.stop({ drainMs: 0 }), ours.stop({ drainMs: 0 })]));
  const { port } = await ours.listen({ host: "127.0.0.1" });
  return {
    server: ours,
    agent: theirs,
    reasons,
    connect: (options) => theirs.connect({ host: "127.0.0.1", port, ...options }),
  };
}

describe("what handlers answer by mistake", () => {
  it("ends a connection whose handler answers an object with a then that throws", async (test) => {
    for (const name of ["onAccept", "onHandshake", "onReceive"] as const) {
      const { connect, reasons } = await world(test, { [name]: () => broken });
      const connection = await connect();
      connection.send("hello");
      await until(() => reasons.length === 1);
      assert.equal(reasons[0]?.code, "HANDLER_FAILED", name);
      assert.match(reasons[0]?.cause?.message ?? "", new RegExp(`^${name} failed: then$`));
    }
  });

  it("ends a WebSocket whose handler does so, and refuses an upgrade", async (test) => {
    warnings(test);
    const codes: number[] = [];
    const server = new WebSocketServer({
      onMessage: () => broken,
      onUpgrade: ({ exchange }) => (exchange.query.has("no") ? (broken as never) : true),
      onClose: (_, code) => void codes.push(code),
    });
    const agent = new WebSocketAgent();
    test.after(() => Promise.all([agent.stop({ drainMs: 0 }), server.stop({ drainMs: 0 })]));
    await server.listen({ host: "127.0.0.1" });
    const url = `ws://127.0.0.1:${server.port}/`;
    await assert.rejects(agent.connect(`${url}?no`), { code: "WEBSOCKET_HANDSHAKE" });
    const socket = await agent.connect(url);
    socket.send("hello");
    assert.equal((await socket.closed()).code, 1011);
  });

  it("takes no promise where an answer is wanted at once", async (test) => {
    const { connect, agent, server } = await world(test, { onReceive() {} }, { correlate: late });
    const asked = { code: "HANDLER_FAILED", message: /has to answer at once/ };
    await assert.rejects(connect({ allowAddress: late }), asked);
    await assert.rejects(connect({ proxy: late }), asked);

    const connection = await connect();
    const wrong = { code: "INVALID_ARGUMENT", message: /^correlate returned a promise/ };
    await assert.rejects(connection.request("hello"), wrong);
    await until(() => server.connectionCount === 1);
    for (const all of [server, agent]) {
      assert.throws(() => all.broadcast("hello", { filter: late }), {
        code: "INVALID_ARGUMENT",
        message: /^filter returned a promise/,
      });
    }
  });

  it("ends a connection whose heartbeat or greeting is a promise", async (test) => {
    const times = { everyMs: 10, timeoutMs: 1_000 };
    for (const heartbeat of [
      { ...times, message: late },
      { ...times, message: "ping", isAnswer: late },
      { ...times, isProbe: late, answer: "pong" },
      { ...times, isProbe: () => true, answer: late },
    ]) {
      const { connect, reasons } = await world(test, { onReceive() {}, heartbeat });
      (await connect()).send("hello");
      await until(() => reasons.length === 1);
      assert.match(reasons[0]?.cause?.message ?? "", /^heartbeat failed: it returned a promise/);
    }

    const closed: CloseReason[] = [];
    const { connect } = await world(
      test,
      {},
      {
        reconnect: { greeting: late, fromStart: false, maxAttempts: 1, firstDelayMs: 1 },
        onClose: (_, reason) => void closed.push(reason),
      },
    );
    await connect().catch(() => {});
    await until(() => closed.length > 0);
    assert.match(closed[0]?.cause?.message ?? "", /greeting failed: it returned a promise/);
  });

  it("fails a connection whose onLookup rejects", async (test) => {
    const { connect } = await world(test, {});
    const failed = { code: "HANDLER_FAILED", message: "onLookup failed: late" };
    await assert.rejects(connect({ onLookup: late }), failed);
    const rejects = async (): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      throw new Error("later");
    };
    const connection = await connect({ onLookup: rejects }).catch(() => undefined);
    if (connection !== undefined) {
      assert.equal((await connection.closed()).code, "HANDLER_FAILED");
    }
  });

  it("tells what handlers of a proxy reject with", async (test) => {
    const found = warnings(test);
    const origin = new HttpServer({ onRequest: (exchange) => exchange.respond(200, {}, "yes") });
    const given: ProxyServerOptions = { destinations: { allow: ["127.0.0.1"] }, onAccess: late };
    const proxies = [new ProxyServer(given), new ProxyServer({ ...given, onHandlerError: late })];
    const agent = new HttpAgent();
    const all = [agent, ...proxies, origin];
    test.after(() => Promise.all(all.map((one) => one.stop({ drainMs: 0 }))));
    await origin.listen({ host: "127.0.0.1" });
    const wanted = ["onAccess failed: late", "onHandlerError failed: late"];
    for (const [index, proxy] of proxies.entries()) {
      const { port } = await proxy.listen();
      const url = `http://127.0.0.1:${origin.port}/`;
      const response = await agent.request({ url, proxy: `http://127.0.0.1:${port}` });
      assert.equal(await response.text(), "yes");
      await until(() => found.length > index);
      assert.equal(found[index], wanted[index]);
    }
  });
});
