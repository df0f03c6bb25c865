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
import type { UpgradedConnection } from "../upgrade/upgraded-connection.js";
import type { ClientExchange, ExchangeOwner } from "./client-exchange.js";
import type { ClientNumbers } from "./client-options.js";
import type { ConnectionHolder, HttpClientConnection } from "./http-client-connection.js";
import type { DialBounds, HttpDialer } from "./http-dialer.js";
import type { HttpProxy } from "./http-proxy.js";
import type { HttpTarget } from "./http-target.js";

/** The client, as its link sees it. */
export interface LinkOwner {
  /** A connection was made; requests follow. */
  linkOpened(connection: HttpClientConnection): void;
  linkUpgraded(upgraded: UpgradedConnection): void;
  linkClosed(reason: CloseReason): void;
}

/** See the head of the file. */
export class ClientLink implements ConnectionHolder, ExchangeOwner {
  /** The connection; undefined while there is none. */
  connection: HttpClientConnection | undefined = undefined;
  /** Where it goes or went; undefined before the first time. */
  target: HttpTarget | undefined = undefined;
  private readonly owner: LinkOwner;
  private readonly dialer: HttpDialer;
  private readonly proxy: HttpProxy | undefined;
  private readonly numbers: ClientNumbers;
  private attempt: AbortController | undefined = undefined;
  private current: ClientExchange | undefined = undefined;
  private queue: ClientExchange[] = [];

  constructor(
    owner: LinkOwner,
    dialer: HttpDialer,
    numbers: ClientNumbers,
    proxy: HttpProxy | undefined,
  ) {
    this.owner = owner;
    this.dialer = dialer;
    this.numbers = numbers;
    this.proxy = proxy;
  }

  get wheel(): TimingWheel {
    return this.dialer.wheel;
  }

  /** Whether requests can be sent. */
  get isOpen(): boolean {
    const { connection } = this;
    return connection?.live.isOpen === true && connection.upgraded === undefined;
  }

  /** Connects. Throws `INVALID_STATE` while there is a connection or an attempt. */
  async connect(target: HttpTarget, bounds: DialBounds): Promise<void> {
    if (this.connection !== undefined || this.attempt !== undefined) {
      throw new NetError("INVALID_STATE", "the client has a connection already", {
        operation: "connect",
      });
    }
    this.target = target;
    await this.dial(target, bounds);
  }

  private async dial(target: HttpTarget, { timeoutMs, signal }: DialBounds): Promise<void> {
    const attempt = new AbortController();
    this.attempt = attempt;
    const proxy = this.proxy?.serves(target) === true ? this.proxy : undefined;
    const signals = signal === undefined ? [attempt.signal] : [attempt.signal, signal];
    try {
      const bounds = { timeoutMs, signal: AbortSignal.any(signals) };
      const connection = await this.dialer.connect({ target, proxy }, bounds);
      if (connection.live.state === "closed") throw connection.live.endError();
      connection.holder = this;
      this.connection = connection;
    } finally {
      this.attempt = undefined;
    }
    this.owner.linkOpened(this.connection);
    const { live } = this.connection;
    if (live.state === "ending" || live.state === "closed") throw live.endError();
    this.advance();
  }

  /** Closes the connection, or calls the attempt off. False when there is neither. */
  close(): boolean {
    const { attempt, connection } = this;
    attempt?.abort();
    if (connection === undefined) return attempt !== undefined;
    const error = new NetError("CONNECTION_CLOSED", "the client closed the connection");
    const isClosing = connection.close(error);
    this.failAll(error);
    return isClosing;
  }

  /** Begins a request, now or when those before it are done. */
  add(exchange: ClientExchange): void {
    const { maxQueued } = this.numbers;
    if (this.current !== undefined && this.queue.length >= maxQueued) {
      const text = `${maxQueued} requests wait for the connection already (maxQueued)`;
      exchange.fail(new NetError("HTTP_QUEUE_FULL", text, { operation: "request" }));
      return;
    }
    this.queue.push(exchange);
    this.advance();
  }

  private advance(): void {
    if (this.current !== undefined || this.connection?.isUsable !== true) return;
    const exchange = this.queue.shift();
    this.current = exchange;
    if (exchange !== undefined) this.connection.start(exchange);
  }

  private failAll(error: NetError): void {
    const { queue } = this;
    this.queue = [];
    for (const exchange of queue) exchange.fail(error);
  }

  // — calls of the connection and of the exchanges —

  withdraw(exchange: ClientExchange): void {
    this.queue = this.queue.filter((other) => other !== exchange);
  }

  connectionFree(connection: HttpClientConnection): void {
    this.current = undefined;
    connection.keep(0);
    this.advance();
  }

  connectionUpgraded(upgraded: UpgradedConnection): void {
    this.current = undefined;
    this.owner.linkUpgraded(upgraded);
    this.failAll(new NetError("INVALID_STATE", "the connection has left HTTP"));
  }

  connectionGone(connection: HttpClientConnection, reason: CloseReason): void {
    if (this.connection === connection) {
      this.connection = undefined;
      this.current = undefined;
    }
    const error = reason.cause ?? connection.live.closedError();
    // The exchange that was under way may yet have the connection made anew.
    queueMicrotask(() => {
      if (this.connection === undefined && this.attempt === undefined) this.failAll(error);
    });
    this.owner.linkClosed(reason);
  }

  repeat(exchange: ClientExchange): void {
    this.connection = undefined;
    this.current = undefined;
    this.queue.unshift(exchange);
    const bounds = { timeoutMs: this.numbers.connectTimeoutMs, signal: undefined };
    this.dial(exchange.plan.target, bounds).catch((error: unknown) => {
      this.failAll(error as NetError);
    });
  }
}
