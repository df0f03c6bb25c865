/**
 * How a connection lives: the stream of an engine on one side, the component on the other, between
 * them the two paths. How it ends is in `connection-ending.ts`, its states in `connection-state.ts`;
 * what the application can do is in `live-connection.ts`.
 */
import type { StreamSink } from "../engine/engine.js";
import type { TlsInfo } from "../engine/tls-options.js";
import { NetError } from "../errors.js";
import type { Encoder, ReceiveModel } from "../receive/receive-model.js";
import { CLOSED_BY_PEER, CLOSED_LOCALLY, type CloseReason, reasonOf } from "./close-reason.js";
import type { WaitOptions } from "./connection.js";
import { ConnectionEnding } from "./connection-ending.js";
import { nextConnectionId } from "./connection-registry.js";
import { type ConnectionState, nextConnectionState } from "./connection-state.js";
import type { EngineService } from "./engine-service.js";
import { HOLD, type ReceiveOwner, ReceivePath } from "./receive-path.js";
import type { SendOwner } from "./send-path.js";
import type { ConnectionSettings } from "./settings.js";
import { type SecurityOwner, TlsUpgrade, type UpgradeOwner } from "./tls-upgrade.js";

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

/** See the head of the file. */
export abstract class ConnectionLife
  extends ConnectionEnding
  implements StreamSink, SendOwner, ReceiveOwner, UpgradeOwner
{
  readonly id: number;
  protected model: ReceiveModel;
  protected openedMs: number;
  protected receivedBytes = 0;
  protected sentBytes = 0;

  constructor(service: EngineService, model: ReceiveModel) {
    super();
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
