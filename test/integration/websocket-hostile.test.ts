/** Peers that mean ill, or are broken: each is ended with its code, and costs by its bytes; the others go on. */
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { describe, it } from "node:test";
import { deflateRawSync } from "node:zlib";
import type { EngineName } from "hp-socket";
import {
  WebSocketAgent,
  WebSocketClient,
  type WebSocketServer,
  type WebSocketServerOptions,
} from "hp-socket/websocket";
import { FrameDecoder } from "#src/protocol/websocket/frame-decoder.js";
import { availableEngines } from "../support/engine-list.js";
import { until } from "../support/until.js";
import { type FrameShape, frame } from "../support/websocket-frames.js";
import { type RawPeer, rawClient } from "../support/websocket-raw-peer.js";
import { MessageRecorder } from "../support/websocket-recorder.js";
import { socketsOf, webSocketServer } from "../support/websocket-world.js";

const MIB = 1_048_576;
/** Twice the largest message. */
const BOMB = deflateRawSync(Buffer.alloc(32 * MIB), { finishFlush: 2 }).subarray(0, -4);

interface Hostile {
  readonly name: string;
  readonly settings: Partial<WebSocketServerOptions>;
  readonly act: (peer: RawPeer, server: WebSocketServer) => Promise<void> | void;
  /** Code of the Close frame that it gets; undefined: none, it does not listen. */
  readonly close: number | undefined;
  /** Code of the reason with which the connection ends. */
  readonly code: string;
}

const wait = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Writes frames again and again, for as long as the connection stands. */
async function flood(peer: RawPeer, first: FrameShape, again: FrameShape): Promise<void> {
  peer.socket.write(peer.bytesOf([first]));
  const many = peer.bytesOf(Array.from({ length: 2_000 }, () => again));
  while (!peer.hasEnded) {
    if (!peer.socket.write(many)) await Promise.race([drained(peer.socket), wait()]);
    await wait();
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once("drain", resolve));
}

const HOSTILES: readonly Hostile[] = [
  {
    name: "never replies to a Close frame",
    settings: { closeFrameTimeoutMs: 50 },
    act(_peer, server) {
      for (const socket of socketsOf(server)) if (socket.context === "hostile") socket.close(4_000);
    },
    close: 4_000,
    code: "CLOSE_TIMEOUT",
  },
  {
    name: "never answers a ping",
    settings: { pingIntervalMs: 50, pongTimeoutMs: 50 },
    act: () => {},
    close: undefined,
    code: "WEBSOCKET_PONG_TIMEOUT",
  },
  {
    name: "announces a frame of 1 GiB",
    settings: {},
    act: (peer) =>
      void peer.socket.write(frame({ opcode: 2, length: 2 ** 30, payload: "only this" })),
    close: 1_009,
    code: "WEBSOCKET_TOO_LONG",
  },
  {
    name: "announces 2^62 bytes",
    settings: {},
    act: (peer) => void peer.socket.write(frame({ opcode: 2, length: 2n ** 62n, payload: "x" })),
    close: 1_009,
    code: "WEBSOCKET_TOO_LONG",
  },
  {
    name: "sends a message without end",
    settings: { maxMessageBytes: MIB },
    act: (peer) =>
      flood(
        peer,
        { opcode: 1, fin: false, payload: "begin" },
        { opcode: 0, fin: false, payload: "x".repeat(1_000) },
      ),
    close: 1_009,
    code: "WEBSOCKET_TOO_LONG",
  },
  {
    name: "sends fragments of one byte without end",
    settings: {},
    act: (peer) => flood(peer, { opcode: 2, fin: false }, { opcode: 0, fin: false, payload: "x" }),
    close: 1_008,
    code: "WEBSOCKET_FLOOD",
  },
  {
    name: "sends empty fragments without end",
    settings: {},
    act: (peer) => flood(peer, { opcode: 2, fin: false }, { opcode: 0, fin: false }),
    close: 1_008,
    code: "WEBSOCKET_FLOOD",
  },
  {
    name: "sends pings within a message without end",
    settings: {},
    act: (peer) => flood(peer, { opcode: 2, fin: false }, { opcode: 9, payload: "x" }),
    close: 1_008,
    code: "WEBSOCKET_FLOOD",
  },
  {
    name: "inflates a bomb",
    settings: {},
    act: (peer) => {
      peer.socket.write(frame({ opcode: 2, rsv: 4, payload: BOMB }));
    },
    close: 1_009,
    code: "WEBSOCKET_TOO_LONG",
  },
  {
    name: "leaves within a frame",
    settings: {},
    act: (peer) => void peer.socket.end(frame({ opcode: 2, length: 100, payload: "x" })),
    close: undefined,
    code: "WEBSOCKET_TRUNCATED",
  },
  {
    name: "resets the connection",
    settings: {},
    act: (peer) => void peer.socket.resetAndDestroy(),
    close: undefined,
    code: "CONNECTION_RESET",
  },
];

const FIELDS = ["Sec-WebSocket-Extensions: permessage-deflate"];

for (const engine of availableEngines()) {
  describe(`hostile peers of WebSockets on ${engine}`, () => {
    for (const hostile of HOSTILES) {
      it(`ends one that ${hostile.name} with ${hostile.code}, and others go on`, (test) =>
        endsOne(engine, hostile, test));
    }
    drains(engine);
  });
}

async function endsOne(
  engine: EngineName,
  { settings, act, close, code }: Hostile,
  test: Parameters<typeof webSocketServer>[0],
): Promise<void> {
  const ends: unknown[] = [];
  let count = 0;
  const server = await webSocketServer<unknown>(test, {
    engine,
    compression: true,
    ...settings,
    onUpgrade: () => ({ context: count++ === 0 ? "hostile" : "other" }),
    onMessage: (socket, data) => void socket.send(data),
    onClose: ({ context }, closeCode, _reason, end) => {
      ends.push([context, closeCode, end.code]);
    },
  });
  const peer = await rawClient(test, server.port, FIELDS);
  // One of ours, which answers pings by itself.
  const other = await echoing(server.port);
  test.after(() => other.stop({ drainMs: 0 }));

  const acting = act(peer, server);
  await until(() => ends.length > 0, 30_000);
  await acting;
  other.send("alive");

  assert.equal(await other.read({ timeoutMs: 10_000 }), "alive");
  assert.deepEqual(ends, [["hostile", 1_006, code]]);
  if (close !== undefined) {
    await until(() => peer.hasEnded);
    const last = peer.seen.filter((line) => !line.startsWith("pong")).at(-1) ?? "";
    assert.match(last, new RegExp(`^close ${close}`));
  }
}

async function echoing(port: number): Promise<WebSocketClient> {
  const client = new WebSocketClient({ engine: "node" });
  await client.connect(`ws://127.0.0.1:${port}/`);
  return client;
}

function drains(engine: EngineName): void {
  it("says 1001 to 100 sockets when the server stops, and all reply", async (test) => {
    const COUNT = 100;
    const codes = new Map<number, number>();
    // On a busy machine so many take their time.
    const closeFrameTimeoutMs = 60_000;
    const server = await webSocketServer(test, {
      engine,
      closeFrameTimeoutMs,
      onClose: (_socket, code) => void codes.set(code, (codes.get(code) ?? 0) + 1),
      http: { maxConnections: COUNT },
    });
    const agent = new WebSocketAgent<unknown>({
      engine,
      closeFrameTimeoutMs,
      onClose: (_socket, code, _reason, { code: end }) => {
        const seen = end === "CLOSED" ? code : 0;
        codes.set(-seen, (codes.get(-seen) ?? 0) + 1);
      },
    });
    test.after(() => agent.stop({ drainMs: 0 }));
    const url = `ws://127.0.0.1:${server.port}/`;
    await Promise.all(Array.from({ length: COUNT }, () => agent.connect(url)));

    const { cutCount } = await server.stop({ drainMs: 60_000 });
    await until(() => agent.connectionCount === 0, 60_000);

    assert.equal(cutCount, 0);
    assert.deepEqual(Object.fromEntries(codes), { [-1_001]: COUNT, 1001: COUNT });
  });
}

describe("what an incomplete message costs", () => {
  for (const [name, shape, count] of [
    ["of one byte", { opcode: 0, fin: false, payload: "x" }, 100_000],
    ["of ten bytes", { opcode: 0, fin: false, payload: "x".repeat(10) }, 50_000],
    ["without bytes", { opcode: 0, fin: false }, 100_000],
  ] as const) {
    it(`is at most twice its bytes on the wire, in fragments ${name}`, () => {
      const decoder = new FrameDecoder({ role: "server" });
      const recorder = new MessageRecorder();
      const first = frame({ opcode: 2, fin: false, payload: "x" });
      const many = Buffer.concat(Array.from({ length: count }, () => frame(shape)));

      decoder.feed(first, recorder);
      decoder.feed(Buffer.from(many), recorder);

      const wireBytes = first.length + many.length;
      assert.ok(decoder.isInMessage);
      assert.ok(decoder.heldBytes <= 2 * wireBytes, `${decoder.heldBytes} for ${wireBytes}`);
    });
  }
});
