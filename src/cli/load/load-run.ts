/**
 * One load, from the first connection to the last answer:
 *
 *     open all connections → warm-up → measured time → what is in flight comes back → close
 *
 * A connection that fails is counted and missed; the others go on. One that its server ends in good
 * order is replaced. It ends early when none is left, when there is nothing left to send, or when it is
 * asked to.
 */
import { type CloseReason, NetError } from "../../index.js";
import { type Clock, systemClock, type Timer } from "../../time/clock.js";
import type { ConnectionLoad } from "./connection-load.js";
import type { LoadAgent, LoadAgentFactory, LoadEvents, LoadedConnection } from "./load-agent.js";
import type { LoadTally } from "./load-tally.js";

/** Connections that are being made at a time. */
const MAX_OPENING = 128;
/** Time that the last answers get. */
const ANSWER_MS = 2_000;
/** Time that the connections get to close. */
const CLOSE_MS = 1_000;
/** A load that ends by a number of messages ends, too, when none has come back for so long. */
const SILENT_MS = 10_000;
/** How often connections look for what has not come back. */
const LOOK_MS = 250;

/** What to load, and how much. */
export interface LoadPlan {
  /** Makes the connections. */
  readonly createAgent: LoadAgentFactory;
  readonly connectionCount: number;
  readonly warmupMs: number;
  readonly measuredMs: number;
  /** What the next connection does. */
  readonly createLoad: () => ConnectionLoad;
}

/** How a load went, besides what the tally has. */
export interface LoadOutcome {
  readonly engineName: string;
  /** Connections that were made, and on which the server has answered what was sent. */
  readonly openedCount: number;
  /** Connections that were made in place of others. */
  readonly replacedCount: number;
  /** Connections that could not be made, or never brought a byte. */
  readonly failedCount: number;
  /** Time until the last connection was made. */
  readonly openMs: number;
  /** Time in which messages counted: less than planned where it ended early. */
  readonly measuredMs: number;
}

/** One load, from the first connection to the last answer. */
export class LoadRun {
  private readonly plan: LoadPlan;
  private readonly tally: LoadTally;
  private readonly clock: Clock;
  private readonly agent: LoadAgent;
  private readonly open: Set<LoadedConnection> = new Set();
  private attemptCount = 0;
  private openedCount = 0;
  private failedCount = 0;
  private replacedCount = 0;
  private replacingCount = 0;
  private isStopping = false;
  private isOver = false;
  private timer: Timer | undefined;
  private lookTimer: Timer | undefined;
  /** Messages that had come back when the number last rose, and when that was. */
  private heardCount = 0;
  private heardMs = 0;
  private finish: () => void = () => {};

  constructor(plan: LoadPlan, tally: LoadTally, clock: Clock = systemClock) {
    this.plan = plan;
    this.tally = tally;
    this.clock = clock;
    const events: LoadEvents = {
      opened: (connection) => this.opened(connection),
      received: (connection, bytes) => this.received(connection, bytes),
      ended: (connection) => this.ended(connection),
      closed: (connection, reason) => this.closed(connection, reason),
    };
    this.agent = plan.createAgent(events, plan.createLoad);
  }

  /** Connections that are open. */
  get openCount(): number {
    return this.open.size;
  }

  /** Runs the load. */
  async run(): Promise<LoadOutcome> {
    const startMs = this.clock.now();
    try {
      await this.openAll();
    } catch (error) {
      await this.agent.stop({ drainMs: 0 });
      throw error;
    }
    const openMs = this.clock.now() - startMs;
    await new Promise<void>((resolve) => {
      this.finish = resolve;
      this.start();
    });
    const measuredMs = this.measuredMs();
    await this.close();
    return {
      engineName: this.agent.engineName,
      openedCount: this.openedCount - this.replacedCount,
      replacedCount: this.replacedCount,
      failedCount: this.failedCount,
      openMs,
      measuredMs,
    };
  }

  /** Ends early: nothing more is sent, what is in flight comes back. */
  stop(): void {
    this.isStopping = true;
    if (this.isStarted) this.stopSending();
  }

  private async openAll(): Promise<void> {
    const openers = Math.min(MAX_OPENING, this.plan.connectionCount);
    await Promise.all(Array.from({ length: openers }, () => this.openMany()));
  }

  private async openMany(): Promise<void> {
    while (this.attemptCount < this.plan.connectionCount && !this.isStopping) {
      this.attemptCount += 1;
      try {
        const connection = await this.agent.connect();
        await connection.context.prepare?.(connection);
      } catch (error) {
        if (!(error instanceof NetError) || error.fault === "usage") {
          this.isStopping = true;
          throw error;
        }
        this.failedCount += 1;
        this.tally.failed(error.code, error.message);
      }
    }
  }

  private start(): void {
    const tally = this.tally;
    const nowMs = this.clock.now();
    tally.countFromMs = nowMs + this.plan.warmupMs;
    tally.stopAtMs = tally.countFromMs + this.plan.measuredMs;
    if (!this.isStopping) {
      this.heardMs = nowMs;
      for (const connection of this.open) connection.context.start(connection, nowMs);
      this.timer = this.clock.setTimer(tally.stopAtMs - nowMs, () => this.stopSending());
      this.lookLater();
    }
    this.endWhenIdle();
  }

  private lookLater(): void {
    this.lookTimer = this.clock.setTimer(LOOK_MS, () => {
      const nowMs = this.clock.now();
      for (const connection of this.open) connection.context.looked?.(connection, nowMs);
      if (this.isOver) return;
      this.lookLater();
      this.endWhenSilent(nowMs);
      this.endWhenIdle();
    });
  }

  private endWhenSilent(nowMs: number): void {
    const { messageCount, unsentCount } = this.tally;
    if (messageCount !== this.heardCount) {
      this.heardCount = messageCount;
      this.heardMs = nowMs;
    }
    const isCounted = Number.isFinite(unsentCount) && !this.isStopping;
    if (isCounted && nowMs - this.heardMs >= SILENT_MS) this.stopSending();
  }

  private stopSending(): void {
    if (this.isOver) return;
    this.tally.stopAtMs = Math.min(this.tally.stopAtMs, this.clock.now());
    this.isStopping = true;
    this.timer?.cancel();
    this.timer = this.clock.setTimer(ANSWER_MS, () => this.end());
    this.endWhenIdle();
  }

  /** While connections are being made there is nothing to end. */
  private get isStarted(): boolean {
    return this.tally.stopAtMs !== Number.POSITIVE_INFINITY;
  }

  /** Ends when nothing can come any more. */
  private endWhenIdle(): void {
    const isWaiting = this.replacingCount > 0 && !this.isStopping;
    if (this.isStarted && this.tally.inFlightCount === 0 && !isWaiting) this.end();
  }

  private end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.timer?.cancel();
    this.lookTimer?.cancel();
    this.tally.stopAtMs = Math.min(this.tally.stopAtMs, this.clock.now());
    for (const { context } of this.open) {
      if (context.inFlightCount === 0) continue;
      this.uncountUnanswered(context);
      const text = `${context.inFlightCount} messages did not come back within ${ANSWER_MS} ms`;
      this.tally.failed("MISSING_ANSWER", text);
    }
    this.finish();
  }

  private measuredMs(): number {
    return Math.max(0, this.tally.stopAtMs - this.tally.countFromMs);
  }

  private async close(): Promise<void> {
    const isClean = this.tally.inFlightCount === 0;
    for (const connection of this.open) connection.context.finish?.(connection);
    await this.agent.stop({ drainMs: isClean ? CLOSE_MS : 0 });
  }

  private opened(connection: LoadedConnection): void {
    connection.context.isOpen = true;
    this.openedCount += 1;
    this.open.add(connection);
  }

  private received(connection: LoadedConnection, bytes: Buffer): void {
    const { context } = connection;
    if (!context.isOpen) return;
    context.hasAnswered = true;
    this.judge(connection, context.received(connection, bytes, this.clock.now()));
  }

  private ended(connection: LoadedConnection): void {
    if (!connection.context.isOpen) return;
    this.judge(connection, connection.context.ended(this.clock.now()));
  }

  private judge(connection: LoadedConnection, problem: string | undefined): void {
    const { context } = connection;
    if (problem !== undefined) this.fail(connection, context.problemCode, problem);
    else if (context.isOver) this.replace(connection);
    else if (this.tally.inFlightCount === 0) this.endWhenIdle();
  }

  private closed(connection: LoadedConnection, { code, cause }: CloseReason): void {
    if (this.isOver || !connection.context.isOpen) return;
    this.fail(connection, code, cause?.message ?? "the peer closed the connection");
  }

  /** Its server has ended it, in good order: another one goes on. */
  private replace(connection: LoadedConnection): void {
    this.miss(connection);
    connection.close();
    if (!this.isStopping && this.tally.unsentCount > 0) {
      this.replacingCount += 1;
      void this.replacement();
    }
    this.endWhenIdle();
  }

  private async replacement(): Promise<void> {
    try {
      const connection = await this.agent.connect();
      await connection.context.prepare?.(connection);
      this.replacedCount += 1;
      const isUnderWay = this.isStarted && !this.isStopping;
      if (isUnderWay) connection.context.start(connection, this.clock.now());
    } catch (error) {
      const { code, message } = error as NetError;
      if (!this.isOver) this.tally.failed(code, message);
    }
    this.replacingCount -= 1;
    this.endWhenIdle();
  }

  private fail(connection: LoadedConnection, code: string, text: string): void {
    this.tally.failed(code, text);
    this.miss(connection);
    connection.abort();
    this.endWhenIdle();
  }

  /** What never answered was not opened by the server, whatever the system says. */
  private uncountUnanswered({ hasAnswered }: ConnectionLoad): void {
    if (hasAnswered) return;
    this.openedCount -= 1;
    this.failedCount += 1;
  }

  private miss(connection: LoadedConnection): void {
    this.uncountUnanswered(connection.context);
    connection.context.fail();
    this.open.delete(connection);
  }
}
