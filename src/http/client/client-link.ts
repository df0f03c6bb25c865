/**
 * The one connection of a client, and the requests that wait for it.
 *
 *     closed ── connect ──► connecting ──► open ── the connection ends ──► closed
 *                               ▲            │
 *                               └── repeat ──┘     a kept connection turned out to be dead
 *
 * Invariants: at most one request is under way, the others wait in their order; when the connection
 * has ended and is not made anew, all of them fail.
 */
import type { CloseReason } from "../../connection/close-reason.js";
import { NetError } from "../../errors.js";
import type { TimingWheel } from "../../time/timing-wheel.js";
import type { ClientExchange, ExchangeOwner } from "./client-exchange.js";
import type { ClientNumbers } from "./client-options.js";
import type { ClientReceiver, ConnectionHolder } from "./client-receiver.js";
import { headProblem } from "./head-check.js";
import type { DialBounds, Dialer } from "./http-dialer.js";
import type { DialRoute } from "./http-proxy.js";
import type { HttpTarget } from "./http-target.js";

/** The one connection of an `HttpClient`, and its queue of requests. */
export class ClientLink implements ConnectionHolder, ExchangeOwner {
  /** The receiver of the connection; undefined while there is none. */
  receiver: ClientReceiver | undefined = undefined;
  /** Where it goes or went; undefined before the first time. */
  route: DialRoute | undefined = undefined;
  private readonly dialer: Dialer;
  private readonly numbers: ClientNumbers;
  private attempt: AbortController | undefined = undefined;
  private current: ClientExchange | undefined = undefined;
  private queue: ClientExchange[] = [];

  constructor(dialer: Dialer, numbers: ClientNumbers) {
    this.dialer = dialer;
    this.numbers = numbers;
  }

  get wheel(): TimingWheel {
    return this.dialer.wheel;
  }

  get target(): HttpTarget | undefined {
    return this.route?.target;
  }

  /** Whether requests can be sent. */
  get isOpen(): boolean {
    const { receiver } = this;
    return receiver?.connection.isOpen === true && receiver.handover === undefined;
  }

  /** Connects. Throws `INVALID_STATE` while there is a connection or an attempt. */
  async connect(route: DialRoute, bounds: DialBounds): Promise<void> {
    if (this.receiver !== undefined || this.attempt !== undefined) {
      throw new NetError("INVALID_STATE", "the client has a connection already", {
        operation: "connect",
      });
    }
    this.route = route;
    await this.dial(route, bounds);
  }

  private async dial(route: DialRoute, bounds: DialBounds): Promise<void> {
    const attempt = new AbortController();
    const { signal } = bounds;
    this.attempt = attempt;
    const signals = signal === undefined ? [attempt.signal] : [attempt.signal, signal];
    try {
      const receiver = await this.dialer.connect(route, {
        ...bounds,
        signal: AbortSignal.any(signals),
      });
      const { connection } = receiver;
      if (connection.state === "closed") throw connection.endError();
      receiver.holder = this;
      this.receiver = receiver;
      receiver.keep(0);
    } finally {
      this.attempt = undefined;
    }
    this.advance();
  }

  /** Closes the connection, or calls the attempt off. False when there is neither. */
  close(): boolean {
    const { attempt, receiver } = this;
    attempt?.abort();
    if (receiver === undefined) return attempt !== undefined;
    const error = new NetError("CONNECTION_CLOSED", "the client closed the connection");
    const isClosing = receiver.close(error);
    this.failAll(error);
    return isClosing;
  }

  /** Begins a request, now or when those before it are done. */
  add(exchange: ClientExchange): void {
    const problem = this.current === undefined ? undefined : this.queueProblem(exchange);
    if (problem !== undefined) {
      exchange.fail(problem);
      return;
    }
    if (this.current !== undefined) exchange.queued();
    this.queue.push(exchange);
    this.advance();
  }

  /** Why a request can't wait; undefined when it can. */
  private queueProblem({ plan }: ClientExchange): NetError | undefined {
    const { maxQueued } = this.numbers;
    if (this.queue.length >= maxQueued) {
      const text = `${this.queue.length} requests wait for the connection, and maxQueued is ${maxQueued}`;
      return new NetError("HTTP_QUEUE_FULL", text, { operation: "request" });
    }
    return headProblem(plan.head);
  }

  private advance(): void {
    if (this.current !== undefined || this.receiver?.isUsable !== true) return;
    const exchange = this.queue.shift();
    this.current = exchange;
    if (exchange !== undefined) this.receiver.start(exchange);
  }

  private failAll(error: NetError): void {
    const { queue } = this;
    this.queue = [];
    for (const exchange of queue) exchange.fail(error);
  }

  // — calls of the receiver and of the exchanges —

  withdraw(exchange: ClientExchange): void {
    this.queue = this.queue.filter((other) => other !== exchange);
  }

  connectionFree(receiver: ClientReceiver): void {
    this.current = undefined;
    receiver.keep(0);
    this.advance();
  }

  connectionUpgraded(): void {
    this.current = undefined;
    this.failAll(new NetError("INVALID_STATE", "the connection has left HTTP"));
  }

  connectionGone(receiver: ClientReceiver, reason: CloseReason): void {
    if (this.receiver === receiver) {
      this.receiver = undefined;
      this.current = undefined;
    }
    const error = reason.cause ?? receiver.connection.closedError();
    // The exchange that was under way may yet have the connection made anew.
    queueMicrotask(() => {
      if (this.receiver === undefined && this.attempt === undefined) this.failAll(error);
    });
  }

  /** The connection is made anew for it. */
  takeBack(exchange: ClientExchange): void {
    const { route } = this;
    this.receiver = undefined;
    this.current = undefined;
    this.queue.unshift(exchange);
    if (route === undefined) return;
    const bounds = { timeoutMs: this.numbers.connectTimeoutMs, signal: undefined };
    this.dial(route, bounds).catch((error: unknown) => this.failAll(error as NetError));
  }

  repeat(exchange: ClientExchange): void {
    this.takeBack(exchange);
  }
}
