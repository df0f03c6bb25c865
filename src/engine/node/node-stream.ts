/**
 * One stream over node:net. Hot: received and written bytes pass here.
 *
 * States, as fields: connecting → open → (peer ended, we finished, in any order) → closed.
 * - `pendingBytes` is the size of the write under way, or IDLE.
 * - Nothing but `streamClosed` reaches the sink once `isClosing` is set.
 * - node:net destroys a socket by itself when both directions have finished. The contract leaves
 *   that to `close`, so the sink hears of it only then (`isGone` without an error).
 */
import type { Socket } from "node:net";
import process from "node:process";
import { changedPieces, isEmptied } from "../../bytes/changed-pieces.js";
import type { SendMemory } from "../../bytes/send-memory.js";
import { NetError, type Operation, rethrowLater } from "../../errors.js";
import { inRootContext } from "../../time/root-context.js";
import { addressText } from "../address-text.js";
import type {
  Address,
  KeepAlive,
  StreamOptions,
  StreamSink,
  StreamSocket,
  TcpInfo,
} from "../engine.js";
import { noStreamSink } from "../no-sink.js";
import { setOptions } from "../option-calls.js";
import { callSink } from "../sink-defect.js";
import { errnoNameOf, systemError } from "../system-error.js";
import { tcpInfo, timeoutError, userTimeoutOption } from "../tcp-options.js";
import type { TlsContext, TlsInfo } from "../tls-options.js";
import { cutBehindEnd } from "./cut-behind-end.js";
import { applyKeepAlive } from "./keep-alive.js";
import { localAddressOf } from "./node-address.js";
import { NodeSecurity } from "./node-security.js";
import type { NodeTurn } from "./node-turn.js";
import { disown, listen, listenToConnect, type SocketOwner } from "./owned-socket.js";
import type { ProcessHold } from "./process-hold.js";
import { breakOf, findsBreaks } from "./quiet-break.js";
import { resetBehindShutdown } from "./reset-behind-shutdown.js";
import { isPeerGone, readRest } from "./rest-behind-break.js";
import { askSocket } from "./socket-calls.js";
import type { StreamRounds, WatchedStream } from "./stream-rounds.js";
import { takenBytes, waitingBytes } from "./taken-by-kernel.js";

const IDLE = -1;

/** The most that one record of TLS carries (RFC 8446 §5.1). It is given to libuv whole. */
const RECORD_BYTES = 16_384;
const UNKNOWN = -1;

/**
 * Pieces of up to this size on average are copied into one, as long as that is no longer than
 * `JOIN_LIMIT_BYTES`: copying then costs less than what node:net does for each piece (measured: ×1.1
 * to ×1.4 writes a second), while above it costs more (×0.5 at 16 KiB).
 */
const JOINED_PIECE_BYTES = 1_024;
const JOIN_LIMIT_BYTES = 65_536;

const OPERATIONS: Readonly<Record<string, Operation>> = {
  write: "send",
  writev: "send",
  shutdown: "send",
};

function reportClosed(stream: NodeStream): void {
  stream.gone();
}

function endSecured(stream: NodeStream): void {
  stream.endSecured();
}

/** What a {@link NodeStream} is made of. */
export interface NodeStreamSetup {
  readonly socket: Socket;
  readonly options: StreamOptions;
  /** False for a socket that is still connecting. */
  readonly isOpen: boolean;
  /** It has inherited its listener's options, which Node does not know. */
  readonly hasOptions: boolean;
  /** Whether received bytes lie in a shared buffer; its owner then calls `received`. */
  readonly lendsBytes: boolean;
  readonly remote: Address | undefined;
  readonly turn: NodeTurn;
  readonly hold: ProcessHold;
  readonly rounds: StreamRounds;
  /** What pieces in it are released to when they are written. */
  readonly memory: SendMemory;
  /** Undefined: the socket is asked when it is needed. */
  readonly local: Address | undefined;
}

/** One stream over node:net. Methods below `unref` are called by the socket's listeners. */
export class NodeStream implements StreamSocket, SocketOwner, WatchedStream {
  lendsBytes: boolean;
  sink: StreamSink = noStreamSink;
  /** The plain socket, and once TLS has begun the one that secures it. */
  socket: Socket;
  private readonly options: StreamOptions;
  private readonly onWritten: (error?: Error | null) => void;
  private readonly remote: Address | undefined;
  private readonly turn: NodeTurn;
  private readonly hold: ProcessHold;
  private readonly rounds: StreamRounds;
  private readonly memory: SendMemory;
  /** What is being written. */
  private writing: Uint8Array | readonly Uint8Array[] | undefined = undefined;
  private local: Address | undefined;
  private error: NetError | undefined = undefined;
  private security: NodeSecurity | undefined = undefined;
  private pendingBytes: number = IDLE;
  /** With TLS: what the kernel had taken when the write under way began, or UNKNOWN. */
  private takenBefore: number = UNKNOWN;
  private isOpen: boolean;
  private isFinishing = false;
  private isShutDown = false;
  private isClosing = false;
  private isGone = false;
  /** Node reads nothing of the socket now, so that it would not hold the process. */
  private isQuiet = false;
  private isRef = true;
  private isHolding = false;
  private isWatched = false;
  private hasUnknownOptions: boolean;

  constructor(setup: NodeStreamSetup) {
    const { socket } = setup;
    this.lendsBytes = setup.lendsBytes;
    this.socket = socket;
    this.options = setup.options;
    this.isOpen = setup.isOpen;
    this.remote = setup.remote;
    this.turn = setup.turn;
    this.hold = setup.hold;
    this.rounds = setup.rounds;
    this.memory = setup.memory;
    this.local = setup.local;
    this.onWritten = (error): void => this.written(error);
    this.hasUnknownOptions = setup.hasOptions;
    if (setup.isOpen) {
      if (!setup.hasOptions) this.applyOptions();
    } else {
      this.listenTo(socket);
      listenToConnect(socket);
    }
  }

  /** Begins to tell what happens to a socket that was accepted: its sink is set. */
  accepted(): void {
    // Where TLS has begun with the connection, its socket is listened to, and this one never.
    if (this.security === undefined) this.listenTo(this.socket);
  }

  private listenTo(socket: Socket): void {
    listen(socket, this, !this.lendsBytes);
  }

  startTls(context: TlsContext, host?: string, early?: Buffer): void {
    if (this.lendsBytes) {
      throw new NetError("NOT_SUPPORTED", "the stream was opened without mayStartTls", {
        operation: "handshake",
      });
    }
    const plain = this.socket;
    // A stream that is closing reports so itself.
    if (this.isClosing || plain.destroyed) return;
    const isPaused = plain.isPaused();
    // Events of the plain socket are reported by the secured one from now on.
    disown(plain);
    plain.pause();
    // The secured socket reads first what the plain one has buffered.
    if (early !== undefined && early.length > 0) plain.unshift(Buffer.from(early));
    this.security = new NodeSecurity(plain, context, host, this);
    this.socket = this.security.socket;
    this.listenTo(this.socket);
    // Holds data back, not the handshake.
    if (isPaused) this.socket.pause();
  }

  hasHeard(): boolean {
    return this.security?.hasHeard ?? true;
  }

  tlsInfo(): TlsInfo | undefined {
    return this.security?.info();
  }

  /** TLS is established. */
  secured(): void {
    this.turn.secured();
    this.rounds.add(this.security!);
    if (!this.isClosing) callSink(() => this.sink.streamSecured());
  }

  /** The peer's certificate is not accepted, or the stream broke off. */
  refused(error: NetError): void {
    if (this.isClosing || this.error !== undefined) return;
    this.error = error;
    this.socket.destroy();
  }

  write(piece: Uint8Array): void {
    if (!this.beginWrite(piece.byteLength)) return;
    this.writing = piece;
    if (isEmptied(piece)) this.refused(changedPieces(1, 0));
    else if (this.turn.isRunning) this.socket.write(piece, this.onWritten);
    else inRootContext(() => this.socket.write(piece, this.onWritten));
  }

  writeAll(pieces: readonly Uint8Array[], byteCount: number): void {
    let sumBytes = 0;
    for (const piece of pieces) sumBytes += piece.byteLength;
    if (!this.beginWrite(byteCount)) return;
    if (sumBytes !== byteCount) this.refused(changedPieces(byteCount, sumBytes));
    else if (this.turn.isRunning) this.writePieces(pieces, byteCount);
    else inRootContext(() => this.writePieces(pieces, byteCount));
  }

  private writePieces(pieces: readonly Uint8Array[], byteCount: number): void {
    const joinLimitBytes = Math.min(JOIN_LIMIT_BYTES, pieces.length * JOINED_PIECE_BYTES);
    if (pieces.length === 1) {
      this.writing = pieces[0]!;
      this.socket.write(pieces[0]!, this.onWritten);
    } else if (byteCount <= joinLimitBytes) {
      const joined = Buffer.concat(pieces, byteCount);
      for (const piece of pieces) this.memory.release(piece);
      this.socket.write(joined, this.onWritten);
    } else {
      this.writing = pieces.slice();
      const last = pieces.length - 1;
      this.socket.cork();
      for (let index = 0; index < last; index++) this.socket.write(pieces[index]!);
      this.socket.write(pieces[last]!, this.onWritten);
      this.socket.uncork();
    }
  }

  finish(): void {
    if (this.isFinishing || this.isClosing) return;
    this.isFinishing = true;
    if (this.pendingBytes === IDLE) this.shutDown();
  }

  close(): void {
    if (this.isClosing) return;
    this.beginClose();
    if (this.isGone) inRootContext(() => process.nextTick(reportClosed, this));
    else if (this.owesCloseNotify()) this.closeSecured();
    else this.socket.destroy();
  }

  private owesCloseNotify(): boolean {
    const isQuiet = this.pendingBytes === IDLE && !this.isShutDown;
    return isQuiet && this.error === undefined && this.security?.isSecured === true;
  }

  /** close_notify is handed to the kernel within the turn, if it takes anything at all. */
  private closeSecured(): void {
    this.socket.end();
    setImmediate(() => this.socket.destroy());
  }

  reset(): void {
    if (this.isClosing) return;
    this.beginClose();
    if (this.isGone) inRootContext(() => process.nextTick(reportClosed, this));
    // Only an open TCP connection can be reset.
    else if (!this.isOpen || this.isPath()) this.socket.destroy();
    else if (this.isShutDown && !this.socket.writableFinished)
      resetBehindShutdown(this.socket, () => this.resetNow());
    else this.resetNow();
  }

  private resetNow(): void {
    if (this.security === undefined) this.socket.resetAndDestroy();
    else this.security.reset();
  }

  private beginClose(): void {
    this.isClosing = true;
    this.updateHold();
  }

  pause(): void {
    this.socket.pause();
    this.becomeQuiet();
  }

  private becomeQuiet(): void {
    this.isQuiet = true;
    this.updateHold();
    if (this.isWatched || findsBreaks() !== true || this.isPath()) return;
    this.isWatched = true;
    this.rounds.add(this);
  }

  look(): boolean {
    this.isWatched = this.isQuiet && !this.isClosing && !this.isGone;
    if (!this.isWatched || !this.isOpen) return this.isWatched;
    const name = breakOf(this.plainSocket(), this.isFinishing);
    if (name !== undefined) this.refused(this.broken(name));
    return true;
  }

  resume(): void {
    this.isQuiet = false;
    this.updateHold();
    if (this.lendsBytes) this.socket.resume();
    // What Node has read already is emitted in a tick of its own.
    else inRootContext(() => this.socket.resume());
  }

  /** See {@link ProcessHold}. */
  private updateHold(): void {
    const holds = this.isQuiet && this.isRef && !this.isClosing;
    if (holds === this.isHolding) return;
    this.isHolding = holds;
    if (holds) this.hold.add();
    else this.hold.remove();
  }

  sendProgress(): number {
    const { pendingBytes, security } = this;
    if (pendingBytes === IDLE) return 0;
    if (security !== undefined && this.takenBefore === UNKNOWN) return 0;
    const taken =
      security === undefined
        ? pendingBytes - (waitingBytes(this.socket) ?? pendingBytes)
        : takenBytes(security.plain) - this.takenBefore;
    // Cipher text is longer than plain text.
    return Math.min(taken, pendingBytes);
  }

  setNoDelay(on: boolean): void {
    this.tellOptions();
    this.socket.setNoDelay(on);
  }

  setKeepAlive(keepAlive: KeepAlive | false): KeepAlive | false {
    this.tellOptions();
    return this.isPath() ? false : applyKeepAlive(this.socket, keepAlive);
  }

  /** Node's socket skips options that it believes to be set already. */
  private tellOptions(): void {
    if (!this.hasUnknownOptions) return;
    this.hasUnknownOptions = false;
    this.applyOptions();
  }

  localAddress(): Address | undefined {
    this.local ??= localAddressOf(this.socket);
    return this.local;
  }

  remoteAddress(): Address | undefined {
    return this.remote;
  }

  tcpInfo(): TcpInfo | undefined {
    return this.isPath() ? undefined : askSocket(this.plainSocket(), tcpInfo);
  }

  ref(): void {
    this.socket.ref();
    this.isRef = true;
    this.updateHold();
  }

  unref(): void {
    this.socket.unref();
    this.isRef = false;
    this.updateHold();
  }

  connected(): void {
    if (this.isClosing) return;
    this.isOpen = true;
    this.applyOptions();
    callSink(() => this.sink.streamOpened());
  }

  received(bytes: Buffer): void {
    if (this.isClosing) return;
    this.turn.received(bytes.length);
    try {
      this.sink.streamReceived(bytes);
    } catch (defect) {
      rethrowLater(defect);
    }
  }

  given(bytes: Buffer): void {
    this.lendsBytes = false;
    this.received(bytes);
    this.lendsBytes = true;
  }

  ended(): void {
    if (this.isClosing) return;
    const broken = this.security?.endError();
    // close_notify is an end, whatever comes behind it.
    const isSecured = this.security !== undefined && broken === undefined;
    const cut = isSecured ? undefined : cutBehindEnd(this.plainSocket(), this.isPath());
    if (cut !== undefined && this.security?.isSecured !== false) {
      this.refused(systemError(cut, "receive"));
      return;
    }
    if (broken !== undefined) {
      this.refused(broken);
      return;
    }
    this.becomeQuiet();
    callSink(() => this.sink.streamEnded());
  }

  breaking(error: Error): void {
    if (!this.isOpen || this.isClosing || this.error !== undefined || this.isPath()) return;
    if (errnoNameOf(error) === "ETIMEDOUT") this.error = this.broken("ETIMEDOUT", error);
  }

  /** The kernel has broken the connection. */
  private broken(name: string, cause?: Error): NetError {
    const error = systemError(name, "receive", cause);
    if (name !== "ETIMEDOUT") return error;
    const socket = this.plainSocket();
    return askSocket(socket, (calls, it) => timeoutError(calls, it, error)) ?? error;
  }

  failed(error: Error): void {
    // A socket can fail again while it closes; the first error counts.
    if (this.error !== undefined || this.isClosing) return;
    const syscall = "syscall" in error ? String(error.syscall) : "";
    const operation = this.isOpen ? (OPERATIONS[syscall] ?? "receive") : "connect";
    if (this.security !== undefined) {
      this.error = this.security.errorOf(error, operation);
      // An alert of the peer does not close a half-open socket by itself.
      this.socket.destroy();
      return;
    }
    const where = this.isOpen || this.remote === undefined ? undefined : addressText(this.remote);
    this.error = systemError(errnoNameOf(error), operation, error, where);
  }

  gone(): void {
    this.isGone = true;
    this.releaseWritten();
    const error = this.error ?? this.security?.closeError();
    if (error === undefined && !this.isClosing) return;
    const isOurs = this.isClosing;
    this.beginClose();
    callSink(() => this.sink.streamClosed(isOurs ? undefined : error));
  }

  /** Releases the pieces that were being written. */
  private releaseWritten(): void {
    const { writing } = this;
    if (writing === undefined) return;
    this.writing = undefined;
    if (!Array.isArray(writing)) this.memory.release(writing as Uint8Array);
    else for (const piece of writing) this.memory.release(piece);
  }

  private written(error: Error | null | undefined): void {
    const byteCount = this.pendingBytes;
    this.pendingBytes = IDLE;
    this.releaseWritten();
    if (error !== null && error !== undefined) {
      // The socket is closing: `closed` follows with the reason.
      if (isPeerGone(error) && this.mayReceive) this.receiveRest();
      return;
    }
    if (this.isClosing) return;
    try {
      this.sink.streamWritten(byteCount);
    } catch (defect) {
      rethrowLater(defect);
    }
    if (this.isFinishing && !this.isShutDown && !this.isClosing) this.shutDown();
  }

  private get mayReceive(): boolean {
    return this.isOpen && !this.isClosing && !this.isQuiet;
  }

  private receiveRest(): void {
    const plain = this.security?.plain ?? this.socket;
    const receive = (bytes: Buffer): void => {
      if (!this.mayReceive) return;
      if (this.lendsBytes) this.given(bytes);
      else this.received(bytes);
    };
    readRest(plain, (bytes) => {
      if (this.security === undefined) receive(bytes);
      else this.security.decipher(bytes, receive);
      return this.mayReceive && !plain.destroyed;
    });
  }

  private shutDown(): void {
    if (this.security === undefined) {
      this.isShutDown = true;
      this.socket.end();
    } else {
      // OpenSSL discards what it has not deciphered when it shuts down. Node may be in
      // the middle of that: it calls back from within for each record, and for the handshake.
      setImmediate(endSecured, this);
    }
  }

  /** Sends close_notify and FIN. */
  endSecured(): void {
    if (this.isClosing || this.isGone) return;
    this.isShutDown = true;
    this.socket.end();
  }

  private beginWrite(byteCount: number): boolean {
    if (this.isClosing) return false;
    if (this.pendingBytes !== IDLE || this.isFinishing || !this.isOpen) {
      const text = "a write needs an open stream, with no write under way, before finish()";
      throw new NetError("INVALID_STATE", text, { operation: "send" });
    }
    this.pendingBytes = byteCount;
    // Asking costs two calls into Node for each write.
    if (this.security !== undefined) {
      this.takenBefore = byteCount > RECORD_BYTES ? takenBytes(this.security.plain) : UNKNOWN;
    }
    return true;
  }

  private plainSocket(): Socket {
    return this.security?.plain ?? this.socket;
  }

  private isPath(): boolean {
    return this.remote !== undefined && "path" in this.remote;
  }

  private applyOptions(): void {
    if (this.isPath()) return;
    const { noDelay, keepAlive, userTimeoutMs } = this.options;
    if (noDelay) this.socket.setNoDelay(true);
    if (keepAlive !== false) applyKeepAlive(this.socket, keepAlive);
    if (userTimeoutMs === undefined) return;
    const options = userTimeoutOption(userTimeoutMs);
    askSocket(this.plainSocket(), (calls, descriptor) => setOptions(calls, descriptor, options));
  }
}
