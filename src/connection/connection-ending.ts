/**
 * How a connection ends, and the deadline that may end it. What can follow what is in
 * `connection-state.ts`.
 *
 * Invariants: the reason is fixed once; when the state is `ending` nothing is sent or delivered any
 * more, and who waited was rejected; the connection is closing in good order until its stream was
 * finished by both sides, or somebody loses patience.
 */
import type { StreamSocket } from "../engine/engine.js";
import { NetError, type Operation } from "../errors.js";
import { CLOSED_LOCALLY, type CloseReason, reasonOf } from "./close-reason.js";
import {
  ConnectionDeadline,
  type DeadlineHolder,
  type DeadlinePurpose,
  deadlineError,
} from "./connection-deadline.js";
import { type ConnectionState, nextConnectionState } from "./connection-state.js";
import type { EngineService } from "./engine-service.js";
import type { ReceivePath } from "./receive-path.js";
import type { SendPath } from "./send-path.js";
import type { ConnectionSettings } from "./settings.js";
import type { TlsUpgrade } from "./tls-upgrade.js";
import { UNCONNECTED } from "./unconnected-stream.js";

/** An attempt to connect, which lasts until the connection is open. */
export interface Dial {
  /** The connection is open. */
  established(): void;
  /** The connection has ended; answers true where there is no stream yet that would have to be closed. */
  cancel(): boolean;
}

/** Base of the connection; see the head of the file. */
export abstract class ConnectionEnding implements DeadlineHolder {
  abstract readonly id: number;
  stream: StreamSocket = UNCONNECTED;
  state: ConnectionState = "connecting";
  /** Until an outgoing connection is open: the attempt. */
  dial: Dial | undefined = undefined;
  protected sendPath: SendPath | undefined = undefined;
  protected receivePath: ReceivePath | undefined = undefined;
  /** Undefined while the connection is, and stays, plain. */
  protected upgrade: TlsUpgrade | undefined = undefined;
  protected receivedMs = 0;
  protected peerEnded = false;
  /** The application has finished sending, or the connection is closing. */
  protected finishAsked = false;
  protected finishSent = false;
  protected reason: CloseReason | undefined = undefined;
  private deadline: ConnectionDeadline | undefined = undefined;

  abstract readonly service: EngineService;
  abstract readonly settings: ConnectionSettings;

  /** Bytes that the kernel has not taken. */
  get pendingBytes(): number {
    return this.sendPath?.pendingBytes ?? 0;
  }

  /** See `Connection.close`. */
  close(): boolean {
    return this.closeWith(CLOSED_LOCALLY);
  }

  /** Closes in good order for a reason: sends what waits, then FIN, then waits for the peer's. */
  closeWith(reason: CloseReason): boolean {
    if (this.state === "connecting") return this.abort();
    if (this.state !== "open" && this.state !== "handshaking") return false;
    if (this.upgrade?.isShaking === true) {
      this.endWith(reason, true);
      return true;
    }
    this.state = nextConnectionState(this.state, "closing");
    this.reason = reason;
    if (this.upgrade?.isUnderWay === true) this.upgrade.ended();
    this.arm("close", this.settings.closeTimeoutMs);
    this.receivePath?.discard();
    if (this.finishSent && this.peerEnded) this.release();
    else this.finish();
    return true;
  }

  /** See `Connection.finish`. */
  finish(): boolean {
    if (this.state === "connecting" || this.state === "ending" || this.state === "closed") {
      return false;
    }
    this.finishAsked = true;
    if (this.state === "open" && this.receivePath?.hasEnded === true) return this.close();
    if (this.pendingBytes === 0 && this.upgrade?.isUnderWay !== true) this.sendFinish();
    return true;
  }

  /** Ends what is closing now: in good order when only the peer's FIN is missing, else by `error`. */
  cut(error: NetError): boolean {
    if (this.state !== "closing" || !this.finishSent) return this.fail(error);
    this.release();
    return false;
  }

  /** See `Connection.abort`. */
  abort(): boolean {
    const connecting = this.state === "connecting";
    const error = new NetError(
      "ABORTED",
      connecting ? "the connection was closed while it was being made" : "aborted",
      { operation: connecting ? "connect" : "close", connectionId: this.id },
    );
    return this.fail(error);
  }

  /** Ends the connection at once. Answers false when it has ended already. */
  fail(error: NetError): boolean {
    if (this.state === "ending" || this.state === "closed") return false;
    this.endWith(reasonOf(error, this.operation()), true);
    return true;
  }

  /** A handler said no. */
  refuse(operation: Operation): void {
    if (this.state === "ending" || this.state === "closed") return;
    const error = new NetError("REFUSED", undefined, { operation, connectionId: this.id });
    this.endWith(reasonOf(error, operation), false);
  }

  private endWith(reason: CloseReason, hard: boolean): void {
    this.settle(reason);
    if (this.dial?.cancel() === true) return;
    if (hard) this.stream.reset();
    else this.stream.close();
  }

  /** Fixes the reason; from here on nothing is sent or delivered. */
  protected settle(reason: CloseReason): void {
    this.state = nextConnectionState(this.state, "ended");
    this.reason = reason;
    this.disarm();
    this.upgrade?.ended();
    this.receivePath?.discard();
    this.sendPath?.end();
  }

  /** Why the connection ended or is ending; undefined before. */
  get closeReason(): CloseReason | undefined {
    return this.reason;
  }

  /** `CONNECTION_CLOSED`, with the reason as its cause. */
  closedError(): NetError {
    const cause = this.reason?.cause;
    const text = cause === undefined ? "" : `: ${cause.message}`;
    return new NetError("CONNECTION_CLOSED", `the connection is closed${text}`, {
      operation: this.reason?.operation ?? "close",
      connectionId: this.id,
      cause,
    });
  }

  /** The error that ended the connection, or `CONNECTION_CLOSED` after an orderly end. */
  endError(): NetError {
    return this.reason?.cause ?? this.closedError();
  }

  protected sendFinish(): void {
    if (this.finishSent) return;
    this.finishSent = true;
    if (this.peerEnded && this.state === "closing") this.release();
    else this.stream.finish();
  }

  /** Both sides have finished, or we no longer wait for the peer. */
  protected release(): void {
    this.settle(this.reason ?? CLOSED_LOCALLY);
    this.stream.close();
  }

  protected operation(): Operation {
    if (this.state === "connecting") return "connect";
    return this.upgrade?.isUnderWay === true ? "handshake" : "receive";
  }

  // — the deadline —

  protected arm(purpose: DeadlinePurpose, delayMs: number): void {
    this.deadline ??= new ConnectionDeadline(this);
    this.deadline.arm(purpose, delayMs);
  }

  /** Forgets the deadline: most connections have none for most of their lives. */
  protected disarm(): void {
    this.deadline?.clear();
    this.deadline = undefined;
  }

  protected watchIdle(): void {
    const { idleTimeoutMs } = this.settings;
    const leftMs = idleTimeoutMs - (this.service.wheel.clock.now() - this.receivedMs);
    if (idleTimeoutMs > 0) this.arm("idle", Math.max(0, leftMs));
    else this.disarm();
  }

  /** The settings were changed. */
  settingsChanged(): void {
    const isWaiting = this.upgrade?.isUnderWay === true || this.receivePath?.lacksReader === true;
    if (this.state === "open" && !isWaiting) this.watchIdle();
  }

  deadlinePassed(purpose: DeadlinePurpose): void {
    if (purpose === "reader") this.receivePath?.reportEnd();
    else if (purpose === "close" && this.finishSent) this.release();
    else if (purpose === "idle") this.idlePassed();
    else this.fail(deadlineError(purpose, this));
  }

  private idlePassed(): void {
    const silentMs = this.service.wheel.clock.now() - this.receivedMs;
    if (silentMs < this.settings.idleTimeoutMs) this.watchIdle();
    else this.closeWith(reasonOf(deadlineError("idle", this), "receive"));
  }
}
