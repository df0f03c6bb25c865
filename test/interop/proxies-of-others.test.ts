/** Our clients through the proxies of others, chained with each other and with ours. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type EngineName, TcpAgent, TcpServer } from "hp-socket";
import { HttpAgent } from "hp-socket/http";
import { ProxyServer } from "hp-socket/proxy";
import { UdpClient, UdpServer } from "hp-socket/udp";
import { WebSocketClient } from "hp-socket/websocket";
import { availableEngines } from "../support/engine-list.js";
import { httpServer } from "../support/http-world.js";
import { otherProgram } from "../support/other-program.js";
import { danted, microsocks, type Scope, tinyproxy } from "../support/other-proxies.js";
import { NOBODYS_PORT } from "../support/refusing-port.js";
import { webSocketServer } from "../support/websocket-world.js";

const LIMIT = { timeoutMs: 10_000 };
const skip =
  otherProgram("tinyproxy").skip || otherProgram("danted").skip || otherProgram("microsocks").skip;

/** Each by a letter: tinyproxy (with a password), Dante, Dante by SOCKS 4, microsocks with a password. */
const OTHERS: Record<string, string> = {};
const ends: (() => unknown)[] = [];
/** Those of others start once for all tests. */
const scope: Scope = { after: (end) => void ends.push(end) };

describe("clients through the proxies of others", { skip }, () => {
  after(async () => {
    for (const end of ends.reverse()) await end();
  });
  before(async () => {
    const [tiny, dante, micro] = await Promise.all([
      tinyproxy(scope, "me", "secret"),
      danted(scope),
      microsocks(scope, "me", "secret"),
    ]);
    Object.assign(OTHERS, {
      T: `http://me:secret@127.0.0.1:${tiny}`,
      D: `socks5://127.0.0.1:${dante}`,
      d: `socks4://127.0.0.1:${dante}`,
      M: `socks5://me:secret@127.0.0.1:${micro}`,
    });
  });

  for (const engine of availableEngines()) describe(`on ${engine}`, () => passes(engine));
});

function passes(engine: EngineName): void {
  const own = new ProxyServer({ engine, destinations: { allow: ["127.0.0.0/8"] } });
  /** Those of others, and our own. */
  let known: Record<string, string> = {};
  before(async () => {
    const { port } = await own.listen();
    known = { ...OTHERS, O: `http://127.0.0.1:${port}`, S: `socks5h://127.0.0.1:${port}` };
  });
  after(() => own.stop({ drainMs: 0 }));

  for (const way of ["T", "D", "d", "M", "TD", "DT", "MO", "OSTD", "SMTDO"]) {
    it(`goes by ${way}`, async (test) => {
      const proxy = [...way].map((letter) => known[letter] as string);
      const server = await httpServer(test, {
        engine,
        onRequest: async (exchange) =>
          exchange.respond(200, {}, `${(await exchange.body.bytes()).length}`),
      });
      const talk = await webSocketServer(test, {
        engine,
        onMessage: (socket, data) => void socket.send(data),
      });
      const echo = new TcpServer({
        engine,
        onReceive: (connection, bytes) => void connection.send(bytes),
      });
      test.after(() => echo.stop({ drainMs: 0 }));
      await echo.listen({ host: "127.0.0.1" });

      const http = new HttpAgent({ engine, proxy });
      test.after(() => http.stop({ drainMs: 0 }));
      const url = `http://127.0.0.1:${server.port}/`;
      const body = Buffer.alloc(300_000, "x");
      const response = await http.request({ url, method: "POST", body, ...LIMIT });
      assert.equal(await response.text(), "300000");

      const tcp = new TcpAgent({ engine, proxy });
      test.after(() => tcp.stop({ drainMs: 0 }));
      const connection = await tcp.connect({ host: "127.0.0.1", port: echo.port, ...LIMIT });
      connection.send(body);
      assert.ok((await connection.read(body.length, LIMIT)).equals(body));

      const socket = new WebSocketClient({ engine, proxy });
      test.after(() => socket.stop({ drainMs: 0 }));
      await socket.connect(`ws://127.0.0.1:${talk.port}/`, LIMIT);
      socket.send("hello");
      assert.equal(await socket.read(LIMIT), "hello");
    });
  }

  it("sends datagrams by Dante, and by our own proxy", async (test) => {
    const { D = "", S = "" } = known;
    const server = new UdpServer({ engine, onReceive: (peer, data) => void peer.send(data) });
    test.after(() => server.stop({ drainMs: 0 }));
    await server.listen({ host: "127.0.0.1" });
    for (const [proxy, host] of [
      [D, "127.0.0.1"],
      [D, "localhost"],
      [S, "127.0.0.1"],
    ] as const) {
      const client = new UdpClient({ engine, proxy, detectAttempts: 0 });
      test.after(() => client.stop({ drainMs: 0 }));
      await client.connect({ host, port: server.port, ...LIMIT });
      for (const text of ["a", "b".repeat(1_400)]) {
        assert.equal((await client.request(text, LIMIT)).toString(), text);
      }
    }
  });

  it("says whose fault it was", async (test) => {
    const { T = "", M = "", D = "" } = known;
    const agent = new TcpAgent({ engine });
    test.after(() => agent.stop({ drainMs: 0 }));
    const wrong = (proxy: string): string => proxy.replace("secret", "wrong");
    const port = NOBODYS_PORT;
    const to = (proxy: string | readonly string[]): Promise<unknown> =>
      agent.connect({ host: "127.0.0.1", port, proxy, ...LIMIT });

    await assert.rejects(to(wrong(T)), { code: "PROXY_AUTHENTICATION" });
    await assert.rejects(to(wrong(M)), { code: "PROXY_AUTHENTICATION" });
    await assert.rejects(to(D), { code: "PROXY_DESTINATION" });
    await assert.rejects(to(M), { code: "PROXY_DESTINATION" });
    await assert.rejects(to(`socks5://127.0.0.1:${port}`), { code: "PROXY_UNREACHABLE" });
    await assert.rejects(to([D, `socks5://127.0.0.1:${port}`]), { code: "PROXY_UNREACHABLE" });
  });
}
