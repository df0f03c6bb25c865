/**
 * What comes in on one connection of an HTTP server, until it is taken over by another protocol. Hot.
 *
 *     reading ── 101, or 2xx to CONNECT ──► switched   what follows is the receiver's
 *        └────── shut, breakOff ──────────► over       what follows is thrown away
 *
 * Reading stops while a bit of `holds` is set: what the parser has not taken then waits in `rest`.
 * Only when more comes nevertheless the peer is held back, so that its end is seen otherwise.
 *
 * Invariants: `current` is the exchange whose request is being read, if its head has come; the parser
 * is fed by nobody else while `isFeeding`; `rest` is empty while nothing holds, and the connection
 * paused while it is not.
 */
import { Buffer } from "node:buffer";
import { handlerError, type MayWait } from "../../connection/handlers.js";
import type { RequestSink } from "../../protocol/http1/message-sink.js";
import { RequestParser } from "../../protocol/http1/request-parser.js";
import type { UpgradeReceiver } from "../upgrade-receiver.js";
import { DepartedPeer, type ProbedPeer } from "./departed-peer.js";
import { ExchangeLine } from "./exchange-line.js";
import type { HttpExchange } from "./http-exchange.js";

/** Why reading stops. Bits, so that several can hold at once. */
export const HOLD = {
  /** So much of a body waits that nobody reads. */
  body: 1,
  /** `maxPipelined` exchanges are under way. */
  pipeline: 2,
  /** The peer does not take its answers. */
  slow: 4,
  /** Whether another protocol follows is not decided. */
  upgrade: 8,
} as const;

/** See the head of the file. */
export abstract class RequestIntake extends ExchangeLine implements ProbedPeer {
  /** Requests that have come. */
  requestCount = 0;
  protected parser: RequestParser | undefined = undefined;
  protected current: HttpExchange | undefined = undefined;
  protected holds = 0;
  protected receiver: UpgradeReceiver | undefined = undefined;
  protected peerHasEnded = false;
  protected isFeeding = false;
  /** When the head that is being read began. */
  protected headSinceMs = 0;
  /** When reading went on after a hold. */
  protected readOnMs = 0;
  /** Bytes that were sent for nothing but to see whether the peer is there. */
  protected probedBytes = 0;
  private sink: RequestSink | undefined = undefined;
  private departed: DepartedPeer | undefined = undefined;
  private rest: Buffer | undefined = undefined;
  private isHandingOver = false;
  /** How many requests had come when that head began. */
  private headNumber = -1;

  /** What the parser tells: the connection itself, or somebody who tells handlers as well. */
  protected abstract createSink(): RequestSink;
  /** The connection was handed over. */
  protected abstract upgraded(exchange: HttpExchange): void;

  // — bytes —

  /** Bytes came. What this answers is the receiver's: a promise holds the next ones back. */
  receive(bytes: Buffer): MayWait {
    if (this.receiver !== undefined) {
      if (!this.isHandingOver) return this.receiver.onReceive(this.live, bytes);
      this.keepRest(bytes);
    } else if (this.holds !== 0) {
      this.keepRest(bytes);
    } else if (!this.isDeaf) {
      this.feed(bytes);
      if (this.receiver !== undefined) this.handOver();
      else if (this.rest !== undefined && this.holds === 0) this.readOn();
    }
    return undefined;
  }

  /** Whether what comes is thrown away. */
  private get isDeaf(): boolean {
    const mayUpgrade = (this.holds & HOLD.upgrade) !== 0;
    return this.isOver || (this.isLast && this.current === undefined && !mayUpgrade);
  }

  private feed(bytes: Buffer): void {
    this.parser ??= new RequestParser(this.host.configuration.parserLimits);
    this.sink ??= this.createSink();
    this.isFeeding = true;
    const taken = this.parser.feed(bytes, this.sink);
    this.isFeeding = false;
    if (taken < bytes.length) this.keepRest(bytes.subarray(taken));
    else if (this.parser.phase === "head") this.noteHead();
  }

  private keepRest(bytes: Buffer): void {
    if (this.isDeaf && this.receiver === undefined) return;
    const own = this.isLent(bytes) ? Buffer.from(bytes) : bytes;
    this.rest = this.rest === undefined ? own : Buffer.concat([this.rest, own]);
    this.live.pause();
  }

  private noteHead(): void {
    if (this.headNumber === this.requestCount) return;
    this.headNumber = this.requestCount;
    this.headSinceMs = this.wheel.clock.now();
  }

  protected hold(reason: number): void {
    this.holds |= reason;
  }

  protected release(reason: number): void {
    if ((this.holds & reason) === 0) return;
    this.holds &= ~reason;
    if (this.holds === 0 && !this.isFeeding) this.readOn();
  }

  /** Reads what waits, then lets the peer go on. */
  private readOn(): void {
    if (this.receiver !== undefined) return;
    this.readOnMs = this.wheel.clock.now();
    while (this.holds === 0 && this.rest !== undefined) {
      const bytes = this.rest;
      this.rest = undefined;
      if (!this.isDeaf) this.feed(bytes);
      if (this.receiver !== undefined) {
        this.handOver();
        return;
      }
    }
    if (this.holds === 0) this.live.resume();
  }

  congested(): void {
    this.hold(HOLD.slow);
  }

  /** The queue is below its mark again. */
  drained(): void {
    if (this.receiver !== undefined) {
      const { receiver } = this;
      this.guard("onDrain", () => receiver.onDrain?.(this.live));
    } else this.release(HOLD.slow);
  }

  holdBody(hold: boolean): void {
    if (hold) this.hold(HOLD.body);
    else this.release(HOLD.body);
  }

  // — the peer's end —

  /** The peer has finished. */
  peerEnded(): void {
    this.peerHasEnded = true;
    if (this.isHandingOver) return;
    const { receiver } = this;
    if (receiver?.onEnd !== undefined) this.guard("onEnd", () => receiver.onEnd?.(this.live));
    else if (receiver !== undefined) this.live.close();
    else this.readingEnded();
  }

  private readingEnded(): void {
    if (this.isOver) return;
    if (!this.isLast && this.sink !== undefined) this.parser?.end(this.sink);
    else if (this.current !== undefined && this.sink !== undefined) this.parser?.end(this.sink);
    this.isLast = true;
    if (this.front === undefined && !this.isOver) this.shut();
    else if (!this.isOver) this.departed ??= new DepartedPeer(this);
  }

  /** See `DepartedPeer`. */
  probePeer(): boolean {
    if (this.isOver || this.receiver !== undefined || this.front === undefined) return false;
    const before = this.live.stats.sentBytes + this.live.pendingBytes;
    this.front.probePeer();
    this.probedBytes += this.live.stats.sentBytes + this.live.pendingBytes - before;
    return true;
  }

  /** The connection has ended, or was handed over. */
  protected endProbe(): void {
    this.departed?.end();
  }

  // — another protocol —

  protected handedOver(exchange: HttpExchange, receiver: UpgradeReceiver): void {
    this.receiver = receiver;
    this.isHandingOver = true;
    this.holds = 0;
    this.current = undefined;
    this.upgraded(exchange);
    if (!this.isFeeding) queueMicrotask(() => this.handOver());
  }

  /** Gives the receiver what came behind the head, then lets the peer go on. */
  private handOver(): void {
    if (!this.isHandingOver || !this.live.isOpen) return;
    // What the connection still keeps back comes behind what is kept here.
    this.live.resume();
    this.isHandingOver = false;
    const { rest, receiver } = this;
    this.rest = undefined;
    if (rest !== undefined) {
      this.guard("onReceive", () => receiver?.onReceive(this.live, rest));
    }
    if (this.peerHasEnded) this.peerEnded();
  }

  /** Calls a handler of the receiver; its failure ends the connection, its promise holds bytes back. */
  protected guard(name: string, call: () => unknown): void {
    const fail = (cause: unknown): void => {
      this.live.fail(handlerError(name, "receive", cause, this.live.id));
    };
    try {
      const result = call();
      if (!(result instanceof Promise)) return;
      if (name === "onReceive") this.live.pause();
      result.then(() => name === "onReceive" && this.live.resume(), fail);
    } catch (error) {
      fail(error);
    }
  }
}
