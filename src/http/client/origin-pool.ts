/**
 * The connections to one origin, or to one proxy, and the requests that wait for one.
 *
 * The connections are a `Stock`, the requests a `WaitingLine`, as those of every pool. Invariants: each request that
 * waits and for which there is room has an attempt to connect; requests are begun in their order,
 * but repeated ones first and on a new connection; when an attempt fails, all that waited when it began
 * fail with it, unless an open connection can serve them.
 */
import { NetError } from "../../errors.js";
import { Stock } from "../../pool/stock.js";
import { type WaitingCount, WaitingLine } from "../../pool/waiting-line.js";
import type { TimingWheel } from "../../time/timing-wheel.js";
import type { ClientExchange, ExchangeOwner } from "./client-exchange.js";
import type { AgentNumbers } from "./client-options.js";
import type { ClientReceiver, ConnectionHolder } from "./client-receiver.js";
import { headProblem } from "./head-check.js";
import type { Dialer } from "./http-dialer.js";
import type { DialRoute } from "./http-proxy.js";

/** The agent, as its pools see it. */
export interface PoolOwner extends WaitingCount {
  readonly numbers: AgentNumbers;
  readonly dialer: Dialer;
  /** Whether a pool was refused room: idle connections are closed. */
  readonly isLacking: boolean;
  /** Asks for room for one more connection, which may cost an idle one elsewhere. */
  takeRoom(pool: OriginPool): boolean;
  /** Gives it back: others may have waited for it. */
  returnRoom(): void;
  /** Nothing is left in the pool. */
  poolEmpty(pool: OriginPool): void;
  /** Requests that were sent again, in all. */
  repeatedCount: number;
}

/** The connections to one origin, or to one proxy. */
export class OriginPool implements ConnectionHolder, ExchangeOwner {
  readonly key: string;
  readonly route: DialRoute;
  private readonly owner: PoolOwner;
  private readonly stock: Stock<ClientReceiver> = new Stock(closeConnection);
  private readonly queue: WaitingLine<ClientExchange>;
  /** Attempts to connect, and when they began. */
  private readonly attempts: Map<AbortController, number> = new Map();
  /** How long an attempt may take: what the request asked for that came last. */
  private connectTimeoutMs: number;
  private isStopped = false;

  constructor(owner: PoolOwner, key: string, route: DialRoute) {
    this.owner = owner;
    this.queue = new WaitingLine(owner);
    this.key = key;
    this.route = route;
    this.connectTimeoutMs = owner.numbers.connectTimeoutMs;
  }

  get wheel(): TimingWheel {
    return this.owner.dialer.wheel;
  }

  /** Connections that are open or being made. */
  get connectionCount(): number {
    return this.stock.size;
  }

  /** Connections without a request. */
  get idleCount(): number {
    return this.stock.idleCount;
  }

  /** Requests that wait for a connection. */
  get queuedCount(): number {
    return this.queue.size;
  }

  /** Begins a request, now or as soon as there is a connection. */
  add(exchange: ClientExchange, connectTimeoutMs: number): void {
    if (this.queue.size === 0) {
      const receiver = this.stock.take();
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
    this.queue.add(exchange);
    this.advance();
    this.boundWait(exchange);
  }

  /** Bounds the wait of a request for which no connection is being made: connecting has a bound of its own. */
  private boundWait(exchange: ClientExchange): void {
    if (exchange.state === "waiting" && this.attempts.size < this.queue.size) exchange.queued();
  }

  /** Why a request can't wait; undefined when it can. A head that can't be sent opens no connection. */
  private queueProblem({ plan }: ClientExchange): NetError | undefined {
    const { waitingCount, numbers } = this.owner;
    if (waitingCount >= numbers.maxQueued && !this.hasRoom()) {
      const text = `${waitingCount} requests wait for a connection, and maxQueued is ${numbers.maxQueued}`;
      return new NetError("HTTP_QUEUE_FULL", text, { operation: "request" });
    }
    return headProblem(plan.head);
  }

  private hasRoom(): boolean {
    const { maxConnectionsPerOrigin } = this.owner.numbers;
    return this.connectionCount < maxConnectionsPerOrigin && this.attempts.size === this.queue.size;
  }

  /** Starts requests that wait on idle connections, and makes more connections for the others. */
  advance(): void {
    this.useIdle();
    const { maxConnectionsPerOrigin } = this.owner.numbers;
    while (this.attempts.size < this.queue.size) {
      // A repeated request takes a new connection: an idle one may be dead as well.
      if (this.connectionCount >= maxConnectionsPerOrigin) {
        if (this.queue.first?.isRepeated === true) this.evict();
        return;
      }
      if (!this.owner.takeRoom(this)) return;
      void this.dial();
    }
  }

  private useIdle(): void {
    while (this.queue.first?.isRepeated === false) {
      const receiver = this.stock.take();
      if (receiver === undefined) return;
      receiver.start(this.queue.shift()!);
    }
  }

  /** Gives up one idle connection, the one unused longest. Returns whether there was one. */
  evict(): boolean {
    return this.stock.evict();
  }

  private async dial(): Promise<void> {
    const attempt = new AbortController();
    const startMs = this.wheel.clock.now();
    this.attempts.set(attempt, startMs);
    this.stock.attemptCount++;
    const bounds = { timeoutMs: this.connectTimeoutMs, signal: attempt.signal };
    let receiver: ClientReceiver;
    try {
      receiver = await this.owner.dialer.connect(this.route, bounds);
    } catch (error) {
      this.attemptOver(attempt);
      if (attempt.signal.aborted) this.connectionLost();
      else this.failed(error as NetError, startMs);
      return;
    }
    this.attemptOver(attempt);
    this.opened(receiver);
  }

  private attemptOver(attempt: AbortController): void {
    this.attempts.delete(attempt);
    this.stock.attemptCount--;
  }

  private opened(receiver: ClientReceiver): void {
    // A connection that ended before it was entered leaves now.
    if (receiver.connection.state === "closed") {
      this.connectionLost();
      return;
    }
    this.stock.add(receiver);
    receiver.holder = this;
    const exchange = receiver.isUsable ? this.queue.shift() : undefined;
    if (exchange !== undefined) receiver.start(exchange);
    else if (receiver.isUsable) this.keep(receiver);
    else receiver.connection.close();
  }

  /** An attempt that began at `startMs` has failed. Open connections go on serving. */
  private failed(error: NetError, startMs: number): void {
    const { canServe } = this;
    for (const exchange of this.queue.takeAll()) {
      const isServed = canServe && !exchange.isRepeated;
      if (isServed || exchange.startMs > startMs) {
        this.queue.add(exchange);
        this.boundWait(exchange);
      } else exchange.fail(error);
    }
    if (!canServe) {
      this.connectionLost();
      return;
    }
    this.owner.returnRoom();
    // A repeated request may have been in front of requests that can use any connection.
    this.useIdle();
  }

  /** Whether there is an open connection that has not been handed over. */
  private get canServe(): boolean {
    for (const { handover } of this.stock.open) if (handover === undefined) return true;
    return false;
  }

  private connectionLost(): void {
    this.owner.returnRoom();
    this.advance();
    this.leaveIfEmpty();
  }

  private leaveIfEmpty(): void {
    if (this.connectionCount === 0 && this.queue.size === 0) this.owner.poolEmpty(this);
  }

  // — the connections' calls —

  /** See {@link ConnectionHolder}. */
  connectionFree(receiver: ClientReceiver): void {
    const exchange = this.queue.first?.isRepeated === false ? this.queue.shift() : undefined;
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
    this.stock.keep(receiver);
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
    this.stock.remove(receiver);
    this.connectionLost();
  }

  /** See {@link ConnectionHolder}. */
  repeat(exchange: ClientExchange): void {
    this.owner.repeatedCount++;
    this.takeBack(exchange);
  }

  /** See {@link ConnectionHolder}. */
  takeBack(exchange: ClientExchange): void {
    this.queue.addFirst(exchange);
    this.advance();
    this.boundWait(exchange);
  }

  /** A request that waited has been given up: an attempt that was made for it is, too. */
  withdraw(exchange: ClientExchange): void {
    if (!this.queue.remove(exchange)) return;
    if (this.attempts.size <= this.queue.size) return;
    const [attempt] = this.attempts.keys();
    attempt?.abort();
  }

  /** Ends everything: what waits fails with `error`, idle connections are closed. */
  stop(error: NetError): void {
    this.isStopped = true;
    for (const exchange of this.queue.takeAll()) exchange.fail(error);
    for (const attempt of this.attempts.keys()) attempt.abort();
    this.stock.evictAll();
    for (const receiver of this.stock.open) {
      // Idle connections let the process end; now a caller waits for their end.
      receiver.connection.ref();
      receiver.handover?.stop();
      receiver.cancelBooked(error);
    }
  }
}

function closeConnection({ connection }: ClientReceiver): void {
  connection.close();
}
