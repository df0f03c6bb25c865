/**
 * Every rule of `fault.ts` that a peer can break, in every state of a WebSocket, by peers of either role: on the decoder
 * alone, in every chunking, and on sockets of the memory engine, in a part of them. What is expected follows from the state alone.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { constants, deflateRawSync } from "node:zlib";
import { ManualClock, MemoryEngine } from "hp-socket/testing";
import { WebSocketAgent, type WebSocketConnection, WebSocketServer } from "hp-socket/websocket";
import {
  closeCodeOfError,
  createFaultError,
  FAULT,
  type FaultName,
} from "#src/protocol/websocket/fault.js";
import { createLimits, type WebSocketLimits } from "#src/protocol/websocket/limits.js";
import { OPCODE, type Role } from "#src/protocol/websocket/opcode.js";
import type { WebSocketEnd } from "#src/websocket/websocket-connection.js";
import { fuzzRuns } from "../support/fuzz-runs.js";
import { until } from "../support/until.js";
import { closeBody, type FrameShape, frame, plainFrame } from "../support/websocket-frames.js";
import {
  type MemoryPeer,
  MemoryServerPeers,
  memoryClient,
} from "../support/websocket-memory-peer.js";
import { read } from "../support/websocket-recorder.js";
import { ZlibInflater } from "../support/websocket-zlib.js";

const RSV1 = 4;

/** What came before the rule is broken. */
interface State {
  readonly name: string;
  /** A message has begun, plain or compressed. */
  readonly message?: "plain" | "compressed";
  readonly isPaused?: boolean;
  readonly closedBy?: "us" | "peer";
}

const STATES: readonly State[] = [
  { name: "open" },
  { name: "paused", isPaused: true },
  { name: "within a message", message: "plain" },
  { name: "within a compressed message", message: "compressed" },
  { name: "closing by us", closedBy: "us" },
  { name: "closed by the peer", closedBy: "peer" },
];

/** Where a rule is broken. */
class Site {
  readonly role: Role;
  readonly state: State;
  /** Opcode of the messages. */
  readonly opcode: number;

  constructor(role: Role, state: State, rule: Rule) {
    this.role = role;
    this.state = state;
    this.opcode = rule.isBinary === true ? OPCODE.binary : OPCODE.text;
  }

  /** A frame as the peer of this role sends it. */
  frame(shape: FrameShape): Buffer {
    return this.role === "server" ? frame(shape) : plainFrame(shape);
  }

  /** A data frame that goes on with the message that has begun, or begins one. */
  data(payload: Buffer | string, fin = true, isFirst = true): Buffer {
    const { message } = this.state;
    const opcode = message === undefined && isFirst ? this.opcode : OPCODE.continuation;
    return this.frame({
      fin,
      opcode,
      payload: message === "compressed" ? deflated(payload, fin) : payload,
    });
  }

  /** A compressed one. */
  compressed(payload: Buffer): Buffer {
    const isFirst = this.state.message === undefined;
    if (!isFirst && this.state.message === "plain") throw new Error("a plain message is open");
    return this.frame({
      ...(isFirst ? { opcode: this.opcode, rsv: RSV1 } : { opcode: OPCODE.continuation }),
      payload,
    });
  }

  /** The beginning of a message, where none has begun. */
  get begun(): Buffer[] {
    return this.state.message === undefined ? [this.data("ab", false)] : [];
  }

  /** What the peer has sent before. */
  get before(): Buffer[] {
    const { closedBy, message } = this.state;
    if (closedBy === "peer") {
      return [this.frame({ opcode: OPCODE.close, payload: closeBody(1_000) })];
    }
    if (message === undefined) return [];
    const isCompressed = message === "compressed";
    const payload = isCompressed ? deflated("ab", false) : "ab";
    return [this.frame({ fin: false, rsv: isCompressed ? RSV1 : 0, opcode: this.opcode, payload })];
  }
}

function deflated(payload: Buffer | string, isLast: boolean): Buffer {
  const bytes = deflateRawSync(payload, { finishFlush: constants.Z_SYNC_FLUSH });
  return isLast ? bytes.subarray(0, -4) : bytes;
}

/** What inflates to more than the 1 MiB from which on the ratio counts. */
const BOMB: Buffer = deflated(Buffer.alloc(1_100_000), true);

/** How a rule is broken. */
interface Rule {
  readonly title: string;
  readonly fault: FaultName;
  readonly breaks: (site: Site) => readonly Buffer[];
  /** Compression has been agreed on. Default: where the state wants it. */
  readonly isDeflating?: boolean;
  readonly isBinary?: boolean;
  readonly limits?: Partial<WebSocketLimits>;
  /** Where it can be broken. Default: everywhere. */
  readonly where?: (state: State) => boolean;
  /** The peer finishes behind it. */
  readonly finishes?: boolean;
}

const LIMITS: Partial<WebSocketLimits> = {
  maxFrameBytes: 200,
  maxMessageBytes: 40,
  maxTextBytes: 20,
  maxFragments: 3,
  maxControlFrames: 3,
};

const isNoMessage = ({ message }: State): boolean => message === undefined;
const isNotPlain = ({ message }: State): boolean => message !== "plain";
const isNotCompressed = ({ message }: State): boolean => message !== "compressed";

const shape =
  (more: FrameShape) =>
  (site: Site): Buffer[] => [site.frame(more)];
const body = (payload: Buffer) => shape({ opcode: OPCODE.close, payload });

const RULES: readonly Rule[] = [
  {
    title: "a mask where none belongs, or none where one does",
    fault: "maskMissing",
    breaks: ({ role }) => [
      role === "server" ? plainFrame({ payload: "x" }) : frame({ payload: "x" }),
    ],
  },
  ...[1, 2, 3, 5, 6, 7].map(
    (rsv): Rule => ({
      title: `reserved bits ${rsv}`,
      fault: "reservedBits",
      breaks: shape({ rsv, payload: "x" }),
    }),
  ),
  {
    title: "RSV1 where no compression was agreed on",
    fault: "reservedBits",
    breaks: shape({ rsv: RSV1, payload: "x" }),
    where: isNotCompressed,
  },
  ...[3, 7, 11, 15].map(
    (opcode): Rule => ({
      title: `opcode ${opcode}`,
      fault: "opcodeReserved",
      breaks: shape({ opcode, payload: "x" }),
    }),
  ),
  ...([2, 8] as const).map(
    (lengthBytes): Rule => ({
      title: `a short length in ${lengthBytes} bytes`,
      fault: "lengthNotMinimal",
      breaks: shape({ payload: "x", lengthBytes, opcode: OPCODE.binary }),
    }),
  ),
  {
    title: "65,535 in 8 bytes",
    fault: "lengthNotMinimal",
    breaks: shape({ length: 65_535, lengthBytes: 8 }),
  },
  { title: "a length of 2^63", fault: "lengthSign", breaks: shape({ length: 2n ** 63n }) },
  {
    title: "a continuation of nothing",
    fault: "noMessage",
    breaks: shape({ opcode: OPCODE.continuation, payload: "x" }),
    where: isNoMessage,
  },
  {
    title: "a message inside a message",
    fault: "messageInMessage",
    breaks: (site) => [...site.begun, site.frame({ payload: "x" })],
  },
  ...[OPCODE.ping, OPCODE.pong, OPCODE.close].flatMap((opcode): Rule[] => [
    {
      title: `opcode ${opcode} in fragments`,
      fault: "controlFragmented",
      breaks: shape({ opcode, fin: false }),
    },
    {
      title: `opcode ${opcode} of 126 bytes`,
      fault: "controlTooLong",
      breaks: shape({ opcode, length: 126 }),
    },
    {
      title: `opcode ${opcode} compressed`,
      fault: "compressedControl",
      breaks: shape({ opcode, rsv: RSV1 }),
      isDeflating: true,
    },
  ]),
  { title: "half a close code", fault: "closeTooShort", breaks: body(Buffer.of(3)) },
  ...[0, 999, 1_004, 1_005, 1_006, 1_015, 1_016, 2_999, 5_000, 65_535].map(
    (code): Rule => ({
      title: `close code ${code}`,
      fault: "closeCode",
      breaks: body(closeBody(code)),
    }),
  ),
  {
    title: "a close reason that is no UTF-8",
    fault: "closeReason",
    breaks: body(closeBody(1_000, Buffer.of(0x61, 0xff))),
  },
  {
    title: "a close reason that is cut",
    fault: "closeReason",
    breaks: body(closeBody(1_000, Buffer.of(0xe2, 0x82))),
  },
  {
    title: "text that is no UTF-8",
    fault: "text",
    breaks: (site) => [site.data(Buffer.of(0x61, 0xc0, 0x80))],
  },
  {
    title: "a surrogate in text, cut by fragments",
    fault: "text",
    breaks: (site) => [
      site.data(Buffer.of(0x61, 0xed), false),
      site.data(Buffer.of(0xa0, 0x80), true, false),
    ],
  },
  {
    title: "text that ends inside a character",
    fault: "textCut",
    breaks: (site) => [site.data(Buffer.of(0x61, 0xe2, 0x82))],
  },
  {
    title: "RSV1 on a continuation",
    fault: "compressedContinuation",
    breaks: (site) => [...site.begun, site.frame({ opcode: OPCODE.continuation, rsv: RSV1 })],
    isDeflating: true,
  },
  ...["07", "000500000000", "ffffffffff"].map(
    (digits): Rule => ({
      title: `${digits}, which can't be inflated`,
      fault: "content",
      breaks: (site) => [site.compressed(Buffer.from(digits, "hex"))],
      isDeflating: true,
      where: isNotPlain,
    }),
  ),
  {
    title: "a distance beyond the message's beginning",
    fault: "content",
    breaks: (site) => [site.compressed(Buffer.from("020200", "hex"))],
    isDeflating: true,
    where: isNoMessage,
  },
  { title: "a frame over maxFrameBytes", fault: "frameTooLong", breaks: shape({ length: 201 }) },
  {
    title: "a frame of a GiB",
    fault: "frameTooLong",
    breaks: shape({ opcode: OPCODE.binary, length: 2 ** 30 }),
  },
  {
    title: "a message over maxMessageBytes",
    fault: "messageTooLong",
    breaks: (site) => [site.data("x".repeat(41))],
    isBinary: true,
  },
  {
    title: "fragments over maxMessageBytes",
    fault: "messageTooLong",
    breaks: (site) => [site.data("x".repeat(30), false), site.data("x".repeat(11), true, false)],
    isBinary: true,
  },
  {
    title: "a text over maxTextBytes",
    fault: "textTooLong",
    breaks: (site) => [site.data("x".repeat(21))],
  },
  {
    title: "a message over maxInflateRatio",
    fault: "inflateRatio",
    breaks: (site) => [site.compressed(BOMB)],
    isDeflating: true,
    isBinary: true,
    limits: { maxInflateRatio: 100 },
    where: isNotPlain,
  },
  {
    title: "a message of more frames than maxFragments",
    fault: "tooManyFragments",
    breaks: (site) => [
      ...site.begun,
      ...["c", "d", "e"].map((payload) => site.data(payload, false, false)),
    ],
  },
  {
    title: "more pongs in a row than maxControlFrames",
    fault: "tooManyControls",
    breaks: (site) => [
      ...site.begun,
      ...[1, 2, 3, 4].map(() => site.frame({ opcode: OPCODE.pong })),
    ],
  },
  { title: "no Close frame", fault: "truncated", breaks: () => [], finishes: true },
];

/** The pieces in which bytes arrive: whole, each by itself, and cut in two at each place (of long ones, at few). */
function chunkings(bytes: Buffer): readonly (readonly Buffer[])[] {
  if (bytes.length === 0) return [[]];
  const { length } = bytes;
  const single = Array.from({ length }, (_, at) => bytes.subarray(at, at + 1));
  const places = Array.from({ length: length - 1 }, (_, index) => index + 1);
  const isLong = length > 200;
  const cuts = places.filter((at) => !isLong || at === 1 || at === 5 || at === length - 1);
  const halves = cuts.map((at) => [bytes.subarray(0, at), bytes.subarray(at)]);
  return isLong ? [[bytes], ...halves] : [[bytes], single, ...halves];
}

function faultFor({ fault }: Rule, role: Role): FaultName {
  return fault === "maskMissing" && role === "client" ? "maskForbidden" : fault;
}

const canBreak = (rule: Rule, state: State): boolean => rule.where?.(state) ?? true;
const isDeflating = (rule: Rule, state: State): boolean =>
  rule.isDeflating === true || state.message === "compressed";

/** What an application and a peer have seen. */
interface Seen {
  readonly ends: { readonly code: number; readonly end: WebSocketEnd["connection"] }[];
  readonly messages: string[];
  socket?: WebSocketConnection<Seen>;
}

/** One end under test, and its peer. */
interface Pair {
  readonly seen: Seen;
  readonly socket: WebSocketConnection<Seen>;
  readonly peer: MemoryPeer;
}

/** Sockets of one role with one configuration on a memory engine. */
class World {
  readonly #engine = new MemoryEngine({ clock: new ManualClock() });
  readonly #role: Role;
  readonly #extensions: string;
  readonly #server: WebSocketServer<Seen>;
  readonly #agent: WebSocketAgent<Seen>;
  readonly #seen: Seen[] = [];
  #peers: MemoryServerPeers | undefined;

  constructor(role: Role, isDeflating: boolean, limits: Partial<WebSocketLimits>) {
    const options = {
      ...limits,
      engine: this.#engine,
      compression: isDeflating,
      pingIntervalMs: 0,
      onMessage: ({ context }: WebSocketConnection<Seen>, data: string | Buffer): void =>
        void context.messages.push(String(data)),
      onClose: (
        { context }: WebSocketConnection<Seen>,
        code: number,
        _reason: string,
        end: WebSocketEnd["connection"],
      ): void => void context.ends.push({ code, end }),
    };
    this.#role = role;
    this.#extensions = isDeflating
      ? "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
      : "";
    this.#server = new WebSocketServer<Seen>({
      ...options,
      http: { maxConnections: 1_000 },
      onUpgrade: ({ exchange }) => ({
        context: this.#seen[Number(exchange.query.get("n"))] as Seen,
      }),
      onOpen: (socket): void => {
        socket.context.socket = socket;
      },
    });
    this.#agent = new WebSocketAgent<Seen>(options);
  }

  async begin(): Promise<void> {
    if (this.#role === "client")
      this.#peers = new MemoryServerPeers(this.#engine, this.#extensions);
    else await this.#server.listen({ host: "127.0.0.1" });
    await this.settle();
  }

  async settle(): Promise<void> {
    await this.#engine.settle();
  }

  async pairs(count: number): Promise<readonly Pair[]> {
    const all = Array.from({ length: count }, (): Seen => ({ ends: [], messages: [] }));
    if (this.#peers !== undefined) {
      const peers = this.#peers;
      return await Promise.all(
        all.map(async (seen) => ({ seen, ...(await peers.connect(this.#agent, seen)) })),
      );
    }
    const first = this.#seen.length;
    this.#seen.push(...all);
    const peers = all.map((_, index) =>
      memoryClient(this.#engine, this.#server.port, {
        path: `/?n=${first + index}`,
        extensions: this.#extensions,
      }),
    );
    await this.settle();
    return all.map((seen, index) => ({
      seen,
      socket: seen.socket as WebSocketConnection<Seen>,
      peer: peers[index] as MemoryPeer,
    }));
  }

  async stop(): Promise<void> {
    this.#peers?.close();
    await this.#agent.stop({ drainMs: 0 });
    await this.#server.stop({ drainMs: 0 });
  }
}

/** Of the chunkings, those that sockets try: whole, byte by byte, and every third cut. A decoder tries all. */
const ofSockets = (_: unknown, index: number): boolean =>
  index < 2 || index % 3 === 0 || fuzzRuns(2) === 2;

/** Breaks the rule in many chunkings at once, each on a socket of its own. */
async function breakOnSockets(world: World, rule: Rule, site: Site): Promise<void> {
  const { state, role } = site;
  const fault = faultFor(rule, role);
  const limits = createLimits(rule.limits ?? LIMITS);
  const error = createFaultError(FAULT[fault], limits);
  const later = rule.finishes === true ? [] : [site.frame({ payload: "later" })];
  const all = chunkings(Buffer.concat(rule.breaks(site)));
  // Where several rows have the same fault, the first stands for how it is cut.
  const isFirst = RULES.find((other) => other.fault === rule.fault) === rule;
  const ways = isFirst ? all.filter(ofSockets) : all.slice(0, 1);
  const { before } = site;
  const pairs = await world.pairs(ways.length);
  for (const [index, { peer, socket }] of pairs.entries()) {
    if (state.isPaused === true) socket.pause();
    if (state.closedBy === "us") socket.close(1_000);
    peer.send(...before, ...(ways[index] as Buffer[]), ...later);
    if (rule.finishes === true) peer.finish();
  }
  await world.settle();
  if (state.isPaused === true) {
    for (const { peer, seen, socket } of pairs) {
      assert.deepEqual([peer.seen, seen.ends], [[], []]);
      socket.resume();
    }
    await world.settle();
  }
  if (state.closedBy === "peer") for (const { peer } of pairs) peer.finish();
  await until(() => pairs.every(({ seen }) => seen.ends.length > 0));
  await world.settle();

  const isClean = state.closedBy === "peer";
  const code = closeCodeOfError(error);
  const ours = state.closedBy === undefined ? code : 1_000;
  for (const [index, { peer, seen }] of pairs.entries()) {
    const how = `${rule.title}, ${state.name}, chunking ${index}`;
    const [end] = seen.ends;
    assert.deepEqual([seen.ends.length, seen.messages], [1, []], how);
    assert.equal(end?.code, isClean ? 1_000 : 1_006, how);
    assert.equal(end.end.cause?.message, isClean ? undefined : error.message, how);
    assert.deepEqual(
      peer.seen.map((event) => event.split(" ", 2).join(" ")),
      ours === 1_006 ? [] : [`close ${ours}`],
      how,
    );
    assert.equal(peer.hasEnded, true, how);
  }
}

/** Breaks the rule before a decoder, messages whole and in pieces. */
function breakOnDecoder(rule: Rule, site: Site): void {
  const { state, role } = site;
  const deflating = isDeflating(rule, state);
  const bytes = Buffer.concat(rule.breaks(site));
  const later = rule.finishes === true ? [] : [site.frame({ payload: "later" })];
  const limits = createLimits(rule.limits ?? LIMITS);
  const { before } = site;
  for (const pieces of [false, true]) {
    for (const way of chunkings(bytes)) {
      const seen = read([...before, ...way, ...later], {
        role,
        limits,
        ...(deflating && { inflater: () => new ZlibInflater({ takesOver: false }) }),
        pieces,
        ends: rule.finishes === true,
      });
      const how = `${rule.title}, ${state.name}, in pieces: ${pieces}`;
      const isTextLimit = pieces && rule.fault === "textTooLong";
      const fault = state.closedBy === "peer" ? undefined : faultFor(rule, role);
      assert.equal(seen.fault, isTextLimit ? undefined : fault, how);
      if (!isTextLimit) assert.deepEqual(seen.messages, [], how);
    }
  }
}

describe("rules that are broken", () => {
  it("are all in the table", () => {
    const known = new Set(RULES.map(({ fault }) => fault));
    const missing = (Object.keys(FAULT) as FaultName[]).filter((name) => !known.has(name));

    assert.deepEqual(missing, ["maskForbidden"], "which is maskMissing for a client");
  });

  for (const role of ["server", "client"] as const) {
    for (const state of STATES) {
      const rules = RULES.filter((rule) => canBreak(rule, state));
      // Us closing, and pausing, is nothing that a decoder knows.
      if (state.isPaused !== true && state.closedBy !== "us") {
        it(`fail a decoder of a ${role}, ${state.name}`, () => {
          for (const rule of rules) breakOnDecoder(rule, new Site(role, state, rule));
        });
      }

      it(`fail a ${role}, ${state.name}`, async (test) => {
        const worlds = new Map<string, World>();
        test.after(() => Promise.all([...worlds.values()].map((world) => world.stop())));
        for (const rule of rules) {
          const deflating = isDeflating(rule, state);
          const name = `${deflating} ${rule.limits !== undefined}`;
          const world = worlds.get(name) ?? new World(role, deflating, rule.limits ?? LIMITS);
          if (!worlds.has(name)) await world.begin();
          worlds.set(name, world);
          await breakOnSockets(world, rule, new Site(role, state, rule));
        }
      });
    }
  }
});
