/**
 * The way of one connection from plain to secured.
 *
 *     waiting ── all sent, nothing left to read ──► shaking ── secured ──► done
 *
 * With the connection it begins as shaking; on demand (STARTTLS) it waits until what was sent before
 * has left as plain text. Plain bytes that came and were not taken by then may be injected by
 * somebody in between, and end the connection: they must never be taken for secured ones.
 */
import type { Address, StreamSocket } from "../../engine/engine.js";
import type { TlsContext, TlsInfo } from "../../engine/tls-options.js";
import { NetError } from "../../errors.js";
import type { Deadlines } from "../../time/deadlines.js";
import type { TimingWheel } from "../../time/timing-wheel.js";
import type { WaitOptions } from "../connection.js";
import type { ConnectionState } from "../connection-state.js";
import { DUE } from "../receiver.js";
import type { ConnectionSettings } from "../settings.js";
import { type GiveUp, Waiter } from "../waiting/waiter.js";

/** A handshake under way, as the component counts it. */
export interface Handshake {
  /** Address of the peer; undefined where it has none. */
  readonly peer: string | undefined;
  /** Whether the peer has sent anything. */
  readonly isHeard: boolean;
  /** Another peer needs the place more: ends the connection with `HANDSHAKE_LIMIT`. */
  giveWay(): void;
}

/** TLS of the component. */
export interface SecurityOwner {
  readonly context: TlsContext;
  /** Whether the handshake begins with the connection, or when it is asked for. */
  readonly startsAtOnce: boolean;
  /** Handshakes under way. */
  readonly underWayCount: number;
  begun(handshake: Handshake): void;
  over(handshake: Handshake): void;
  /** Sees to it that one of `peer` can begin, which may cost another its place. False: it can't. */
  makeRoom(peer: string | undefined, maxHandshakes: number): boolean;
}

/** The connection, as its upgrade sees it. */
export interface UpgradeOwner {
  readonly id: number;
  readonly wheel: TimingWheel;
  readonly deadlines: Deadlines;
  readonly settings: ConnectionSettings;
  readonly stream: StreamSocket;
  readonly remoteAddress: Address | undefined;
  readonly remoteHost: string | undefined;
  readonly pendingBytes: number;
  /** Whether received bytes wait to be taken. */
  readonly hasUndelivered: boolean;
  /** What is known of TLS, once it is established. */
  readonly tls: TlsInfo | undefined;
  /** Why the connection has ended or is closing. */
  endError(): NetError;
  fail(error: NetError): boolean;
}

/** Begins TLS on one connection, and waits until it is established. */
export class TlsUpgrade implements Handshake {
  private readonly owner: UpgradeOwner;
  private readonly security: SecurityOwner;
  private phase: "waiting" | "shaking" | "done" = "waiting";
  private waiter: Waiter<TlsInfo> | undefined;

  constructor(owner: UpgradeOwner, security: SecurityOwner) {
    this.owner = owner;
    this.security = security;
  }

  /** Whether it is not done yet: nothing can be sent. */
  get isUnderWay(): boolean {
    return this.phase !== "done";
  }

  /** Whether the handshake has begun and is not done. */
  get isShaking(): boolean {
    return this.phase === "shaking";
  }

  get peer(): string | undefined {
    return this.owner.remoteAddress?.host;
  }

  get isHeard(): boolean {
    return this.owner.stream.hasHeard();
  }

  giveWay(): void {
    const { settings, id } = this.owner;
    const text = `the handshake gave way to another peer's: ${settings.maxHandshakes} are under way (maxHandshakes)`;
    this.owner.fail(
      new NetError("HANDSHAKE_LIMIT", text, { operation: "handshake", connectionId: id }),
    );
  }

  /** Begins with the connection. `early`: what has come of the handshake. */
  begin(early?: Buffer): void {
    this.phase = "shaking";
    this.security.begun(this);
    this.boundTime();
    this.owner.stream.startTls(this.security.context, this.owner.remoteHost, early);
  }

  /** Begins as soon as what was sent has left. `limit`: what `timeoutMs` comes from, where the application did not give it. */
  beginLater(options: WaitOptions, limit?: string): Promise<TlsInfo> {
    const forget = (error: NetError): void => {
      this.owner.fail(error);
    };
    const giveUp: GiveUp = {
      code: "HANDSHAKE_TIMEOUT",
      call: "startTls",
      operation: "handshake",
      missing: limit === undefined ? undefined : () => "TLS was not established",
      limit,
      forget,
    };
    this.waiter = new Waiter<TlsInfo>(this.owner.wheel, options, giveUp);
    this.boundTime();
    // What came in the same turn as the bytes that are being handled is looked at afterwards.
    queueMicrotask(() => {
      if (this.owner.pendingBytes === 0) this.allSent();
    });
    return this.waiter.promise;
  }

  private boundTime(): void {
    const { deadlines, settings } = this.owner;
    deadlines.clear(DUE.idle);
    if (settings.handshakeTimeoutMs > 0) {
      deadlines.set(DUE.handshake, settings.handshakeTimeoutMs);
    }
  }

  /** The time for the handshake is over. */
  duePassed(): void {
    const { settings, id } = this.owner;
    const text = `TLS was not established within handshakeTimeoutMs (${settings.handshakeTimeoutMs})`;
    const detail = { operation: "handshake", connectionId: id } as const;
    this.owner.fail(new NetError("HANDSHAKE_TIMEOUT", text, detail));
  }

  /** Everything that was sent has left. */
  allSent(): void {
    if (this.phase !== "waiting") return;
    const problem = this.problem();
    if (problem === undefined) this.begin();
    else this.owner.fail(problem);
  }

  private problem(): NetError | undefined {
    const detail = { operation: "handshake", connectionId: this.owner.id } as const;
    if (this.owner.hasUndelivered) {
      const message = "plain bytes came behind those that begin TLS: they may be injected";
      return new NetError("TLS_PLAINTEXT", message, detail);
    }
    const { maxHandshakes } = this.owner.settings;
    const { context } = this.security;
    if (context.role === "client") return undefined;
    if (this.security.makeRoom(this.peer, maxHandshakes)) return undefined;
    return handshakeLimit(maxHandshakes, this.owner.id);
  }

  /** The handshake is done. */
  secured(): void {
    this.leave();
    this.owner.deadlines.clear(DUE.handshake);
  }

  /** The handlers have let the connection in: tells who waits. */
  resolve(): void {
    const info = this.waiter === undefined ? undefined : this.owner.tls;
    if (info !== undefined) this.waiter?.resolve(info);
  }

  /** The connection has ended, or closes before TLS has begun. */
  ended(): void {
    this.leave();
    // An error captures the stack: it is made only where a caller waits.
    if (this.waiter?.isPending === true) this.waiter.reject(this.owner.endError());
  }

  private leave(): void {
    if (this.phase === "shaking") this.security.over(this);
    this.phase = "done";
  }
}

/** `INVALID_STATE`: why `startTls` can't begin on a connection. */
export function startTlsError(
  connection: {
    readonly id: number;
    readonly upgrade: TlsUpgrade | undefined;
    readonly state: ConnectionState;
  },
  security: SecurityOwner | undefined,
): NetError {
  const { id, upgrade, state } = connection;
  let why = `startTls needs an open connection, this one is ${state}`;
  if (security === undefined) why = "startTls needs the component's option tls";
  else if (upgrade !== undefined) why = "TLS has begun on this connection already";
  return new NetError("INVALID_STATE", why, { operation: "handshake", connectionId: id });
}

/** `HANDSHAKE_LIMIT` for a peer that could not begin. */
export function handshakeLimit(maxHandshakes: number, connectionId?: number): NetError {
  const text = `${maxHandshakes} handshakes are under way already (maxHandshakes)`;
  const operation = connectionId === undefined ? "accept" : "handshake";
  return new NetError("HANDSHAKE_LIMIT", text, {
    operation,
    ...(connectionId !== undefined && { connectionId }),
  });
}
