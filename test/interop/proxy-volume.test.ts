/** Much, and many, through the program: a proxy and a relay in a process of their own, whose memory and descriptors are looked at. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, it, type TestContext } from "node:test";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import type { EngineName } from "hp-socket";
import { selfSignedCertificate } from "hp-socket/testing";
import { patternBytes } from "../support/byte-pattern.js";
import { CliProgram, startProgram } from "../support/cli-program.js";
import { availableEngines } from "../support/engine-list.js";
import { IS_INTEROP } from "../support/other-program.js";
import { Random } from "../support/random.js";
import { until } from "../support/until.js";

const skip = IS_INTEROP ? false : 'it takes minutes; "npm run interop" runs it';
if (skip !== false) console.log(`# tests of volume through proxies are skipped: ${skip}`);

const MIB = 1_048_576;
const GIB = 1_024 * MIB;
const LIMIT_MS = 300_000;
const CERTIFICATE = selfSignedCertificate();
/** No power of two, so that a piece in the wrong place is seen. */
const PATTERN = patternBytes(0, 1_048_573);

/** The program, and what it has of the system. */
interface Running {
  readonly port: number;
  readonly rssBytes: number;
  readonly descriptorCount: number;
}

/** `heapMib`: garbage that V8 has not looked for yet would pass for a leak. */
async function program(
  test: TestContext,
  words: readonly string[],
  heapMib = 64,
): Promise<Running> {
  process.env["NODE_OPTIONS"] = `--max-old-space-size=${heapMib}`;
  const started = startProgram(test, [...words, "--port", "0"]);
  const port = await started.readyPort();
  const { pid } = started;
  return {
    port,
    get rssBytes() {
      const [, kib = ""] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
      return Number(kib) * 1_024;
    },
    get descriptorCount() {
      return readdirSync(`/proc/${pid}/fd`).length;
    },
  };
}

async function listen(test: TestContext, server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  test.after(() => void server.close());
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** Sends so many bytes of the pattern, and then the end. */
async function pour(socket: Socket, byteCount: number): Promise<void> {
  for (let left = byteCount; left > 0; left -= PATTERN.length) {
    if (!socket.write(PATTERN.subarray(0, left))) await once(socket, "drain");
  }
  socket.end();
}

/** Resolves with how many bytes came, all of which were those of the pattern. */
function drained(socket: Socket): Promise<number> {
  return new Promise((resolve, reject) => {
    let byteCount = 0;
    socket.on("error", reject);
    socket.on("data", (piece: Buffer) => {
      for (let at = 0; at < piece.length; ) {
        const from = byteCount % PATTERN.length;
        const wanted = PATTERN.subarray(from, from + piece.length - at);
        if (!piece.subarray(at, at + wanted.length).equals(wanted)) {
          reject(new Error(`others came behind ${byteCount} bytes`));
          return;
        }
        at += wanted.length;
        byteCount += wanted.length;
      }
    });
    socket.on("end", () => resolve(byteCount));
  });
}

const WAYS: Readonly<Record<string, { clientTls?: boolean; toTls?: boolean; proxy?: string }>> = {
  "a relay": {},
  "a relay that ends TLS": { clientTls: true },
  "a relay that begins TLS": { toTls: true },
  CONNECT: { proxy: "http" },
  "SOCKS 5": { proxy: "socks5" },
};

/** A client that has its tunnel. */
async function client(
  test: TestContext,
  { clientTls, proxy }: (typeof WAYS)[string] & object,
  port: number,
  to: number,
): Promise<Socket> {
  const at = { port, host: "127.0.0.1", allowHalfOpen: true };
  const socket = clientTls === true ? connectTls({ ...at, ca: CERTIFICATE.cert }) : connect(at);
  test.after(() => void socket.destroy());
  await once(socket, clientTls === true ? "secureConnect" : "connect");
  if (proxy === "http") {
    socket.write(`CONNECT 127.0.0.1:${to} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await once(socket, "data");
  } else if (proxy === "socks5") {
    socket.write(Buffer.from([5, 1, 0]));
    await once(socket, "data");
    socket.write(Buffer.from([5, 1, 0, 1, 127, 0, 0, 1, to >> 8, to & 0xff]));
    await once(socket, "data");
  }
  return socket;
}

function volumes(engine: EngineName): void {
  for (const [name, way] of Object.entries(WAYS)) {
    it(`${name} carries 1 GiB each way, whole, in memory that stays`, {
      timeout: LIMIT_MS,
    }, async (test) => {
      const folder = mkdtempSync(join(tmpdir(), "hp-socket-volume-"));
      test.after(() => rmSync(folder, { recursive: true, force: true }));
      const [cert, key] = [join(folder, "cert"), join(folder, "key")];
      writeFileSync(cert, CERTIFICATE.cert);
      writeFileSync(key, CERTIFICATE.key);
      const server =
        way.toTls === true
          ? createTlsServer({ ...CERTIFICATE, allowHalfOpen: true })
          : createServer({ allowHalfOpen: true });
      const accepted = once(server, way.toTls === true ? "secureConnection" : "connection");
      const to = await listen(test, server);
      const words =
        way.proxy === undefined
          ? ["relay", "--to", `127.0.0.1:${to}`]
          : ["proxy", "--to-private", "127.0.0.0/8"];
      if (way.clientTls === true) words.push("--tls", "--cert", cert, "--key", key);
      if (way.toTls === true) words.push("--to-tls", "--to-ca", cert);
      const through = await program(test, [...words, "--engine", engine]);
      const socket = await client(test, way, through.port, to);
      const [destination] = (await accepted) as [Socket];
      test.after(() => void destination.destroy());

      const came = [drained(destination), drained(socket)];
      const sent = [pour(socket, GIB), pour(destination, GIB)];
      const sizes: number[] = [];
      const measuring = setInterval(() => void sizes.push(through.rssBytes), 200);
      test.after(() => clearInterval(measuring));
      assert.deepEqual(await Promise.all(came), [GIB, GIB]);
      await Promise.all(sent);
      clearInterval(measuring);
      // What it needs it has after a part of it.
      const early = Math.max(...sizes.slice(0, Math.ceil(sizes.length / 4)));
      const late = Math.max(...sizes.slice(Math.ceil(sizes.length / 4)));
      assert.ok(late - early < 64 * MIB, `${early} bytes, and then ${late}`);
      assert.ok(late < 320 * MIB, `${late} bytes`);
      console.log(`# ${name}, ${engine}: ${early} bytes of memory, then ${late}`);
    });
  }
}

/** A process that is stopped accepts nobody. */
const DEAF = `
const server = require("node:net").createServer();
server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
  process.stdout.write("AT " + server.address().port + "\\n", () => process.kill(process.pid, "SIGSTOP"));
});`;

/** A destination that answers no handshake of TCP: as many wait to be accepted as may. */
async function deaf(test: TestContext): Promise<number> {
  const child = new CliProgram([DEAF], "-e");
  test.after(() => child.kill("SIGKILL"));
  const [, port] = await child.shows("stdout", /AT (\d+)/);
  const to = Number(port);
  // Who comes first fills the queue.
  for (let count = 0; count < 4; count++) {
    const socket = connect({ port: to, host: "127.0.0.1" });
    socket.on("error", () => {});
    test.after(() => void socket.destroy());
  }
  return to;
}

const PROXY = ["proxy", "--to-private", "127.0.0.0/8", "--engine"];

/** Each takes the proxy two descriptors, of the 20,000 that many systems let a process have. */
const CONNECT_COUNT = 9_500;

function crowds(engine: EngineName): void {
  it("1,000 clients that leave at any moment leave nothing behind", {
    timeout: LIMIT_MS,
  }, async (test) => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => sockets.delete(socket));
      socket.pipe(socket);
    });
    const to = await listen(test, server);
    const through = await program(test, [...PROXY, engine]);
    const random = new Random(7);
    const round = async (): Promise<void> => {
      const clients = Array.from({ length: 1_000 }, () => {
        const socket = connect({ port: through.port, host: "127.0.0.1" });
        socket.on("error", () => {});
        socket.resume();
        const kind = random.integer(0, 2);
        if (kind === 0) socket.write(`CONNECT 127.0.0.1:${to} HTTP/1.1\r\nHost: a\r\n\r\n`);
        else if (kind === 1)
          socket.write(`GET http://127.0.0.1:${to}/ HTTP/1.1\r\nHost: a\r\n\r\n`);
        else socket.write(Buffer.from([5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, to >> 8, to & 0xff]));
        socket.write(PATTERN.subarray(0, random.integer(0, 100_000)));
        setTimeout(
          () => (random.next() < 0.5 ? socket.resetAndDestroy() : socket.destroy()),
          random.integer(0, 1_000),
        );
        return socket;
      });
      await Promise.all(clients.map((one) => one.destroyed || once(one, "close").catch(() => {})));
      await until(() => sockets.size === 0, 30_000);
    };
    await round();
    const idle = through.descriptorCount;
    const early = through.rssBytes;
    for (let count = 0; count < 6; count++) await round();
    await until(() => through.descriptorCount <= idle, 30_000);
    assert.ok(through.rssBytes - early < 64 * MIB, `${early} bytes, then ${through.rssBytes}`);
  });

  it("almost 10,000 CONNECTs that can't be made cost little, and nobody else is kept waiting", {
    timeout: LIMIT_MS,
  }, async (test) => {
    const to = await deaf(test);
    const echo = createServer((socket) => socket.on("error", () => {}).pipe(socket));
    const good = await listen(test, echo);
    // V8 has about 10 KiB for each of them.
    const through = await program(test, [...PROXY, engine], 256);
    const before = through.rssBytes;
    const idle = through.descriptorCount;
    const sockets: Socket[] = [];
    test.after(() => {
      for (const socket of sockets) socket.destroy();
    });
    for (let count = 0; count < CONNECT_COUNT; count++) {
      const socket = connect({ port: through.port, host: "127.0.0.1" });
      socket.on("error", () => {});
      socket.resume();
      socket.write(`CONNECT 127.0.0.1:${to} HTTP/1.1\r\nHost: a\r\n\r\n`);
      sockets.push(socket);
      if (count % 200 === 0) await once(socket, "connect");
    }
    const tunnel = await client(test, { proxy: "socks5" }, through.port, good);
    tunnel.write("hello");
    assert.equal((await once(tunnel, "data")).toString(), "hello");
    // Who came before has been accepted.
    const pendingCount = sockets.filter((one) => !one.destroyed && !one.readableEnded).length;
    assert.ok(pendingCount > CONNECT_COUNT / 2, `${pendingCount} are under way`);
    const each = (through.rssBytes - before) / pendingCount;
    assert.ok(each < 24_576, `${each} bytes for each`);
    console.log(
      `# ${engine}: ${Math.round(each)} bytes for each of ${pendingCount} CONNECTs that are not made yet`,
    );
    tunnel.destroy();
    // Each has its connectTimeoutMs.
    await until(() => sockets.every((socket) => socket.destroyed || socket.readableEnded), 60_000);
    await until(() => through.descriptorCount <= idle + 2, 30_000);
  });
}

for (const engine of availableEngines()) {
  describe(`much through proxies on ${engine}`, { skip }, () => {
    volumes(engine);
    crowds(engine);
  });
}
