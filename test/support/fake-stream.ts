/**
 * The connection layer without an engine: a stream whose completions the test gives, an engine whose turns
 * end when the test says so, and a host that notes what it is told.
 */
import { HeapSendMemory, type SendMemory } from "#src/bytes/send-memory.js";
import type { CloseReason } from "#src/connection/close-reason.js";
import { EngineService } from "#src/connection/engine-service.js";
import { Events } from "#src/connection/events/events.js";
import type { Handlers } from "#src/connection/events/handlers.js";
import type { Receiver } from "#src/connection/receiver.js";
import { type ConnectionSettings, connectionSettings } from "#src/connection/settings.js";
import { type ConnectionHost, StreamConnection } from "#src/connection/stream-connection.js";
import type { SecurityOwner } from "#src/connection/tls/tls-upgrade.js";
import { PacketTopics } from "#src/connection/topics/packet-topics.js";
import type { Engine, KeepAlive, StreamSink, StreamSocket } from "#src/engine/engine.js";
import { noStreamSink } from "#src/engine/no-sink.js";
import { PacketReceiver } from "#src/packets/packet-receiver.js";
import { ManualClock } from "#src/time/clock.js";

/** A stream that does nothing by itself and notes what it is asked for. */
export class FakeStream implements StreamSocket {
  sink: StreamSink = noStreamSink;
  lendsBytes = false;
  isPaused = false;
  /** `finish`, `close`, `reset`, `pause`, `resume`, `startTls`, in order. */
  readonly calls: string[] = [];
  /** The writes, each as one text. */
  readonly writes: string[] = [];
  #writingBytes = 0;

  write(piece: Uint8Array): void {
    this.writeAll([piece], piece.length);
  }

  writeAll(pieces: readonly Uint8Array[], byteCount: number): void {
    if (this.#writingBytes > 0) throw new Error("a write is under way");
    this.writes.push(Buffer.concat(pieces).toString("latin1"));
    this.#writingBytes = byteCount;
  }

  /** The kernel takes what was written. */
  complete(): void {
    const byteCount = this.#writingBytes;
    this.#writingBytes = 0;
    this.sink.streamWritten(byteCount);
  }

  get isWriting(): boolean {
    return this.#writingBytes > 0;
  }

  finish(): void {
    this.calls.push("finish");
  }

  close(): void {
    this.calls.push("close");
  }

  reset(): void {
    this.calls.push("reset");
  }

  pause(): void {
    this.calls.push("pause");
    this.isPaused = true;
  }

  resume(): void {
    this.calls.push("resume");
    this.isPaused = false;
  }

  startTls(): void {
    this.calls.push("startTls");
  }

  /** What {@link sendProgress} answers. */
  taken = 0;

  sendProgress(): number {
    return this.taken;
  }

  setNoDelay(): void {}

  setKeepAlive(keepAlive: KeepAlive | false): KeepAlive | false {
    return keepAlive;
  }

  readonly hasHeard = (): boolean => true;
  readonly tlsInfo = (): undefined => undefined;
  readonly localAddress = (): undefined => undefined;
  readonly remoteAddress = (): undefined => undefined;
  readonly tcpInfo = (): undefined => undefined;

  ref(): void {}
  unref(): void {}
}

/** What an engine has but sockets: a clock, memory, and turns that end by hand. */
export class FakeEngine {
  readonly name = "memory";
  readonly clock: ManualClock = new ManualClock();
  readonly memory: SendMemory;
  #tasks: (() => void)[] = [];

  constructor(memory: SendMemory = new HeapSendMemory()) {
    this.memory = memory;
  }

  afterTurn(task: () => void): void {
    this.#tasks.push(task);
  }

  /** Ends the present turn; tasks that the tasks add belong to the next. */
  endTurn(): void {
    const tasks = this.#tasks;
    this.#tasks = [];
    for (const task of tasks) task();
  }
}

type FakeHandlers = Handlers<StreamConnection, Buffer>;

/** A component with connections over {@link FakeStream}s. */
export class FakeHost implements ConnectionHost {
  readonly topics: PacketTopics<StreamConnection> = new PacketTopics<StreamConnection>();
  readonly engine: FakeEngine;
  readonly service: EngineService;
  settings: ConnectionSettings;
  security: SecurityOwner | undefined = undefined;
  readonly packetEvents: Events<StreamConnection, Buffer>;
  /** Reasons of the connections that have ended. */
  readonly reasons: CloseReason[] = [];
  readonly #waiters: Map<number, (() => void)[]> = new Map();

  constructor(
    settings: Partial<ConnectionSettings> = {},
    handlers: FakeHandlers = {},
    engine: FakeEngine = new FakeEngine(),
  ) {
    this.engine = engine;
    this.service = new EngineService(engine as unknown as Engine);
    this.settings = connectionSettings(settings);
    this.packetEvents = new Events(handlers);
  }

  /** A connection that is open, and its stream. */
  open(): { readonly connection: StreamConnection; readonly stream: FakeStream } {
    const connection = new StreamConnection(this);
    const stream = new FakeStream();
    connection.stream = stream;
    stream.sink = connection;
    connection.open(false);
    return { connection, stream };
  }

  giveKey(_connection: StreamConnection, key: unknown): unknown {
    return key;
  }

  createReceiver(connection: StreamConnection): Receiver {
    return new PacketReceiver(connection, this.packetEvents, this.settings.receive);
  }

  takeBackReceiver(_connection: StreamConnection, receiver: Receiver): boolean {
    if (!(receiver instanceof PacketReceiver)) return false;
    return receiver.isSpareFor(this.packetEvents, this.settings.receive);
  }

  connectionOpened(connection: StreamConnection, isOutgoing: boolean): void {
    this.packetEvents.opened(connection, isOutgoing);
  }

  connectionReady(connection: StreamConnection): void {
    this.packetEvents.ready(connection);
  }

  connectionClosed(connection: StreamConnection, reason: CloseReason): void {
    this.reasons.push(reason);
    this.packetEvents.closed(connection, reason);
    for (const resolve of this.#waiters.get(connection.id) ?? []) resolve();
  }

  whenClosed(connection: StreamConnection): Promise<void> {
    if (connection.state === "closed") return Promise.resolve();
    return new Promise((resolve) => {
      const waiters = this.#waiters.get(connection.id) ?? [];
      this.#waiters.set(connection.id, [...waiters, resolve]);
    });
  }

  isEndAwaited(connection: StreamConnection): boolean {
    return this.#waiters.has(connection.id);
  }
}
