/**
 * How a connection lives and ends: the stream of an engine on one side, the component on the other,
 * between them the state, the reason and the one deadline. States and invariants are in
 * `connection-state.ts`; what the application can do is in `live-connection.ts`.
 */
import type { StreamSink, StreamSocket } from "../engine/engine.js";
import type { TlsInfo } from "../engine/tls-options.js";
import { NetError, type Operation } from "../errors.js";
import type { Encoder, ReceiveModel } from "../receive/receive-model.js";
import { CLOSED_BY_PEER, CLOSED_LOCALLY, type CloseReason, reasonOf } from "./close-reason.js";
import type { WaitOptions } from "./connection.js";
import {
  ConnectionDeadline,
  type DeadlineHolder,
  type DeadlinePurpose,
  deadlineError,
} from "./connection-deadline.js";
import { nextConnectionId } from "./connection-registry.js";
import { type ConnectionState, nextConnectionState } from "./connection-state.js";
import type { EngineService } from "./engine-service.js";
import { HOLD, type ReceiveOwner, ReceivePath } from "./receive-path.js";
import type { SendOwner, SendPath } from "./send-path.js";
import type { ConnectionSettings } from "./settings.js";
import { type SecurityOwner, TlsUpgrade, type UpgradeOwner } from "./tls-upgrade.js";
import { UNCONNECTED } from "./unconnected-stream.js";

/** The component, as its connections see it. */
export interface ConnectionOwner<Life> {
  readonly security: SecurityOwner | undefined;
  readonly service: EngineService;
  readonly settings: ConnectionSettings;
  readonly hasReceiveHandler: boolean;
  /** The stream is open: calls `onAccept` or `onConnect`, which may refuse or end it. */
  connectionOpened(connection: Life, outgoing: boolean): void;
  /** The connection is ready for data: calls `onHandshake`, which may refuse or end it. */
  connectionReady(connection: Life): void;
  /** Calls `onReceive`; answers true when `handlerSettled` follows. */
  connectionReceived(connection: Life, received: Buffer | number): boolean;
  connectionSent(connection: Life, byteCount: number): void;
  connectionDrained(connection: Life): void;
  connectionEnded(connection: Life): void;
  /** The connection is gone; calls `onClose`. */
  connectionClosed(connection: Life, reason: CloseReason): void;
  /** Resolves when the connection has ended. */
  whenClosed(connection: Life): Promise<void>;
  /** Whether somebody waits for the connection's end. */
  awaitsEnd(connection: Life): boolean;
}

/** An attempt to connect, which lasts until the connection is open. */
export interface Dial {
  /** The connection is open. */
  established(): void;
  /** The connection has ended; answers true where there is no stream yet that would have to be closed. */
  cancel(): boolean;
}

/** See the head of the file. */
export abstract class ConnectionLife
  implements StreamSink, SendOwner, ReceiveOwner, UpgradeOwner, DeadlineHolder
{
  readonly id: number;
  stream: StreamSocket = UNCONNECTED;
  state: ConnectionState = "connecting";
  /** Until an outgoing connection is open: the attempt. */
  dial: Dial | undefined = undefined;
  protected model: ReceiveModel;
  protected sendPath: SendPath | undefined = undefined;
  protected receivePath: ReceivePath | undefined = undefined;
  protected openedMs: number;
  protected receivedMs: number;
  protected receivedBytes = 0;
  protected sentBytes = 0;
  private deadline: ConnectionDeadline | undefined = undefined;
  private reason: CloseReason | undefined = undefined;
  private peerEnded = false;
  /** Undefined while the connection is, and stays, plain. */
  protected upgrade: TlsUpgrade | undefined = undefined;
  /** The application has finished sending, or the connection is closing. */
  private finishAsked = false;
  private finishSent = false;

  constructor(service: EngineService, model: ReceiveModel) {
    this.id = nextConnectionId();
    this.model = model;
    this.openedMs = service.wheel.clock.now();
    this.receivedMs = this.openedMs;
  }

  /** The component. A field of the class below, where it also has its type. */
  protected abstract readonly owner: ConnectionOwner<this>;
  /** Host name as given to `connect`; undefined on a server. */
  abstract remoteHost: string | undefined;

  get service(): EngineService {
    return this.owner.service;
  }

  get settings(): ConnectionSettings {
    return this.owner.settings;
  }

  get hasReceiveHandler(): boolean {
    return this.owner.hasReceiveHandler;
  }

  get encoder(): Encoder | undefined {
    return this.model.encoder;
  }

  /** Whether data can be sent. */
  get isOpen(): boolean {
    return !this.isSendOver && this.upgrade?.isUnderWay !== true;
  }

  /** Whether nothing will be sent any more. */
  protected get isSendOver(): boolean {
    return (this.state !== "open" && this.state !== "handshaking") || this.finishAsked;
  }

  /** Bytes that the kernel has not taken. */
  get pendingBytes(): number {
    return this.sendPath?.pendingBytes ?? 0;
  }

  /** The stream is open: an accepted one from the start, an outgoing one when the engine says so. */
  open(outgoing: boolean): void {
    this.state = nextConnectionState(this.state, "opened");
    this.openedMs = this.service.wheel.clock.now();
    this.receivedMs = this.openedMs;
    const { security } = this.owner;
    if (security?.startsAtOnce === true) this.upgrade = new TlsUpgrade(this, security);
    this.owner.connectionOpened(this, outgoing);
    if (this.state !== "handshaking") return;
    if (this.upgrade !== undefined) {
      this.upgrade.begin();
      return;
    }
    if (security === undefined) this.owner.connectionReady(this);
    if (this.state === "handshaking") this.establish();
  }

  private establish(): void {
    this.state = nextConnectionState(this.state, "established");
    this.watchIdle();
    this.dial?.established();
    this.dial = undefined;
  }

  // — TLS —

  /** See `Connection.startTls`. */
  protected secureLater(options: WaitOptions): Promise<TlsInfo> {
    const { security } = this.owner;
    if (security === undefined || this.upgrade !== undefined || this.state !== "open") {
      const why = startTlsProblem(security, this.upgrade, this.state);
      throw new NetError("INVALID_STATE", why, { operation: "handshake", connectionId: this.id });
    }
    this.upgrade = new TlsUpgrade(this, security);
    this.path().hold(HOLD.securing);
    return this.upgrade.beginLater(options);
  }

  upgradeBegins(): void {
    const { handshakeTimeoutMs } = this.settings;
    if (handshakeTimeoutMs > 0) this.arm("handshake", handshakeTimeoutMs);
    else this.disarm();
  }

  get hasUndelivered(): boolean {
    return this.receivePath?.hasUndelivered ?? false;
  }

  streamSecured(): void {
    const { upgrade } = this;
    if (upgrade?.isShaking !== true) return;
    upgrade.secured();
    this.receivedMs = this.service.wheel.clock.now();
    this.disarm();
    this.owner.connectionReady(this);
    if (this.state === "handshaking") this.establish();
    else if (this.state === "open") this.watchIdle();
    // A handler that closes the connection in good order has let it in.
    else if (this.state === "closing") this.dial?.established();
    else return;
    if (this.finishAsked && this.pendingBytes === 0) this.sendFinish();
    this.receivePath?.release(HOLD.securing);
    upgrade.resolve();
  }

  /** What is known of TLS; undefined while the connection is plain. */
  get tls(): TlsInfo | undefined {
    return this.stream.tlsInfo();
  }

  /** A handler said no. */
  refuse(operation: Operation): void {
    if (this.state === "ending" || this.state === "closed") return;
    const error = new NetError("REFUSED", undefined, { operation, connectionId: this.id });
    this.endWith(reasonOf(error, operation), false);
  }

  // — the engine's calls —

  streamOpened(): void {
    if (this.state === "connecting") this.open(true);
  }

  streamReceived(bytes: Buffer): void {
    this.receivedBytes += bytes.length;
    this.receivedMs = this.owner.service.arrivalMs();
    if (this.state === "open") this.path().receive(bytes);
  }

  streamEnded(): void {
    this.peerEnded = true;
    if (this.state === "open") this.path().endReceived();
    else if (this.state === "closing" && this.finishSent) this.release();
  }

  streamWritten(byteCount: number): void {
    this.sendPath?.written(byteCount);
  }

  streamClosed(error: NetError | undefined): void {
    if (this.state === "closed") return;
    if (this.state !== "ending") this.settle(this.reasonOfBreak(error));
    this.state = nextConnectionState(this.state, "released");
    this.dial?.cancel();
    this.dial = undefined;
    this.owner.connectionClosed(this, this.reason ?? CLOSED_LOCALLY);
  }

  /** The stream ended by itself. An orderly end of ours in which all was sent stays what it was. */
  private reasonOfBreak(error: NetError | undefined): CloseReason {
    const orderly = error === undefined || (this.state === "closing" && this.finishSent);
    if (orderly && this.reason !== undefined) return this.reason;
    return error === undefined ? CLOSED_BY_PEER : reasonOf(error, this.operation());
  }

  private operation(): Operation {
    if (this.state === "connecting") return "connect";
    return this.upgrade?.isUnderWay === true ? "handshake" : "receive";
  }

  // — ending —

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

  private endWith(reason: CloseReason, hard: boolean): void {
    this.settle(reason);
    if (this.dial?.cancel() === true) return;
    if (hard) this.stream.reset();
    else this.stream.close();
  }

  /** Fixes the reason; from here on nothing is sent or delivered. */
  private settle(reason: CloseReason): void {
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

  private sendFinish(): void {
    if (this.finishSent) return;
    this.finishSent = true;
    if (this.peerEnded && this.state === "closing") this.release();
    else this.stream.finish();
  }

  /** Both sides have finished, or we no longer wait for the peer. */
  private release(): void {
    this.settle(this.reason ?? CLOSED_LOCALLY);
    this.stream.close();
  }

  // — the deadline —

  private arm(purpose: DeadlinePurpose, delayMs: number): void {
    this.deadline ??= new ConnectionDeadline(this);
    this.deadline.arm(purpose, delayMs);
  }

  /** Forgets the deadline: most connections have none for most of their lives. */
  private disarm(): void {
    this.deadline?.clear();
    this.deadline = undefined;
  }

  private watchIdle(): void {
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

  // — the paths' calls —

  sent(byteCount: number): void {
    this.sentBytes += byteCount;
    this.owner.connectionSent(this, byteCount);
  }

  belowMark(): void {
    this.owner.connectionDrained(this);
  }

  allSent(): void {
    if (this.upgrade?.isUnderWay === true) this.upgrade.allSent();
    else if (this.finishAsked) this.sendFinish();
  }

  holdPeer(hold: boolean): void {
    if (hold) this.path().hold(HOLD.slow);
    else this.receivePath?.release(HOLD.slow);
  }

  deliver(received: Buffer | number): boolean {
    return this.owner.connectionReceived(this, received);
  }

  /** The promise of `onReceive` is settled. */
  handlerSettled(): void {
    this.receivePath?.handlerSettled();
  }

  awaitReader(): void {
    if (this.state !== "open") return;
    if (this.owner.awaitsEnd(this)) this.receivePath?.reportEnd();
    else this.arm("reader", this.settings.closeTimeoutMs);
  }

  /** Who waits for the end reads no more: an end that waits for a reader is reported now. */
  stopReading(): void {
    if (this.receivePath?.lacksReader === true) this.receivePath.reportEnd();
  }

  peerFinished(): void {
    this.owner.connectionEnded(this);
    if (!this.settings.halfOpen || this.finishAsked) this.closeWith(CLOSED_BY_PEER);
  }

  protected path(): ReceivePath {
    this.receivePath ??= new ReceivePath(this, this.model);
    return this.receivePath;
  }
}

function startTlsProblem(
  security: SecurityOwner | undefined,
  upgrade: TlsUpgrade | undefined,
  state: ConnectionState,
): string {
  if (security === undefined) return "startTls needs the component's option tls";
  if (upgrade !== undefined) return "TLS has begun on this connection already";
  return `startTls needs an open connection, this one is ${state}`;
}
