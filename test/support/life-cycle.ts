/**
 * One run of the life-cycle fuzzer: a server and an agent on one engine, some connections between them, and
 * at both ends random operations at random moments, inside handlers and out; besides, pairs of connections
 * whose bytes a relay sends on, and peers that are no peers of ours. Afterwards everything must have ended,
 * once, and what was received must be what was sent, as far as it came.
 *
 * What one end sends is a text that only it sends: a window of one long table, which begins where the
 * end's key says. So bytes that are lost, doubled, or another connection's are seen at once.
 */
import assert from "node:assert/strict";
import { connect as connectSocket } from "node:net";
import {
  type ClientTls,
  type CloseReason,
  type Connection,
  delimiter,
  type Engine,
  fixedLength,
  type Handlers,
  type IpAddress,
  lengthPrefix,
  NetError,
  pack,
  pull,
  push,
  type ReceiveModel,
  type SendResult,
  type ServerTls,
  TcpAgent,
  TcpServer,
} from "hp-socket";
import { HOLD } from "#src/connection/receiver.js";
import type { StreamConnection } from "#src/connection/stream-connection.js";
import type { Random } from "./random.js";

const TABLE_BYTES = 65_521;
const MAX_SEND_BYTES = 300_000;
/** Of the packets of `fixedLength`. */
const FIXED_BYTES = 100;
const LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

/** Letters without a pattern, long enough for the longest piece from any place. */
const TABLE: Buffer = (() => {
  const table = Buffer.alloc(TABLE_BYTES + MAX_SEND_BYTES + 1);
  let state = 1;
  for (let at = 0; at < table.length; at++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    table[at] = at < TABLE_BYTES ? LETTERS.charCodeAt(state >>> 26) : table[at - TABLE_BYTES]!;
  }
  return table;
})();

/** Certificates of both sides, where TLS is spoken. */
export interface RunTls {
  readonly server: ServerTls;
  readonly client: ClientTls;
}

/** What a run is made of. */
export interface RunOptions {
  readonly engine: Engine;
  readonly random: Random;
  readonly tls: RunTls | undefined;
  /** Whether sockets of `node:net` reach the engine. */
  readonly isReal: boolean;
}

/** What an end is: of the server, of the agent, of an agent behind the relay, or of a raw peer's server. */
type EndKind = "server" | "client" | "relayed" | "raw";

/** Lets `promise` settle; a failure of it is no failure of the test. */
interface Waited {
  readonly what: string;
  isSettled: boolean;
}

class End {
  readonly connection: Connection;
  readonly kind: EndKind;
  readonly events: string[] = [];
  /** Port of the client's side, which both ends know. */
  port = 0;
  /** What it receives can't be told beforehand. */
  isBlind = false;
  sent = 0;
  consumed = 0;
  isReading = false;
  reason: CloseReason | undefined = undefined;

  constructor(connection: Connection, kind: EndKind) {
    this.connection = connection;
    this.kind = kind;
    this.isBlind = kind === "raw";
  }

  get isServer(): boolean {
    return this.kind === "server" || this.kind === "raw";
  }
}

/** Where in the table an end begins. */
function keyOf(port: number, isServer: boolean): number {
  return (port * 7_919 + (isServer ? 30_011 : 0)) % TABLE_BYTES;
}

/** One run, with its ends and all that they were told. */
export class LifeCycleRun {
  readonly #random: Random;
  readonly #ends: Map<Connection, End> = new Map();
  readonly #waited: Waited[] = [];
  readonly #problems: string[] = [];
  readonly #server: TcpServer<Buffer | number>;
  readonly #agent: TcpAgent<Buffer | number>;
  readonly #isManualTls: boolean;
  readonly #hasHandler: boolean;
  readonly #framing: (() => ReceiveModel) | undefined;
  readonly #trouble: number;
  readonly #isReal: boolean;
  /** The servers and agents besides: relay, raw peers. */
  readonly #others: (TcpServer | TcpAgent<Buffer | number>)[] = [];
  readonly #relay: TcpServer;
  readonly #relayed: TcpAgent<Buffer | number>;
  readonly #rawServer: TcpServer<Buffer | number>;
  /** Ports that the relay has connected. */
  readonly #partners: Map<number, number> = new Map();
  /** Ports of connections with requests. */
  readonly #blindPorts: Set<number> = new Set();

  constructor({ engine, random, tls, isReal }: RunOptions) {
    this.#isReal = isReal;
    this.#random = random;
    this.#isManualTls = tls !== undefined && random.next() < 0.25;
    this.#framing = random.pick([
      undefined,
      undefined,
      undefined,
      () => pack({ flag: 5 }),
      () => lengthPrefix({ format: "varint", maxPacketBytes: MAX_SEND_BYTES }),
      () => delimiter({ maxPacketBytes: MAX_SEND_BYTES }),
      () => fixedLength({ bytes: FIXED_BYTES }),
    ]);
    this.#hasHandler = random.next() < 0.8;
    this.#trouble = random.pick([0, 0.01, 0.05, 0.2]);
    const shared = (kind: EndKind) => ({
      engine,
      receive: this.#model() as ReceiveModel<Buffer | number>,
      delivery: random.pick(["copy", "borrow"] as const),
      sendMode: random.pick(["pack", "safe", "direct"] as const),
      slowConsumer: random.pick(["close", "pause", "drop"] as const),
      halfOpen: random.next() < 0.3,
      closeTimeoutMs: random.pick([50, 300, 2_000]),
      handshakeTimeoutMs: random.pick([200, 5_000]),
      idleTimeoutMs: random.pick([0, 0, 0, 100]),
      safeWindowBytes: random.pick([1_000, 65_536]),
      maxUnreadBytes: random.pick([1_000, 100_000, 1_048_576]),
      requestTimeoutMs: 100,
      ...random.pick([
        {},
        { highWaterMarkBytes: 10_000, lowWaterMarkBytes: 1_000, maxPendingBytes: 400_000 },
      ]),
      ...this.#handlers(kind),
    });
    const start = this.#isManualTls ? ("manual" as const) : ("immediate" as const);
    this.#server = new TcpServer<Buffer | number>({
      ...shared("server"),
      ...(tls !== undefined && { tls: { ...tls.server, start } }),
    });
    this.#agent = new TcpAgent<Buffer | number>({
      ...shared("client"),
      ...(tls !== undefined && { tls: { ...tls.client, start } }),
    });
    this.#relay = this.#makeRelay(engine, tls);
    const plainSettings = {
      ...shared("relayed"),
      receive: push() as ReceiveModel<Buffer | number>,
    };
    this.#relayed = new TcpAgent<Buffer | number>({
      ...plainSettings,
      ...(tls !== undefined && { tls: tls.client }),
    });
    this.#rawServer = new TcpServer<Buffer | number>({
      ...shared("raw"),
      ...(tls !== undefined && { tls: { ...tls.server, start } }),
    });
    this.#others.push(this.#relay, this.#relayed);
    if (isReal) this.#others.push(this.#rawServer as TcpServer);
  }

  /** Sends on what one connection receives to the next that came, and the other way round. */
  #makeRelay(engine: Engine, tls: RunTls | undefined): TcpServer {
    let single: Connection | undefined;
    const partnerOf = (connection: Connection): Connection | undefined =>
      connection.context as Connection | undefined;
    return new TcpServer({
      engine,
      delivery: "borrow",
      slowConsumer: "pause",
      ...(tls !== undefined && { tls: tls.server }),
      onHandshake: (connection) => {
        const other = single;
        single = other === undefined ? connection : undefined;
        if (other === undefined) return;
        connection.context = other;
        other.context = connection;
        const [port, otherPort] = [connection, other].map(({ remoteAddress }) =>
          remoteAddress !== undefined && "port" in remoteAddress ? remoteAddress.port : 0,
        ) as [number, number];
        this.#partners.set(port, otherPort);
        this.#partners.set(otherPort, port);
      },
      // Bytes that come before there is a partner are lost, and with them the order of the others.
      onReceive: (connection, bytes) => {
        const partner = partnerOf(connection);
        if (partner === undefined || partner.send(bytes) === false) connection.abort();
      },
      onEnd: (connection) => partnerOf(connection)?.finish(),
      onClose: (connection) => {
        if (single === connection) single = undefined;
        partnerOf(connection)?.close();
      },
    });
  }

  #model(): ReceiveModel {
    if (this.#framing !== undefined) return this.#framing();
    return this.#random.pick([push(), push(), pull()]);
  }

  /** Runs it all; throws when something is not as it must be. */
  async run(): Promise<void> {
    const { port } = await this.#server.listen({ host: "127.0.0.1" });
    const connects = Array.from({ length: this.#random.integer(1, 6) }, () => this.#connect(port));
    await this.#connectOthers();
    const stepCount = this.#random.integer(5, 60);
    for (let step = 0; step < stepCount; step++) {
      this.#step([...this.#ends.values()]);
      await this.#pause();
    }
    void connects;
    await this.#checkHolds();
    const drains = [this.#server, this.#agent, ...this.#others].map((component) =>
      component.stop({ drainMs: this.#random.pick([0, 50, 500, 3_000]) }),
    );
    drains.push(this.#server.stop());
    for (const [at, drain] of drains.entries()) this.#await(`stop ${at}`, drain);
    await this.#allSettled();
    this.#check();
  }

  /** Once no handler is busy, nothing may be held for a reason that is gone. */
  async #checkHolds(): Promise<void> {
    for (let turn = 0; turn < 300; turn++) {
      await nextTurn();
      if (this.#waited.every(({ what, isSettled }) => isSettled || what !== "handler")) break;
    }
    const isBusy = this.#waited.some(({ what, isSettled }) => !isSettled && what === "handler");
    for (const end of this.#ends.values()) {
      const connection = end.connection as StreamConnection;
      if (connection.state !== "open") continue;
      const { unreadBytes, pendingBytes } = connection;
      const isShaking = connection.upgrade?.isUnderWay === true;
      const left = [
        !isBusy && connection.isHeld(HOLD.handler) && "a settled handler",
        // Empty packets, of raw peers, count as well.
        end.kind !== "raw" &&
          unreadBytes === 0 &&
          connection.isHeld(HOLD.unread) &&
          "nothing unread",
        pendingBytes === 0 && connection.isHeld(HOLD.slow) && "nothing pending",
        !isShaking && connection.isHeld(HOLD.tls) && "TLS that is done",
      ].filter((reason) => reason !== false);
      if (left.length > 0) this.#problem(end, `held by ${left.join(", ")}`);
    }
  }

  #connect(port: number): void {
    const signal =
      this.#random.next() < 0.1 ? AbortSignal.timeout(this.#random.integer(0, 20)) : undefined;
    this.#await("connect", this.#agent.connect({ host: "127.0.0.1", port, signal }));
  }

  async #connectOthers(): Promise<void> {
    const random = this.#random;
    if (random.next() < 0.5) {
      const { port } = (await this.#relay.listen({ host: "127.0.0.1" })) as IpAddress;
      for (let count = 0; count < random.integer(1, 4); count++) {
        this.#await("connect", this.#relayed.connect({ host: "127.0.0.1", port }));
      }
    }
    if (!this.#isReal || random.next() < 0.5) return;
    const { port } = (await this.#rawServer.listen({ host: "127.0.0.1" })) as IpAddress;
    for (let count = 0; count < random.integer(1, 4); count++) this.#rawPeer(port);
  }

  /** A peer that sends anything, and goes in any way at any moment. */
  #rawPeer(port: number): void {
    const random = this.#random;
    const socket = connectSocket({ host: "127.0.0.1", port, allowHalfOpen: random.next() < 0.5 });
    socket.on("error", () => {});
    if (random.next() < 0.7) socket.resume();
    const act = async (): Promise<void> => {
      for (let step = 0; step < random.integer(0, 6); step++) {
        const byteCount = random.integer(1, random.pick([3, 300, 70_000]));
        socket.write(random.next() < 0.5 ? random.bytes(byteCount) : Buffer.alloc(byteCount, "\n"));
        await this.#later();
      }
      random.pick([
        () => socket.end(),
        () => socket.destroy(),
        () => socket.resetAndDestroy(),
        () => socket.end("last"),
      ])();
      for (let turn = 0; turn < 20; turn++) await nextTurn();
      socket.destroy();
    };
    this.#await("raw peer", act());
  }

  async #pause(): Promise<void> {
    const kind = this.#random.next();
    if (kind < 0.3) return;
    if (kind < 0.5) await Promise.resolve();
    else for (let turn = 0; turn < this.#random.integer(1, 4); turn++) await nextTurn();
  }

  // — handlers —

  #end(connection: Connection, kind: EndKind): End {
    let end = this.#ends.get(connection);
    if (end === undefined) {
      end = new End(connection, kind);
      this.#ends.set(connection, end);
    }
    return end;
  }

  #handlers(
    kind: EndKind,
  ): Omit<
    Handlers<Connection, Buffer | number>,
    "onPrepareListen" | "onPrepareConnect" | "onAccept" | "onConnect" | "onRefuse"
  > {
    const tell = (connection: Connection, name: string): End => {
      const end = this.#end(connection, kind);
      if (end.reason !== undefined) this.#problem(end, `${name} after onClose`);
      end.events.push(name);
      return end;
    };
    const opened = (connection: Connection, name: string): unknown => {
      const end = tell(connection, name);
      const address = end.isServer ? connection.remoteAddress : connection.localAddress;
      if (address !== undefined && address.port !== undefined) end.port = address.port;
      if (this.#isManualTls && kind !== "relayed") {
        queueMicrotask(() => this.#await("startTls", connection.startTls()));
        return undefined;
      }
      return this.#inHandler(end);
    };
    return {
      ...(kind === "server" || kind === "raw"
        ? { onAccept: (one: Connection) => opened(one, "accept") as undefined }
        : { onConnect: (one: Connection) => opened(one, "connect") as undefined }),
      onHandshake: (connection) => {
        return this.#inHandler(tell(connection, "handshake")) as undefined;
      },
      ...(this.#hasHandler && {
        onReceive: (connection: Connection, received: Buffer | number) => {
          const end = tell(connection, "receive");
          if (typeof received === "number") this.#fetch(end);
          else this.#consume(end, received, "onReceive");
          return this.#inHandler(end);
        },
      }),
      onSend: (connection) => this.#inHandler(tell(connection, "send")),
      onDrain: (connection) => this.#inHandler(tell(connection, "drain")),
      onEnd: (connection) => this.#inHandler(tell(connection, "end")),
      onClose: (connection, reason) => {
        const end = tell(connection, "close");
        end.reason = reason;
        if (this.#random.next() < 0.2) this.#operate(end);
        if (this.#random.next() < 0.05) throw new Error("onClose");
      },
    };
  }

  /** What a handler does besides: more operations, a failure, a promise, a refusal. */
  #inHandler(end: End): unknown {
    const random = this.#random;
    while (random.next() < 0.25) this.#step([end, ...this.#ends.values()]);
    const kind = random.next();
    if (kind < this.#trouble) {
      return random.pick([
        () => {
          throw new Error("thrown");
        },
        () => this.#await("handler", Promise.reject(new Error("rejected"))),
        () =>
          this.#await(
            "handler",
            nextTurn().then(() => Promise.reject(new Error("rejected later"))),
          ),
        () => end.connection.abort() && undefined,
        () => end.connection.close() && undefined,
        () => false,
        () =>
          this.#await(
            "handler",
            nextTurn().then(() => false),
          ),
      ])();
    }
    if (kind < 0.7) return undefined;
    return this.#await("handler", kind < 0.85 ? Promise.resolve() : this.#later());
  }

  async #later(): Promise<void> {
    const turns = this.#random.integer(1, 5);
    for (let turn = 0; turn < turns; turn++) await nextTurn();
  }

  // — operations —

  #step(ends: readonly End[]): void {
    if (ends.length === 0) return;
    const end = this.#random.pick(ends);
    if (this.#random.next() < 0.6) this.#send(end);
    else this.#operate(end);
  }

  #operate(end: End): void {
    const { connection } = end;
    const random = this.#random;
    const rare = random.next();
    if (rare < 0.06 + this.#trouble) {
      random.pick([
        () => connection.finish(),
        () => connection.close(),
        () => connection.abort(),
        () => connection.close() && connection.abort(),
        () => connection.finish() && connection.close(),
        () => connection.finish() && connection.abort(),
        () => void this.#await("stop", this.#agent.stop({ drainMs: random.pick([0, 20, 300]) })),
        () => void this.#await("stopped", this.#server.stopped({ timeoutMs: 100 })),
      ])();
      return;
    }
    random.pick([
      () => connection.pause(),
      () => connection.resume(),
      () => connection.resume(),
      () => this.#fetch(end),
      () => this.#peek(end),
      () => this.#read(end),
      () => this.#read(end),
      () => this.#exchange(end),
      () => this.#request(end),
      () => this.#await("drained", connection.drained({ timeoutMs: random.pick([0, 5]) })),
      () => random.next() < 0.1 && this.#await("closed", connection.closed()),
      () => this.#send(end),
      () => void connection.stats,
      () => this.#server.configure({ idleTimeoutMs: random.pick([0, 50]) }),
    ])();
  }

  #send(end: End): void {
    const { connection, port } = end;
    if (!connection.isOpen || port === 0) return;
    // What is sent before TLS begins would come behind its first bytes, or as plain text before.
    if (this.#isManualTls && !end.events.includes("handshake")) return;
    // The relay loses what comes before there is a partner.
    if (end.kind === "relayed" && !this.#partners.has(port)) return;
    const random = this.#random;
    const bytes = this.#nextBytes(end);
    const kind = random.next();
    let result: SendResult;
    if (kind < 0.3) result = connection.send(bytes.toString("latin1"));
    else if (kind < 0.6) result = connection.send(bytes);
    else if (kind < 0.8) result = connection.sendAll(cut(bytes, random));
    else result = connection.send(Buffer.from(bytes));
    // What was dropped is sent the next time.
    if (result !== false) end.sent += bytes.length;
  }

  /** What the end sends next. */
  #nextBytes(end: End): Buffer {
    const random = this.#random;
    const most = random.pick([1, 10, 1_000, 5_000, 70_000, MAX_SEND_BYTES]);
    // The longest packet is shorter than the longest piece of a stream.
    let byteCount = random.integer(1, this.#framing === undefined ? most : Math.min(most, 262_144));
    if (end.kind !== "relayed" && this.#framing?.().name === "fixedLength") byteCount = FIXED_BYTES;
    const start = (keyOf(end.port, end.isServer) + end.sent) % TABLE_BYTES;
    return TABLE.subarray(start, start + byteCount);
  }

  /** A request: from then on the order of what is consumed is nobody's. */
  #request(end: End): void {
    const { connection, port } = end;
    if (!connection.isOpen || port === 0 || end.kind === "relayed") return;
    if (this.#random.next() < 0.5) return;
    if (connection.receive.delivers === "count") return;
    // Who receives it can't tell what was dropped.
    this.#blindPorts.add(port);
    const bytes = Buffer.from(this.#nextBytes(end));
    const timeoutMs = this.#random.pick([1, 20, 100]);
    const requesting = connection.request(bytes, { timeoutMs });
    this.#await("request", requesting);
  }

  #exchange(end: End): void {
    if (end.isReading || end.kind === "relayed" || this.#framing !== undefined) return;
    end.connection.receive = this.#model() as ReceiveModel<Buffer>;
  }

  #fetch(end: End): void {
    if (end.isReading) return;
    const { connection } = end;
    const byteCount = Math.min(connection.unreadBytes, this.#random.pick([1, 100, 1_000_000]));
    const bytes = connection.fetch(byteCount);
    if (bytes !== undefined) this.#consume(end, bytes, "fetch");
  }

  #peek(end: End): void {
    if (end.isReading) return;
    const bytes = end.connection.peek(Math.min(end.connection.unreadBytes, 100));
    if (bytes !== undefined) this.#compare(end, bytes, "peek");
  }

  #read(end: End): void {
    if (end.isReading) return;
    const { connection } = end;
    const random = this.#random;
    end.isReading = true;
    const options = { timeoutMs: random.pick([0, 0, 1, 30]) };
    const iterator = connection[Symbol.asyncIterator]();
    const reading = random.pick([
      () => connection.read(options),
      () => connection.read(random.integer(1, 2_000), options),
      () => connection.readUntil(random.pick(["a", "xy", "Q-"]), options),
      () => iterator.next().then(({ value }) => value as Buffer | undefined),
    ])();
    const seen = reading.then((bytes) => {
      end.isReading = false;
      if (bytes !== undefined) this.#consume(end, bytes, "read");
    });
    this.#await(
      "read",
      seen.catch((error: unknown) => {
        end.isReading = false;
        throw error;
      }),
    );
  }

  // — what must be —

  #consume(end: End, bytes: Buffer, how: string): void {
    this.#compare(end, bytes, how);
    end.consumed += bytes.length;
  }

  #compare(end: End, bytes: Buffer, how: string): void {
    // A peer that was gone at once had no address any more.
    if (end.port === 0 || end.isBlind || this.#blindPorts.has(end.port)) return;
    const fromPort = end.kind === "relayed" ? (this.#partners.get(end.port) ?? 0) : end.port;
    const key = keyOf(fromPort, end.kind === "client");
    let at = 0;
    while (at < bytes.length) {
      const start = (key + end.consumed + at) % TABLE_BYTES;
      const part = bytes.subarray(at, at + MAX_SEND_BYTES);
      const wanted = TABLE.subarray(start, start + part.length);
      if (!part.equals(wanted)) {
        const show = (some: Buffer): string => some.toString("latin1", 0, 24);
        this.#problem(end, `${how} at ${end.consumed + at}: ${show(part)}, not ${show(wanted)}`);
        return;
      }
      at += part.length;
    }
  }

  #problem(end: End, text: string): void {
    const { connection, kind, events } = end;
    const last = events.slice(-8).join(", ");
    this.#problems.push(`${kind} ${connection.id}: ${text} (${last})`);
  }

  #await<Value>(what: string, promise: Promise<Value>): Promise<Value> {
    const waited: Waited = { what, isSettled: false };
    this.#waited.push(waited);
    promise.then(
      () => {
        waited.isSettled = true;
      },
      (error: unknown) => {
        waited.isSettled = true;
        if (!(error instanceof NetError) && !(error instanceof Error)) throw error;
      },
    );
    return promise;
  }

  async #allSettled(): Promise<void> {
    const endMs = performance.now() + 20_000;
    while (this.#waited.some(({ isSettled }) => !isSettled)) {
      if (performance.now() > endMs) break;
      await nextTurn();
    }
    for (let turn = 0; turn < 3; turn++) await nextTurn();
  }

  #check(): void {
    for (const { what, isSettled } of this.#waited) {
      if (!isSettled) this.#problems.push(`${what} never settled`);
    }
    for (const end of this.#ends.values()) {
      const closes = end.events.filter((event) => event === "close").length;
      if (closes !== 1) this.#problem(end, `${closes} × onClose in state ${end.connection.state}`);
      this.#checkComplete(end);
    }
    for (const component of [this.#server, this.#agent, ...this.#others]) {
      const { connectionCount, handshakeCount, state } = component.stats;
      if (connectionCount + handshakeCount > 0 || state !== "stopped") {
        this.#problems.push(`left: ${JSON.stringify(component.stats)}`);
      }
    }
    assert.deepEqual(this.#problems, []);
  }

  /** Who was told of the peer's orderly end has got all that the peer's kernel took. */
  #checkComplete(end: End): void {
    if (end.reason?.code !== "CLOSED" || end.reason.initiator !== "remote") return;
    if (end.kind === "relayed" || end.kind === "raw") return;
    const other = [...this.#ends.values()].find(
      ({ port, kind }) => port === end.port && kind !== end.kind && kind !== "relayed",
    );
    if (other === undefined) return;
    const { sentBytes } = other.connection.stats;
    const { receivedBytes } = end.connection.stats;
    if (receivedBytes < sentBytes) {
      this.#problem(end, `an end behind ${receivedBytes} of ${sentBytes} bytes`);
    }
  }
}

function cut(bytes: Buffer, random: Random): Buffer[] {
  const first = random.integer(0, bytes.length);
  return [bytes.subarray(0, first), bytes.subarray(first)];
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
