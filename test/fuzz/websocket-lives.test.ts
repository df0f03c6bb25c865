/**
 * Random lives of WebSockets, two ends of ours: sends of all sizes, fragments, pings, pauses, closes from either side or
 * both, aborts; compressed or not. Whatever they do: each end is told of its end once, codes agree, and between two ends
 * that close in good order no message is lost, doubled or out of order.
 */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { EngineName } from "hp-socket";
import {
  type CompressionOptions,
  type Message,
  WebSocketAgent,
  type WebSocketConnection,
} from "hp-socket/websocket";
import { availableEngines } from "../support/engine-list.js";
import { fuzzRuns } from "../support/fuzz-runs.js";
import { Random } from "../support/random.js";
import { until } from "../support/until.js";
import { webSocketServer } from "../support/websocket-world.js";

const SEEDS = fuzzRuns(30);
const SOCKETS = 12;
const STEPS = 40;
const SIZES = [0, 1, 100, 125, 126, 5_000, 16_384, 16_385, 65_535, 65_536, 70_000, 200_000];

/** One end, which does something random in each step. */
class End {
  socket: WebSocketConnection | undefined;
  sent = 0;
  received = 0;
  ends: { code: number; isClean: boolean }[] = [];
  /** The code with which it has closed itself. */
  closedWith: number | undefined;
  hasAborted = false;
  readonly faults: string[] = [];
  readonly #random: Random;
  #isInMessage = false;

  constructor(random: Random) {
    this.#random = random;
  }

  take(data: Message): void {
    const [number, size] = String(data).split(":", 2);
    const isWhole = data.length === `${number}:${size}:`.length + Number(size);
    if (Number(number) !== this.received || !isWhole) {
      this.faults.push(`${number}:${size} of ${data.length} in the place of ${this.received}`);
    }
    this.received++;
  }

  step(socket: WebSocketConnection): void {
    const random = this.#random;
    if (this.#isInMessage) {
      this.#send(socket, "y".repeat(10), { isLast: true });
      return;
    }
    if (socket.isPaused) {
      socket.resume();
      return;
    }
    const what = random.pick(["message", "message", "message", "ping", "pause", "fragment"]);
    if (what === "message") this.#message(socket, random.pick(SIZES));
    else if (what === "ping") socket.ping("ping");
    else if (what === "pause") socket.pause();
    else this.#begin(socket);
  }

  #message(socket: WebSocketConnection, size: number): void {
    const text = `${this.sent}:${size}:${"x".repeat(size)}`;
    const options = this.#random.pick([{}, { compress: false }, { compress: true }]);
    const data = this.#random.pick([text, Buffer.from(text)]);
    if (socket.send(data, options) !== false) this.sent++;
  }

  #begin(socket: WebSocketConnection): void {
    if (socket.send(`${this.sent}:20:${"x".repeat(10)}`, { isLast: false }) === false) return;
    this.#isInMessage = true;
  }

  #send(socket: WebSocketConnection, text: string, options: { isLast: boolean }): void {
    this.#isInMessage = false;
    if (socket.send(text, options) !== false) this.sent++;
  }

  finish(): void {
    const { socket } = this;
    if (socket === undefined) return;
    if (this.#isInMessage) this.step(socket);
    socket.resume();
    const code = this.#random.integer(4_000, 4_900);
    if (socket.close(code, "done")) this.closedWith = code;
  }

  abort(): void {
    this.hasAborted = this.socket?.abort() === true;
  }
}

async function lives(test: TestContext, engine: EngineName, seed: number): Promise<void> {
  const random = new Random(seed);
  const options = {
    engine,
    compression: random.pick<CompressionOptions>([
      false,
      true,
      { keepContext: true },
      { minBytes: 0 },
    ]),
    delivery: random.pick(["copy", "borrow"] as const),
    maxPendingBytes: 2 ** 30,
    maxInflatedBytesPerTurn: random.pick([1_024, 262_144]),
  } as const;
  const pairs = Array.from({ length: SOCKETS }, () => ({
    client: new End(random),
    server: new End(random),
  }));
  const server = await webSocketServer<End>(test, {
    ...options,
    onUpgrade: ({ exchange }) => ({
      context: pairs[Number(exchange.query.get("pair"))]?.server as End,
    }),
    onOpen(socket) {
      socket.context.socket = socket;
    },
    onMessage: ({ context }, data) => context.take(data),
    onClose: ({ context }, code) => void context.ends.push({ code, isClean: code !== 1_006 }),
  });
  const agent = new WebSocketAgent<End>({
    ...options,
    onMessage: ({ context }, data) => context.take(data),
    onClose: ({ context }, code) => void context.ends.push({ code, isClean: code !== 1_006 }),
  });
  test.after(() => agent.stop({ drainMs: 0 }));
  await Promise.all(
    pairs.map(async ({ client }, pair) => {
      const url = `ws://127.0.0.1:${server.port}/?pair=${pair}`;
      client.socket = await agent.connect(url, { context: client });
    }),
  );

  for (let step = 0; step < STEPS; step++) {
    for (const { client, server: peer } of pairs) {
      for (const end of [client, peer]) {
        if (end.socket !== undefined && random.next() < 0.5) end.step(end.socket);
      }
    }
    if (random.next() < 0.5) await new Promise((resolve) => setImmediate(resolve));
  }
  for (const { client, server: peer } of pairs) {
    if (random.next() < 0.1) random.pick([client, peer]).abort();
    // Who is closed must not be paused, nor in the middle of a message.
    for (const end of random.pick([[client, peer], [peer, client], [client]])) end.finish();
    peer.socket?.resume();
    client.socket?.resume();
  }
  await until(
    () => pairs.every(({ client, server: peer }) => client.ends.length > 0 && peer.ends.length > 0),
    30_000,
  );

  for (const [pair, { client, server: peer }] of pairs.entries()) {
    const what = `seed ${seed}, pair ${pair}`;
    assert.deepEqual([client.faults, peer.faults], [[], []], what);
    assert.deepEqual([client.ends.length, peer.ends.length], [1, 1], what);
    if (client.hasAborted || peer.hasAborted) continue;
    const codes = [client.ends[0]?.code, peer.ends[0]?.code];
    const said = [peer.closedWith ?? client.closedWith, client.closedWith ?? peer.closedWith];
    assert.deepEqual(codes, said, what);
    assert.deepEqual([client.received, peer.received], [peer.sent, client.sent], what);
  }
  const all = pairs.reduce(
    (sum, { client, server: peer }) => sum + client.received + peer.received,
    0,
  );
  assert.ok(all > SOCKETS * 10, `${all} messages were received`);
  assert.deepEqual([server.connectionCount, agent.connectionCount], [0, 0]);
  await until(() => server.stats.connectionCount === 0);
}

describe("random lives of WebSockets", () => {
  for (const engine of availableEngines()) {
    for (let seed = 1; seed <= SEEDS; seed++) {
      it(`keep what they promise on ${engine}, seed ${seed}`, (test) => lives(test, engine, seed));
    }
  }
});
