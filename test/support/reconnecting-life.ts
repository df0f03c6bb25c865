/**
 * One random life of a client or an agent that reconnects, on any engine: behind a gate that flaps, with handlers that do and
 * throw anything. The greeting comes first on each connection, each loss is answered once, what is kept is bounded, no message
 * is doubled, and in the end nothing is left.
 */
import assert from "node:assert/strict";
import {
  type Connection,
  type Engine,
  NetError,
  pack,
  type SendResult,
  TcpAgent,
  TcpClient,
  TcpServer,
} from "hp-socket";
import { ArqAgent, ArqClient, type ArqConnection, ArqServer } from "hp-socket/arq";
import { ProxyServer } from "hp-socket/proxy";
import { selfSignedCertificate } from "hp-socket/testing";
import { WebSocketAgent, WebSocketClient, WebSocketServer } from "hp-socket/websocket";
import { MemoryEngine } from "#src/engine/memory/memory-engine.js";
import type { ManualClock } from "#src/time/clock.js";
import { datagramGate, type Gate, streamGate } from "./flapping-gate.js";
import type { Random } from "./random.js";

export const TRANSPORTS = ["tcp", "websocket", "arq"] as const;
export type Transport = (typeof TRANSPORTS)[number];
export type OutgoingKind = "client" | "agent";

const GREETING = "hello";
const { cert, key } = selfSignedCertificate();

/** A client, or a target of an agent. */
interface Place {
  readonly isOpen: boolean;
  readonly isReconnecting: boolean;
  send(text: string): SendResult;
  close(): boolean;
  abort(): boolean;
}

/** What lives. */
interface Subject {
  readonly canRestart: boolean;
  places(): Place[];
  connect(signal: AbortSignal): Promise<unknown>;
  stop(): Promise<unknown>;
}

/** What was told of one place. */
interface Told {
  state: "there" | "away" | "over";
  attempt: number;
  keptBytes: number;
}

/** How long things take: in time moved by hand, or in that of the machine. */
interface Times {
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  readonly connectMs: number;
  readonly silenceMs: number;
}

const BY_HAND: Times = { firstDelayMs: 10, maxDelayMs: 500, connectMs: 300, silenceMs: 400 };
const BY_MACHINE: Times = { firstDelayMs: 1, maxDelayMs: 8, connectMs: 70, silenceMs: 80 };

export class ReconnectingLife {
  readonly #engine: Engine;
  readonly #clock: ManualClock | undefined;
  readonly #random: Random;
  readonly #times: Times;
  readonly #transport: Transport;
  readonly #maxKeptBytes: number;
  readonly #isFromStart: boolean;
  readonly #problems: string[] = [];
  readonly #told: Map<unknown, Told> = new Map();
  /** Ids of connections that were told of, and of those whose end was. */
  readonly #begun: Set<number> = new Set();
  readonly #closed: Set<number> = new Set();
  /** Numbers of messages that were kept, and of those that came. */
  readonly #kept: Set<number> = new Set();
  readonly #came: Set<number> = new Set();
  /** The last number that came on each connection: of messages that were kept, and of others. */
  readonly #lastOf: Map<number, { kept: number; other: number }> = new Map();
  readonly #stops: (() => Promise<unknown>)[] = [];
  /** Connections of the server, which it may end. */
  readonly #served: Set<{ close(): boolean; abort(): boolean }> = new Set();
  #controller = new AbortController();
  #messageCount = 0;
  #openCalls = 0;
  #isOver = false;
  #subject: Subject | undefined = undefined;
  #gate: Gate | undefined = undefined;

  constructor(engine: Engine, random: Random, transport: Transport) {
    this.#engine = engine;
    this.#clock = engine instanceof MemoryEngine ? (engine.clock as ManualClock) : undefined;
    this.#times = this.#clock === undefined ? BY_MACHINE : BY_HAND;
    this.#random = random;
    this.#transport = transport;
    this.#maxKeptBytes = random.pick([0, 20, 200]);
    this.#isFromStart = random.pick([true, false]);
  }

  async run(kind: OutgoingKind, stepCount: number): Promise<void> {
    const make = { tcp: this.#tcp, websocket: this.#webSocket, arq: this.#arq }[this.#transport];
    const subject = await this.#settled(make.call(this, kind));
    this.#subject = subject;
    for (let step = 0; step < stepCount; step++) {
      await this.#step(subject);
      await this.#pass();
    }
    this.#isOver = true;
    await this.#settled(subject.stop());
    await this.#settled(this.#gate?.stop());
    for (const stop of this.#stops) await this.#settled(stop());
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
    this.#check(subject);
    if (this.#clock === undefined) return;
    this.#clock.advance(600_000);
    await new Promise(setImmediate);
    assert.equal(this.#clock.timerCount, 0, "no timer is left");
  }

  // — what happens —

  async #step(subject: Subject): Promise<void> {
    const places = subject.places();
    const place = places[this.#below(Math.max(1, places.length))];
    const what = this.#below(14);
    if (what < 2) await this.#settled(this.#gate?.flap());
    else if (what === 2) this.#hurt();
    else if (what < 6) this.#send(place);
    else if (what === 6 && this.#below(3) === 0) place?.close();
    else if (what === 7 && this.#below(3) === 0) place?.abort();
    else if (what === 8 && this.#below(6) === 0) this.#controller.abort();
    else if (what === 9 && this.#below(6) === 0 && subject.canRestart) {
      await this.#settled(subject.stop());
    } else if (places.length < 6) this.#connect(subject);
  }

  #connect(subject: Subject): void {
    if (this.#controller.signal.aborted) this.#controller = new AbortController();
    this.#openCalls++;
    subject.connect(this.#controller.signal).then(
      () => this.#openCalls--,
      (error: unknown) => {
        this.#openCalls--;
        if (!(error instanceof NetError)) this.#problems.push(`connect: ${error}`);
      },
    );
  }

  /** The server ends one of its connections. */
  #hurt(): void {
    const [one] = this.#served;
    if (this.#below(2) === 0) one?.close();
    else one?.abort();
  }

  #send(place: Place | undefined): void {
    if (place === undefined) return;
    const text = `${++this.#messageCount}:${"x".repeat(this.#below(60))}`;
    const isKept = place.isReconnecting && !place.isOpen;
    if (isKept) this.#kept.add(this.#messageCount);
    const result = place.send(text);
    if (!isKept) return;
    const told = this.#toldOf(place);
    const hasRoom = this.#maxKeptBytes > 0 && told.keptBytes + text.length <= this.#maxKeptBytes;
    if ((result !== false) !== hasRoom && !this.#isFromStart) {
      this.#problems.push(`send answers ${result} with ${told.keptBytes} bytes kept`);
    }
    if (hasRoom) told.keptBytes += text.length;
  }

  /** What handlers do besides. */
  #meddle(maySend = true): void {
    const what = this.#below(50);
    if (what === 0) throw new Error("a handler failed");
    const subject = this.#subject;
    if (what !== 1 || this.#isOver || subject === undefined) return;
    const places = subject.places();
    const place = places[this.#below(Math.max(1, places.length))];
    this.#random.pick([
      () => place?.close(),
      () => place?.abort(),
      () => maySend && this.#send(place),
      () => this.#controller.abort(),
      () => places.length < 6 && this.#connect(subject),
      () => subject.canRestart && void subject.stop(),
    ])();
  }

  async #pass(): Promise<void> {
    if (this.#clock === undefined) {
      const ms = this.#below(4);
      await new Promise((resolve) => setTimeout(resolve, ms));
      return;
    }
    this.#clock.advance(this.#below(30) === 0 ? 60_000 : this.#below(120));
    await new Promise(setImmediate);
  }

  /** Lets time pass until this has settled. */
  async #settled<Value>(promise: Promise<Value> | undefined): Promise<Value> {
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
    };
    promise?.then(settle, settle);
    for (let turn = 0; !isSettled && promise !== undefined; turn++) {
      assert.ok(turn < 3_000, "it hangs");
      if (turn > 20) await this.#pass();
      else await new Promise(setImmediate);
    }
    return promise as Promise<Value>;
  }

  #below(count: number): number {
    return this.#random.integer(0, count - 1);
  }

  // — what must be —

  #check(subject: Subject): void {
    if (this.#openCalls > 0) this.#problems.push(`${this.#openCalls} × connect never settled`);
    for (const id of this.#begun) {
      if (!this.#closed.has(id)) this.#problems.push(`connection ${id} has no end`);
    }
    for (const { state } of this.#told.values()) {
      if (state === "away") this.#problems.push("a loss was never answered");
    }
    for (const place of subject.places()) {
      if (place.isOpen || place.isReconnecting) this.#problems.push("a place is left");
    }
    assert.deepEqual(this.#problems, []);
  }

  #toldOf(place: unknown): Told {
    const told = this.#told.get(place) ?? { state: "there", attempt: 0, keptBytes: 0 };
    this.#told.set(place, told);
    return told;
  }

  #opened(id: number): void {
    this.#begun.add(id);
    this.#meddle();
  }

  #ended(id: number): void {
    if (this.#closed.has(id)) this.#problems.push(`onClose of ${id} twice`);
    this.#closed.add(id);
    this.#meddle();
  }

  #reconnecting(place: unknown, attempt: number, unsentBytes: number): void {
    const told = this.#toldOf(place);
    if (this.#isOver) this.#problems.push("reconnecting after stop");
    if (told.state === "away" && attempt !== told.attempt + 1) {
      this.#problems.push(`attempt ${attempt} after ${told.attempt}`);
    }
    // Messages are short: more than a few can't be waiting, or bytes are counted twice.
    if (unsentBytes < 0 || unsentBytes > this.#messageCount * 80 + 80) {
      this.#problems.push(`${unsentBytes} bytes unsent`);
    }
    told.state = "away";
    told.attempt = attempt;
    this.#meddle();
  }

  #reconnected(place: unknown, attempt: number): void {
    const told = this.#toldOf(place);
    if (told.state !== "away" || attempt !== told.attempt) {
      this.#problems.push(`reconnected after ${attempt} attempts, ${told.state} ${told.attempt}`);
    }
    told.state = "there";
    told.keptBytes = 0;
    this.#meddle();
  }

  #gaveUp(place: unknown, lostBytes: number): void {
    const told = this.#toldOf(place);
    if (told.state === "over") this.#problems.push("given up twice");
    // Nothing is told of what was kept for the first connection, and left with it.
    const isWrong = this.#isFromStart ? lostBytes > told.keptBytes : lostBytes !== told.keptBytes;
    if (told.state === "away" && isWrong) {
      this.#problems.push(`${lostBytes} bytes lost of ${told.keptBytes} kept`);
    }
    told.state = place === this.#subject?.places()[0] && this.#isClient ? "there" : "over";
    told.keptBytes = 0;
    this.#meddle();
  }

  get #isClient(): boolean {
    return this.#subject?.places().length === 1;
  }

  /** The server got a message of a connection. */
  #received(id: number, text: string): void {
    const last = this.#lastOf.get(id);
    if (last === undefined) {
      if (text !== GREETING) this.#problems.push(`${text} came before the greeting`);
      this.#lastOf.set(id, { kept: 0, other: 0 });
      return;
    }
    const number = Number.parseInt(text, 10);
    // What onConnect and onHandshake send comes before what was kept.
    const kind = this.#kept.has(number) ? "kept" : "other";
    if (!(number > last[kind])) this.#problems.push(`${text} came after ${last[kind]}`);
    last[kind] = number;
    if (this.#came.has(number)) this.#problems.push(`${text} came twice`);
    this.#came.add(number);
  }

  // — what lives, and its server —

  #reconnect() {
    const { firstDelayMs, maxDelayMs } = this.#times;
    return {
      firstDelayMs,
      maxDelayMs,
      stableMs: this.#random.pick([0, maxDelayMs * 2]),
      maxAttempts: this.#random.pick([0, 0, 5]),
      maxKeptBytes: this.#maxKeptBytes,
      fromStart: this.#isFromStart,
      greeting: () => {
        this.#meddle(false);
        return GREETING;
      },
    };
  }

  #reconnectHandlers() {
    return {
      onReconnecting: (
        place: unknown,
        attempt: number,
        _delayMs: number,
        _reason: unknown,
        unsentBytes: number,
      ) => this.#reconnecting(place, attempt, unsentBytes),
      onReconnected: (place: unknown, attempt: number) => this.#reconnected(place, attempt),
      onGiveUp: (place: unknown, lostBytes: number) => this.#gaveUp(place, lostBytes),
    };
  }

  /** Handlers of TCP and ARQ, whose connections have an id from the start. */
  #handlers() {
    return {
      ...this.#reconnectHandlers(),
      onReceive: () => this.#meddle(),
      onPrepareConnect: ({ id }: { readonly id: number }) => void this.#begun.add(id),
      onConnect: () => this.#meddle(),
      onHandshake: () => this.#meddle(),
      onClose: ({ id }: { readonly id: number }) => this.#ended(id),
    };
  }

  #serverHandlers() {
    type Served = Connection | ArqConnection;
    return {
      engine: this.#engine,
      onAccept: (connection: Served) => {
        this.#served.add(connection);
        return this.#below(12) > 0 ? undefined : (false as const);
      },
      onReceive: (connection: Served, bytes: Buffer) => {
        this.#received(connection.id, bytes.toString());
        if (this.#below(4) === 0) connection.send("thanks");
      },
      onClose: (connection: Served) => void this.#served.delete(connection),
    };
  }

  /** Some connects meet a network that is ill. */
  #badConnects(port: number): void {
    if (!(this.#engine instanceof MemoryEngine)) return;
    const fates = ["answer", "answer", "answer", "answer", "blackHole", "ENETUNREACH"] as const;
    this.#engine.network.connectFate = (to) =>
      to.port === port ? this.#random.pick(fates) : "answer";
  }

  async #streamGate(serverPort: number): Promise<number> {
    this.#gate = await streamGate(this.#engine, this.#random, serverPort);
    this.#badConnects(this.#gate.port);
    return this.#gate.port;
  }

  async #tcp(kind: OutgoingKind): Promise<Subject> {
    const engine = this.#engine;
    const receive = pack();
    const isSecure = engine.capabilities.tls === true && this.#below(2) === 0;
    const server = new TcpServer({
      ...this.#serverHandlers(),
      receive,
      ...(isSecure && { tls: { cert, key } }),
    });
    this.#stops.push(() => server.stop({ drainMs: 0 }));
    let { port } = await server.listen({ host: "127.0.0.1" });
    const scheme = this.#random.pick([undefined, "socks5", "http"]);
    let proxy: string | undefined;
    if (scheme === undefined) port = await this.#streamGate(port);
    else {
      const between = new ProxyServer({ engine, destinations: { allow: ["127.0.0.0/8"] } });
      this.#stops.unshift(() => between.stop({ drainMs: 0 }));
      await between.listen({ host: "127.0.0.1" });
      proxy = `${scheme}://127.0.0.1:${await this.#streamGate(between.port)}`;
    }
    const { silenceMs, connectMs: timeoutMs } = this.#times;
    const options = {
      ...this.#handlers(),
      engine,
      receive,
      idleTimeoutMs: silenceMs,
      closeTimeoutMs: silenceMs,
      reconnect: this.#reconnect(),
      ...(isSecure && { tls: { ca: cert } }),
      ...(proxy !== undefined && { proxy }),
    };
    const target = { host: "127.0.0.1", port, timeoutMs };
    return outgoing(kind, new TcpClient(options), new TcpAgent(options), target);
  }

  async #arq(kind: OutgoingKind): Promise<Subject> {
    const engine = this.#engine;
    const server = new ArqServer({ ...this.#serverHandlers(), maxNewPerSecond: 0 });
    this.#stops.push(() => server.stop({ drainMs: 0 }));
    const { port: serverPort } = await server.listen({ host: "127.0.0.1" });
    let port = serverPort;
    if (engine instanceof MemoryEngine) {
      let isShut = false;
      engine.network.datagrams = () => (isShut || this.#below(20) === 0 ? [] : [0]);
      this.#gate = {
        port,
        flap: async () => {
          isShut = !isShut;
        },
        stop: async () => {},
      };
    } else {
      this.#gate = await datagramGate(serverPort);
      port = this.#gate.port;
    }
    const { silenceMs, connectMs } = this.#times;
    const options = {
      ...this.#handlers(),
      engine,
      handshakeTimeoutMs: connectMs,
      closeTimeoutMs: silenceMs,
      idleTimeoutMs: silenceMs,
      reconnect: this.#reconnect(),
    };
    const target = { host: "127.0.0.1", port, timeoutMs: connectMs };
    return outgoing(kind, new ArqClient(options), new ArqAgent(options), target);
  }

  async #webSocket(kind: OutgoingKind): Promise<Subject> {
    const engine = this.#engine;
    const server = new WebSocketServer({
      engine,
      onOpen: (socket) => void this.#served.add(socket),
      onMessage: (socket, data) => {
        this.#received(socket.id, String(data));
        if (this.#below(4) === 0) socket.send("thanks");
      },
      onClose: (socket) => void this.#served.delete(socket),
    });
    this.#stops.push(() => server.stop({ drainMs: 0 }));
    const { port: serverPort } = await server.listen({ host: "127.0.0.1" });
    const url = `ws://127.0.0.1:${await this.#streamGate(serverPort)}/`;
    const { silenceMs, connectMs: timeoutMs } = this.#times;
    const options = {
      ...this.#reconnectHandlers(),
      engine,
      pingIntervalMs: silenceMs / 2,
      pongTimeoutMs: silenceMs / 2,
      closeFrameTimeoutMs: silenceMs,
      reconnect: this.#reconnect(),
      onOpen: ({ id }: { readonly id: number }) => this.#opened(id),
      onMessage: () => this.#meddle(),
      onClose: ({ id }: { readonly id: number }) => this.#ended(id),
    };
    if (kind === "client") {
      const client = new WebSocketClient(options);
      return {
        canRestart: false,
        places: () => [client],
        connect: (signal) => client.connect(url, { signal, timeoutMs }),
        stop: () => client.stop({ drainMs: 0 }),
      };
    }
    const agent = new WebSocketAgent(options);
    return {
      canRestart: false,
      places: () => agent.targets(),
      connect: (signal) => agent.connect(url, { signal, timeoutMs }),
      stop: () => agent.stop({ drainMs: 0 }),
    };
  }
}

type Target = { readonly host: string; readonly port: number; readonly timeoutMs: number };

/** A client or an agent of TCP or ARQ. */
function outgoing(
  kind: OutgoingKind,
  client: TcpClient | ArqClient,
  agent: TcpAgent | ArqAgent,
  target: Target,
): Subject {
  if (kind === "client") {
    return {
      canRestart: true,
      places: () => [client],
      connect: (signal) => client.connect({ ...target, signal }),
      stop: () => client.stop({ drainMs: 0 }),
    };
  }
  return {
    canRestart: true,
    places: () => agent.targets(),
    connect: (signal) => agent.connect({ ...target, signal }),
    stop: () => agent.stop({ drainMs: 0 }),
  };
}
