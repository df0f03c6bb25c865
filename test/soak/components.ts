/**
 * A soak of all components at once: `node --expose-gc components.js [--engine uring] [--seconds 600] [--lives 60] [--seed 1]`.
 *
 * One process has a server of each kind, and proxy, relays, pool, agents and a synchronous client in a thread. So many
 * lives run at a time, each of a random kind: bytes with a stamp of their own go out and come back, and the life ends in
 * good order or not. Strangers beside them send rubbish to every port. No life may see bytes of another; none may wait
 * forever; at the end no connection, descriptor, handle or memory is left. Exit code 1 otherwise.
 */
import { Buffer } from "node:buffer";
import { createSocket } from "node:dgram";
import { readdirSync } from "node:fs";
import { connect } from "node:net";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { type EngineName, pack, TcpAgent, TcpServer } from "hp-socket";
import { ArqAgent, ArqServer } from "hp-socket/arq";
import { createFetch, HttpAgent, HttpServer } from "hp-socket/http";
import { ConnectionPool } from "hp-socket/pool";
import { ProxyServer, Relay, UdpRelay } from "hp-socket/proxy";
import { selfSignedCertificate } from "hp-socket/testing";
import { UdpAgent, UdpServer } from "hp-socket/udp";
import { WebSocketAgent, WebSocketServer } from "hp-socket/websocket";
import { Random } from "../support/random.js";

const { values } = parseArgs({
  options: {
    engine: { type: "string", default: "uring" },
    seconds: { type: "string", default: "30" },
    lives: { type: "string", default: "60" },
    seed: { type: "string", default: "1" },
  },
});
const engine = values.engine as EngineName;
const seconds = Number(values.seconds);
const untilMs = performance.now() + seconds * 1_000;
const random = new Random(Number(values.seed));
const host = "127.0.0.1";

/** Longer than any time-out below: a life that takes so long waits for what never comes. */
const PATIENCE_MS = 20_000;
/** What Node itself has open, and the thread's and the engine's own. */
const MAX_DESCRIPTORS = 40;
const WAIT = { timeoutMs: 5_000 };

const problems = new Map<string, number>();
function problem(text: string): void {
  if (!problems.has(text)) console.error(`soak: ${text}`);
  problems.set(text, (problems.get(text) ?? 0) + 1);
}
process.on("warning", ({ message }) => problem(`warning: ${message}`));
process.on("unhandledRejection", (error) => problem(`unhandled: ${(error as Error)?.stack}`));
process.on("uncaughtException", (error) => problem(`uncaught: ${error?.stack}`));

const pattern = random.bytes(1 << 20);

/** Bytes of one life: begin and length, and what of the pattern begins there. */
function stamp(maxBytes: number): Buffer {
  const length = random.integer(8, random.next() < 0.1 ? maxBytes : Math.min(maxBytes, 2_000));
  const offset = random.integer(0, pattern.length - length);
  const bytes = Buffer.from(pattern.subarray(offset, offset + length));
  bytes.writeUInt32BE(offset, 0);
  bytes.writeUInt32BE(length, 4);
  return bytes;
}

function same(kind: string, sent: Uint8Array, received: Uint8Array): void {
  verifiedBytes += received.length;
  if (Buffer.compare(sent, received) !== 0) {
    problem(`${kind}: ${received.length} bytes of another where ${sent.length} were sent`);
  }
}
let verifiedBytes = 0;

const { cert, key } = selfSignedCertificate({ names: ["localhost"] });
const echo = {
  onReceive: (to: { send(bytes: Buffer): unknown }, bytes: Buffer) => void to.send(bytes),
};
const common = { engine, closeTimeoutMs: 1_000, handshakeTimeoutMs: 3_000 } as const;
const stream = { ...common, ...echo, maxConnections: 5_000, idleTimeoutMs: 10_000 } as const;
const tcpServer = new TcpServer(stream);
const tlsServer = new TcpServer({ ...stream, tls: { cert, key } });
const packServer = new TcpServer({ ...stream, receive: pack() });
const udpServer = new UdpServer({
  engine,
  ...echo,
  detectIntervalMs: 1_000,
  detectAttempts: 3,
  maxNewPerSecond: 0,
});
const arqServer = new ArqServer({ engine, ...echo, maxNewPerSecond: 0 });
const httpServer = new HttpServer({
  engine,
  compression: true,
  headTimeoutMs: 3_000,
  bodyTimeoutMs: 3_000,
  onRequest: async (exchange) => {
    const bytes = await exchange.body.bytes();
    if (random.next() < 0.02) exchange.connection.abort();
    else exchange.respond(200, { "Content-Type": "text/plain" }, bytes);
  },
});
const fetchServer = new HttpServer({
  engine,
  fetch: (request: Request) => new Response(request.body ?? "none"),
});
const webSocketServer = new WebSocketServer({
  engine,
  compression: true,
  onMessage: (socket, data) => void socket.send(data),
});
const tcp = await tcpServer.listen({ host });
const tls = await tlsServer.listen({ host });
const packs = await packServer.listen({ host });
const udp = await udpServer.listen({ host });
const arq = await arqServer.listen({ host });
const http = await httpServer.listen({ host });
const fetching = await fetchServer.listen({ host });
const socket = await webSocketServer.listen({ host });
const proxyServer = new ProxyServer({
  engine,
  destinations: { allow: [host] },
  relaysDatagrams: true,
});
const relay = new Relay({ engine, to: [`${host}:${tcp.port}`] });
const udpRelay = new UdpRelay({ engine, to: [`${host}:${udp.port}`], idleTimeoutMs: 2_000 });
const proxy = await proxyServer.listen({ host });
const relayed = await relay.listen({ host });
const udpRelayed = await udpRelay.listen({ host });

const outgoing = { ...common, maxConnections: 5_000 } as const;
const tcpAgent = new TcpAgent(outgoing);
const tlsAgent = new TcpAgent({ ...outgoing, tls: { ca: cert, serverName: "localhost" } });
const udpAgent = new UdpAgent({ engine });
const arqAgent = new ArqAgent({ engine });
const httpAgent = new HttpAgent({ engine, maxConnectionsPerOrigin: 50 });
const fetchAgent = new HttpAgent({ engine, maxConnectionsPerOrigin: 50 });
const ownFetch = createFetch(fetchAgent);
const webSocketAgent = new WebSocketAgent({ engine, compression: true });
const pool = new ConnectionPool({
  destinations: [{ host, port: packs.port }],
  maxConnectionsPerDestination: 8,
  agent: { engine, receive: pack() },
});

/** Sends on a stream, reads what comes back, and ends it by chance. */
async function overStream(agent: TcpAgent, place: { port: number }, via?: string): Promise<void> {
  const target = { host, port: place.port, ...WAIT, ...(via !== undefined && { proxy: via }) };
  const connection = await agent.connect(target);
  for (let round = random.integer(0, 5); round > 0; round--) {
    const bytes = stamp(200_000);
    connection.send(bytes);
    if (random.next() < 0.05) break;
    same("stream", bytes, (await connection.read(bytes.length, WAIT)) ?? Buffer.alloc(0));
  }
  random.pick([() => connection.close(), () => connection.abort(), () => connection.finish()])();
}

async function overMessages(
  agent: UdpAgent | ArqAgent,
  place: { port: number },
  most: number,
): Promise<void> {
  const connection = await agent.connect({ host, port: place.port, ...WAIT });
  for (let round = random.integer(0, 5); round > 0; round--) {
    const bytes = stamp(most);
    connection.send(bytes);
    const received = await connection.read(WAIT);
    if (received !== undefined) same(agent === udpAgent ? "udp" : "arq", bytes, received);
  }
  random.pick([() => connection.close(), () => connection.abort()])();
}

async function overHttp(via?: string): Promise<void> {
  const body = stamp(200_000);
  const cut = random.next() < 0.1 ? { signal: AbortSignal.timeout(random.integer(1, 20)) } : {};
  const url = `http://${host}:${http.port}/`;
  const choice = via === undefined ? {} : { proxy: via };
  const request = { url, method: "POST", body, timeoutMs: 5_000, ...cut, ...choice };
  const response = await httpAgent.request(request);
  if (response.status === 200) same("http", body, await response.bytes());
}

async function overFetch(): Promise<void> {
  const body = stamp(200_000);
  const response = await ownFetch(`http://${host}:${fetching.port}/`, { method: "POST", body });
  if (random.next() < 0.1) await response.body?.cancel();
  else same("fetch", body, Buffer.from(await response.arrayBuffer()));
}

async function overWebSocket(): Promise<void> {
  const opened = await webSocketAgent.connect(`ws://${host}:${socket.port}/`, WAIT);
  for (let round = random.integer(0, 5); round > 0; round--) {
    const bytes = stamp(100_000);
    opened.send(bytes);
    if (random.next() < 0.05) break;
    same("websocket", bytes, (await opened.read(WAIT)) as Buffer);
  }
  random.pick([() => opened.close(), () => opened.abort()])();
}

async function overPool(): Promise<void> {
  const bytes = stamp(10_000);
  if (random.next() < 0.5) same("pool", bytes, await pool.request(bytes, WAIT));
  else {
    const lease = await pool.take(WAIT);
    same("lease", bytes, (await lease.connection.request(bytes, WAIT)) as Buffer);
    if (random.next() < 0.1) lease.connection.abort();
    lease.release();
  }
}

const tcpPorts = [tcp, tls, packs, http, fetching, socket, proxy, relayed].map(({ port }) => port);
const udpPorts = [udp, arq, udpRelayed].map(({ port }) => port);
const BEGINNINGS = [
  "GET / HTTP/1.1\r\n",
  "\x16\x03\x01\x02\x00\x01",
  "\x05\x01\x00",
  "CONNECT x:1 HTTP/1.1\r\n",
  "",
];

/** One who knows no protocol, or stops in the middle of one. */
async function stranger(): Promise<void> {
  const rubbish = [random.pick(BEGINNINGS), random.bytes(random.integer(0, 300))].map((part) =>
    Buffer.from(part),
  );
  if (random.next() < 0.3) {
    const datagrams = createSocket("udp4");
    for (const port of udpPorts) datagrams.send(Buffer.concat(rubbish), port, host);
    await sleep(5);
    datagrams.close();
    return;
  }
  const plain = connect(random.pick(tcpPorts), host);
  plain.on("error", () => {});
  for (const part of rubbish) plain.write(part);
  plain.resume();
  await sleep(random.integer(0, 200));
  if (random.next() < 0.5) plain.resetAndDestroy();
  else plain.destroy();
}

const kinds: Readonly<Record<string, () => Promise<void>>> = {
  tcp: () => overStream(tcpAgent, tcp),
  tls: () => overStream(tlsAgent, tls),
  relay: () => overStream(tcpAgent, relayed),
  socks: () => overStream(tcpAgent, tcp, `socks5://${host}:${proxy.port}`),
  tunnel: () => overStream(tlsAgent, tls, `http://${host}:${proxy.port}`),
  udp: () => overMessages(udpAgent, udp, 1_400),
  udpRelay: () => overMessages(udpAgent, udpRelayed, 1_400),
  arq: () => overMessages(arqAgent, arq, 4_000),
  http: () => overHttp(),
  proxy: () => overHttp(`http://${host}:${proxy.port}`),
  fetch: overFetch,
  webSocket: overWebSocket,
  pool: overPool,
  stranger,
};
const done: Record<string, number> = {};
const failed: Record<string, number> = {};

async function life(): Promise<void> {
  const kind = random.pick(Object.keys(kinds));
  const watch = setTimeout(() => problem(`a life of the kind ${kind} does not end`), PATIENCE_MS);
  try {
    await kinds[kind]?.();
    done[kind] = (done[kind] ?? 0) + 1;
  } catch (error) {
    // A time-out is no life's right: nobody holds back an answer.
    const { code = "", name = "", message = "" } = error as { code?: string } & Error;
    const end = `${kind} ${code || name}`;
    failed[end] = (failed[end] ?? 0) + 1;
    if (code === "" && name !== "TimeoutError") problem(`${end}: ${message}`);
  } finally {
    clearTimeout(watch);
  }
}

async function lives(): Promise<void> {
  while (performance.now() < untilMs) await life();
}

/** The synchronous client blocks its thread: it has one of its own. */
const thread = new Worker(fileURLToPath(new URL("./synchronous-lives.js", import.meta.url)), {
  workerData: {
    url: `http://${host}:${http.port}/`,
    engine,
    ms: Math.max(0, untilMs - performance.now()),
  },
});
const threadEnd = new Promise<void>((resolve) => {
  thread.on("message", (count: number) => {
    done["sync"] = count;
  });
  thread.on("error", (error) => problem(`sync: ${error.stack}`));
  thread.on("exit", () => resolve());
});

const descriptors = (): number => readdirSync("/proc/self/fd").length;
const memoryBytes = (): number => {
  for (let round = 0; round < 4; round++) globalThis.gc?.();
  return process.memoryUsage().rss;
};

const samples: number[] = [];
const report = setInterval(() => samples.push(memoryBytes()), (seconds * 1_000) / 10);
await Promise.all([...Array.from({ length: Number(values.lives) }, lives), threadEnd]);
clearInterval(report);

const agents = {
  tcpAgent,
  tlsAgent,
  udpAgent,
  arqAgent,
  httpAgent,
  fetchAgent,
  webSocketAgent,
  pool,
};
const middle = { proxyServer, relay, udpRelay };
const servers = {
  tcpServer,
  tlsServer,
  packServer,
  udpServer,
  arqServer,
  httpServer,
  fetchServer,
  webSocketServer,
};
const left: string[] = [];
for (const group of [agents, middle, servers]) {
  await Promise.all(
    Object.entries(group).map(async ([name, component]) => {
      const watch = setTimeout(() => problem(`${name}.stop() does not resolve`), PATIENCE_MS);
      await component.stop({ drainMs: 2_000 });
      clearTimeout(watch);
      const counted = component as { stats?: object; connectionCount?: number };
      const counters = { connectionCount: counted.connectionCount ?? 0, ...counted.stats };
      for (const [counter, value] of Object.entries(counters)) {
        const isOpen =
          /^(connection|connecting|handshake|exchange|idle|queued|tunnel|association|waiting)Count$/;
        if (isOpen.test(counter) && value !== 0) left.push(`${name}.${counter} is ${value}`);
      }
    }),
  );
}
const handles = (): string[] =>
  process.getActiveResourcesInfo().filter((kind) => !/Pipe|TTY|FS|File|Timeout/.test(kind));
// Node closes its handles a turn later, the kernel what io_uring had.
for (
  let turn = 0;
  turn < 100 && (handles().length > 0 || descriptors() > MAX_DESCRIPTORS);
  turn++
) {
  await sleep(10);
}
const [start = 0, end = 0] = [samples[2], samples.at(-1)];
for (const text of left) problem(text);
if (handles().length > 0) problem(`handles are left: ${handles()}`);
if (descriptors() > MAX_DESCRIPTORS) problem(`${descriptors()} descriptors are open`);
if (verifiedBytes === 0) problem("nothing was verified");
if (Object.keys(kinds).some((kind) => !done[kind])) problem("a kind has no life that was done");
if (end - start > 64 * 1_048_576) problem(`memory has grown by ${end - start} bytes`);
const rss = samples.map((bytes) => Math.round(bytes / 1_048_576));
console.log(
  JSON.stringify({ engine, verifiedBytes, done, failed, rss, descriptors: descriptors() }),
);
process.exitCode = problems.size > 0 ? 1 : 0;
