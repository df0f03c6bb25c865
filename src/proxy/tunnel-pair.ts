/**
 * A tunnel: two connections, each of which is sent what comes from the other. Where it can, the engine carries them
 * (`ProtocolConnection.carryTo`), from the first moment on at which nothing waits. Else bytes are handed on as they
 * are lent, so that the engine can keep them where they are. A slow side holds the other one back. When one side
 * finishes, the other is finished; when one side has ended, the other ends, too.
 */
import type { CloseReason } from "../connection/close-reason.js";
import { DUE, HOLD, type Receiver } from "../connection/receiver.js";
import type { StreamConnection } from "../connection/stream-connection.js";
import { NetError } from "../errors.js";

/** The outcome of a tunnel. */
export interface TunnelReport {
  /** Bytes that the client sent to the destination. */
  readonly fromClientBytes: number;
  /** Bytes that came back. */
  readonly toClientBytes: number;
  readonly durationMs: number;
  /** Whether that was the destination's side. */
  readonly isByUpstream: boolean;
  /** How the side that ended first has ended. */
  readonly reason: CloseReason;
}

/** Pieces after which a side that could be carried, and has brought more all the time, is held until nothing waits. */
const PATIENT_PIECES = 16;

/** One tunnel. */
export class TunnelPair {
  readonly client: TunnelSide;
  readonly upstream: TunnelSide;
  private readonly startedMs: number;
  private readonly idleTimeoutMs: number;
  private done: ((report: TunnelReport) => void) | undefined;
  private reason: CloseReason | undefined = undefined;
  private isByUpstream = false;

  /**
   * `idleTimeoutMs`: how long nothing may come from either side; 0: for any time. `done`: told once, when both have
   * ended.
   */
  constructor(
    client: StreamConnection,
    upstream: StreamConnection,
    idleTimeoutMs: number,
    done: (report: TunnelReport) => void,
  ) {
    this.client = new TunnelSide(this, client);
    this.upstream = new TunnelSide(this, upstream);
    this.client.other = this.upstream;
    this.upstream.other = this.client;
    this.startedMs = client.wheel.clock.now();
    this.idleTimeoutMs = idleTimeoutMs;
    this.done = done;
  }

  /** Takes both connections over: what came before of each goes to the other first, `early` of the client in front. */
  start(early?: Buffer): void {
    const { client, upstream } = this;
    client.connection.receiveBy(client, early);
    upstream.connection.receiveBy(upstream);
    client.connection.onDue = () => this.idlePassed();
    this.watchIdle(this.idleTimeoutMs);
    for (const { connection } of [client, upstream]) connection.release(HOLD.upgrade);
    // A side that had ended by now has told its earlier receiver.
    for (const side of [client, upstream]) side.tellEarlyEnd();
  }

  private watchIdle(delayMs: number): void {
    const { connection } = this.client;
    if (this.idleTimeoutMs > 0 && this.reason === undefined) {
      connection.deadlines.set(DUE.protocol, delayMs);
    }
  }

  private idlePassed(): void {
    const { client, upstream, idleTimeoutMs } = this;
    const silentMs = Math.min(client.connection.silentForMs, upstream.connection.silentForMs);
    if (silentMs < idleTimeoutMs) {
      this.watchIdle(Math.max(1, idleTimeoutMs - silentMs));
      return;
    }
    const text = `nothing came through the tunnel for tunnelIdleTimeoutMs (${idleTimeoutMs})`;
    client.connection.fail(new NetError("IDLE_TIMEOUT", text, { operation: "receive" }));
  }

  /** A side has ended: the other sends what waits, and ends. */
  sideClosed(side: TunnelSide, reason: CloseReason): void {
    const { client, upstream, done } = this;
    const isFirst = this.reason === undefined;
    this.reason ??= reason;
    if (isFirst) this.isByUpstream = side === upstream;
    if (isFirst && side.other !== undefined) {
      if (reason.cause === undefined) side.other.connection.close();
      else side.other.connection.abort();
    }
    if (!client.isClosed || !upstream.isClosed || done === undefined) return;
    this.done = undefined;
    done({
      fromClientBytes: client.byteCount,
      toClientBytes: upstream.byteCount,
      isByUpstream: this.isByUpstream,
      durationMs: client.connection.wheel.clock.now() - this.startedMs,
      reason: this.reason,
    });
  }
}

/** One side: what it receives is sent to the other. */
export class TunnelSide implements Receiver {
  readonly connection: StreamConnection;
  other: TunnelSide | undefined = undefined;
  isClosed = false;
  private readonly pair: TunnelPair;
  /** Bytes that came from here, and were handed on here. */
  private handedOnBytes = 0;
  private pieceCount = 0;
  /** Bytes that had come when the engine began to carry; undefined before. */
  private carriedFromBytes: number | undefined = undefined;

  constructor(pair: TunnelPair, connection: StreamConnection) {
    this.pair = pair;
    this.connection = connection;
  }

  /** Bytes that came from here. */
  get byteCount(): number {
    const { carriedFromBytes, handedOnBytes } = this;
    if (carriedFromBytes === undefined) return handedOnBytes;
    return handedOnBytes + this.connection.receivedBytes - carriedFromBytes;
  }

  received(bytes: Buffer): number {
    const { connection } = this;
    this.handedOnBytes += bytes.length;
    this.pieceCount++;
    // False: so much waits there that it has to be taken first, or that side ends, and this one with it.
    const isTaken = this.other?.connection.sendBytes(bytes) === true;
    if (!isTaken || (this.pieceCount === PATIENT_PIECES && this.mayBeCarried)) {
      connection.hold(HOLD.slow);
    }
    return bytes.length;
  }

  private get mayBeCarried(): boolean {
    return this.carriedFromBytes === undefined && this.connection.stream.carryTo !== undefined;
  }

  /** Has the engine carry what comes from here, if nothing waits. */
  private carry(): void {
    const { connection, other } = this;
    if (!this.mayBeCarried || other === undefined || other.connection.pendingBytes > 0) return;
    const fromBytes = connection.receivedBytes;
    if (connection.carryTo(other.connection)) this.carriedFromBytes = fromBytes;
    connection.release(HOLD.slow);
  }

  resumed(): void {
    this.carry();
  }

  sent(): void {
    this.other?.carry();
  }

  ended(): void {
    const hasFinished = this.connection.endPassedOn();
    this.other?.connection.finish();
    if (hasFinished) this.connection.close();
  }

  drained(): void {
    this.other?.connection.release(HOLD.slow);
  }

  /** The component stops: a tunnel goes on until it ends by itself, or `drainMs` have passed. */
  stopping(): void {}

  /** The connection may have ended before it was taken over. */
  tellEarlyEnd(): void {
    const { state, closeReason } = this.connection;
    if (state === "closed" && closeReason !== undefined) this.closed(closeReason);
  }

  closed(reason: CloseReason): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.pair.sideClosed(this, reason);
  }
}
