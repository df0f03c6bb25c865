/**
 * A soak: `node soak.js [--engine uring] [--seconds 600] [--connections 200] [--seed 1] [--tls]`.
 *
 * An echo server and an agent in one process. Connections come and go at random; each sends blocks of
 * 1 B … 1 MiB, pauses and goes on, and ends by closing, finishing, aborting, or being closed or
 * aborted by the server. Every byte that comes back is compared with what was sent. At the end nothing
 * may be left: no connection, no descriptor, no memory to speak of. Exit code 1 otherwise.
 */
import { readdirSync } from "node:fs";
import process from "node:process";
import { parseArgs } from "node:util";
import { type Connection, type EngineName, type NetError, TcpAgent, TcpServer } from "hp-socket";
import { selfSignedCertificate } from "hp-socket/testing";
import { Random } from "../support/random.js";

const { values } = parseArgs({
  options: {
    engine: { type: "string", default: "uring" },
    seconds: { type: "string", default: "30" },
    connections: { type: "string", default: "200" },
    seed: { type: "string", default: "1" },
    tls: { type: "boolean", default: false },
  },
});
const engine = values.engine as EngineName;
const { cert, key } = selfSignedCertificate();
const untilMs = performance.now() + Number(values.seconds) * 1_000;
const random = new Random(Number(values.seed));

const PATTERN_BYTES = 1 << 21;
const MAX_BLOCK_BYTES = 1 << 20;
/** Newcomers wait among busy connections: the engine over Node accepts one in a turn of the loop. */
const HANDSHAKE_LIMIT_MS = 60_000;
const pattern = random.bytes(PATTERN_BYTES);
const twice = Buffer.concat([pattern, pattern]);

const counts = { opened: 0, sentBytes: 0, verifiedBytes: 0, mismatches: 0, refused: 0 };
const ends: Record<string, number> = {};
/** Why connections were not made. */
const refusals: Record<string, number> = {};

/** What one connection of the agent has done. */
interface Course {
  readonly offset: number;
  sent: number;
  received: number;
  left: number;
}

const server = new TcpServer({
  engine,
  ...(values.tls && { tls: { cert, key } }),
  delivery: "borrow",
  maxConnections: 10_000,
  handshakeTimeoutMs: HANDSHAKE_LIMIT_MS,
  slowConsumer: "pause",
  maxPendingBytes: 64 * 1_048_576,
  closeTimeoutMs: 2_000,
  onReceive(connection, bytes) {
    connection.send(bytes);
    const chance = random.integer(0, 9_999);
    if (chance < 5) connection.abort();
    else if (chance < 10) connection.close();
    else if (chance < 60) rest(connection);
  },
});

/** Pauses for some turns of the loop. */
function rest(connection: Connection): void {
  connection.pause();
  let turns = random.integer(1, 50);
  const turn = (): void => {
    if (--turns <= 0) connection.resume();
    else setImmediate(turn);
  };
  setImmediate(turn);
}

const agent = new TcpAgent<Buffer, Course>({
  engine,
  ...(values.tls && { tls: { ca: cert } }),
  maxConnections: 10_000,
  handshakeTimeoutMs: HANDSHAKE_LIMIT_MS,
  maxPendingBytes: 64 * 1_048_576,
  closeTimeoutMs: 2_000,
  context: () => ({
    offset: random.integer(0, PATTERN_BYTES - 1),
    sent: 0,
    received: 0,
    left: random.integer(1, 60),
  }),
  onReceive(connection, bytes) {
    verify(connection.context, bytes);
    const chance = random.integer(0, 999);
    if (chance < 3) connection.abort();
    else if (chance < 10) rest(connection);
    if (connection.context.received === connection.context.sent) goOn(connection);
  },
  onClose(_, reason) {
    ends[reason.code] = (ends[reason.code] ?? 0) + 1;
    if (performance.now() < untilMs) open();
  },
});

function verify(course: Course, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; at += PATTERN_BYTES) {
    const part = bytes.subarray(at, at + PATTERN_BYTES);
    const start = (course.offset + course.received) % PATTERN_BYTES;
    if (twice.compare(part, 0, part.length, start, start + part.length) !== 0) {
      counts.mismatches++;
      console.error(`wrong bytes at ${course.received} of a connection`);
    }
    course.received += part.length;
    counts.verifiedBytes += part.length;
  }
}

/** Sends the next blocks, or ends the connection. */
function goOn(connection: Connection<Course>): void {
  const course = connection.context;
  if (course.left-- <= 0 || performance.now() > untilMs) {
    end(connection);
    return;
  }
  for (let block = random.integer(1, 4); block > 0; block--) {
    const most = random.integer(0, 9) === 0 ? MAX_BLOCK_BYTES : 4_096;
    const length = random.integer(1, most);
    const start = (course.offset + course.sent) % PATTERN_BYTES;
    connection.send(twice.subarray(start, start + length));
    course.sent += length;
    counts.sentBytes += length;
  }
}

function end(connection: Connection<Course>): void {
  switch (random.integer(0, 3)) {
    case 0:
      connection.close();
      break;
    case 1:
      connection.abort();
      break;
    default:
      connection.finish();
  }
}

function open(): void {
  const { port } = server;
  const timeoutMs = HANDSHAKE_LIMIT_MS;
  agent.connect({ host: "localhost", family: "IPv4", port, timeoutMs }).then(
    (connection) => {
      counts.opened++;
      goOn(connection);
    },
    // The next one is opened by onClose, which is told of this one as well.
    ({ code }: NetError) => {
      counts.refused++;
      refusals[code] = (refusals[code] ?? 0) + 1;
    },
  );
}

function descriptorCount(): number {
  return readdirSync("/proc/self/fd").length;
}

function memoryBytes(): number {
  for (let round = 0; round < 4; round++) globalThis.gc?.();
  return process.memoryUsage().rss;
}

await server.listen({ host: "127.0.0.1" });
const descriptors = descriptorCount();
for (let index = 0; index < Number(values.connections); index++) open();
let warmBytes = 0;
const warm = setTimeout(
  () => {
    warmBytes = memoryBytes();
  },
  Math.min(60_000, Number(values.seconds) * 300),
);
const report = setInterval(() => {
  console.log(
    JSON.stringify({ ...counts, open: agent.connectionCount, rss: process.memoryUsage().rss }),
  );
}, 10_000);

await new Promise((resolve) => setTimeout(resolve, Math.max(0, untilMs - performance.now())));
clearInterval(report);
clearTimeout(warm);
const agentEnd = await agent.stop({ drainMs: 5_000 });
const serverEnd = await server.stop({ drainMs: 5_000 });
const leftDescriptors = descriptorCount() - descriptors;
const grownBytes = memoryBytes() - warmBytes;
console.log(
  JSON.stringify({ ...counts, refusals, ends, agentEnd, serverEnd, leftDescriptors, grownBytes }),
);

const problems = [
  counts.mismatches > 0 && `${counts.mismatches} mismatches`,
  counts.verifiedBytes === 0 && "nothing was verified",
  counts.refused > counts.opened / 4 && `${counts.refused} connections were not made`,
  leftDescriptors > 1 && `${leftDescriptors} descriptors are left`,
  grownBytes > 64 * 1_048_576 && `memory has grown by ${grownBytes} bytes`,
  server.connectionCount + agent.connectionCount > 0 && "connections are left",
].filter((problem) => problem !== false);
for (const problem of problems) console.error(`soak: ${problem}`);
process.exitCode = problems.length > 0 ? 1 : 0;
