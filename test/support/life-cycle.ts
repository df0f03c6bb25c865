/**
 * One run of the life-cycle fuzzer: a server and an agent on one engine, some connections between them, and
 * at both ends random operations at random moments, inside handlers and out. Afterwards everything must
 * have ended, once, and what was received must be what was sent, as far as it came.
 *
 * What one end sends is a text that only it sends: a window of one long table, which begins where the
 * end's key says. So bytes that are lost, doubled, or another connection's are seen at once.
 */
import assert from "node:assert/strict";
import {
  type ClientTls,
  type CloseReason,
  type Connection,
  type Engine,
  type Handlers,
  NetError,
  pack,
  pull,
  push,
  type ReceiveModel,
  type ServerTls,
  TcpAgent,
  TcpServer,
} from "hp-socket";
import type { Random } from "./random.js";

const TABLE_BYTES = 65_521;
const MAX_SEND_BYTES = 300_000;
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
}

/** Lets `promise` settle; a failure of it is no failure of the test. */
interface Waited {
  readonly what: string;
  isSettled: boolean;
}

class End {
  readonly connection: Connection;
  readonly isServer: boolean;
  readonly events: string[] = [];
  /** Port of the client's side, which both ends know. */
  port = 0;
  sent = 0;
  consumed = 0;
  isReading = false;
  reason: CloseReason | undefined = undefined;

  constructor(connection: Connection, isServer: boolean) {
    this.connection = connection;
    this.isServer = isServer;
  }

  key(isServer: boolean): number {
    return (this.port * 7_919 + (isServer ? 30_011 : 0)) % TABLE_BYTES;
  }
}

/** See the head of the file. */
export class LifeCycleRun {
  readonly #random: Random;
  readonly #ends: Map<Connection, End> = new Map();
  readonly #waited: Waited[] = [];
  readonly #problems: string[] = [];
  readonly #server: TcpServer<Buffer | number>;
  readonly #agent: TcpAgent<Buffer | number>;
  readonly #isManualTls: boolean;
  readonly #hasHandler: boolean;
  readonly #isPacked: boolean;
  readonly #trouble: number;

  constructor({ engine, random, tls }: RunOptions) {
    this.#random = random;
    this.#isManualTls = tls !== undefined && random.next() < 0.25;
    this.#isPacked = random.next() < 0.3;
    this.#hasHandler = random.next() < 0.8;
    this.#trouble = random.pick([0, 0.01, 0.05, 0.2]);
    const shared = (isServer: boolean) => ({
      engine,
      receive: this.#model() as ReceiveModel<Buffer | number>,
      delivery: random.pick(["copy", "borrow"] as const),
      sendMode: random.pick(["pack", "safe", "direct"] as const),
      slowConsumer: random.pick(["close", "pause"] as const),
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
      ...this.#handlers(isServer),
    });
    const start = this.#isManualTls ? ("manual" as const) : ("immediate" as const);
    this.#server = new TcpServer<Buffer | number>({
      ...shared(true),
      ...(tls !== undefined && { tls: { ...tls.server, start } }),
    });
    this.#agent = new TcpAgent<Buffer | number>({
      ...shared(false),
      ...(tls !== undefined && { tls: { ...tls.client, start } }),
    });
  }

  #model(): ReceiveModel {
    if (this.#isPacked) return pack({ flag: 5 });
    return this.#random.pick([push(), push(), pull()]);
  }

  /** Runs it all; throws when something is not as it must be. */
  async run(): Promise<void> {
    const { port } = await this.#server.listen({ host: "127.0.0.1" });
    const connects = Array.from({ length: this.#random.integer(1, 6) }, () => this.#connect(port));
    const stepCount = this.#random.integer(5, 60);
    for (let step = 0; step < stepCount; step++) {
      this.#step([...this.#ends.values()]);
      await this.#pause();
    }
    void connects;
    const drains = [this.#server, this.#agent].map((component) =>
      component.stop({ drainMs: this.#random.pick([0, 50, 500, 3_000]) }),
    );
    drains.push(this.#server.stop());
    for (const [at, drain] of drains.entries()) this.#await(`stop ${at}`, drain);
    await this.#allSettled();
    this.#check();
  }

  #connect(port: number): void {
    const signal =
      this.#random.next() < 0.1 ? AbortSignal.timeout(this.#random.integer(0, 20)) : undefined;
    this.#await("connect", this.#agent.connect({ host: "127.0.0.1", port, signal }));
  }

  async #pause(): Promise<void> {
    const kind = this.#random.next();
    if (kind < 0.3) return;
    if (kind < 0.5) await Promise.resolve();
    else for (let turn = 0; turn < this.#random.integer(1, 4); turn++) await nextTurn();
  }

  // — handlers —

  #end(connection: Connection, isServer: boolean): End {
    let end = this.#ends.get(connection);
    if (end === undefined) {
      end = new End(connection, isServer);
      this.#ends.set(connection, end);
    }
    return end;
  }

  #handlers(isServer: boolean): Handlers<Connection, Buffer | number> {
    const tell = (connection: Connection, name: string): End => {
      const end = this.#end(connection, isServer);
      if (end.reason !== undefined) this.#problem(end, `${name} after onClose`);
      end.events.push(name);
      return end;
    };
    const opened = (connection: Connection, name: string): unknown => {
      const end = tell(connection, name);
      const address = isServer ? connection.remoteAddress : connection.localAddress;
      if (address !== undefined && address.port !== undefined) end.port = address.port;
      if (this.#isManualTls) {
        queueMicrotask(() => this.#await("startTls", connection.startTls()));
        return undefined;
      }
      return this.#inHandler(end);
    };
    return {
      ...(isServer
        ? { onAccept: (connection) => opened(connection, "accept") as undefined }
        : { onConnect: (connection) => opened(connection, "connect") as undefined }),
      onHandshake: (connection) => {
        return this.#inHandler(tell(connection, "handshake")) as undefined;
      },
      ...(this.#hasHandler && {
        onReceive: (connection: Connection, received: Buffer | number) => {
          const end = tell(connection, "receive");
          if (typeof received === "number") this.#fetch(end);
          else this.#consume(end, received, "onReceive");
          return this.#inHandler(end, received);
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
  #inHandler(end: End, received?: Buffer | number): unknown {
    const random = this.#random;
    if (Buffer.isBuffer(received) && random.next() < 0.1) this.#relay(received);
    while (random.next() < 0.25) this.#step([end, ...this.#ends.values()]);
    const kind = random.next();
    if (kind < this.#trouble) {
      return random.pick([
        () => {
          throw new Error("thrown");
        },
        () => Promise.reject(new Error("rejected")),
        () => nextTurn().then(() => Promise.reject(new Error("rejected later"))),
        () => end.connection.abort() && undefined,
        () => end.connection.close() && undefined,
        () => false,
        () => nextTurn().then(() => false),
      ])();
    }
    if (kind < 0.7) return undefined;
    return this.#await("handler", kind < 0.85 ? Promise.resolve() : this.#later());
  }

  async #later(): Promise<void> {
    const turns = this.#random.integer(1, 5);
    for (let turn = 0; turn < turns; turn++) await nextTurn();
  }

  /** Somebody keeps what is lent for a while: the bytes may change, and nothing else may. */
  #relay(received: Buffer): void {
    received.subarray(0, 10).toString("latin1");
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
    const random = this.#random;
    const most = random.pick([1, 10, 1_000, 5_000, 70_000, MAX_SEND_BYTES]);
    // The longest packet is shorter than the longest piece of a stream.
    const byteCount = random.integer(1, this.#isPacked ? Math.min(most, 262_144) : most);
    const start = (end.key(end.isServer) + end.sent) % TABLE_BYTES;
    const bytes = TABLE.subarray(start, start + byteCount);
    end.sent += byteCount;
    const kind = random.next();
    if (kind < 0.3) connection.send(bytes.toString("latin1"));
    else if (kind < 0.6) connection.send(bytes);
    else if (kind < 0.8) connection.sendAll(cut(bytes, random));
    else connection.send(Buffer.from(bytes));
  }

  #exchange(end: End): void {
    if (end.isReading || this.#isPacked) return;
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
    if (end.port === 0) return;
    let at = 0;
    while (at < bytes.length) {
      const start = (end.key(!end.isServer) + end.consumed + at) % TABLE_BYTES;
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
    const { connection, isServer, events } = end;
    const last = events.slice(-8).join(", ");
    this.#problems.push(`${isServer ? "server" : "client"} ${connection.id}: ${text} (${last})`);
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
    for (const component of [this.#server, this.#agent]) {
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
    const other = [...this.#ends.values()].find(
      ({ port, isServer }) => port === end.port && isServer !== end.isServer,
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
