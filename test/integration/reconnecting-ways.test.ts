/** Reconnecting on each engine, by each way: proxies, TLS, several addresses, calls that end it. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { describe, it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import {
  delimiter,
  type EngineName,
  TcpClient,
  type TcpClientOptions,
  TcpServer,
  type TcpServerOptions,
} from "hp-socket";
import { ProxyServer } from "hp-socket/proxy";
import { selfSignedCertificate } from "hp-socket/testing";
import { availableEngines } from "../support/engine-list.js";
import { proxyServer } from "../support/proxy-world.js";
import { refusingPort } from "../support/refusing-port.js";
import { until } from "../support/until.js";

const { cert, key } = selfSignedCertificate();
const receive = delimiter();
const CHILD = fileURLToPath(new URL("../support/waiting-child.js", import.meta.url));

for (const engine of availableEngines()) {
  describe(`reconnecting on ${engine}`, () => {
    proxies(engine);
    startTls(engine);
    addresses(engine);
    ends(engine);
    waits(engine);
  });
}

/** A server that can be started again on its port. */
class Restarted {
  readonly lines: string[] = [];
  port = 0;
  readonly #options: TcpServerOptions;
  #server: TcpServer | undefined;

  constructor(test: TestContext, options: TcpServerOptions) {
    this.#options = options;
    test.after(() => this.stop());
  }

  async start(): Promise<void> {
    this.#server = new TcpServer({
      receive,
      onReceive: (_, line) => void this.lines.push(line.toString()),
      ...this.#options,
    });
    this.port = (await this.#server.listen({ host: "127.0.0.1", port: this.port })).port;
  }

  async stop(): Promise<void> {
    await this.#server?.stop({ drainMs: 0 });
  }
}

function clientOf(test: TestContext, options: TcpClientOptions): TcpClient {
  const client = new TcpClient({ receive, onReceive() {}, ...options });
  test.after(() => client.stop({ drainMs: 0 }));
  return client;
}

const DELAYS = { firstDelayMs: 5, maxDelayMs: 20 };

function proxies(engine: EngineName): void {
  for (const [scheme, isSecure] of [
    ["socks5", false],
    ["socks5", true],
    ["http", false],
    ["http", true],
  ] as const) {
    const name = `${scheme}${isSecure ? ", TLS in the tunnel" : ""}`;
    it(`comes back through a proxy: ${name}`, async (test) => {
      const server = new Restarted(test, { engine, ...(isSecure && { tls: { cert, key } }) });
      await server.start();
      const between = await proxyServer(test, engine);
      const { port } = between;
      const codes = new Set<string>();
      const client = clientOf(test, {
        engine,
        proxy: `${scheme}://127.0.0.1:${port}`,
        ...(isSecure && { tls: { ca: cert } }),
        reconnect: { ...DELAYS, greeting: "login", maxKeptBytes: 100 },
        onReconnecting: (_, _attempt, _delayMs, { code }) => void codes.add(code),
      });
      await client.connect({ host: "127.0.0.1", port: server.port });
      await until(() => server.lines.length === 1);

      // The server is away, and the proxy says so.
      await server.stop();
      await until(() => codes.has("PROXY_DESTINATION"));
      client.send("kept");
      await server.start();
      await until(() => server.lines.length === 3);

      // The proxy itself is away.
      await between.stop({ drainMs: 0 });
      await until(() => codes.has("PROXY_UNREACHABLE"));
      const next = new ProxyServer({ engine, destinations: { allow: ["127.0.0.0/8"] } });
      test.after(() => next.stop({ drainMs: 0 }));
      await next.listen({ port });
      await until(() => server.lines.length === 4);

      assert.deepEqual(server.lines, ["login", "login", "kept", "login"]);
      assert.equal(client.tls?.isAuthorized ?? false, isSecure);
    });
  }
}

function startTls(engine: EngineName): void {
  it("greets behind a TLS that the application begins, on each connection", async (test) => {
    const plain: string[] = [];
    const secured: string[] = [];
    const server = new Restarted(test, {
      engine,
      tls: { cert, key, start: "manual" },
      async onReceive(connection, line) {
        (connection.tls === undefined ? plain : secured).push(line.toString());
        if (line.toString() !== "STARTTLS") return;
        connection.send("go ahead");
        await connection.startTls();
      },
    });
    await server.start();
    const client = clientOf(test, {
      engine,
      tls: { ca: cert, start: "manual" },
      reconnect: { ...DELAYS, greeting: "login", maxKeptBytes: 100 },
      onConnect: (own) => void own.send("STARTTLS"),
      onReceive: async (own) => void (await own.startTls()),
    });
    await client.connect({ host: "127.0.0.1", port: server.port });
    await until(() => secured.length === 1);
    await server.stop();
    await until(() => client.isReconnecting && !client.isOpen);
    client.send("kept");
    await server.start();
    await until(() => secured.length === 3);

    assert.deepEqual(plain, ["STARTTLS", "STARTTLS"]);
    assert.deepEqual(secured, ["login", "login", "kept"]);
  });
}

function addresses(engine: EngineName): void {
  it("tries its addresses in turn, and begins with a short wait after one that lasted", async (test) => {
    const server = new Restarted(test, { engine });
    await server.start();
    const silent = [await refusingPort(test), await refusingPort(test)];
    const told: string[] = [];
    const tried: number[] = [];
    const client = clientOf(test, {
      engine,
      reconnect: {
        ...DELAYS,
        stableMs: 30,
        fromStart: true,
        targets: [{ port: silent[1] as number }, { port: server.port }],
      },
      onClose: ({ remoteAddress }, { cause }) => {
        tried.push(remoteAddress?.port ?? Number(/:(\d+)/.exec(String(cause))?.[1]));
      },
      onReconnecting: (_, attempt) => void told.push(`attempt ${attempt}`),
      onReconnected: (_, attempt) => void told.push(`back ${attempt}`),
    });
    await client.connect({ host: "127.0.0.1", port: silent[0] as number });
    assert.deepEqual(told, ["attempt 1", "attempt 2", "back 2"]);
    assert.deepEqual(tried.slice(0, 2), silent);
    assert.equal(client.remoteAddress?.port, server.port);

    const sinceMs = performance.now();
    await until(() => performance.now() - sinceMs > 40);
    await server.stop();
    await until(() => told.length > 3);
    assert.equal(told[3], "attempt 1");
    await server.start();
    await until(() => client.isOpen && !client.isReconnecting);
  });
}

/** Takes connections and says nothing. */
async function silentPeer(test: TestContext): Promise<{ port: number; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    socket.on("error", () => {});
    sockets.push(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  test.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { port: (server.address() as AddressInfo).port, sockets };
}

function ends(engine: EngineName): void {
  it("says that it was the handshake of TLS that took too long", async (test) => {
    const { port } = await silentPeer(test);
    const client = clientOf(test, { engine, tls: { ca: cert } });
    await assert.rejects(client.connect({ port, timeoutMs: 50 }), {
      code: "CONNECT_TIMEOUT",
      message: "the handshake of TLS was not done within timeoutMs (50)",
    });
  });

  for (const how of ["signal", "close", "abort", "stop"] as const) {
    it(`is ended by ${how} in the middle of a back-off, and of a dial`, async (test) => {
      const peer = await silentPeer(test);
      for (const where of ["back-off", "dial"] as const) {
        const told: string[] = [];
        const client = clientOf(test, {
          engine,
          reconnect: {
            fromStart: true,
            firstDelayMs: where === "dial" ? 1 : 600_000,
            maxDelayMs: 600_000,
          },
          // Nobody answers the handshake: the dial lasts.
          tls: { ca: cert },
          onReconnecting: () => void told.push("reconnecting"),
          onGiveUp: () => void told.push("give up"),
          onClose: () => void told.push("close"),
        });
        const controller = new AbortController();
        const port = peer.port;
        const connecting = client.connect({ port, signal: controller.signal });
        connecting.catch(() => {});
        const { length } = peer.sockets;
        await until(() => peer.sockets.length > length || peer.sockets.at(-1)?.destroyed === false);
        peer.sockets.at(-1)?.destroy();
        await until(() => told.includes("reconnecting"));
        if (where === "dial") await until(() => peer.sockets.at(-1)?.destroyed === false);
        if (how === "signal") controller.abort();
        else void client[how]();
        await assert.rejects(connecting);
        await client.stopped();
        assert.deepEqual([client.isReconnecting, client.connectionCount], [false, 0]);
        assert.equal(told.at(-1), "give up", where);
        assert.equal(told.filter((line) => line === "give up").length, 1);
        // It can be connected again.
        const again = client.connect({ port });
        again.catch(() => {});
        await until(() => peer.sockets.at(-1)?.destroyed === false);
        await client.stop({ drainMs: 0 });
        await assert.rejects(again, { code: "STOPPED" });
        for (const socket of peer.sockets) socket.destroy();
      }
    });
  }
}

function waits(engine: EngineName): void {
  it("holds the process while it waits, unless it is unreferenced", async (test) => {
    const child = spawn(process.execPath, [CHILD, engine], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    test.after(() => child.kill("SIGKILL"));

    const lines = await text(child.stdout);

    assert.equal(lines, "tcp: ends, goes on, ends\narq: ends, goes on, ends\n");
  });
}
