/** What strangers and peers can do to an ARQ server, while somebody else's session goes on beside them. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { ArqClient, type ArqConnection, ArqServer, type ArqServerOptions } from "hp-socket/arq";
import { peerKeyOf } from "#src/engine/peer-key.js";
import { parseHandshake, writeHandshake } from "#src/protocol/arq/handshake-packet.js";
import { CLOSE_NOTIFY } from "#src/protocol/udp-control/udp-control.js";
import { type EngineWorld, loopback } from "../support/engine-world.js";
import { fuzzRuns } from "../support/fuzz-runs.js";
import { type MemoryWorld, memoryWorld } from "../support/memory-world.js";
import { Random } from "../support/random.js";

const MUTATIONS = fuzzRuns(100_000);
const PORT = 5_555;
const TO = peerKeyOf(loopback(PORT));
/** The conversation id that the hostile peer gives itself. */
const ID = 7;
const PUSH = 81;
const ACKNOWLEDGE = 82;
const ASK_WINDOW = 83;

interface Segment {
  readonly conversation?: number;
  readonly command?: number;
  readonly fragment?: number;
  readonly window?: number;
  readonly time?: number;
  readonly number?: number;
  readonly una?: number;
  readonly data?: Buffer;
}

function segment(given: Segment): Buffer {
  const data = given.data ?? Buffer.alloc(0);
  const head = Buffer.alloc(24);
  head.writeInt32LE(given.conversation ?? ID, 0);
  head[4] = given.command ?? PUSH;
  head[5] = given.fragment ?? 0;
  head.writeUInt16LE(given.window ?? 128, 6);
  head.writeInt32LE(given.time ?? 0, 8);
  head.writeInt32LE(given.number ?? 0, 12);
  head.writeInt32LE(given.una ?? 0, 16);
  head.writeInt32LE(data.length, 20);
  return Buffer.concat([head, data]);
}

/** A server, an honest client that is echoed by it, and a peer that speaks bytes. */
class Scene {
  readonly memory: MemoryWorld = memoryWorld();
  readonly server: ArqServer;
  /** How the sessions of the hostile peer ended. */
  readonly endings: string[] = [];
  /** Messages of the hostile peer's that the application got. */
  heardCount = 0;
  readonly #honest: ArqClient;
  #honestId = 0;
  #sentCount = 0;
  readonly #echoes: string[] = [];
  #probe!: ReturnType<EngineWorld["startDatagram"]>;

  constructor(options: ArqServerOptions) {
    const { engine } = this.memory;
    this.server = new ArqServer({
      engine,
      maxNewPerSecond: 0,
      onReceive: (connection: ArqConnection, message) => {
        if (connection.id !== this.#honestId) this.heardCount++;
        connection.send(message);
      },
      onClose: ({ id }, { code, initiator }) => {
        if (id !== this.#honestId) this.endings.push(`${code} ${initiator}`);
      },
      ...options,
    });
    this.#honest = new ArqClient({
      engine,
      onReceive: (_, message) => void this.#echoes.push(message.toString()),
    });
  }

  async start(): Promise<void> {
    const { engine, world } = this.memory;
    const listening = this.server.listen({ host: "127.0.0.1", port: PORT });
    await engine.settle();
    await listening;
    const connecting = this.#honest.connect({ port: PORT, timeoutMs: 0 });
    await engine.advance(1_000);
    await connecting;
    [this.#honestId = 0] = this.server.connectionIds();
    this.#probe = world.startDatagram();
    await engine.settle();
    await this.begin();
  }

  send(...datagrams: readonly Buffer[]): void {
    for (const datagram of datagrams) this.#probe.socket.send(0, datagram, TO);
  }

  /** What the server has sent to the hostile peer since the last time. */
  heard(): Buffer[] {
    return this.#probe.received.splice(0).map(({ bytes }) => bytes);
  }

  /** The hostile peer has a session. */
  async begin(): Promise<void> {
    this.heard();
    this.send(writeHandshake({ isComplete: false, ownId: ID, peerId: 0 }));
    await this.memory.engine.settle();
    const peerId = parseHandshake(this.heard()[0]!)!.ownId;
    this.send(writeHandshake({ isComplete: true, ownId: ID, peerId }));
    await this.memory.engine.settle();
    this.heard();
    assert.equal(this.server.connectionCount, 2);
  }

  get hostile(): ArqConnection | undefined {
    const id = this.server.connectionIds().find((each) => each !== this.#honestId);
    return id === undefined ? undefined : this.server.connection(id);
  }

  /** Time passes, in which the honest peer says something. */
  async advance(forMs: number): Promise<void> {
    this.#honest.send(`message ${this.#sentCount++}`);
    await this.memory.engine.advance(forMs);
  }

  /** Every message of the honest peer was echoed, in order, and all is over. */
  async end(): Promise<void> {
    const { engine } = this.memory;
    await engine.advance(1_000);
    const sent = Array.from({ length: this.#sentCount }, (_, index) => `message ${index}`);
    assert.deepEqual(this.#echoes, sent);
    assert.equal(this.#honest.isOpen, true);
    assert.equal(this.server.connection(this.#honestId)?.isOpen, true);
    const stops = [this.#honest.stop({ drainMs: 0 }), this.server.stop({ drainMs: 0 })];
    await Promise.all([...stops, engine.advance(100)]);
  }
}

async function scene(options: ArqServerOptions = {}): Promise<Scene> {
  const made = new Scene(options);
  await made.start();
  return made;
}

describe("an ARQ server with a hostile peer, and an honest one beside it", () => {
  const dropped: readonly (readonly [what: string, lie: Segment])[] = [
    ["una is ahead of what was sent", { una: 1 }],
    ["una is half of all numbers ahead", { una: 2 ** 31 - 1 }],
    ["the command is unknown", { command: 85 }],
    ["the conversation is another's", { conversation: ID + 1 }],
  ];
  for (const [what, lie] of dropped) {
    it(`drops and counts a datagram where ${what}`, async () => {
      const made = await scene();
      made.send(segment({ ...lie, data: Buffer.from("lie") }));
      await made.advance(10);
      made.send(segment({ data: Buffer.from("truth") }));
      await made.advance(10);

      assert.equal(made.heardCount, 1);
      assert.equal(made.hostile!.linkStats.malformedDatagrams, 1);
      assert.equal(made.hostile!.isOpen, true);
      await made.end();
    });
  }

  it("keeps nothing of numbers outside the window, and acknowledges none of those behind it", async () => {
    const made = await scene({ receiveWindow: 128 });
    const data = Buffer.alloc(1_000);
    for (const number of [128, 129, 2 ** 20, 2 ** 31 - 1, -1, -(2 ** 31)]) {
      made.send(segment({ number, data }));
    }
    await made.advance(50);
    const numbers = made
      .heard()
      .flatMap((bytes) => (bytes[4] === ACKNOWLEDGE ? [bytes.readInt32LE(12)] : []));

    assert.equal(made.heardCount, 0);
    assert.ok(
      numbers.every((number) => number < 0),
      `acknowledged: ${numbers.join()}`,
    );
    assert.equal(made.hostile!.unreadBytes, 0);
    await made.end();
  });

  it("bounds the time-out and the round trip, whatever times come back", async () => {
    const made = await scene();
    made.send(segment({ data: Buffer.from("answer me") }));
    await made.advance(1);
    for (const time of [0, -1, 2 ** 31 - 1, -(2 ** 31), -100_000, 100_000]) {
      const number = made.hostile!.linkStats.sentSegments - 1;
      made.send(segment({ command: ACKNOWLEDGE, time, number, una: number }));
      made.hostile!.send("more");
      await made.advance(1);
    }
    const { roundTripMs, timeoutMs } = made.hostile!.linkStats;

    assert.ok(roundTripMs >= 0 && roundTripMs <= 120_000, `${roundTripMs}`);
    assert.ok(timeoutMs > 0 && timeoutMs <= 60_000, `${timeoutMs}`);
    await made.end();
  });

  it("keeps maxPendingBytes for a peer whose window is closed for ever, and asks it seldom", async () => {
    const made = await scene({ maxPendingBytes: 10_000, highWaterMarkBytes: 5_000 });
    made.send(segment({ command: ASK_WINDOW, window: 0 }));
    await made.advance(1);
    let asked = 0;
    for (let second = 0; second < 100; second++) {
      made.send(segment({ command: ASK_WINDOW, window: 0 }));
      made.hostile!.send(Buffer.alloc(1_000));
      await made.advance(1_000);
      asked += made.heard().filter((bytes) => bytes[4] === ASK_WINDOW).length;
    }

    assert.equal(made.hostile!.isOpen, true);
    assert.equal(made.hostile!.pendingBytes, 10_000);
    assert.equal(made.hostile!.stats.droppedCount, 90);
    assert.ok(asked >= 10 && asked <= 100, `${asked}`);
    await made.end();
  });

  it("ends a peer whose message never ends", async () => {
    const made = await scene({ receiveWindow: 128 });
    for (let number = 0; number < 128; number++) {
      made.send(segment({ number, fragment: 127, data: Buffer.alloc(100) }));
    }
    await made.advance(10);

    assert.deepEqual(made.endings, ["PACKET_TOO_LONG local"]);
    await made.end();
  });

  it(`survives ${MUTATIONS} mutations of traffic: nothing throws, and memory is bounded`, async () => {
    const made = await scene();
    const random = new Random(11);
    const traffic = Array.from({ length: 100 }, (_, number) =>
      segment({
        command: random.pick([81, 81, 82, 83, 84]),
        fragment: random.pick([0, 0, 1, 3]),
        window: random.pick([0, 128, 65_535]),
        time: random.integer(-5, 5),
        number,
        una: random.integer(0, 3),
        data: Buffer.alloc(random.integer(0, 60)),
      }),
    );
    traffic.push(writeHandshake({ isComplete: true, ownId: ID, peerId: 1 }), CLOSE_NOTIFY);
    globalThis.gc?.();
    const before = process.memoryUsage().heapUsed;

    for (let count = 0; count < MUTATIONS; count++) {
      const bytes = Buffer.from(random.pick(traffic));
      for (let changes = random.integer(0, 3); changes > 0; changes--) {
        bytes[random.integer(0, bytes.length - 1)] = random.integer(0, 255);
      }
      const cut = random.next() < 0.2 ? random.integer(0, bytes.length) : bytes.length;
      made.send(bytes.subarray(0, cut));
      if (count % 50 !== 0) continue;
      await made.advance(1);
      made.heard();
      assert.ok(made.server.connectionCount <= 2);
      if (made.hostile === undefined) await made.begin();
    }
    globalThis.gc?.();

    const grown = process.memoryUsage().heapUsed - before;
    assert.ok(grown < 8_000_000, `${grown} bytes`);
    assert.ok(made.endings.length > MUTATIONS / 10_000, "it was ended, and began again");
    await made.end();
  });
});
