/**
 * Cases in the categories of the well-known suite (1 framing … 7 closing, 9 limits, 10 fragments that nobody
 * asked for, 12 and 13 compression), of both roles, against a peer of plain sockets. Strict: all that comes
 * until the connection has ended is compared, and what is wrong has to be found with its byte.
 */
import assert from "node:assert/strict";
import { after, describe, it, type TestContext } from "node:test";
import { deflateRawSync } from "node:zlib";
import type { EngineName } from "hp-socket";
import {
  WebSocketAgent,
  type WebSocketAgentOptions,
  WebSocketServer,
  type WebSocketServerOptions,
} from "hp-socket/websocket";
import { MessageDeflater } from "#src/protocol/websocket/message-deflater.js";
import type { Role } from "#src/protocol/websocket/opcode.js";
import { availableEngines, firstEngine } from "../support/engine-list.js";
import { fuzzRuns } from "../support/fuzz-runs.js";
import { closeBody, type FrameShape, hex } from "../support/websocket-frames.js";
import { type RawPeer, rawClient, rawServer } from "../support/websocket-raw-peer.js";
import { ZlibDeflater, ZlibInflater } from "../support/websocket-zlib.js";

const MIB = 1_048_576;
/** The well-known suite sends 16 MiB: so do we where all cases are tried. */
const LARGEST_BYTES = Math.max(4, fuzzRuns(16)) * MIB;

interface Case {
  readonly id: string;
  /** Frames, or bytes as they are. */
  readonly send: readonly FrameShape[] | Buffer;
  /** Frames that come, all of them, before the connection ends. */
  readonly see: readonly string[];
  /** Sizes of the pieces in which it is written; 0: at once. Default: 0 and 1. */
  readonly chops?: readonly number[];
  /** The peer closes behind it. Default: where nothing else does. */
  readonly closes?: boolean;
}

const text = (payload: string | Buffer, more: FrameShape = {}): FrameShape => ({
  opcode: 1,
  payload,
  ...more,
});
const binary = (payload: string | Buffer, more: FrameShape = {}): FrameShape => ({
  opcode: 2,
  payload,
  ...more,
});
const next = (payload: string | Buffer, fin = true): FrameShape => ({ opcode: 0, payload, fin });
const ping = (payload: string | Buffer = "", more: FrameShape = {}): FrameShape => ({
  opcode: 9,
  payload,
  ...more,
});
const pong = (payload: string | Buffer = ""): FrameShape => ({ opcode: 10, payload });
const close = (payload: string | Buffer = closeBody(1000)): FrameShape => ({ opcode: 8, payload });

const shown = (name: string, payload: string | Buffer): string => {
  const bytes = Buffer.from(payload);
  const said = bytes.length > 200 ? `${bytes.length} bytes` : bytes.toString("latin1");
  return `${name} ${said}`.trimEnd();
};

const CASES: readonly Case[] = [
  // — 1 framing —
  ...[0, 125, 126, 127, 128, 65_535, 65_536].flatMap((size): Case[] => [
    {
      id: `1.1 text of ${size} bytes`,
      send: [text("*".repeat(size))],
      see: [shown("text", "*".repeat(size))],
      chops: size > 1_000 ? [0, 997] : [0, 1],
    },
    {
      id: `1.2 ${size} bytes`,
      send: [binary(Buffer.alloc(size, 0xfe))],
      see: [shown("binary", Buffer.alloc(size, 0xfe))],
      chops: size > 1_000 ? [0, 997] : [0, 1],
    },
  ]),
  // — 2 pings and pongs —
  { id: "2.1 an empty ping", send: [ping()], see: ["pong"] },
  { id: "2.2 a ping with text", send: [ping("Hello")], see: ["pong Hello"] },
  {
    id: "2.3 a ping with bytes that are no text",
    send: [ping(hex("00fffefdfcfb00ff"))],
    see: [shown("pong", hex("00fffefdfcfb00ff"))],
  },
  {
    id: "2.4 a ping of 125 bytes",
    send: [ping(Buffer.alloc(125, 0xfe))],
    see: [shown("pong", Buffer.alloc(125, 0xfe))],
  },
  { id: "2.5 a ping of 126 bytes", send: [ping(Buffer.alloc(126, 0xfe))], see: ["close 1002 …"] },
  { id: "2.7 a pong that nobody asked for", send: [pong()], see: [] },
  { id: "2.8 one with payload", send: [pong("unasked")], see: [] },
  { id: "2.9 and a ping behind it", send: [pong("unasked"), ping("asked")], see: ["pong asked"] },
  {
    id: "2.10 ten pings",
    send: Array.from({ length: 10 }, (_, index) => ping(`payload-${index}`)),
    see: Array.from({ length: 10 }, (_, index) => `pong payload-${index}`),
  },
  // — 3 reserved bits —
  ...[1, 2, 3, 4, 5, 6, 7].flatMap((rsv): Case[] => [
    { id: `3.1 text with reserved bits ${rsv}`, send: [text("x", { rsv })], see: ["close 1002 …"] },
    {
      id: `3.2 behind a message, before a ping, ${rsv}`,
      send: [text("Hello"), text("x", { rsv }), ping()],
      see: ["text Hello", "close 1002 …"],
    },
    { id: `3.5 bytes with ${rsv}`, send: [binary("x", { rsv })], see: ["close 1002 …"] },
    { id: `3.6 a ping with ${rsv}`, send: [ping("x", { rsv })], see: ["close 1002 …"] },
    {
      id: `3.7 a Close frame with ${rsv}`,
      send: [{ ...close(), rsv }],
      see: ["close 1002 …"],
    },
  ]),
  // — 4 opcodes —
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap((opcode): Case[] => [
    { id: `4.1 opcode ${opcode}, empty`, send: [{ opcode }], see: ["close 1002 …"] },
    {
      id: `4.2 opcode ${opcode} behind a message`,
      send: [text("Hello"), { opcode, payload: "reserved" }, ping()],
      see: ["text Hello", "close 1002 …"],
    },
  ]),
  // — 5 fragments —
  {
    id: "5.1 a ping in fragments",
    send: [ping("a", { fin: false }), next("b")],
    see: ["close 1002 …"],
  },
  {
    id: "5.2 a pong in fragments",
    send: [{ ...pong("a"), fin: false }, next("b")],
    see: ["close 1002 …"],
  },
  { id: "5.3 text in two", send: [text("one", { fin: false }), next("two")], see: ["text onetwo"] },
  {
    id: "5.6 a ping between them",
    send: [text("one", { fin: false }), ping("p"), next("two")],
    see: ["pong p", "text onetwo"],
  },
  {
    id: "5.9 a continuation of nothing, last",
    send: [next("x"), text("Hello")],
    see: ["close 1002 …"],
  },
  {
    id: "5.12 a continuation of nothing, not last",
    send: [next("x", false), text("Hello")],
    see: ["close 1002 …"],
  },
  {
    id: "5.15 text in two, then a continuation",
    send: [text("one", { fin: false }), next("two"), next("x", false), text("Hello")],
    see: ["text onetwo", "close 1002 …"],
  },
  {
    id: "5.16 continuations without a beginning, again and again",
    send: [next("x", false), text("y", { fin: false }), next("z")],
    see: ["close 1002 …"],
  },
  {
    id: "5.18 a message inside a message",
    send: [text("one", { fin: false }), text("two")],
    see: ["close 1002 …"],
  },
  {
    id: "5.19 five fragments with pings between them",
    send: [
      text("f1", { fin: false }),
      next("f2", false),
      ping("p1"),
      next("f3", false),
      next("f4", false),
      ping("p2"),
      next("f5"),
    ],
    see: ["pong p1", "pong p2", "text f1f2f3f4f5"],
  },
  {
    id: "5.21 empty fragments",
    send: [binary("", { fin: false }), next("", false), next("x", false), next("")],
    see: ["binary x"],
  },
  // — 6 UTF-8 —
  {
    id: "6.1 empty fragments of text",
    send: [text("", { fin: false }), next("", false), next("")],
    see: ["text"],
  },
  {
    id: "6.2 text in a frame for each octet",
    send: [...Buffer.from("κόσμε-µ@ß")].map((octet, index, { length }) => ({
      opcode: index === 0 ? 1 : 0,
      fin: index === length - 1,
      payload: Buffer.of(octet),
    })),
    see: [shown("text", "κόσμε-µ@ß")],
  },
  ...[
    "κόσμε",
    "\u0000",
    "\u007f\u0080\u07ff\u0800\uffff",
    "\ud7ff\ue000\ufffd",
    "\u{10000}\u{10ffff}",
    "\ufffe\uffff\u{1fffe}\u{1ffff}\u{10fffe}",
  ].map(
    (sound): Case => ({
      id: `6.5 ${JSON.stringify(sound)}`,
      send: [text(sound)],
      see: [shown("text", sound)],
    }),
  ),
  ...[
    ["a surrogate", "eda080"],
    ["the last surrogate", "edbfbf"],
    ["a pair of surrogates", "eda080edb080"],
    ["an overlong slash", "c0af"],
    ["an overlong slash of three", "e080af"],
    ["an overlong slash of four", "f08080af"],
    ["the overlong NUL", "c080"],
    ["above U+10FFFF", "f4908080"],
    ["five octets", "f888808080"],
    ["six octets", "fc8480808080"],
    ["a continuation alone", "80"],
    ["the last continuation alone", "bf"],
    ["FE", "fe"],
    ["FF", "ff"],
    ["a beginning and a letter", "c320"],
  ].flatMap(([name, digits]): Case[] => [
    // What follows is not sent: the byte itself has to be found.
    {
      id: `6.3 ${name} ends it at once in mid-frame`,
      send: [text(Buffer.concat([Buffer.from("κόσμε"), hex(digits!)]), { length: 5_000 })],
      see: ["close 1007 …"],
      closes: false,
    },
    {
      id: `6.4 ${name} ends it in a fragment`,
      send: [text("fine ", { fin: false }), next(hex(digits!), false)],
      see: ["close 1007 …"],
      closes: false,
    },
    {
      id: `6.4 ${name} as a message, before another`,
      send: [text("Hello"), text(hex(digits!)), text("never")],
      see: ["text Hello", "close 1007 …"],
    },
  ]),
  ...["ce", "e282", "f09f98"].flatMap((digits): Case[] => [
    {
      id: `6.6 text that ends within a character: ${digits}`,
      send: [text(hex(digits))],
      see: ["close 1007 …"],
    },
    {
      id: `6.6 a last fragment that ends within one: ${digits}`,
      send: [text("fine", { fin: false }), next(hex(digits))],
      see: ["close 1007 …"],
    },
  ]),
  {
    id: "6.4.1 a wrong character in the second of three fragments, in two halves",
    send: [
      text(hex("cebae1bdb9cf83cebcceb5"), { fin: false }),
      next(hex("f4"), false),
      next(hex("90"), false),
    ],
    see: ["close 1007 …"],
    closes: false,
  },
  // — 7 closing —
  {
    id: "7.1.1 a message, then close",
    send: [text("Hello"), close()],
    see: ["text Hello", "close 1000"],
  },
  { id: "7.1.2 two Close frames", send: [close(), close()], see: ["close 1000"] },
  { id: "7.1.3 a ping behind it", send: [close(), ping()], see: ["close 1000"] },
  { id: "7.1.4 text behind it", send: [close(), text("never")], see: ["close 1000"] },
  {
    id: "7.1.5 fragments around it",
    send: [text("one", { fin: false }), close(), next("two")],
    see: ["close 1000"],
  },
  {
    id: "7.1.6 a long message before it, a ping behind it",
    send: [text("*".repeat(262_144)), close(), ping()],
    see: ["text 262144 bytes", "close 1000"],
    chops: [0, 4_096],
  },
  { id: "7.3.1 without a code", send: [close("")], see: ["close"] },
  { id: "7.3.2 with half a code", send: [close("a")], see: ["close 1002 …"] },
  { id: "7.3.4 with a reason", send: [close(closeBody(1000, "Hello"))], see: ["close 1000 …"] },
  {
    id: "7.3.5 with 123 bytes of reason",
    send: [close(closeBody(1000, "*".repeat(123)))],
    see: ["close 1000 …"],
  },
  {
    id: "7.3.6 with 124 bytes of reason",
    send: [close(closeBody(1000, "*".repeat(124)))],
    see: ["close 1002 …"],
  },
  {
    id: "7.5.1 with a reason that is no UTF-8",
    send: [close(closeBody(1000, hex("cebae1bdb9cf83cebcceb5eda080656469746564")))],
    see: ["close 1007 …"],
  },
  ...[
    1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999,
  ].map(
    (code): Case => ({
      id: `7.7 with code ${code}`,
      send: [close(closeBody(code))],
      see: [`close ${code}`],
    }),
  ),
  ...[0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 9999, 65_535].map(
    (code): Case => ({
      id: `7.9 with code ${code}`,
      send: [close(closeBody(code)), text("never")],
      see: ["close 1002 …"],
    }),
  ),
  // — 9 limits —
  ...[65_536, 262_144, MIB, LARGEST_BYTES].flatMap((size): Case[] => [
    {
      id: `9.1 text of ${size} bytes`,
      send: [text("*".repeat(size))],
      see: [`text ${size} bytes`],
      chops: [0],
    },
    {
      id: `9.2 ${size} bytes`,
      send: [binary(Buffer.alloc(size, 7))],
      see: [`binary ${size} bytes`],
      chops: size === MIB ? [0, 65_000] : [0],
    },
  ]),
  ...[64, 1_024, 65_536].map(
    (size): Case => ({
      id: `9.3 1 MiB in fragments of ${size}`,
      send: Array.from({ length: MIB / size }, (_, index) => ({
        opcode: index === 0 ? 1 : 0,
        fin: index === MIB / size - 1,
        payload: "*".repeat(size),
      })),
      see: [`text ${MIB} bytes`],
      chops: [0],
    }),
  ),
  {
    id: "9.7 a thousand messages at once",
    send: Array.from({ length: 1_000 }, (_, index) => text(String(index))),
    see: Array.from({ length: 1_000 }, (_, index) => `text ${index}`),
    chops: [0, 100],
  },
  // — 10 fragments of one's own —
  {
    id: "10.1.1 64 KiB in fragments of 1,300",
    send: Array.from({ length: 51 }, (_, index) => ({
      opcode: index === 0 ? 1 : 0,
      fin: index === 50,
      payload: "*".repeat(index < 50 ? 1_300 : 536),
    })),
    see: ["text 65536 bytes"],
    chops: [0],
  },
  // — heads that break a rule —
  {
    id: "a length in more bytes than needed",
    send: [text("short", { lengthBytes: 2 })],
    see: ["close 1002 …"],
  },
  {
    id: "a length in eight bytes that needs two",
    send: [text("x".repeat(200), { lengthBytes: 8 })],
    see: ["close 1002 …"],
  },
  {
    id: "a length with its highest bit set",
    send: [text("", { length: 2n ** 63n })],
    see: ["close 1002 …"],
    closes: false,
  },
  {
    id: "a length of 1 GiB, found with its head",
    send: [binary("", { length: 2 ** 30 })],
    see: ["close 1009 …"],
    closes: false,
  },
];

/** What a peer of ours compresses with, and what the other end asks or grants. */
interface Agreement {
  readonly offer: string;
  readonly response: string;
  readonly keeps: boolean;
}

/** Peers of ours, made once for all cases. */
class World {
  readonly #engine: EngineName;
  readonly #servers: Map<string, Promise<WebSocketServer>> = new Map();
  readonly #agents: Map<string, WebSocketAgent> = new Map();

  constructor(engine: EngineName) {
    this.#engine = engine;
  }

  #options(agreement: Agreement | undefined): WebSocketServerOptions & WebSocketAgentOptions {
    return {
      engine: this.#engine,
      maxMessageBytes: 16 * MIB,
      maxPendingBytes: 64 * MIB,
      compression: agreement !== undefined && { minBytes: 0, keepContext: agreement.keeps },
      onMessage: (socket, data) => void socket.send(data),
    };
  }

  /** The other end of a peer of this role. */
  async peer(test: TestContext, role: Role, agreement?: Agreement): Promise<RawPeer> {
    const key = agreement === undefined ? "none" : String(agreement.keeps);
    if (role === "client") {
      const agent = this.#agents.get(key) ?? new WebSocketAgent(this.#options(agreement));
      this.#agents.set(key, agent);
      return await rawServer(test, (url) => agent.connect(url), agreement?.response);
    }
    let starting = this.#servers.get(key);
    if (starting === undefined) {
      const server = new WebSocketServer(this.#options(agreement));
      starting = server.listen({ host: "127.0.0.1" }).then(() => server);
      this.#servers.set(key, starting);
    }
    const { port } = await starting;
    const fields = agreement && [`Sec-WebSocket-Extensions: ${agreement.offer}`];
    return await rawClient(test, port, fields);
  }

  async stop(): Promise<void> {
    const servers = await Promise.all(this.#servers.values());
    const all = [...servers, ...this.#agents.values()];
    await Promise.all(all.map((one) => one.stop({ drainMs: 0 })));
  }
}

/** The number of the category: `1` of `1.1 text of 0 bytes`. */
function categoryOf({ id }: Case): string {
  return /^\d+(?=\.)/.exec(id)?.[0] ?? "without a number";
}

async function run(peer: RawPeer, one: Case, chop: number): Promise<void> {
  const { send, see, closes = !see.some((line) => line.startsWith("close")) } = one;
  const bytes = Buffer.isBuffer(send) ? send : peer.bytesOf(send);
  await peer.write(bytes, chop);
  if (closes) {
    await peer.got(see.length);
    await peer.write(peer.bytesOf([close()]));
  }
  // Both have closed: then a client waits for its server to end the connection.
  if (peer.role === "server") {
    await peer.got(see.length + (closes ? 1 : 0));
    peer.socket.end();
  }
  await peer.ended();
  assert.deepEqual(peer.seen, closes ? [...see, "close 1000"] : see);
  const masks = peer.frames.map(({ isMasked }) => isMasked);
  assert.ok(masks.every((isMasked) => isMasked === (peer.role === "server")));
}

/** What a peer without a context makes of a message. */
function deflated(message: string | Buffer): Buffer {
  const bytes = deflateRawSync(message, { finishFlush: 2 });
  return bytes.subarray(0, bytes.length - 4);
}

const PLAIN = {
  offer: "permessage-deflate",
  response: "permessage-deflate; client_no_context_takeover; server_no_context_takeover",
  keeps: false,
};

const WRONG: readonly Case[] = [
  {
    id: "text that is no UTF-8, inflated",
    send: [text(deflated(hex("cebaeda080")), { rsv: 4 })],
    see: ["close 1007 …"],
  },
  {
    id: "text that ends within a character, inflated",
    send: [text(deflated(hex("e282")), { rsv: 4 })],
    see: ["close 1007 …"],
  },
  {
    id: "RSV1 on a continuation",
    send: [text(deflated("x").subarray(0, 1), { rsv: 4, fin: false }), { ...next("x"), rsv: 4 }],
    see: ["close 1002 …"],
  },
  { id: "RSV1 on a ping", send: [ping("x", { rsv: 4 })], see: ["close 1002 …"] },
  { id: "RSV1 on a Close frame", send: [{ ...close(), rsv: 4 }], see: ["close 1002 …"] },
  { id: "RSV2", send: [text("x", { rsv: 2 })], see: ["close 1002 …"] },
  { id: "RSV1 and RSV3", send: [text("x", { rsv: 5 })], see: ["close 1002 …"] },
  { id: "what is no deflate", send: [text(hex("ffffffff"), { rsv: 4 })], see: ["close 1007 …"] },
  {
    id: "a reference before the beginning",
    send: [binary(hex("020200"), { rsv: 4 })],
    see: ["close 1007 …"],
  },
  {
    id: "a bomb above the limit",
    send: [binary(deflated(Buffer.alloc(17 * MIB)), { rsv: 4 })],
    see: ["close 1009 …"],
  },
];

const OFFERS: readonly (readonly [offer: string, response: string])[] = [
  ["", ""],
  ["; client_max_window_bits", "; client_max_window_bits=9"],
  ["; client_max_window_bits=9; server_max_window_bits=9", "; client_max_window_bits=12"],
  ["; client_max_window_bits=15; server_max_window_bits=15", "; server_max_window_bits=9"],
  ["; client_no_context_takeover", "; client_no_context_takeover"],
  ["; server_no_context_takeover", "; server_no_context_takeover"],
  [
    "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=8",
    "; server_no_context_takeover; client_no_context_takeover; client_max_window_bits=8",
  ],
];

const SIZES = [0, 1, 16, 64, 256, 1_024, 4_096, 8_192, 32_768, 65_536, 131_072];

/** Text like that of programs, of so many bytes. */
function recordText(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let at = 0, count = size; at < size; count += 7) {
    at += bytes.write(JSON.stringify({ id: count, name: `n${count * count}`, on: true }), at);
  }
  return bytes;
}

/** Each twice: the second finds the first in a context that is kept. */
const MESSAGES = SIZES.flatMap((size) => [recordText(size), recordText(size)]);

function compressed(world: World, role: Role): void {
  for (const one of WRONG) {
    it(`12 ${one.id}`, async (test) => {
      await run(await world.peer(test, role, PLAIN), one, 0);
    });
  }
  for (const keeps of [false, true]) {
    for (const [offered, responded] of OFFERS) {
      const offer = `permessage-deflate${offered}`;
      // A client of ours that keeps no context asks for the same of its server.
      const forced = ["server_no_context_takeover", "client_no_context_takeover"]
        .filter((name) => !keeps && !responded.includes(name))
        .map((name) => `; ${name}`);
      const response = `permessage-deflate${responded}${forced.join("")}`;
      it(`12, 13 messages of all sizes, ${role === "server" ? offer : response}, context kept: ${keeps}`, async (test) => {
        const peer = await world.peer(test, role, { offer, response, keeps });
        const agreed = role === "server" ? peer.head : response;
        const bits = (name: string): number =>
          Number(new RegExp(`${name}_max_window_bits=(\\d+)`).exec(agreed)?.[1] ?? 15);
        const forgets = (name: string): boolean => agreed.includes(`${name}_no_context_takeover`);
        const other = role === "server" ? "client" : "server";
        const deflater = new MessageDeflater(
          new ZlibDeflater({ windowBits: bits(other), takesOver: !forgets(other) }),
        );
        const inflater = new ZlibInflater({
          windowBits: Math.max(9, bits(role)),
          takesOver: !forgets(role),
        });
        for (const [index, message] of MESSAGES.entries()) {
          const payload = Buffer.from(deflater.deflate(message));
          // Every third in fragments.
          const cut = index % 3 === 0 ? Math.floor(payload.length / 2) : payload.length;
          const first = text(payload.subarray(0, cut), { rsv: 4, fin: cut === payload.length });
          const rest = cut === payload.length ? [] : [next(payload.subarray(cut))];
          await peer.write(peer.bytesOf([first, ...rest]));
        }
        await peer.got(MESSAGES.length);

        assert.match(agreed, /permessage-deflate/);
        const target = Buffer.alloc(2 * 131_072);
        for (const [index, message] of MESSAGES.entries()) {
          const { payload, rsv, opcode, fin } = peer.frames[index]!;
          assert.deepEqual([opcode, rsv, fin], [1, 4, true]);
          const input = Buffer.concat([payload, Buffer.of(0, 0, 0xff, 0xff)]);
          inflater.begin();
          const made = inflater.step(input, 0, input.length, target, 0, target.length);
          inflater.end(false);
          assert.ok(message.equals(target.subarray(0, made)), `message ${index}`);
        }
      });
    }
  }
}

for (const engine of availableEngines()) {
  const world = new World(engine);
  after(() => world.stop());
  for (const role of ["server", "client"] as const) {
    describe(`cases for a ${role} on ${engine}`, () => {
      // How the bytes come is the engine's part, and has tests of its own: in pieces on one of them.
      const isWhole = engine === firstEngine();
      const cases = CASES.filter(({ id }) => isWhole || !id.startsWith("9."));
      const chopsOf = ({ chops = [0, 1] }: Case): readonly number[] => (isWhole ? chops : [0]);
      for (const category of new Set(cases.map(categoryOf))) {
        it(`${category}: each case`, async (test) => {
          const faults: string[] = [];
          for (const one of cases.filter((each) => categoryOf(each) === category)) {
            for (const chop of chopsOf(one)) {
              try {
                await run(await world.peer(test, role), one, chop);
              } catch (error) {
                faults.push(`${one.id}, in pieces of ${chop}: ${(error as Error).message}`);
              }
            }
          }
          assert.deepEqual(faults, []);
        });
      }
      it("3.0 masks that are wrong for the role", async (test) => {
        const peer = await world.peer(test, role);
        const key = role === "server" ? undefined : "37fa213d";
        const shape = { ...text("x"), key };
        await run(peer, { id: "", send: peer.bytesOf([shape]), see: ["close 1002 …"] }, 0);
      });
      if (isWhole) compressed(world, role);
    });
  }
}
