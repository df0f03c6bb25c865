import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { describe, it } from "node:test";
import { connect as connectTls, type TLSSocket } from "node:tls";
import {
  type Connection,
  type NetError,
  TcpAgent,
  TcpServer,
  type TcpServerOptions,
} from "hp-socket";
import { HttpServer } from "hp-socket/http";
import {
  encodeProxyHeaderV1,
  encodeProxyHeaderV2,
} from "#src/protocol/proxy-header/proxy-header-writer.js";
import { availableEngines } from "../support/engine-list.js";
import { memoryWorld } from "../support/memory-world.js";
import { describeTls } from "../support/tls-certificates.js";
import { until } from "../support/until.js";

const ENDS = {
  source: { host: "203.0.113.7", port: 4_711 },
  destination: { host: "192.0.2.1", port: 443 },
};
const V1 = encodeProxyHeaderV1(ENDS);
const V2 = encodeProxyHeaderV2(ENDS, { tlvs: [{ type: 2, value: Buffer.from("example.com") }] });
const LOOPBACK = { from: ["127.0.0.0/8"] };

interface World {
  readonly server: TcpServer;
  readonly port: number;
  readonly got: string[];
  readonly accepted: string[];
  readonly refused: string[];
}

async function world(options: Partial<TcpServerOptions>): Promise<World> {
  const got: string[] = [];
  const accepted: string[] = [];
  const refused: string[] = [];
  const server = new TcpServer({
    proxyHeader: LOOPBACK,
    onAccept: ({ remoteAddress: from }) => void accepted.push(`${from?.host} ${from?.port}`),
    onReceive: (connection: Connection, bytes: Buffer) => {
      got.push(bytes.toString());
      connection.send(`${connection.remoteAddress?.host}`);
    },
    onRefuse: ({ code }: NetError) => refused.push(code),
    ...options,
  } as TcpServerOptions);
  const { port } = await server.listen({ host: options.engine === undefined ? "::" : "127.0.0.1" });
  return { server, port, got, accepted, refused };
}

const closed = (socket: Socket): Promise<unknown> =>
  new Promise((resolve) =>
    socket
      .on("error", () => {})
      .once("close", resolve)
      .resume(),
  );

for (const engine of availableEngines()) {
  describe(`PROXY headers (${engine})`, () => {
    it("name the peer before onAccept, and what came behind is data", async () => {
      const { server, port, got, accepted } = await world({ engine });
      for (const header of [V1, V2]) {
        const socket = connect(port, "127.0.0.1");
        socket.write(Buffer.concat([header, Buffer.from("hello")]));
        await until(() => got.length > 0);
        assert.deepEqual([got.pop(), accepted.pop()], ["hello", "203.0.113.7 4711"]);
        const connection = server.connection(server.connectionIds()[0] ?? 0);
        assert.equal(connection?.proxyHeader?.version, header === V1 ? 1 : 2);
        if (header === V2)
          assert.equal(String(connection?.proxyHeader?.tlvs[0]?.value), "example.com");
        socket.destroy();
        await until(() => server.connectionCount === 0);
      }
      await server.stop();
    });

    it("may come byte by byte, and nobody hears of the connection before", async () => {
      const { server, port, got, accepted } = await world({ engine });
      const socket = connect({ port, host: "127.0.0.1", noDelay: true });
      for (const byte of V2) {
        assert.equal(accepted.length, 0);
        socket.write(Buffer.from([byte]));
        await new Promise(setImmediate);
      }
      socket.write("x");
      await until(() => got.length === 1);
      assert.deepEqual([got, accepted], [["x"], ["203.0.113.7 4711"]]);
      socket.destroy();
      await server.stop();
    });

    it("are refused where they are garbage, cut off, too long, or late", async () => {
      const { server, port, accepted, refused } = await world({
        engine,
        proxyHeader: { ...LOOPBACK, maxHeaderBytes: 200, timeoutMs: 100 },
      });
      const long = encodeProxyHeaderV2(ENDS, { tlvs: [{ type: 2, value: Buffer.alloc(300) }] });
      for (const bytes of [Buffer.from("GET / HTTP/1.1\r\n\r\n"), long, V2.subarray(0, 20)]) {
        const socket = connect(port, "127.0.0.1");
        socket.write(bytes);
        await closed(socket);
      }
      connect(port, "127.0.0.1")
        .end(V1.subarray(0, 9))
        .on("error", () => {});
      await until(() => refused.length === 4);
      const malformed = "PROXY_HEADER_MALFORMED";
      const codes = [malformed, "PROXY_HEADER_TOO_LONG", "PROXY_HEADER_TIMEOUT", malformed];
      assert.deepEqual(refused, codes);
      assert.equal(accepted.length, 0);
      assert.equal(server.stats.refusedCount, 4);
      await server.stop();
    });

    it("are data from everybody else", async () => {
      const { server, port, got, accepted } = await world({
        engine,
        proxyHeader: { from: ["192.0.2.0/24"] },
      });
      const socket = connect(port, "127.0.0.1");
      socket.write(V1);
      await until(() => got.length === 1);
      assert.equal(got[0], V1.toString());
      assert.match(accepted[0] ?? "", /127\.0\.0\.1/);
      socket.destroy();
      await server.stop();
    });

    it("keep the relay's own address where they are LOCAL, whatever their block says", async () => {
      const { server, port, got, accepted } = await world({ engine });
      const forged = Buffer.from(encodeProxyHeaderV2(ENDS));
      forged[12] = 0x20;
      const socket = connect(port, "127.0.0.1");
      socket.write(Buffer.concat([forged, Buffer.from("up?")]));
      await until(() => got.length === 1);
      assert.match(accepted[0] ?? "", /^127\.0\.0\.1 /);
      socket.destroy();
      await server.stop();
    });

    it("are what lists and limits go by, mapped addresses too; HTTP sees them", async () => {
      const refused: string[] = [];
      let from: string | undefined;
      const server = new HttpServer({
        engine,
        proxyHeader: LOOPBACK,
        access: { deny: ["198.51.100.0/24", "127.0.0.0/8"], maxConnectionsPerAddress: 1 },
        onRequest: (exchange) => {
          from = exchange.connection.remoteAddress?.host;
          exchange.respond(200);
        },
        onRefuse: ({ code }, address) => refused.push(`${code} ${address?.host}`),
      });
      const { port } = await server.listen({ host: "127.0.0.1" });
      const denied = connect(port, "127.0.0.1");
      const mapped = { host: "::ffff:198.51.100.9", port: 1 };
      denied.write(encodeProxyHeaderV1({ source: mapped, destination: mapped }));
      await closed(denied);
      const first = connect(port, "127.0.0.1");
      first.write(Buffer.concat([V2, Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n")]));
      await until(() => from !== undefined);
      const second = connect(port, "127.0.0.1");
      second.write(V1);
      await closed(second);
      assert.equal(from, "203.0.113.7");
      assert.deepEqual(refused, ["ACCESS_REFUSED 198.51.100.9", "ADDRESS_LIMIT 203.0.113.7"]);
      first.destroy();
      await server.stop();
    });

    it("are never data, also of a relay that has gone when it is accepted", async () => {
      const { server, port, got, refused, accepted } = await world({ engine });
      for (let count = 0; count < 30; count++) {
        const socket = connect(port, "127.0.0.1", () => {
          socket.write(Buffer.concat([V2, Buffer.from("hello")]));
          socket.resetAndDestroy();
        }).on("error", () => {});
      }
      await until(() => refused.length + accepted.length === 30);
      await server.stop();
      assert.ok(
        got.every((text) => text === "hello"),
        got.join(),
      );
      assert.ok(
        accepted.every((from) => from === "203.0.113.7 4711"),
        accepted.join(),
      );
    });

    it("leave nothing behind when the server stops while it waits for them", async () => {
      const { server, port, accepted } = await world({ engine, maxConnections: 1 });
      const socket = connect(port, "127.0.0.1");
      const other = connect(port, "127.0.0.1");
      await closed(other).then(() => assert.equal(server.stats.refusedCount, 1));
      const end = closed(socket);
      await server.stop();
      await end;
      assert.equal(accepted.length, 0);
    });
  });
}

describe("PROXY headers", () => {
  it("have a deadline, by the engine's clock", async () => {
    const { engine, clock } = memoryWorld();
    const { server, port, refused } = await world({ engine, proxyHeader: { from: ["0.0.0.0/0"] } });
    const agent = new TcpAgent({ engine, onReceive() {} });
    const peer = await agent.connect({ port });
    clock.advance(4_900);
    await new Promise(setImmediate);
    assert.deepEqual(refused, []);
    clock.advance(200);
    await peer.closed();
    assert.deepEqual(refused, ["PROXY_HEADER_TIMEOUT"]);
    await Promise.all([agent.stop(), server.stop()]);
  });

  it("refuse options that would trust too many, or nobody in particular", () => {
    const { engine } = memoryWorld();
    const wrong = [
      {},
      { from: ["::ffff:10.0.0.0/8"] },
      { from: "10.0.0.0/8" },
      { ...LOOPBACK, x: 1 },
    ];
    for (const proxyHeader of [...wrong, { ...LOOPBACK, timeoutMs: 0 }]) {
      const options = { engine, onReceive() {}, proxyHeader } as never;
      assert.throws(() => new TcpServer(options), { code: "INVALID_ARGUMENT" });
    }
  });
});

/** A client of TLS whose first message leaves in one piece with `header`. */
function secureBehind(port: number, header: Buffer): TLSSocket {
  const plain = connect(port, "127.0.0.1");
  let ahead: Buffer = header;
  const wire = new Duplex({
    read() {},
    write(chunk: Buffer, _, done) {
      plain.write(Buffer.concat([ahead, chunk]), done);
      ahead = Buffer.alloc(0);
    },
    destroy(error, done) {
      plain.destroy();
      done(error);
    },
  });
  plain.on("data", (bytes) => wire.push(bytes)).on("error", () => {});
  plain.on("end", () => wire.push(null));
  return connectTls({ socket: wire, rejectUnauthorized: false });
}

describeTls("PROXY headers before TLS", (certificates, engine) => {
  for (const header of [V1, V2]) {
    it(`may have the first message of the handshake right behind (${header.length} bytes)`, async () => {
      const { cert, key } = certificates.server;
      const { server, port, got, accepted } = await world({ engine, tls: { cert, key } });
      const socket = secureBehind(port, header);
      socket.write("secret");
      const answer = await new Promise((resolve) => socket.once("data", resolve));
      assert.equal(String(answer), "203.0.113.7");
      assert.deepEqual([got, accepted], [["secret"], ["203.0.113.7 4711"]]);
      socket.destroy();
      await server.stop();
    });
  }

  it("end with TLS_PLAINTEXT where what is behind is no handshake", async () => {
    const { cert, key } = certificates.server;
    const codes: unknown[] = [];
    const { server, port } = await world({
      engine,
      tls: { cert, key },
      onClose: (_, { code }) => void codes.push(code),
    });
    const socket = connect(port, "127.0.0.1");
    socket.write(Buffer.concat([V1, Buffer.from("GET / HTTP/1.1\r\n\r\n")]));
    await closed(socket);
    assert.deepEqual(codes, ["TLS_PLAINTEXT"]);
    await server.stop();
  });
});
