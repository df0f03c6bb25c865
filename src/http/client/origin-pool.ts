/**
 * The connections to one origin, or to one proxy, and the requests that wait for one.
 *
 * Invariants: `idle` holds usable connections only, the one used last at the end; each request that
 * waits and for which there is room has an attempt to connect; requests are begun in their order,
 * but repeated ones first and on a new connection; when an attempt fails, all that waited when it began
 * fail with it, unless an open connection can serve them.
 */
import { NetError } from "../../errors.js";
import type { TimingWheel } from "../../time/timing-wheel.js";
import type { ClientExchange, ExchangeOwner } from "./client-exchange.js";
import type { AgentNumbers } from "./client-options.js";
import type { ClientReceiver, ConnectionHolder } from "./client-receiver.js";
import { assertHead } from "./head-check.js";
import type { Dialer } from "./http-dialer.js";
import type { DialRoute } from "./http-proxy.js";

/** The agent, as its pools see it. */
export interface PoolOwner {
  readonly numbers: AgentNumbers;
  readonly dialer: Dialer;
  /** Whether a pool was refused room: connections that nobody uses shall go. */
  readonly isLacking: boolean;
  /** Asks for room for one more connection, which may cost an idle one elsewhere. */
  takeRoom(pool: OriginPool): boolean;
  /** Gives it back: others may have waited for it. */
  returnRoom(): void;
  /** Nothing is left in the pool. */
  poolEmpty(pool: OriginPool): void;
  /** Requests that wait, of all pools. */
  queuedCount: number;
  /** Requests that were sent again, in all. */
  repeatedCount: number;
}

/** The connections to one origin, or to one proxy. */
export class OriginPool implements ConnectionHolder, ExchangeOwner {
  readonly key: string;
  readonly route: DialRoute;
  private readonly owner: PoolOwner;
  private readonly idle: ClientReceiver[] = [];
  private queue: ClientExchange[] = [];
  /** Open connections. */
  private readonly open: Set<ClientReceiver> = new Set();
  /** Attempts to connect, and when they began. */
  private readonly attempts: Map<AbortController, number> = new Map();
  /** How long an attempt may take: what the request asked for that came last. */
  private connectTimeoutMs: number;
  private isStopped = false;

  constructor(owner: PoolOwner, key: string, route: DialRoute) {
    this.owner = owner;
    this.key = key;
    this.route = route;
    this.connectTimeoutMs = owner.numbers.connectTimeoutMs;
  }

  get wheel(): TimingWheel {
    return this.owner.dialer.wheel;
  }

  /** Connections that are open or being made. */
  get connectionCount(): number {
    return this.open.size + this.attempts.size;
  }

  /** Connections without a request. */
  get idleCount(): number {
    return this.idle.length;
  }

  /** Requests that wait for a connection. */
  get queuedCount(): number {
    return this.queue.length;
  }

  /** Begins a request, now or as soon as there is a connection. */
  add(exchange: ClientExchange, connectTimeoutMs: number): void {
    if (this.queue.length === 0) {
      const receiver = this.takeIdle();
      if (receiver !== undefined) {
        receiver.start(exchange);
        return;
      }
    }
    const problem = this.queueProblem(exchange);
    if (problem !== undefined) {
      exchange.fail(problem);
      this.leaveIfEmpty();
      return;
    }
    this.connectTimeoutMs = connectTimeoutMs;
    this.enqueue(exchange);
    this.advance();
    this.boundWait(exchange);
  }

  /** Bounds the wait of a request for which no connection is being made: connecting has a bound of its own. */
  private boundWait(exchange: ClientExchange): void {
    if (exchange.state === "waiting" && this.attempts.size < this.queue.length) exchange.queued();
  }

  /** Why a request can't wait; undefined when it can. A head that can't be sent shall cost no connection. */
  private queueProblem({ plan }: ClientExchange): NetError | undefined {
    const { queuedCount, numbers } = this.owner;
    if (queuedCount >= numbers.maxQueued && !this.hasRoom()) {
      const text = `${queuedCount} requests wait for a connection, and maxQueued is ${numbers.maxQueued}`;
      return new NetError("HTTP_QUEUE_FULL", text, { operation: "request" });
    }
    try {
      assertHead(plan.head);
      return undefined;
    } catch (error) {
      return error as NetError;
    }
  }

  private hasRoom(): boolean {
    const { maxConnectionsPerOrigin } = this.owner.numbers;
    return (
      this.connectionCount < maxConnectionsPerOrigin && this.attempts.size === this.queue.length
    );
  }

  private takeIdle(): ClientReceiver | undefined {
    for (;;) {
      const receiver = this.idle.pop();
      if (receiver === undefined || receiver.isUsable) return receiver;
      receiver.connection.close();
    }
  }

  private shift(): ClientExchange | undefined {
    const exchange = this.queue.shift();
    if (exchange !== undefined) this.owner.queuedCount--;
    return exchange;
  }

  /** Starts requests that wait on idle connections, and makes more connections for the others. */
  advance(): void {
    this.useIdle();
    const { maxConnectionsPerOrigin } = this.owner.numbers;
    while (this.attempts.size < this.queue.length) {
      // A request that is repeated shall not meet a connection that may be as dead as its first.
      if (this.connectionCount >= maxConnectionsPerOrigin) {
        if (this.queue[0]?.isRepeated === true) this.idle.shift()?.connection.close();
        return;
      }
      if (!this.owner.takeRoom(this)) return;
      void this.dial();
    }
  }

  private useIdle(): void {
    while (this.queue.length > 0 && this.queue[0]?.isRepeated === false) {
      const receiver = this.takeIdle();
      if (receiver === undefined) return;
      receiver.start(this.shift()!);
    }
  }

  /** Gives up one idle connection, the one unused longest. Returns whether there was one. */
  evict(): boolean {
    const receiver = this.idle.shift();
    receiver?.connection.close();
    return receiver !== undefined;
  }

  private async dial(): Promise<void> {
    const attempt = new AbortController();
    const startMs = this.wheel.clock.now();
    this.attempts.set(attempt, startMs);
    const bounds = { timeoutMs: this.connectTimeoutMs, signal: attempt.signal };
    let receiver: ClientReceiver;
    try {
      receiver = await this.owner.dialer.connect(this.route, bounds);
    } catch (error) {
      this.attempts.delete(attempt);
      if (attempt.signal.aborted) this.connectionLost();
      else this.failed(error as NetError, startMs);
      return;
    }
    this.attempts.delete(attempt);
    this.opened(receiver);
  }

  private opened(receiver: ClientReceiver): void {
    // One that ended before anybody could be told is told now.
    if (receiver.connection.state === "closed") {
      this.connectionLost();
      return;
    }
    this.open.add(receiver);
    receiver.holder = this;
    const exchange = receiver.isUsable ? this.shift() : undefined;
    if (exchange !== undefined) receiver.start(exchange);
    else if (receiver.isUsable) this.keep(receiver);
    else receiver.connection.close();
  }

  /** An attempt that began at `startMs` has failed. Open connections go on serving. */
  private failed(error: NetError, startMs: number): void {
    const { canServe } = this;
    for (const exchange of this.takeQueue()) {
      const isServed = canServe && !exchange.isRepeated;
      if (isServed || exchange.startMs > startMs) {
        this.enqueue(exchange);
        this.boundWait(exchange);
      } else exchange.fail(error);
    }
    if (!canServe) {
      this.connectionLost();
      return;
    }
    this.owner.returnRoom();
    // A request that had to be repeated may have stood in front of those that any connection will do for.
    this.useIdle();
  }

  /** Whether there is an open connection that has not been handed over. */
  private get canServe(): boolean {
    for (const { handover } of this.open) if (handover === undefined) return true;
    return false;
  }

  private enqueue(exchange: ClientExchange): void {
    this.queue.push(exchange);
    this.owner.queuedCount++;
  }

  private connectionLost(): void {
    this.owner.returnRoom();
    this.advance();
    this.leaveIfEmpty();
  }

  private leaveIfEmpty(): void {
    if (this.connectionCount === 0 && this.queue.length === 0) this.owner.poolEmpty(this);
  }

  private takeQueue(): ClientExchange[] {
    const { queue } = this;
    this.queue = [];
    this.owner.queuedCount -= queue.length;
    return queue;
  }

  // — the connections' calls —

  /** See {@link ConnectionHolder}. */
  connectionFree(receiver: ClientReceiver): void {
    const exchange = this.queue[0]?.isRepeated === false ? this.shift() : undefined;
    if (exchange === undefined) this.keep(receiver);
    else receiver.start(exchange);
  }

  private keep(receiver: ClientReceiver): void {
    const mustGo = this.isStopped || this.owner.isLacking;
    const idleMs = mustGo ? 0 : this.idleMsOf(receiver);
    if (idleMs <= 0) {
      receiver.connection.close();
      return;
    }
    this.idle.push(receiver);
    receiver.keep(idleMs);
  }

  /** The lower of both sides' times rules: ours is known, the server's is announced or not. */
  private idleMsOf({ announcedIdleMs }: ClientReceiver): number {
    const { idleTimeoutMs, maxIdleTimeoutMs, idleMarginMs } = this.owner.numbers;
    if (idleTimeoutMs === 0) return 0;
    if (announcedIdleMs === undefined) return Math.min(idleTimeoutMs, maxIdleTimeoutMs);
    return Math.min(maxIdleTimeoutMs, announcedIdleMs - idleMarginMs);
  }

  /** See {@link ConnectionHolder}. */
  connectionGone(receiver: ClientReceiver): void {
    const place = this.idle.indexOf(receiver);
    if (place >= 0) this.idle.splice(place, 1);
    this.open.delete(receiver);
    this.connectionLost();
  }

  /** See {@link ConnectionHolder}. */
  repeat(exchange: ClientExchange): void {
    this.owner.repeatedCount++;
    this.takeBack(exchange);
  }

  /** See {@link ConnectionHolder}. */
  takeBack(exchange: ClientExchange): void {
    this.queue.unshift(exchange);
    this.owner.queuedCount++;
    this.advance();
    this.boundWait(exchange);
  }

  /** A request that waited has been given up: an attempt that was made for it is, too. */
  withdraw(exchange: ClientExchange): void {
    const place = this.queue.indexOf(exchange);
    if (place < 0) return;
    this.queue.splice(place, 1);
    this.owner.queuedCount--;
    if (this.attempts.size <= this.queue.length) return;
    const [attempt] = this.attempts.keys();
    attempt?.abort();
  }

  /** Ends everything: what waits fails with `error`, idle connections are closed. */
  stop(error: NetError): void {
    this.isStopped = true;
    for (const exchange of this.takeQueue()) exchange.fail(error);
    for (const attempt of this.attempts.keys()) attempt.abort();
    for (const receiver of this.idle.splice(0)) receiver.connection.close();
    for (const receiver of this.open) {
      // Idle ones let the process end; now somebody waits for them to be gone.
      receiver.connection.ref();
      receiver.handover?.stop();
      receiver.cancelBooked(error);
    }
  }
}
