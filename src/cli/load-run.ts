/**
 * One load, from the first connection to the last answer:
 *
 *     open all connections → warm-up → measured time → what is in flight comes back → close
 *
 * A connection that fails is counted and missed; the others go on. It ends early when none is left,
 * or when it is asked to.
 */
import {
  type ClientTls,
  type CloseReason,
  type Connection,
  type ConnectOptions,
  NetError,
  type ReceiveModel,
  TcpAgent,
} from "../index.js";
import { systemClock, type Timer } from "../time/clock.js";
import type { EngineChoiceName } from "./command.js";
import { LoadConnection } from "./load-connection.js";
import type { LoadTally } from "./load-tally.js";

/** Connections that are being made at a time. */
const MAX_OPENING = 128;
/** Time that the last answers get. */
const ANSWER_MS = 2_000;
/** Time that the connections get to close. */
const CLOSE_MS = 1_000;
const MIN_PENDING_BYTES = 16_777_216;
/** Room for head and tail of a packet. */
const FRAME_BYTES = 80;

/** What to load, and how much. */
export interface LoadPlan {
  readonly connect: ConnectOptions;
  readonly engine: EngineChoiceName | undefined;
  readonly tls: ClientTls | undefined;
  readonly receive: ReceiveModel<Buffer>;
  readonly connectionCount: number;
  readonly warmupMs: number;
  readonly measuredMs: number;
}

/** How a load went, besides what the tally has. */
export interface LoadOutcome {
  readonly engineName: string;
  readonly openedCount: number;
  /** Connections that could not be made. */
  readonly failedCount: number;
  /** Time until the last connection was made. */
  readonly openMs: number;
  /** Time in which messages counted: less than planned where it ended early. */
  readonly measuredMs: number;
}

/** See the head of the file. */
export class LoadRun {
  readonly #plan: LoadPlan;
  readonly #tally: LoadTally;
  readonly #agent: TcpAgent<Buffer, LoadConnection>;
  readonly #open: Set<Connection<LoadConnection>> = new Set();
  #attemptCount = 0;
  #openedCount = 0;
  #failedCount = 0;
  #isStopping = false;
  #isOver = false;
  #timer: Timer | undefined;
  #finish: () => void = () => {};

  constructor(plan: LoadPlan, tally: LoadTally) {
    this.#plan = plan;
    this.#tally = tally;
    let index = 0;
    const inFlightBytes = tally.depth * (tally.pattern.messageBytes + FRAME_BYTES);
    this.#agent = new TcpAgent<Buffer, LoadConnection>({
      receive: plan.receive,
      delivery: "borrow",
      maxConnections: plan.connectionCount,
      maxPendingBytes: Math.max(MIN_PENDING_BYTES, 2 * inFlightBytes),
      ...(plan.engine !== undefined && { engine: plan.engine }),
      ...(plan.tls !== undefined && { tls: plan.tls }),
      context: () => new LoadConnection(tally, index++),
      onHandshake: (connection) => this.#opened(connection),
      onReceive: (connection, bytes) => this.#received(connection, bytes),
      onClose: (connection, reason) => this.#closed(connection, reason),
    });
  }

  /** Connections that are open. */
  get openCount(): number {
    return this.#open.size;
  }

  /** Runs the load. */
  async run(): Promise<LoadOutcome> {
    const startMs = systemClock.now();
    try {
      await this.#openAll();
    } catch (error) {
      await this.#agent.stop({ drainMs: 0 });
      throw error;
    }
    const openMs = systemClock.now() - startMs;
    await new Promise<void>((resolve) => {
      this.#finish = resolve;
      this.#start();
    });
    const measuredMs = this.#measuredMs();
    await this.#close();
    return {
      engineName: this.#agent.stats.engine,
      openedCount: this.#openedCount,
      failedCount: this.#failedCount,
      openMs,
      measuredMs,
    };
  }

  /** Ends early: nothing more is sent, what is in flight comes back. */
  stop(): void {
    this.#isStopping = true;
    if (this.#tally.stopAtMs !== Number.POSITIVE_INFINITY) this.#stopSending();
  }

  async #openAll(): Promise<void> {
    const openers = Math.min(MAX_OPENING, this.#plan.connectionCount);
    await Promise.all(Array.from({ length: openers }, () => this.#openMany()));
  }

  async #openMany(): Promise<void> {
    while (this.#attemptCount < this.#plan.connectionCount && !this.#isStopping) {
      this.#attemptCount += 1;
      try {
        await this.#agent.connect(this.#plan.connect);
      } catch (error) {
        if (!(error instanceof NetError) || error.fault === "usage") {
          this.#isStopping = true;
          throw error;
        }
        this.#failedCount += 1;
        this.#tally.failed(error.code, error.message);
      }
    }
  }

  #start(): void {
    const tally = this.#tally;
    const nowMs = systemClock.now();
    tally.countFromMs = nowMs + this.#plan.warmupMs;
    tally.stopAtMs = tally.countFromMs + this.#plan.measuredMs;
    if (!this.#isStopping) {
      for (const connection of this.#open) connection.context.start(connection, nowMs);
      this.#timer = systemClock.setTimer(tally.stopAtMs - nowMs, () => this.#stopSending());
    }
    this.#endWhenIdle();
  }

  #stopSending(): void {
    if (this.#isOver) return;
    this.#tally.stopAtMs = Math.min(this.#tally.stopAtMs, systemClock.now());
    this.#isStopping = true;
    this.#timer?.cancel();
    this.#timer = systemClock.setTimer(ANSWER_MS, () => this.#end());
    this.#endWhenIdle();
  }

  /** Ends when nothing can come any more. */
  #endWhenIdle(): void {
    if (this.#isStopping ? this.#tally.inFlightCount === 0 : this.#open.size === 0) this.#end();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer?.cancel();
    this.#tally.stopAtMs = Math.min(this.#tally.stopAtMs, systemClock.now());
    for (const { context } of this.#open) {
      if (context.inFlightCount === 0) continue;
      const text = `${context.inFlightCount} messages did not come back within ${ANSWER_MS} ms`;
      this.#tally.failed("MISSING_ANSWER", text);
    }
    this.#finish();
  }

  #measuredMs(): number {
    return Math.max(0, this.#tally.stopAtMs - this.#tally.countFromMs);
  }

  async #close(): Promise<void> {
    const isClean = this.#tally.inFlightCount === 0;
    await this.#agent.stop({ drainMs: isClean ? CLOSE_MS : 0 });
  }

  #opened(connection: Connection<LoadConnection>): void {
    connection.context.isOpen = true;
    this.#openedCount += 1;
    this.#open.add(connection);
  }

  #received(connection: Connection<LoadConnection>, bytes: Buffer): void {
    const problem = connection.context.received(connection, bytes, systemClock.now());
    if (problem !== undefined) this.#fail(connection, "WRONG_ANSWER", problem);
    else if (this.#isStopping) this.#endWhenIdle();
  }

  #closed(connection: Connection<LoadConnection>, { code, cause }: CloseReason): void {
    if (this.#isOver || !connection.context.isOpen) return;
    this.#fail(connection, code, cause?.message ?? "the peer closed the connection");
  }

  #fail(connection: Connection<LoadConnection>, code: string, text: string): void {
    this.#tally.failed(code, text);
    connection.context.fail();
    this.#open.delete(connection);
    connection.abort();
    // While connections are being made there is nothing to end.
    if (this.#tally.stopAtMs !== Number.POSITIVE_INFINITY) this.#endWhenIdle();
  }
}
