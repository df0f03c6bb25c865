/** Large messages that are deflated in turns: order, others meanwhile, and ends at every moment. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it, type TestContext } from "node:test";
import type { EngineName } from "hp-socket";
import type {
  CompressionOptions,
  WebSocketConnection,
  WebSocketServer,
  WebSocketServerOptions,
} from "hp-socket/websocket";
import { availableEngines } from "../support/engine-list.js";
import { until } from "../support/until.js";
import { webSocketServer } from "../support/websocket-world.js";
import { type WsLibrary, type WsSocket, wsLibrary } from "../support/ws-library.js";

const library = await wsLibrary();

const MIB = 1_048_576;
/** More than what is deflated within `send`, and than one turn does (128 KiB). */
const PART = 262_144;

/** Text that takes a while: half of it random. */
function slowText(byteCount: number): string {
  return randomBytes(byteCount / 2).toString("hex");
}

if (typeof library === "string") console.log(`# not tested: ${library}`);
else {
  for (const engine of availableEngines()) {
    for (const keepContext of [false, true]) {
      const kept = keepContext ? "with" : "without";
      describe(`deflating in turns on ${engine}, ${kept} context take-over`, () => {
        inTurns(engine, { keepContext, minBytes: 0 }, library);
      });
    }
  }
}

if (typeof library !== "string") {
  for (const engine of availableEngines()) {
    describe(`publishing large messages on ${engine}`, () => publishing(engine, library));
  }
}

interface Pair {
  readonly server: WebSocketServer;
  readonly socket: WebSocketConnection;
  readonly client: WsSocket;
  /** What the client got. */
  readonly seen: string[];
}

async function connected(
  test: TestContext,
  { WebSocket }: WsLibrary,
  options: WebSocketServerOptions,
): Promise<Pair> {
  const sockets: WebSocketConnection[] = [];
  const server = await webSocketServer(test, {
    ...options,
    onOpen: (socket) => void sockets.push(socket),
  });
  const client = new WebSocket(`ws://127.0.0.1:${server.port}/`, [], {});
  test.after(() => client.terminate());
  const seen: string[] = [];
  client.on("message", (data, isBinary) => seen.push(`${isBinary ? "0x" : ""}${data}`));
  client.on("ping", (data) => seen.push(`ping ${data}`));
  client.on("close", (code, reason) => seen.push(`close ${code} ${reason}`));
  let isOpen = false;
  client.on("open", () => {
    isOpen = true;
  });
  await until(() => isOpen && sockets.length === 1);
  return { server, socket: sockets[0] as WebSocketConnection, client, seen };
}

function inTurns(engine: EngineName, compression: CompressionOptions, ws: WsLibrary): void {
  const pair = (test: TestContext, options: WebSocketServerOptions): Promise<Pair> =>
    connected(test, ws, options);

  it("keeps the order of what is sent behind them, the Close frame included", async (test) => {
    const { server, socket, seen } = await pair(test, { engine, compression });
    socket.subscribe("all");
    const texts = [slowText(PART), slowText(300_000)] as const;

    socket.send(texts[0]);
    socket.send("small");
    socket.send("not compressed", { compress: false });
    socket.send("in ", { isLast: false });
    server.publish("all", "published");
    socket.send("fragments", { isLast: true });
    socket.send(texts[1]);
    socket.send(Buffer.from("bytes"));
    server.publish("all", "last");
    socket.close(4_000, "done");
    const isSent = socket.send("too late");
    await until(() => seen.at(-1)?.startsWith("close") === true);

    assert.equal(isSent, false);
    assert.deepEqual(seen, [
      texts[0],
      "small",
      "not compressed",
      "in fragments",
      "published",
      texts[1],
      "0xbytes",
      "last",
      "close 4000 done",
    ]);
  });

  it("lets others have their turns, and pings go ahead", async (test) => {
    const { socket, seen } = await pair(test, { engine, compression });
    const text = slowText(4 * PART);
    let turns = 0;
    const count = (): void => {
      turns++;
      if (seen.length < 2) setImmediate(count);
    };
    count();

    socket.send(text);
    socket.ping("ahead");
    await until(() => seen.length === 2);

    assert.deepEqual(seen, ["ping ahead", text]);
    assert.ok(turns >= 8, `${turns} turns`);
  });

  it("counts what waits, says when there is room again, and drains", async (test) => {
    const drained: number[] = [];
    const { socket, seen } = await pair(test, {
      engine,
      compression,
      maxPendingBytes: 1.5 * MIB,
      slowConsumer: "drop",
      onDrain: (one) => void drained.push(one.pendingBytes),
    });
    const text = slowText(MIB);

    const answers = [socket.send(text), socket.send(text), socket.send("small")];
    const { pendingBytes } = socket;
    await assert.rejects(socket.drained({ timeoutMs: 1 }), { code: "DRAIN_TIMEOUT" });
    await socket.drained();
    await until(() => seen.length === 2 && drained.length > 0);

    assert.deepEqual(answers, ["slow", false, "slow"]);
    assert.ok(pendingBytes >= MIB && pendingBytes < 1.5 * MIB, `${pendingBytes}`);
    assert.deepEqual(seen, [text, "small"]);
    assert.equal(socket.stats.droppedCount, 1);
    assert.equal(socket.pendingBytes, 0);
  });

  it("is sent to its end when the peer closes meanwhile", async (test) => {
    const { socket, client, seen } = await pair(test, { engine, compression });
    const text = slowText(PART);

    socket.send(text);
    client.close(1_000, "enough");
    await until(() => seen.length === 2);

    assert.deepEqual(seen, [text, "close 1000 enough"]);
    assert.equal((await socket.closed()).isClean, true);
  });

  it("is given up when the socket ends, and the next one has its turn", async (test) => {
    const one = await pair(test, { engine, compression });
    const two = await pair(test, { engine, compression });
    const text = slowText(PART);

    one.socket.send(text);
    one.socket.send(text);
    const rejected = assert.rejects(one.socket.drained(), { code: "CONNECTION_CLOSED" });
    two.socket.send(text);
    one.socket.abort();
    await until(() => two.seen.length === 1);
    await rejected;

    assert.equal(two.seen[0], text);
    assert.deepEqual(
      one.seen.filter((line) => !line.startsWith("close")),
      [],
    );
  });

  it("ends its socket where its memory was taken away", async (test) => {
    const errors: string[] = [];
    const { socket } = await pair(test, {
      engine,
      compression,
      onClose: (_socket, _code, _reason, { code }) => void errors.push(code),
    });
    const bytes = new Uint8Array(PART);

    socket.send(bytes);
    structuredClone(bytes, { transfer: [bytes.buffer] });
    await until(() => errors.length === 1);

    assert.deepEqual(errors, ["INVALID_ARGUMENT"]);
  });
}

/** A client, and what it got. */
interface Reader {
  readonly client: WsSocket;
  readonly seen: string[];
}

interface Audience {
  readonly server: WebSocketServer;
  /** By the number in the path that each asked for. */
  readonly sockets: WebSocketConnection[];
  readonly readers: Reader[];
}

/** A server all of whose sockets are subscribed to `all`, and clients; `compresses`: which of them offer that. */
async function audience(
  test: TestContext,
  { WebSocket }: WsLibrary,
  compresses: readonly boolean[],
  options: WebSocketServerOptions,
): Promise<Audience> {
  const sockets: WebSocketConnection[] = [];
  const server = await webSocketServer(test, {
    ...options,
    onUpgrade: ({ exchange }) => ({ context: Number(exchange.path.slice(1)) }),
    onOpen(socket) {
      sockets[socket.context as number] = socket;
      socket.subscribe("all");
    },
  });
  const readers = compresses.map((perMessageDeflate, index): Reader => {
    const url = `ws://127.0.0.1:${server.port}/${index}`;
    const client = new WebSocket(url, [], { perMessageDeflate });
    test.after(() => client.terminate());
    const seen: string[] = [];
    client.on("message", (data) => seen.push(`${data}`));
    client.on("close", (code) => seen.push(`close ${code}`));
    client.on("error", () => {});
    return { client, seen };
  });
  await until(() => sockets.filter(() => true).length === readers.length);
  return { server, sockets, readers };
}

function publishing(engine: EngineName, ws: WsLibrary): void {
  const compression = { minBytes: 0 };

  it("deflates them once, in turns, and keeps each receiver's order", async (test) => {
    const { server, sockets, readers } = await audience(test, ws, [true, true, false, true], {
      engine,
      compression,
    });
    const [large, other, own] = [slowText(2 * PART), slowText(PART), slowText(PART)] as const;
    let turns = 0;
    const count = (): void => {
      turns++;
      if (readers.some(({ seen }) => seen.length < 4)) setImmediate(count);
    };
    count();

    sockets[1]?.send(own);
    sockets[3]?.send("begun, ", { isLast: false });
    const counts = [
      server.publish("all", large),
      server.publish("all", "small"),
      server.publish("all", other),
    ];
    sockets[0]?.send("its own");
    sockets[3]?.send("ended", { isLast: true });
    sockets[3]?.send("behind");
    const before = readers.map(({ seen }) => seen.length);
    for (const socket of sockets) socket.close(4_000);
    await until(() => readers.every(({ seen }) => seen.at(-1) === "close 4000"));

    assert.deepEqual(counts, [4, 4, 4]);
    assert.deepEqual(before, [0, 0, 0, 0]);
    assert.deepEqual(readers[0]?.seen, [large, "small", other, "its own", "close 4000"]);
    assert.deepEqual(readers[1]?.seen, [own, large, "small", other, "close 4000"]);
    assert.deepEqual(readers[2]?.seen, [large, "small", other, "close 4000"]);
    assert.deepEqual(readers[3]?.seen, [
      "begun, ended",
      large,
      "small",
      other,
      "behind",
      "close 4000",
    ]);
    // 128 KiB in each: 512 KiB and 256 KiB for all together, and 256 KiB for one of them.
    assert.ok(turns >= 8, `${turns} turns`);
  });

  it("takes bytes as they are when they are published", async (test) => {
    const { server, readers } = await audience(test, ws, [true], { engine, compression });
    const bytes = Buffer.from(slowText(300_000));
    const expected = `${bytes}`;

    server.publish("all", bytes);
    bytes.fill("x");
    await until(() => readers[0]?.seen.length === 1);

    assert.equal(readers[0]?.seen[0], expected);
  });

  it("goes on for those who stay, and is given up when nobody does", async (test) => {
    const { server, sockets, readers } = await audience(test, ws, [true, true, true], {
      engine,
      compression,
    });
    const text = slowText(4 * PART);
    const begun = sockets.map((socket) => socket.send("begun", { isLast: false }));

    server.publish("all", text);
    sockets[1]?.send("", { isLast: true });
    sockets[0]?.abort();
    sockets[2]?.send("", { isLast: true });
    sockets[2]?.abort();
    await until(() => readers[1]?.seen.length === 2);
    server.publish("all", text);
    sockets[1]?.abort();
    const late = await audience(test, ws, [true], { engine, compression });
    late.sockets[0]?.send(text);
    await until(() => late.readers[0]?.seen.length === 1);

    assert.deepEqual(begun, [true, true, true]);
    assert.deepEqual(readers[1]?.seen.slice(0, 2), ["begun", text]);
    assert.equal(late.readers[0]?.seen[0], text);
  });

  it("drops them for one whose queue is full, and counts who took them", async (test) => {
    const { server, sockets, readers } = await audience(test, ws, [true, true], {
      engine,
      compression,
      maxPendingBytes: 3 * PART,
      slowConsumer: "drop",
    });
    const text = slowText(2 * PART);

    sockets[0]?.send(text);
    const counts = [server.publish("all", text), server.publish("all", text)];
    await until(() => readers.every(({ seen }) => seen.length === 1));
    await Promise.all(sockets.map((socket) => socket.drained()));

    assert.deepEqual(counts, [1, 0]);
    assert.deepEqual(
      sockets.map(({ stats }) => stats.droppedCount),
      [2, 1],
    );
    assert.deepEqual(
      sockets.map(({ pendingBytes }) => pendingBytes),
      [0, 0],
    );
  });
}
