/**
 * Cycles of TLS: `node --expose-gc tls-cycles.js [--engine uring] [--cycles 50000] [--seed 1]`.
 *
 * Connect, shake hands, get an echo, end, over real sockets, a few at a time; a quarter with a full
 * handshake, the others resumed; some are cut in the middle of the handshake, some say what is no TLS.
 *
 * What OpenSSL has is outside of V8's heap. So what counts is the memory of the process without that heap: after each
 * tenth it has to be what it was before the first cycle, but for what the C library keeps for the next of them. V8's
 * heap is looked at by what is used of it: its young generation grows to 32 MB with any work, and stays. Exit code 1 otherwise.
 */
import { readdirSync } from "node:fs";
import process from "node:process";
import { parseArgs } from "node:util";
import { type Connection, type EngineName, TcpAgent, TcpServer } from "hp-socket";
import { selfSignedCertificate } from "hp-socket/testing";
import { Random } from "../support/random.js";

const { values } = parseArgs({
  options: {
    engine: { type: "string", default: "uring" },
    cycles: { type: "string", default: "50000" },
    seed: { type: "string", default: "1" },
  },
});
const engine = values.engine as EngineName;
const cycles = Number(values.cycles);
const random = new Random(Number(values.seed));
const { cert, key } = selfSignedCertificate();

const AT_ONCE = 32;
const MIB = 1_048_576;
const MAX_GROWTH_MIB = { process: 16, heap: 8 };
/** The beginning of a record with a client's hello. */
const HALF_HELLO = Buffer.from("16030102000100", "hex");

const counts = { echoes: 0, resumed: 0, cut: 0, failed: 0 };
const ends: Record<string, number> = {};

const server = new TcpServer({
  engine,
  tls: { cert, key },
  onReceive(connection, bytes) {
    connection.send(bytes);
    if (bytes[0] === 1) connection.close();
    if (bytes[0] === 2) connection.abort();
  },
  onClose(_, reason) {
    ends[reason.code] = (ends[reason.code] ?? 0) + 1;
  },
});

const resuming = new TcpAgent({ engine, tls: { ca: cert } });
const forgetful = new TcpAgent({ engine, tls: { ca: cert, resumeSessions: false } });
const plain = new TcpAgent({ engine });

async function cycle(): Promise<void> {
  const target = { host: "localhost", family: "IPv4", port: server.port } as const;
  if (random.integer(0, 19) === 0) {
    const connection = await plain.connect(target);
    connection.send(random.integer(0, 1) === 0 ? HALF_HELLO : Buffer.from("no TLS at all"));
    if (random.integer(0, 1) === 0) connection.close();
    else connection.abort();
    await connection.closed();
    counts.cut++;
    return;
  }
  const agent = random.integer(0, 3) === 0 ? forgetful : resuming;
  const connection = await agent.connect(target);
  if (connection.tls?.isResumed === true) counts.resumed++;
  const kind = random.integer(0, 4);
  connection.send(Buffer.from([kind]));
  if (kind !== 2) {
    await connection.read(1);
    counts.echoes++;
  }
  end(connection, kind);
  await connection.closed();
}

function end(connection: Connection, kind: number): void {
  if (kind === 0) connection.close();
  else if (kind === 3) connection.finish();
  else if (kind === 4) connection.abort();
}

let left = cycles;

async function work(until: number): Promise<void> {
  while (left > until) {
    left--;
    await cycle().catch(() => {
      counts.failed++;
    });
  }
}

async function workAll(until: number): Promise<void> {
  await Promise.all(Array.from({ length: AT_ONCE }, () => work(until)));
  await idle();
}

/** Nothing is open any more. */
async function idle(): Promise<void> {
  while (server.connectionCount > 0) await new Promise((resolve) => setTimeout(resolve, 20));
}

interface Memory {
  /** Of the process, without V8's heap. */
  readonly process: number;
  /** Used of V8's heap. */
  readonly heap: number;
}

/** In MiB. */
function memory(): Memory {
  for (let round = 0; round < 4; round++) globalThis.gc?.();
  const { rss, heapTotal, heapUsed } = process.memoryUsage();
  return { process: Math.round((rss - heapTotal) / MIB), heap: Math.round(heapUsed / MIB) };
}

await server.listen({ host: "127.0.0.1" });
const startedMs = performance.now();
const steps: Memory[] = [memory()];
for (let tenth = 9; tenth >= 0; tenth--) {
  await workAll(Math.floor((cycles * tenth) / 10));
  steps.push(memory());
}
const descriptors = readdirSync("/proc/self/fd").length;
await Promise.all([resuming.stop(), forgetful.stop(), plain.stop(), server.stop()]);
const seconds = Math.round((performance.now() - startedMs) / 1_000);
const processMiB = steps.map((step) => step.process);
const heapMiB = steps.map((step) => step.heap);
console.log(JSON.stringify({ cycles, seconds, ...counts, ends, descriptors, processMiB, heapMiB }));
const grown = {
  process: Math.max(...processMiB) - processMiB[0]!,
  heap: Math.max(...heapMiB) - heapMiB[0]!,
};

const problems = [
  counts.failed > cycles / 100 && `${counts.failed} cycles failed`,
  counts.resumed < cycles / 4 && `only ${counts.resumed} were resumed`,
  grown.process > MAX_GROWTH_MIB.process && `the process has grown by ${grown.process} MiB`,
  grown.heap > MAX_GROWTH_MIB.heap && `the heap has grown by ${grown.heap} MiB`,
].filter((problem) => problem !== false);
for (const problem of problems) console.error(`tls-cycles: ${problem}`);
process.exitCode = problems.length > 0 ? 1 : 0;
