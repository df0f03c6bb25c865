/** Clients and upstreams that leave, or stall, at each byte of what they have to say, or say it in pieces of each size. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import process from "node:process";
import { describe, it, type TestContext } from "node:test";
import { connect as connectTls } from "node:tls";
import { type EngineName, type NetError, TcpAgent } from "hp-socket";
import { Relay } from "hp-socket/proxy";
import { availableEngines } from "../support/engine-list.js";
import { fuzzRuns } from "../support/fuzz-runs.js";
import { proxyServer } from "../support/proxy-world.js";
import { until } from "../support/until.js";

const BASIC = `Proxy-Authorization: Basic ${Buffer.from("me:right").toString("base64")}\r\n`;
const NAMED = Buffer.from("\x05\x01\x02\x01\x02me\x05right", "latin1");
const V1 = "PROXY TCP4 192.0.2.7 192.0.2.1 4711 443\r\n";
const V2 = Buffer.from("0d0a0d0a000d0a515549540a2111000cc0000207c0000201126701bb", "hex");
const LIMIT_MS = 60_000;

/** Connections that a test has made at once. */
const CROWD = 64;

const portBytes = (port: number): Buffer => Buffer.from([port >> 8, port & 0xff]);

function socks5(port: number, command: number): Buffer {
  return Buffer.concat([NAMED, Buffer.from([5, command, 0, 1, 127, 0, 0, 1]), portBytes(port)]);
}

/** What a client says before it gets what it wants. */
interface Handshake {
  readonly bytes: (port: number) => Buffer;
  /** Whether what came shows that the client has got it. */
  readonly isDone: (received: Buffer) => boolean;
  readonly hasHeader?: boolean;
  readonly isOpen?: boolean;
}

const isMade = (received: Buffer): boolean => received.includes("HTTP/1.1 200 ");
const isSocks5Made = (received: Buffer): boolean =>
  received.subarray(0, 8).equals(Buffer.from("0502010005000001", "hex"));

const HANDSHAKES: Readonly<Record<string, Handshake>> = {
  "a request": {
    bytes: (port) =>
      Buffer.from(`GET http://127.0.0.1:${port}/ HTTP/1.1\r\nHost: a\r\n${BASIC}\r\n`),
    isDone: isMade,
  },
  CONNECT: {
    bytes: (port) => Buffer.from(`CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: a\r\n${BASIC}\r\n`),
    isDone: isMade,
  },
  "SOCKS 4a": {
    bytes: (port) =>
      Buffer.concat([
        Buffer.from([4, 1]),
        portBytes(port),
        Buffer.from("\0\0\0\x01me\x00127.0.0.1\0", "latin1"),
      ]),
    isDone: (received) => received[1] === 0x5a,
    isOpen: true,
  },
  "SOCKS 5": { bytes: (port) => socks5(port, 1), isDone: isSocks5Made },
  "UDP ASSOCIATE": { bytes: (port) => socks5(port, 3), isDone: isSocks5Made },
  "a PROXY header, version 1, and CONNECT": {
    bytes: (port) =>
      Buffer.from(`${V1}CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: a\r\n${BASIC}\r\n`),
    isDone: isMade,
    hasHeader: true,
  },
  "a PROXY header, version 2, and SOCKS 5": {
    bytes: (port) => Buffer.concat([V2, socks5(port, 1)]),
    isDone: isSocks5Made,
    hasHeader: true,
  },
};

/** What there is behind: it answers each request and echoes the rest. */
interface Destination {
  readonly port: number;
  readonly sockets: Set<Socket>;
  acceptedCount: number;
}

async function listener(test: TestContext, serve: (socket: Socket) => void): Promise<Destination> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    destination.acceptedCount++;
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => void sockets.delete(socket));
    serve(socket);
  });
  server.listen({ port: 0, host: "127.0.0.1", backlog: 1_024 });
  await once(server, "listening");
  test.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const { port } = server.address() as AddressInfo;
  const destination: Destination = { port, sockets, acceptedCount: 0 };
  return destination;
}

const RESPONSE = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

function answers(socket: Socket): void {
  socket.on("data", (bytes) => {
    socket.write(bytes.includes("GET ") ? RESPONSE : bytes);
  });
  socket.on("end", () => socket.end());
}

type Way = "end" | "reset" | "stay";

const TRIES_BOTH = fuzzRuns(2) === 2;

/**
 * How to leave at a byte: both ways with HP_SOCKET_FUZZ=1. Else one at this byte and the other at the next, and the other way
 * round on the other engine.
 */
function leavings(engine: EngineName, cut: number): readonly Way[] {
  if (TRIES_BOTH) return ["end", "reset"];
  return [(cut + (engine === "uring" ? 1 : 0)) % 2 === 0 ? "end" : "reset"];
}

/**
 * Sizes up to `total` in which something is said: all of them with HP_SOCKET_FUZZ=1, or where there is one engine. Else the
 * smallest, and of the others each on one of the engines.
 */
function sizes(engine: EngineName, total: number): readonly number[] {
  const all = Array.from({ length: total }, (_, index) => index + 1);
  if (TRIES_BOTH || availableEngines().length === 1) return all;
  const rest = engine === "uring" ? 1 : 0;
  return all.filter((size) => size <= 3 || size === total || size % 2 === rest);
}

/** A client that says so much and then goes its way; resolves with what it got when its connection is over. */
async function says(port: number, bytes: Buffer, way: Way, pieceBytes?: number): Promise<Buffer> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const received: Buffer[] = [];
  socket.setNoDelay(true);
  socket.on("error", () => {});
  socket.on("data", (piece) => received.push(piece));
  socket.on("end", () => socket.end());
  const closed = once(socket, "close").catch(() => {});
  await once(socket, "connect").catch(() => {});
  const step = pieceBytes ?? Math.max(1, bytes.length);
  for (let at = 0; at < bytes.length; at += step) {
    await new Promise((resolve) => socket.write(bytes.subarray(at, at + step), resolve));
    if (pieceBytes !== undefined) await new Promise(setImmediate);
  }
  if (way === "end") socket.end();
  if (way === "reset") socket.resetAndDestroy();
  await closed;
  return Buffer.concat(received);
}

/** Does something for each number, so many at a time. */
async function forEach(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: CROWD }, worker));
}

function watchWarnings(test: TestContext): string[] {
  const warnings: string[] = [];
  const listen = (warning: Error): void => void warnings.push(`${warning}`);
  process.on("warning", listen);
  test.after(() => void process.off("warning", listen));
  return warnings;
}

function clients(engine: EngineName): void {
  for (const [name, { bytes, isDone, hasHeader, isOpen }] of Object.entries(HANDSHAKES)) {
    const options = {
      headTimeoutMs: 300,
      keepAliveTimeoutMs: 300,
      tunnelIdleTimeoutMs: 300,
      ...(isOpen !== true && { authenticate: { me: "right" } }),
      ...(hasHeader === true && {
        access: { allow: ["127.0.0.0/8", "192.0.2.0/24"] },
        proxyHeader: { from: ["127.0.0.0/8"], timeoutMs: 300 },
      }),
    };

    it(`leave at each byte of ${name}, and nothing of them stays`, {
      timeout: LIMIT_MS,
    }, async (test) => {
      const warnings = watchWarnings(test);
      const destination = await listener(test, answers);
      const proxy = await proxyServer(test, engine, options);
      const all = bytes(destination.port);
      await forEach(all.length + 1, async (cut) => {
        for (const way of leavings(engine, cut)) {
          const received = await says(proxy.port, all.subarray(0, cut), way);
          if (cut < all.length) assert.equal(isDone(received), false, `${cut} ${received}`);
        }
      });
      await until(() => proxy.connectionCount === 0);
      const { tunnelCount, associationCount } = proxy.stats;
      assert.deepEqual([tunnelCount, associationCount], [0, 0]);
      // Only who had said all may have been connected.
      assert.ok(destination.acceptedCount <= 2, `${destination.acceptedCount}`);
      await proxy.stop({ drainMs: 0 });
      await until(() => destination.sockets.size === 0);
      assert.deepEqual(warnings, []);
    });

    it(`stall at each byte of ${name}, and are ended in time`, {
      timeout: LIMIT_MS,
    }, async (test) => {
      const destination = await listener(test, answers);
      const proxy = await proxyServer(test, engine, options);
      const all = bytes(destination.port);
      const startMs = performance.now();
      await Promise.all(
        Array.from({ length: all.length + 1 }, (_, cut) =>
          says(proxy.port, all.subarray(0, cut), "stay"),
        ),
      );
      assert.ok(performance.now() - startMs < 20_000);
      await until(() => proxy.connectionCount === 0);
      assert.ok(destination.acceptedCount <= 1);
    });

    it(`say ${name} in pieces of any size, and get what they want`, {
      timeout: LIMIT_MS,
    }, async (test) => {
      const destination = await listener(test, answers);
      const proxy = await proxyServer(test, engine, {
        ...options,
        headTimeoutMs: LIMIT_MS,
        ...(options.proxyHeader && {
          proxyHeader: { ...options.proxyHeader, timeoutMs: LIMIT_MS },
        }),
      });
      const all = bytes(destination.port);
      const tried = sizes(engine, all.length);
      await forEach(tried.length, async (index) => {
        const received = await says(proxy.port, all, "stay", tried[index]);
        assert.ok(isDone(received), `${tried[index]}: ${received}`);
      });
    });
  }
}

/** What a proxy of another says, step by step, after what comes of the client. */
const REPLIES: Readonly<Record<string, { url: string; steps: readonly Buffer[] }>> = {
  CONNECT: {
    url: "http://me:right@",
    steps: [Buffer.from("HTTP/1.1 200 Connection established\r\nX: y\r\n\r\n")],
  },
  "SOCKS 4a": { url: "socks4a://me@", steps: [Buffer.from("005a000000000000", "hex")] },
  "SOCKS 5": {
    url: "socks5://me:right@",
    steps: ["0502", "0100", "05000003096c6f63616c686f73740050"].map((text) =>
      Buffer.from(text, "hex"),
    ),
  },
};

/** Says so many bytes of the steps, each behind what came, and then goes its way. */
function replies(socket: Socket, steps: readonly Buffer[], cut: number, way: Way): void {
  let left = cut;
  let step = 0;
  const goes = (): void => {
    if (way === "end") socket.end();
    if (way === "reset") socket.resetAndDestroy();
  };
  socket.on("data", () => {
    const reply = steps[step++];
    if (reply === undefined) return;
    const part = reply.subarray(0, left);
    left -= part.length;
    if (part.length > 0) socket.write(part);
    if (left === 0) goes();
  });
  socket.on("end", () => socket.end());
}

function upstreams(engine: EngineName): void {
  for (const [name, { url, steps }] of Object.entries(REPLIES)) {
    it(`that reply to ${name} leave and stall at each byte: the attempt fails once, and nothing stays`, {
      timeout: LIMIT_MS,
    }, async (test) => {
      const plans: [number, Way][] = [];
      const total = steps.reduce((sum, { length }) => sum + length, 0);
      for (let cut = 0; cut < total; cut++) {
        for (const way of [...leavings(engine, cut), "stay"] as const) plans.push([cut, way]);
      }
      const warnings = watchWarnings(test);
      const codes = new Map<Way, Set<string>>();
      const ended: number[] = [];
      for (let at = 0; at < plans.length; at += CROWD) {
        await Promise.all(
          plans.slice(at, at + CROWD).map(async ([cut, way]) => {
            const proxy = await listener(test, (socket) => replies(socket, steps, cut, way));
            const agent = new TcpAgent({
              engine,
              proxy: `${url}127.0.0.1:${proxy.port}`,
              onClose: ({ id }) => void ended.push(id),
            });
            const timeoutMs = way === "stay" ? 400 : LIMIT_MS;
            const error = await agent.connect({ host: "a.example", port: 80, timeoutMs }).then(
              () => assert.fail(`there is no tunnel after ${cut} bytes`),
              (reason: NetError) => reason,
            );
            codes.set(way, (codes.get(way) ?? new Set()).add(error.code));
            assert.equal(agent.connectionCount, 0);
            await until(() => proxy.sockets.size === 0);
            await agent.stop({ drainMs: 0 });
          }),
        );
      }
      assert.deepEqual([...(codes.get("stay") ?? [])], ["CONNECT_TIMEOUT"]);
      for (const way of ["end", "reset"] as const) {
        const known = new Set(["PROXY_REFUSED", "PROXY_UNREACHABLE"]);
        for (const code of codes.get(way) ?? []) assert.ok(known.has(code), `${way}: ${code}`);
      }
      assert.equal(ended.length, plans.length);
      assert.deepEqual(warnings, []);
    });
  }

  it("that respond to a request leave at each byte: no client takes a part for all", {
    timeout: LIMIT_MS,
  }, async (test) => {
    const cuts: number[] = [];
    const origin = await listener(test, (socket) => {
      socket.once("data", (bytes) => {
        const [, cut = "", way] = /\/(\d+)\/(\w+)/.exec(bytes.toString()) ?? [];
        const part = RESPONSE.slice(0, Number(cut));
        cuts.push(Number(cut));
        socket.write(part, () => {
          if (way === "end") socket.end();
          else setImmediate(() => socket.resetAndDestroy());
        });
      });
      socket.on("end", () => socket.end());
    });
    const proxy = await proxyServer(test, engine, { maxUpstreamsPerOrigin: 1_000 });
    const headBytes = RESPONSE.indexOf("hello");
    const plans = Array.from(RESPONSE, (_, cut) =>
      leavings(engine, cut).map((way) => [cut, way] as const),
    ).flat();
    await forEach(plans.length, async (index) => {
      const [cut, way] = plans[index] ?? assert.fail();
      const request = `GET http://127.0.0.1:${origin.port}/${cut}/${way} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
      const received = (await says(proxy.port, Buffer.from(request), "stay")).toString();
      const isHead = cut >= headBytes;
      const text = `${cut} ${way}: ${JSON.stringify(received)}`;
      if (!isHead) assert.match(received, /^HTTP\/1\.1 502 /, text);
      // A reset may overtake the bytes before it.
      else if (way === "reset") assert.ok(!received.endsWith("hello"), text);
      else assert.ok(received.endsWith(`\r\n\r\n${RESPONSE.slice(headBytes, cut)}`), text);
    });
    await until(() => proxy.connectionCount === 0);
    assert.equal(proxy.stats.upstream.connectionCount, 0);
  });
}

/** The first message of a TLS client that wants `a.test`. */
async function clientHello(test: TestContext): Promise<Buffer> {
  let hello = Buffer.alloc(0);
  const { port } = await listener(test, (socket) => {
    socket.on("data", (bytes) => {
      hello = Buffer.concat([hello, bytes]);
    });
  });
  const client = connectTls({ port, host: "127.0.0.1", servername: "a.test" });
  client.on("error", () => {});
  await until(() => hello.length > 5 && hello.length >= 5 + hello.readUInt16BE(3));
  client.destroy();
  return hello;
}

/** The same in records of so many bytes. */
function inRecords(hello: Buffer, recordBytes: number): Buffer {
  const records: Buffer[] = [];
  for (let at = 5; at < hello.length; at += recordBytes) {
    const part = hello.subarray(at, at + recordBytes);
    records.push(Buffer.from([0x16, 3, 1]), portBytes(part.length), part);
  }
  return Buffer.concat(records);
}

function hellos(engine: EngineName): void {
  it("of TLS pass in pieces and in records of any size, as they are", {
    timeout: LIMIT_MS,
  }, async (test) => {
    const came: Buffer[][] = [];
    const destination = await listener(test, (socket) => {
      const pieces: Buffer[] = [];
      came.push(pieces);
      socket.on("data", (bytes) => pieces.push(bytes));
      socket.on("end", () => socket.end());
    });
    const relay = new Relay({
      engine,
      sni: { routes: { "a.test": [`127.0.0.1:${destination.port}`] } },
    });
    test.after(() => relay.stop({ drainMs: 0 }));
    const { port } = await relay.listen();
    const hello = await clientHello(test);
    const sizes = [1, 2, 3, 4, 5, 6, 7, 16, 43, 44, 100, 255, 256, 500, hello.length];
    for (const size of sizes) {
      for (const [sent, pieceBytes] of [
        [hello, size],
        [inRecords(hello, size), undefined],
        [inRecords(hello, size), 7],
      ] as const) {
        came.length = 0;
        await says(port, sent, "end", pieceBytes);
        await until(() => destination.sockets.size === 0);
        assert.ok(Buffer.concat(came[0] ?? []).equals(sent), `${size} ${pieceBytes}`);
      }
    }
  });

  it("of TLS that are left, or stall, at each byte reach nobody, and nothing stays", {
    timeout: LIMIT_MS,
  }, async (test) => {
    const destination = await listener(test, answers);
    const relay = new Relay({
      engine,
      sni: { routes: { "a.test": [`127.0.0.1:${destination.port}`] } },
      helloTimeoutMs: 500,
    });
    test.after(() => relay.stop({ drainMs: 0 }));
    const { port } = await relay.listen();
    const hello = await clientHello(test);
    await forEach(hello.length, async (cut) => {
      const ways = [...leavings(engine, cut)];
      // Of those that stall, which take their time, every eighth.
      if (cut % 8 === 0) ways.push("stay");
      for (const way of ways) {
        const received = await says(port, hello.subarray(0, cut), way);
        assert.equal(received.length, 0, `${cut} ${way}`);
      }
    });
    await until(() => relay.connectionCount === 0);
    assert.equal(destination.acceptedCount, 0);
  });
}

for (const engine of availableEngines()) {
  describe(`clients of a proxy on ${engine}`, () => clients(engine));
  describe(`upstreams on ${engine}`, () => upstreams(engine));
  describe(`first messages at a relay on ${engine}`, () => hellos(engine));
}
