/**
 * One end of a stream in memory.
 *
 * States: connecting → linked (two pipes) → closed. A stream is open once it is linked and, for the
 * end that connected, once the answer has come back. Nothing but `streamClosed` reaches the sink
 * once `isClosing` is set; it comes in a later turn.
 */
import { changedPieces, isEmptied } from "../../bytes/changed-pieces.js";
import { NetError, type Operation } from "../../errors.js";
import { addressText } from "../address-text.js";
import type { Address, KeepAlive, StreamSink, StreamSocket, TcpInfo } from "../engine.js";
import { noStreamSink } from "../no-sink.js";
import { refuseTls } from "../no-tls.js";
import { callSink } from "../sink-defect.js";
import { systemError } from "../system-error.js";
import type { MemoryPipe, PipeReader, PipeWriter } from "./memory-pipe.js";
import type { TurnLoop } from "./turn-loop.js";

/** What lent bytes are overwritten with after the call, so that keeping them can't go unnoticed. */
export const SPENT_BYTE = 0xdd;

/** What a {@link MemoryStream} is made of. */
export interface MemoryStreamSetup {
  readonly loop: TurnLoop;
  readonly lendsBytes: boolean;
  readonly local: Address;
  readonly remote: Address;
}

/** One end of a stream in memory. */
export class MemoryStream implements StreamSocket, PipeReader, PipeWriter {
  readonly lendsBytes: boolean;
  sink: StreamSink = noStreamSink;
  /** Called once, when the stream has closed. */
  onGone: () => void = () => {};
  private readonly setup: MemoryStreamSetup;
  private incoming: MemoryPipe | undefined;
  private outgoing: MemoryPipe | undefined;
  private isOpen = false;
  private isPaused = false;
  private isWriting = false;
  private isFinishing = false;
  private isClosing = false;

  constructor(setup: MemoryStreamSetup) {
    this.setup = setup;
    this.lendsBytes = setup.lendsBytes;
  }

  get isClosed(): boolean {
    return this.isClosing;
  }

  get isReading(): boolean {
    return this.isOpen && !this.isPaused && !this.isClosing;
  }

  write(piece: Uint8Array): void {
    // A transferred piece has lost its bytes.
    this.writeAll([piece], isEmptied(piece) ? 1 : piece.byteLength);
  }

  writeAll(pieces: readonly Uint8Array[], byteCount: number): void {
    if (this.isClosing) return;
    if (!this.isOpen || this.isWriting || this.isFinishing) {
      const text = "a write needs an open stream, with no write under way, before finish()";
      throw new NetError("INVALID_STATE", text, { operation: "send" });
    }
    const sumBytes = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
    if (sumBytes !== byteCount) {
      this.closeWith("end", changedPieces(byteCount, sumBytes));
      return;
    }
    this.isWriting = true;
    this.outgoing?.write(pieces, byteCount);
  }

  sendProgress(): number {
    return this.isWriting ? (this.outgoing?.takenBytes ?? 0) : 0;
  }

  finish(): void {
    if (this.isFinishing || this.isClosing) return;
    this.isFinishing = true;
    this.outgoing?.end();
  }

  close(): void {
    this.closeWith("end", undefined);
  }

  reset(): void {
    this.closeWith("reset", undefined);
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.incoming?.wake();
  }

  setNoDelay(_on: boolean): void {
    // Segments never wait for one another here.
  }

  setKeepAlive(keepAlive: KeepAlive | false): KeepAlive | false {
    // There is nothing to probe: a peer in memory goes away only when the script says so.
    return keepAlive;
  }

  localAddress(): Address | undefined {
    return this.setup.local;
  }

  remoteAddress(): Address | undefined {
    return this.setup.remote;
  }

  startTls(): never {
    return refuseTls();
  }

  hasHeard(): boolean {
    return true;
  }

  tlsInfo(): undefined {
    return undefined;
  }

  tcpInfo(): TcpInfo | undefined {
    return undefined;
  }

  ref(): void {
    // Memory never keeps a process alive.
  }

  unref(): void {
    // As above.
  }

  /** Joins the stream to its two pipes. */
  link(incoming: MemoryPipe, outgoing: MemoryPipe): void {
    this.incoming = incoming;
    this.outgoing = outgoing;
  }

  /** An accepted stream is open from the start. */
  openAccepted(): void {
    this.isOpen = true;
  }

  /** The answer to a connect has come back. */
  openConnected(): void {
    if (this.isClosing) return;
    this.isOpen = true;
    callSink(() => this.sink.streamOpened());
    this.incoming?.wake();
  }

  /** Ends the stream with an error of the system. */
  fail(errnoName: string, operation: Operation): void {
    const during = this.isOpen ? operation : "connect";
    const where = this.isOpen ? undefined : addressText(this.setup.remote);
    this.closeWith("end", systemError(errnoName, during, undefined, where));
  }

  bytesArrived(bytes: Buffer): void {
    callSink(() => this.sink.streamReceived(bytes));
    if (this.lendsBytes) bytes.fill(SPENT_BYTE);
  }

  endArrived(): void {
    callSink(() => this.sink.streamEnded());
  }

  resetArrived(): void {
    this.fail("ECONNRESET", "receive");
  }

  writeTaken(byteCount: number): void {
    if (this.isClosing) return;
    this.isWriting = false;
    callSink(() => this.sink.streamWritten(byteCount));
  }

  writeRefused(): void {
    this.fail("ECONNRESET", "send");
  }

  private closeWith(last: "end" | "reset", error: NetError | undefined): void {
    if (this.isClosing) return;
    this.isClosing = true;
    // As with TCP: unread bytes, or an unfinished connect, end in a reset.
    const isUnread = this.incoming?.closeReader() ?? false;
    this.outgoing?.closeWriter(isUnread || !this.isOpen ? "reset" : last);
    this.setup.loop.post(() => {
      callSink(() => this.sink.streamClosed(error));
      this.onGone();
    });
  }
}
