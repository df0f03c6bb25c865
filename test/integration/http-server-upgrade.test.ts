/** Connections that leave HTTP: Upgrade and CONNECT (RFC 9110 §7.8, §9.3.6). */
import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "node:test";
import { type Connection, type EngineName, TcpClient, TcpServer } from "hp-socket";
import type { HttpExchange, UpgradeReceiver } from "hp-socket/http";
import { MAX_HELD_BYTES } from "#src/connection/inbound.js";
import { MAX_AHEAD_BYTES } from "#src/engine/engine.js";
import { availableEngines } from "../support/engine-list.js";
import { untilQuiet } from "../support/engine-wait.js";
import { httpServer, rawPeer } from "../support/http-world.js";
import { until } from "../support/until.js";

const UPGRADE = "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
const CONNECT = "CONNECT far.example:443 HTTP/1.1\r\nHost: far.example:443\r\n\r\n";

/** Sends back what comes, and keeps book. */
class Echo implements UpgradeReceiver {
  readonly events: string[] = [];

  onReceive(connection: Connection, bytes: Buffer): void {
    this.events.push(`receive ${bytes}`);
    connection.send(bytes);
  }

  onEnd(connection: Connection): void {
    this.events.push("end");
    connection.close();
  }

  onClose(_connection: Connection, { code }: { readonly code: string }): void {
    this.events.push(`close ${code}`);
  }
}

for (const engine of availableEngines()) {
  describe(`leaving HTTP on ${engine}`, () => upgrades(engine));
}

function upgrades(engine: EngineName): void {
  it("hands the connection over, with the bytes that came behind the head", async (test) => {
    const echo = new Echo();
    const told: string[] = [];
    const server = await httpServer(test, {
      engine,
      onRequest: (exchange) => {
        exchange.upgrade(echo, { Upgrade: "echo" });
      },
      onUpgrade: (exchange) => told.push(exchange.headers.get("upgrade") ?? ""),
      onClose: () => told.push("closed"),
    });
    const peer = await rawPeer(test, server);

    peer.send(`${UPGRADE}early`);
    const { statusCode, fields } = await peer.answer();
    await peer.came("early");
    peer.send("later");
    await peer.came("later");
    peer.socket.end();
    await peer.ended();
    await until(() => told.length === 2);

    assert.equal(statusCode, 101);
    assert.equal(fields.get("connection"), "Upgrade");
    assert.equal(fields.get("upgrade"), "echo");
    assert.equal(fields.has("content-length") || fields.has("keep-alive"), false);
    assert.equal(peer.rest, "earlylater");
    assert.deepEqual(echo.events, ["receive early", "receive later", "end", "close CLOSED"]);
    assert.deepEqual(told, ["echo", "closed"]);
  });

  it("keeps what comes until a handler that takes its time has decided", async (test) => {
    const echo = new Echo();
    let exchange: HttpExchange | undefined;
    const server = await httpServer(test, {
      engine,
      onRequest: (one) => {
        exchange = one;
      },
    });
    const peer = await rawPeer(test, server);
    const block = "x".repeat(300_000);

    peer.send(`${UPGRADE}GET / HTTP/1.1 is no request here${block}`);
    await until(() => exchange !== undefined);
    for (let turn = 0; turn < 50; turn++) await new Promise((next) => setImmediate(next));
    exchange?.upgrade(echo, { Upgrade: "echo" });
    await peer.answer();
    await until(() => peer.rest.length === block.length + 33);

    assert.equal(peer.rest, `GET / HTTP/1.1 is no request here${block}`);
    assert.equal(server.stats.requestCount, 1);
  });

  it("goes on with HTTP when the request is answered instead", async (test) => {
    const server = await httpServer(test, {
      engine,
      async onRequest(exchange) {
        await Promise.resolve();
        exchange.respond(200, {}, exchange.isUpgrade ? "no" : "yes");
      },
    });
    const peer = await rawPeer(test, server);

    peer.send(`${UPGRADE}GET / HTTP/1.1\r\nHost: h\r\n\r\n`);

    const bodies = (await peer.answers(2)).map(({ body }) => body);
    assert.deepEqual(bodies, ["no", "yes"]);
  });

  it("makes a tunnel of a CONNECT", async (test) => {
    const far = new TcpServer({
      engine,
      onReceive(connection, bytes) {
        connection.send(bytes.toString().toUpperCase());
      },
    });
    await far.listen({ host: "127.0.0.1" });
    test.after(() => far.stop({ drainMs: 0 }));
    const server = await httpServer(test, {
      engine,
      async onRequest(exchange) {
        let near: Connection | undefined;
        const upstream = new TcpClient({
          engine,
          onReceive: (_upstream, bytes) => {
            near?.send(bytes);
          },
        });
        await upstream.connect({ port: far.port });
        near = exchange.upgrade({
          onReceive: (_connection, bytes) => {
            upstream.send(bytes);
          },
          onClose: () => {
            void upstream.stop();
          },
        });
      },
    });
    const peer = await rawPeer(test, server);

    peer.send(`${CONNECT}first `);
    const { statusCode, fields } = await peer.answer(false);
    peer.send("second");
    await peer.came("FIRST SECOND");

    assert.equal(statusCode, 200);
    assert.equal(fields.has("content-length") || fields.has("transfer-encoding"), false);
  });

  it("refuses a CONNECT with an answer, behind which the connection closes", async (test) => {
    const server = await httpServer(test, {
      engine,
      onRequest: (exchange) => exchange.respondError(403),
    });
    const peer = await rawPeer(test, server);

    peer.send(`${CONNECT}what was meant for the tunnel`);

    const { statusCode, fields } = await peer.answer();
    assert.deepEqual([statusCode, fields.get("connection")], [403, "close"]);
    await peer.ended();
  });

  it("can't be done where nobody asked for it, without Upgrade, or twice", async (test) => {
    const exchanges: HttpExchange[] = [];
    const server = await httpServer(test, {
      engine,
      onRequest: (exchange) => {
        exchanges.push(exchange);
      },
    });
    const peer = await rawPeer(test, server);
    const echo = new Echo();

    peer.send(`GET / HTTP/1.1\r\nHost: h\r\n\r\n${UPGRADE}`);
    await until(() => exchanges.length === 1);
    assert.throws(() => exchanges[0]?.upgrade(echo, { Upgrade: "echo" }), {
      code: "INVALID_STATE",
    });
    exchanges[0]?.respond(200);
    const asking = exchanges[1];
    assert.throws(() => asking?.upgrade(echo), { code: "INVALID_ARGUMENT" });
    asking?.upgrade(echo, { Upgrade: "echo" });
    assert.throws(() => asking?.upgrade(echo, { Upgrade: "echo" }), { code: "INVALID_STATE" });

    const codes = (await peer.answers(2)).map(({ statusCode }) => statusCode);
    assert.deepEqual(codes, [200, 101]);
  });

  for (const [what, request, statusCode] of [
    ["an upgrade", UPGRADE, 101],
    ["a CONNECT", CONNECT, 200],
  ] as const) {
    it(`waits with ${what} for the responses to the requests before it`, async (test) => {
      const order: string[] = [];
      let respond = (): void => {};
      const server = await httpServer(test, {
        engine,
        onHeadersComplete: ({ method, isUpgrade }) => {
          order.push(`${method} ${isUpgrade}`);
        },
        onRequest: (exchange) => {
          if (exchange.isUpgrade) exchange.upgrade(new Echo(), { Upgrade: "echo" });
          else if (order.length === 1) respond = () => exchange.respond(200, {}, "first");
          else exchange.respond(200, {}, "second");
        },
      });
      const peer = await rawPeer(test, server);
      const get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

      peer.send(`${get}${get}${request}early`);
      await until(() => order.length === 2);
      for (let turn = 0; turn < 20; turn++) await new Promise((next) => setImmediate(next));
      const orderBefore = [...order];
      respond();
      const bodies = (await peer.answers(2)).map(({ body }) => body);
      const last = await peer.answer(false);
      await peer.came("early");

      assert.deepEqual(orderBefore, ["GET false", "GET false"]);
      assert.deepEqual(bodies, ["first", "second"]);
      assert.equal(last.statusCode, statusCode);
      assert.equal(peer.rest, "early");
    });
  }

  it("answers 501 to a CONNECT that is responded to as if it were another request", async (test) => {
    const errors: unknown[] = [];
    const server = await httpServer(test, {
      engine,
      onRequest(exchange) {
        if (exchange.target.startsWith("far")) exchange.respond(200, {}, "hello");
        else {
          const writer = exchange.startResponse(200);
          writer.write("hello");
          writer.end();
        }
      },
      onHandlerError: (error) => errors.push(error),
    });

    for (const request of [CONNECT, CONNECT.replace("far.", "near.")]) {
      const peer = await rawPeer(test, server);
      peer.send(request);
      const { statusCode, fields } = await peer.answer();
      assert.deepEqual([statusCode, fields.get("connection")], [501, "close"]);
      await peer.ended();
    }
    assert.deepEqual(errors, []);
  });

  it("lets the receiver hold bytes back by its promise, and ends it when that rejects", async (test) => {
    const events: string[] = [];
    let goOn = (): void => {};
    const reasons: string[] = [];
    const server = await httpServer(test, {
      engine,
      onRequest: (exchange) => {
        exchange.upgrade(
          {
            async onReceive(_connection, bytes) {
              const text = bytes.toString();
              events.push(text);
              if (text === "first")
                await new Promise<void>((resolve) => {
                  goOn = resolve;
                });
              else throw new Error("enough");
            },
          },
          { Upgrade: "echo" },
        );
      },
      onClose: (_connection, reason) => reasons.push(reason.code),
    });
    const peer = await rawPeer(test, server);

    peer.send(`${UPGRADE}first`);
    await until(() => events.length === 1);
    peer.send("second");
    for (let turn = 0; turn < 50; turn++) await new Promise((next) => setImmediate(next));
    assert.deepEqual(events, ["first"]);
    goOn();
    await until(() => reasons.length === 1);

    assert.deepEqual(events, ["first", "second"]);
    assert.deepEqual(reasons, ["HANDLER_FAILED"]);
  });

  it("leaves the application's own pause alone, whatever came behind the head", async (test) => {
    const received: string[] = [];
    let paused: Connection | undefined;
    const server = await httpServer(test, {
      engine,
      onRequest: (exchange) => {
        exchange.upgrade(
          {
            onReceive(connection, bytes) {
              received.push(bytes.toString());
              if (received.length > 1) return;
              connection.pause();
              paused = connection;
            },
          },
          { Upgrade: "echo" },
        );
      },
    });
    const peer = await rawPeer(test, server);

    peer.send(`${UPGRADE}early`);
    await until(() => paused !== undefined);
    peer.send("later");
    for (let turn = 0; turn < 50; turn++) await new Promise((next) => setImmediate(next));
    const before = [...received];
    paused?.resume();
    await until(() => received.length > 1);

    assert.deepEqual(before, ["early"]);
    assert.deepEqual(received, ["early", "later"]);
  });

  it("keeps little of what peers send while the receiver's promise is open", async (test) => {
    const PEERS = 20;
    const delivered = new Map<number, number>();
    const block = Buffer.alloc(4_194_304);
    const server = await httpServer(test, {
      engine,
      onRequest: (exchange) => {
        exchange.upgrade(
          {
            onReceive: (connection, bytes) => {
              delivered.set(connection.id, bytes.length);
              return new Promise(() => {});
            },
          },
          { Upgrade: "echo" },
        );
      },
    });
    const before = process.memoryUsage().arrayBuffers;

    for (let count = 0; count < PEERS; count++) {
      const peer = await rawPeer(test, server);
      peer.send(`${UPGRADE}first`);
      peer.send(block);
    }
    await until(() => delivered.size === PEERS);
    await untilQuiet(() => server.stats.receivedBytes, 100);
    const kept = [...delivered].map(([id, byteCount]) => {
      return (server.connection(id)?.stats.receivedBytes ?? 0) - byteCount - UPGRADE.length;
    });

    // MAX_HELD_BYTES, and what an engine still brings after a pause.
    assert.ok(Math.max(...kept) <= MAX_HELD_BYTES + 2 * MAX_AHEAD_BYTES, `${Math.max(...kept)}`);
    assert.ok(Math.min(...kept) >= MAX_HELD_BYTES, `${Math.min(...kept)}`);
    assert.ok(process.memoryUsage().arrayBuffers - before < PEERS * 6 * 65_536 + block.length);
  });

  it("tells the receiver when the server stops, or closes the connection", async (test) => {
    const server = await httpServer(test, {
      engine,
      onRequest: (exchange) => {
        const onReceive = (): void => {};
        const onStop = (connection: Connection): void => {
          connection.send("good-bye");
          connection.close();
        };
        const receiver = exchange.path === "/polite" ? { onReceive, onStop } : { onReceive };
        exchange.upgrade(receiver, { Upgrade: "echo" });
      },
    });
    const polite = await rawPeer(test, server);
    const plain = await rawPeer(test, server);
    polite.send(UPGRADE.replace("/", "/polite"));
    plain.send(UPGRADE);
    await polite.answer();
    await plain.answer();

    const stopping = server.stop();
    await polite.ended();
    await plain.ended();
    polite.socket.end();
    plain.socket.end();

    assert.deepEqual(await stopping, { drainedCount: 2, cutCount: 0 });
    assert.deepEqual([polite.rest, plain.rest], ["good-bye", ""]);
  });
}
