import assert from "node:assert/strict";
import { connect as connectSocket, type Socket } from "node:net";
import { describe, it } from "node:test";
import {
  type Connection,
  type EngineName,
  type Handlers,
  type IpAddress,
  TcpAgent,
  TcpClient,
  TcpServer,
} from "hp-socket";
import { availableEngines } from "../support/engine-list.js";
import { EventLog } from "../support/event-log.js";
import { netWarning } from "../support/net-warning.js";
import { NOBODYS_PORT } from "../support/refusing-port.js";

type ServerHandlers = Handlers<Connection, Buffer>;

/** Handlers of a server connection, in the order in which they are called. */
const CALLED: readonly (keyof ServerHandlers)[] = [
  "onAccept",
  "onHandshake",
  "onReceive",
  "onSend",
  "onEnd",
  "onClose",
];

const OPERATIONS: Partial<Record<keyof ServerHandlers, string>> = {
  onAccept: "accept",
  onHandshake: "handshake",
  onReceive: "receive",
  onSend: "send",
  onEnd: "receive",
};

async function listening(server: TcpServer): Promise<IpAddress> {
  return (await server.listen({ host: "127.0.0.1" })) as IpAddress;
}

/**
 * A plain peer that sends `hello`, finishes (at once, or when the other side does), and reads until
 * the other side is done.
 */
function plainPeer(
  address: IpAddress,
  finishesAtOnce = true,
): Promise<{ received: string; error: string | undefined }> {
  return new Promise((resolve) => {
    const socket: Socket = connectSocket({ host: address.host, port: address.port });
    let received = "";
    let error: string | undefined;
    socket.on("connect", () => {
      socket.write("hello");
      if (finishesAtOnce) socket.end();
    });
    socket.on("data", (bytes) => {
      received += bytes.toString();
    });
    socket.on("error", (cause: NodeJS.ErrnoException) => {
      error = cause.code;
    });
    socket.on("close", () => resolve({ received, error }));
  });
}

for (const engine of availableEngines()) {
  describe(`events on ${engine}`, () => endings(engine));
}

function endings(engine: EngineName): void {
  it("come in order: accept, handshake, receive, send, end, close, shutdown", async () => {
    const log = new EventLog();
    const server = new TcpServer({
      engine,
      ...log.serverHandlers<Connection, Buffer>({ onReceive: (c, d) => void c.send(d) }),
    });
    const address = await listening(server);

    const peer = await plainPeer(address);
    await log.closed();
    await server.stop();

    assert.equal(peer.received, "hello");
    assert.deepEqual(
      log.events.filter((name) => name !== "send"),
      ["accept", "handshake", "receive", "end", "close:close/CLOSED/remote", "shutdown"],
    );
    assert.ok(log.events.includes("send"));
  });

  it("come in order at a client: prepareConnect, connect, handshake, receive, close", async () => {
    const server = new TcpServer({ engine, onAccept: (c) => void c.send("hi") });
    const log = new EventLog();
    const client = new TcpClient({
      engine,
      ...log.outgoingHandlers<TcpClient, Buffer>({ onReceive: (c) => void c.close() }),
    });

    await client.connect({ port: (await listening(server)).port });
    await log.closed();
    await server.stop();

    assert.deepEqual(log.events, [
      "prepareConnect",
      "connect",
      "handshake",
      "receive",
      "close:close/CLOSED/local",
    ]);
    assert.equal(client.state, "stopped");
  });

  for (const name of CALLED) {
    it(`end once, with HANDLER_FAILED, when ${name} throws`, async () => {
      const log = new EventLog();
      const boom = new Error("boom");
      const warned = name === "onClose" ? netWarning() : undefined;
      const server = new TcpServer({
        engine,
        ...log.serverHandlers<Connection, Buffer>({
          onReceive: (c, d) => void c.send(d),
          [name]: () => {
            throw boom;
          },
        }),
      });
      const address = await listening(server);

      await plainPeer(address);
      await log.closed();
      const next = await server.connectionIds();
      await server.stop();

      assert.deepEqual(next, []);
      assert.equal(log.reasons.length, 1);
      assert.equal(log.events.at(-2)?.startsWith("close:"), true);
      if (name === "onClose") {
        assert.equal((await warned)?.code, "HANDLER_FAILED");
      } else {
        assert.equal(log.events.at(-2), `close:${OPERATIONS[name]}/HANDLER_FAILED/local`);
        assert.equal(log.reasons[0]?.cause?.cause, boom);
      }
    });

    it(`end once when ${name} closes the connection`, async () => {
      const log = new EventLog();
      const server = new TcpServer({
        engine,
        ...log.serverHandlers<Connection, Buffer>({
          onReceive: (c, d) => void c.send(d),
          [name]: (connection: Connection) => void connection.close(),
        }),
      });
      const address = await listening(server);

      await plainPeer(address, name === "onEnd" || name === "onClose");
      await log.closed();
      await server.stop();

      assert.equal(log.reasons.length, 1);
      const byPeer = name === "onClose";
      assert.equal(log.events.at(-2), `close:close/CLOSED/${byPeer ? "remote" : "local"}`);
    });

    it(`end once when ${name} aborts the connection`, async () => {
      const log = new EventLog();
      const server = new TcpServer({
        engine,
        ...log.serverHandlers<Connection, Buffer>({
          onReceive: (c, d) => void c.send(d),
          [name]: (connection: Connection) => void connection.abort(),
        }),
      });
      const address = await listening(server);

      await plainPeer(address);
      await log.closed();
      await server.stop();

      assert.equal(log.reasons.length, 1);
      const byPeer = name === "onClose";
      const expected = byPeer ? "close:close/CLOSED/remote" : "close:close/ABORTED/local";
      assert.equal(log.events.at(-2), expected);
    });

    it(`end once when ${name} stops the server`, async () => {
      const log = new EventLog();
      let stopping: Promise<unknown> | undefined;
      const server: TcpServer = new TcpServer({
        engine,
        ...log.serverHandlers<Connection, Buffer>({
          onReceive: (c, d) => void c.send(d),
          [name]: () => {
            stopping = server.stop();
          },
        }),
      });
      const address = await listening(server);

      await plainPeer(address);
      await log.closed();
      await stopping;

      assert.equal(log.reasons.length, 1);
      assert.equal(log.events.filter((event) => event === "shutdown").length, 1);
      assert.equal(log.events.at(-1), "shutdown");
      assert.equal(server.state, "stopped");
    });
  }

  for (const name of ["onAccept", "onHandshake", "onReceive"] as const) {
    it(`end once, with HANDLER_FAILED, when ${name} rejects`, async () => {
      const log = new EventLog();
      const server = new TcpServer({
        engine,
        ...log.serverHandlers<Connection, Buffer>({
          [name]: () => Promise.reject(new Error("later")),
        }),
      });
      const address = await listening(server);

      await plainPeer(address);
      await log.closed();
      await server.stop();

      assert.equal(log.reasons[0]?.code, "HANDLER_FAILED");
      assert.equal(log.reasons.length, 1);
    });
  }

  for (const name of ["onAccept", "onHandshake"] as const) {
    for (const [way, verdict] of [
      ["answers false", () => false],
      ["resolves with false", async () => false],
    ] as const) {
      it(`end with REFUSED when ${name} ${way}`, async () => {
        const log = new EventLog();
        const server = new TcpServer({
          engine,
          ...log.serverHandlers<Connection, Buffer>({ [name]: verdict }),
        });
        const address = await listening(server);

        await plainPeer(address);
        await log.closed();
        await server.stop();

        assert.equal(log.events.at(-2), `close:${OPERATIONS[name]}/REFUSED/local`);
        assert.equal(log.reasons.length, 1);
      });
    }
  }

  it("end with CONNECTION_RESET when the peer resets", async () => {
    const log = new EventLog();
    const server = new TcpServer({
      engine,
      ...log.serverHandlers<Connection, Buffer>({ onReceive: (c, d) => void c.send(d) }),
    });
    const address = await listening(server);

    const socket = connectSocket({ host: address.host, port: address.port });
    socket.on("data", () => socket.resetAndDestroy());
    socket.write("x");
    await log.closed();
    await server.stop();

    assert.equal(log.events.at(-2), "close:receive/CONNECTION_RESET/remote");
  });

  it("end with ABORTED, once, when a client is closed while it connects", async () => {
    const server = new TcpServer({ engine });
    const { port } = await listening(server);
    const log = new EventLog();
    const client = new TcpClient({ engine, ...log.outgoingHandlers<TcpClient, Buffer>() });

    const connecting = client.connect({ port });
    client.close();
    await assert.rejects(connecting, { code: "ABORTED" });
    await client.stopped();
    await server.stop();

    assert.deepEqual(log.events, ["prepareConnect", "close:connect/ABORTED/local"]);
  });

  it("end with STOPPED, once, when an agent is stopped while it connects", async () => {
    const server = new TcpServer({ engine });
    const { port } = await listening(server);
    const log = new EventLog();
    const agent = new TcpAgent({ engine, ...log.outgoingHandlers<Connection, Buffer>() });

    const connecting = agent.connect({ port });
    const stopping = agent.stop();
    await assert.rejects(connecting, { code: "STOPPED" });
    await stopping;
    await server.stop();

    assert.deepEqual(log.events, ["prepareConnect", "close:close/STOPPED/local", "shutdown"]);
  });

  it("end with CONNECTION_REFUSED, once, when nobody listens", async () => {
    const log = new EventLog();
    const client = new TcpClient({ engine, ...log.outgoingHandlers<TcpClient, Buffer>() });

    await assert.rejects(client.connect({ port: NOBODYS_PORT }), { code: "CONNECTION_REFUSED" });
    await client.stopped();

    assert.deepEqual(log.events, ["prepareConnect", "close:connect/CONNECTION_REFUSED/remote"]);
  });

  for (const name of ["onPrepareConnect", "onConnect", "onHandshake"] as const) {
    it(`reject connect with REFUSED when ${name} answers false`, async () => {
      const server = new TcpServer({ engine });
      const { port } = await listening(server);
      const log = new EventLog();
      const agent = new TcpAgent({
        engine,
        ...log.outgoingHandlers<Connection, Buffer>({ [name]: () => false }),
      });

      await assert.rejects(agent.connect({ port }), { code: "REFUSED" });
      await agent.stop();
      await server.stop();

      assert.equal(log.reasons.length, 1);
      assert.equal(log.reasons[0]?.code, "REFUSED");
    });
  }

  it("do not overlap: data that comes while a handler's promise is open waits for it", async () => {
    let running = 0;
    let overlapped = false;
    const seen: string[] = [];
    const server = new TcpServer({
      engine,
      async onReceive(connection, bytes) {
        if (++running > 1) overlapped = true;
        await new Promise((resolve) => setImmediate(resolve));
        seen.push(bytes.toString());
        running--;
        connection.send(bytes);
      },
    });
    const { port } = await listening(server);
    const client = new TcpClient({ engine });
    await client.connect({ port });

    for (const part of ["a", "b", "c", "d"]) {
      client.send(part);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const echoed = await client.read(4, { timeoutMs: 5_000 });
    client.close();
    await server.stop();

    assert.equal(echoed.toString(), "abcd");
    assert.equal(seen.join(""), "abcd");
    assert.equal(overlapped, false);
  });
}
