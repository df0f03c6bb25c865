/**
 * A place for one connection: that of a client, or of one destination of an agent. Where reconnecting is asked for,
 * the place is filled again whenever its connection is lost. Each connection has an id and a life of its own;
 * the place keeps what does not belong to one of them: the destination, the context, what waits to be sent.
 *
 * The role of the component tells it of its connections, in this order for each: `entered` · `greet`, before `onConnect`
 * where that can send · `made`, where TLS begins by hand, and `greet` when it is done · `ready` · `lost`, before `onClose` ·
 * `settle`, behind it.
 */
import type { CloseReason } from "../connection/close-reason.js";
import type { Data, SendResult, WaitOptions } from "../connection/connection.js";
import { answeredAtOnce } from "../connection/events/handlers.js";
import { type AbortListener, offAbort, onAbort } from "../connection/waiting/abort-listeners.js";
import { abortError } from "../connection/waiting/waiter.js";
import { NetError } from "../errors.js";
import type { Clock } from "../time/clock.js";
import { KeptMessages } from "./kept-messages.js";
import { Reconnect, type ReconnectOwner } from "./reconnect.js";
import type { ReadReconnectOptions } from "./reconnect-options.js";
import type { ReconnectTeller } from "./reconnect-teller.js";

/** A connection, as its place sees it. */
export interface SlotConnection {
  context: unknown;
  readonly isOpen: boolean;
  send(data: Data, options?: unknown): SendResult;
  close(): boolean;
  abort(): boolean;
}

/** Whose place it is. */
export interface SlotOwner<Reason extends CloseReason, Target> {
  readonly clock: Clock;
  /** Whether a wait keeps the process alive. */
  readonly keepsProcess: boolean;
  /** Whether connections may still be made: the component does not stop. */
  readonly isAlive: boolean;
  /**
   * Makes a further attempt; `target`: another address than that of `connect`. What becomes of it comes by the
   * calls for connections, or by `attemptFailed`. Throws where there is no connection to make.
   */
  dial(target: Target | undefined): void;
  /** Calls off an attempt that has no connection yet. */
  abandon?(): boolean;
  /** Throws `PACKET_INVALID` for data that could never be sent. */
  assertSendable?(data: Data): void;
  /** No further connection is made. Told once for each `connect`, before the last `onClose`. */
  ended(): void;
  /** Tells the application of it. */
  readonly teller: ReconnectTeller<Reason>;
}

/** A place for one connection. */
export class Slot<
  Held extends SlotConnection,
  Reason extends CloseReason = CloseReason,
  Target = unknown,
> implements ReconnectOwner<Reason>, AbortListener
{
  /** The present connection, or the last one. */
  current: Held | undefined = undefined;
  private readonly owner: SlotOwner<Reason, Target>;
  private readonly reconnect: Reconnect<Reason, Target> | undefined;
  private readonly kept: KeptMessages | undefined;
  /** See {@link made}. */
  private isMade = false;
  /** Whether the present connection was sent the greeting. */
  private isGreeted = false;
  /** Whether the next connection takes the context over. */
  private carries = false;
  /** `connect` waits for a further attempt to be made. */
  private back: { resolve(): void; reject(error: NetError): void } | undefined = undefined;
  private lastError: NetError | undefined = undefined;

  constructor(
    owner: SlotOwner<Reason, Target>,
    options: ReadReconnectOptions<Reason, Target> | undefined,
    random?: () => number,
  ) {
    this.owner = owner;
    if (options === undefined) return;
    this.reconnect = new Reconnect<Reason, Target>(options, this, random);
    this.kept = new KeptMessages(options.maxKeptBytes);
  }

  // — connect —

  /** `connect` is called, and nothing is under way. */
  begin(): void {
    this.carries = false;
    this.lastError = undefined;
    this.reconnect?.begin();
  }

  /** Resolves when `first`, or an attempt that follows it, has made the connection. */
  async connected(first: Promise<unknown>, { signal }: WaitOptions): Promise<void> {
    try {
      await first;
    } catch (error) {
      if (!this.isReconnecting) throw error;
      await this.whenBack(signal);
    }
  }

  private async whenBack(signal: AbortSignal | undefined): Promise<void> {
    const waiting = new Promise<void>((resolve, reject) => {
      this.back = { resolve, reject };
    });
    // Called off between two attempts: nobody has listened then.
    if (signal?.aborted === true) this.close();
    else if (signal !== undefined) onAbort(signal, this);
    try {
      await waiting;
    } catch (error) {
      throw signal?.aborted === true ? abortError("connect", signal.reason) : error;
    } finally {
      if (signal !== undefined) offAbort(signal, this);
    }
  }

  signalAborted(): void {
    this.close();
  }

  // — the role's calls —

  /** A connection is to be made: it takes over the context of the one before. */
  entered(connection: Held): void {
    if (this.carries) connection.context = this.current?.context;
    this.current = connection;
    this.isMade = false;
    this.isGreeted = false;
  }

  /** Whether a connection has the context of the one before, and needs no other. */
  get hasContext(): boolean {
    return this.carries;
  }

  /** Sends the greeting, if there is one, as soon as something can be sent. Throws what goes wrong with it. */
  greet(connection: Held): void {
    const greeting = this.reconnect?.options.greeting;
    if (greeting === undefined || this.isGreeted || !connection.isOpen) return;
    this.isGreeted = true;
    const data = typeof greeting === "function" ? answeredAtOnce(greeting()) : greeting;
    const isTaken = connection.send(data) !== false;
    // What is sent behind it must not be the first that the peer hears.
    if (isTaken || !connection.isOpen) return;
    throw new NetError(
      "SEND_QUEUE_FULL",
      "the greeting was dropped: maxPendingBytes has no room for it",
      {
        operation: "send",
      },
    );
  }

  /** The connection is there, and is not `ready` before the application secures it. */
  made(connection: Held): void {
    if (this.reconnect !== undefined && connection.isOpen) this.isBack(this.reconnect.connected());
    this.isMade = true;
  }

  /** The handlers have let the connection in, or have ended it. */
  ready(connection: Held): void {
    const { reconnect, isMade } = this;
    if (reconnect === undefined || !connection.isOpen) return;
    const attempt = isMade ? 0 : reconnect.connected();
    this.kept?.pass((data, options) => {
      const isTaken = connection.send(data, options) !== false;
      return isTaken || connection.isOpen;
    });
    this.isBack(attempt);
  }

  private isBack(attempt: number): void {
    if (attempt === 0) return;
    const { back } = this;
    this.back = undefined;
    back?.resolve();
    this.owner.teller.reconnected(attempt);
  }

  /** The connection has ended. `isAsked`: by `close` or `abort` of ours. */
  lost(reason: Reason, isAsked: boolean): void {
    this.carries = true;
    this.ended(reason, isAsked);
  }

  private ended(reason: Reason, isAsked: boolean): void {
    this.lastError = reason.cause;
    const isWanted = !isAsked && reason.code !== "ABORTED" && this.owner.isAlive;
    if (this.reconnect?.lost(reason, isWanted) !== true) this.owner.ended();
  }

  /** After `onClose`: the next attempt is waited for, or none. */
  settle(reason: Reason, unsentBytes: number): void {
    this.reconnect?.settle(reason, unsentBytes);
  }

  /** There was no connection to make. */
  attemptFailed(reason: Reason): void {
    this.ended(reason, false);
    this.settle(reason, 0);
  }

  // — the calls of reconnecting —

  get clock(): Clock {
    return this.owner.clock;
  }

  get keepsProcess(): boolean {
    return this.owner.keepsProcess;
  }

  reconnecting(attempt: number, delayMs: number, reason: Reason, unsentBytes: number): void {
    this.owner.teller.reconnecting(attempt, delayMs, reason, unsentBytes);
  }

  attempt(targetIndex: number): void {
    this.owner.dial(this.reconnect?.options.targets?.[targetIndex - 1]);
  }

  gaveUp(isLate: boolean): void {
    const { back } = this;
    this.back = undefined;
    const lostBytes = this.kept?.forget() ?? 0;
    if (isLate) this.owner.ended();
    back?.reject(
      this.lastError ?? new NetError("ABORTED", "connect was given up", { operation: "connect" }),
    );
    this.owner.teller.gaveUp(lostBytes);
  }

  // — what the application does with it —

  /** Whether the connection was lost, and another attempt waits or is under way. */
  get isReconnecting(): boolean {
    return this.reconnect?.isAway === true;
  }

  get isOpen(): boolean {
    return this.current?.isOpen === true;
  }

  /** Sends on the present connection; while there is none, keeps what has room in `maxKeptBytes`. */
  send(data: Data, options?: unknown): SendResult {
    if (this.isOpen || !this.isReconnecting) return this.current?.send(data, options) ?? false;
    this.owner.assertSendable?.(data);
    return this.kept?.keep(data, options) === true ? "slow" : false;
  }

  /** Calls the wait off, or closes the connection: none follows. */
  close(): boolean {
    return this.callOff() || this.current?.close() === true;
  }

  /** The same with `abort`. */
  abort(): boolean {
    return this.callOff() || this.current?.abort() === true;
  }

  /** Calls off what has no connection. */
  callOff(): boolean {
    if (this.reconnect?.cancel() === true) return true;
    return this.reconnect?.isTrying === true && this.owner.abandon?.() === true;
  }

  /** The component was told to keep the process alive, or not to. */
  holdChanged(): void {
    this.reconnect?.holdChanged();
  }
}
