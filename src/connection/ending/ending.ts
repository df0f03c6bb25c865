/**
 * How a connection ends. Made when the end begins, on whichever side.
 *
 * Invariants: the reason is fixed once, but for an orderly one that an error replaces while closing; in
 * the state `ending` nothing is sent or delivered any more, and who waited was rejected; a connection closes in good
 * order until both sides have finished, or a deadline passes;
 * `closed` is told once, and last.
 */
import { NetError, type Operation } from "../../errors.js";
import { CLOSED_BY_PEER, CLOSED_LOCALLY, type CloseReason, reasonOf } from "../close-reason.js";
import { type ConnectionState, nextConnectionState } from "../connection-state.js";
import { DUE, type ProtocolConnection } from "../receiver.js";
import type { Outbound } from "../sending/outbound.js";
import type { TlsUpgrade } from "../tls/tls-upgrade.js";
import { abortedError, closedError, refusedError } from "./end-errors.js";

/** An attempt to connect, which lasts until the connection is open. */
export interface Dial {
  /** Host name as given to `connect`; what TLS verifies. */
  readonly host: string | undefined;
  /** The connection is open. */
  established(): void;
  /** The connection has ended; returns true where there is no stream yet that would have to be closed. */
  cancel(): boolean;
}

/** The connection, as its end sees it. */
export interface EndingConnection extends ProtocolConnection {
  state: ConnectionState;
  readonly dial: Dial | undefined;
  readonly upgrade: TlsUpgrade | undefined;
  /** Nothing more is delivered. */
  abandonReceiver(): void;
  readonly outbound: Outbound | undefined;
  /** Whether its addresses may be asked for when it has ended. */
  readonly isRemembered: boolean;
  /** The peer's end goes the way of its bytes. */
  endReceived(): void;
  endDeadlines(): void;
  /** The connection is gone: tells the component. */
  gone(reason: CloseReason): void;
}

/** How a connection ends. */
export class Ending {
  reason: CloseReason | undefined = undefined;
  hasPeerEnded = false;
  /** The application has finished sending, or the connection is closing. */
  isFinishing = false;
  /** `close` or `abort` was called, whatever became of it. */
  isAsked = false;
  /** What the kernel is not known to have taken: of the write under way it may have some. */
  unsentBytes = 0;
  private readonly connection: EndingConnection;
  private isFinishSent = false;
  /** The receiver has passed the peer's end on. */
  private isPassedOn = false;
  /** When it had ended, by the clock; undefined before. */
  closedMs: number | undefined = undefined;
  /** How much was sent when closing was last looked at. */
  private progress = 0;

  constructor(connection: EndingConnection) {
    this.connection = connection;
  }

  // — the peer's end —

  /** The peer has finished sending. */
  peerEnded(): void {
    this.hasPeerEnded = true;
    const { connection } = this;
    if (connection.state === "open") connection.endReceived();
    else if (connection.state === "closing" && this.isFinishSent) this.leave();
  }

  /** See `ProtocolConnection.endPassedOn`. */
  passedOn(): boolean {
    this.isPassedOn = true;
    return this.isFinishing;
  }

  // — our end —

  /** See `Connection.finish`. */
  finish(): boolean {
    const { connection } = this;
    const { state } = connection;
    if (state === "connecting" || state === "ending" || state === "closed") return false;
    this.isFinishing = true;
    if (state === "open" && this.isPassedOn) return this.closeWith(CLOSED_LOCALLY);
    if (connection.pendingBytes === 0 && connection.upgrade?.isUnderWay !== true) {
      this.sendFinish();
    }
    return true;
  }

  /** Nothing waits to be sent any more. */
  allSent(): void {
    if (this.isFinishing) this.sendFinish();
  }

  private sendFinish(): void {
    if (this.isFinishSent) return;
    this.isFinishSent = true;
    if (this.hasPeerEnded && this.connection.state === "closing") this.leave();
    else this.connection.stream.finish();
  }

  /** Closes in good order for a reason: sends what waits, then FIN, then waits for the peer's. */
  closeWith(reason: CloseReason): boolean {
    const { connection } = this;
    const { state, upgrade } = connection;
    if (state === "connecting") return this.abort();
    if (state !== "open" && state !== "handshaking") return false;
    if (upgrade?.isShaking === true) {
      this.endWith(reason, true);
      return true;
    }
    connection.state = nextConnectionState(state, "closing");
    this.reason = reason;
    if (upgrade?.isUnderWay === true) upgrade.ended();
    connection.endDeadlines();
    this.watch();
    connection.abandonReceiver();
    if (this.isFinishSent && this.hasPeerEnded) this.leave();
    else this.finish();
    return true;
  }

  private watch(): void {
    const { connection } = this;
    this.progress = connection.sendProgress;
    connection.deadlines.set(DUE.close, connection.settings.closeTimeoutMs);
  }

  /** `closeTimeoutMs` has passed. It begins anew as often as the peer has taken some of what waits meanwhile. */
  closePassed(): void {
    const { connection } = this;
    if (this.isFinishSent) this.leave();
    else if (connection.sendProgress > this.progress) this.watch();
    else {
      const { closeTimeoutMs } = connection.settings;
      const leftBytes = connection.pendingBytes - connection.stream.sendProgress();
      const text = `${leftBytes} bytes wait to be sent, and the peer took none of them within closeTimeoutMs (${closeTimeoutMs})`;
      this.fail(
        new NetError("CLOSE_TIMEOUT", text, { operation: "close", connectionId: connection.id }),
      );
    }
  }

  /** Ends what is closing now: in good order when only the peer's FIN is missing, else by `error`. */
  cut(error: NetError): boolean {
    if (this.connection.state !== "closing" || !this.isFinishSent) return this.fail(error);
    this.leave();
    return false;
  }

  /** See `Connection.close`. */
  close(): boolean {
    this.isAsked = true;
    return this.closeWith(CLOSED_LOCALLY);
  }

  /** See `Connection.abort`. */
  abort(): boolean {
    this.isAsked = true;
    const { id, state } = this.connection;
    return this.fail(abortedError(id, state === "connecting"));
  }

  /** Ends the connection at once. Returns false when it has ended already. */
  fail(error: NetError): boolean {
    if (this.isOver) return false;
    this.endWith(reasonOf(error, this.operation()), true);
    return true;
  }

  /** A handler said no. */
  refuse(operation: Operation, handler: string): void {
    if (this.isOver) return;
    const error = refusedError(this.connection.id, operation, handler);
    this.endWith(reasonOf(error, operation), false);
  }

  private get isOver(): boolean {
    const { state } = this.connection;
    return state === "ending" || state === "closed";
  }

  private operation(): Operation {
    const { state, upgrade } = this.connection;
    if (state === "connecting") return "connect";
    return upgrade?.isUnderWay === true ? "handshake" : "receive";
  }

  private endWith(reason: CloseReason, isHard: boolean): void {
    const { connection } = this;
    this.settle(reason);
    if (connection.dial?.cancel() === true) return;
    if (isHard) connection.stream.reset();
    else connection.stream.close();
  }

  /** Both sides have finished, or we no longer wait for the peer. */
  private leave(): void {
    this.settle(this.reason ?? CLOSED_LOCALLY);
    this.connection.stream.close();
  }

  /** Fixes the reason; from here on nothing is sent or delivered. */
  private settle(reason: CloseReason): void {
    const { connection } = this;
    connection.state = nextConnectionState(connection.state, "ended");
    this.reason = reason;
    this.unsentBytes = connection.pendingBytes;
    // Asked for while the socket is there: the engine remembers it, and `onClose` may ask for it.
    if (connection.isRemembered) connection.stream.localAddress();
    connection.endDeadlines();
    connection.upgrade?.ended();
    connection.abandonReceiver();
    connection.outbound?.end();
  }

  /** The stream is gone. */
  streamClosed(error: NetError | undefined): void {
    const { connection } = this;
    if (connection.state === "closed") return;
    if (connection.state !== "ending") this.settle(this.reasonOfBreak(error));
    connection.state = nextConnectionState(connection.state, "released");
    this.closedMs = connection.wheel.clock.now();
    connection.dial?.cancel();
    connection.gone(this.reason ?? CLOSED_LOCALLY);
  }

  /** The stream ended by itself. An orderly end of ours in which all was sent stays what it was. */
  private reasonOfBreak(error: NetError | undefined): CloseReason {
    const isClosing = this.connection.state === "closing";
    const isOrderly = error === undefined || (isClosing && this.isFinishSent);
    if (isOrderly && this.reason !== undefined) return this.reason;
    return error === undefined ? CLOSED_BY_PEER : reasonOf(error, this.operation());
  }

  // — what is told of it —

  /** `CONNECTION_CLOSED`, with the reason as its cause. */
  closedError(): NetError {
    return closedError(this.connection.id, this.reason);
  }

  /** The error that ended the connection, or `CONNECTION_CLOSED` after an orderly end. */
  endError(): NetError {
    return this.reason?.cause ?? this.closedError();
  }
}
