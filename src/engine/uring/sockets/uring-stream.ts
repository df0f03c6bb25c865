/**
 * One stream on the ring. Hot.
 *
 * Receiving: a RECV is armed unless the stream is paused or the peer has finished. A multishot one
 * brings piece after piece, until it has brought as much as may still come after a pause, and is then
 * armed again; kernels that can't limit it (before 6.17) bring one piece for each.
 *
 * Sending: at most one SEND is under way; what it sends is a `StreamWrite`, which the stream has for
 * that time alone.
 *
 * Of a stream that has brought much, and whose bytes are the receiver's to keep, each RECV fills a buffer that
 * the receiver is given (`own-buffers.ts`).
 *
 * A stream that receives notices when the connection breaks. One that is paused, or whose peer has
 * finished, has a poll of its own for that: armed the first time, and left armed.
 *
 * An idle stream is this object and its slot: no closure, no buffer, no address.
 */
import { NetError } from "../../../errors.js";
import { addressText } from "../../address-text.js";
import { isEmptied } from "../../changed-pieces.js";
import {
  type Address,
  type ConnectTarget,
  type KeepAlive,
  MAX_AHEAD_BYTES,
  type StreamOptions,
  type StreamSink,
  type StreamSocket,
  type TcpInfo,
} from "../../engine.js";
import { noStreamSink } from "../../no-sink.js";
import type { TlsContext, TlsInfo } from "../../tls-options.js";
import type { BufferWaiter } from "../memory/buffer-line.js";
import { LARGE_BYTES, OWN_BUFFER_BYTES, type OwnBufferHolder } from "../memory/own-buffers.js";
import { BUFFER_GROUP, SPARE_BYTES } from "../memory/provided-buffers.js";
import {
  COMPLETION_BUFFER_SHIFT,
  COMPLETION_MORE,
  ENTRY_BUFFER_GROUP,
  ENTRY_LENGTH,
  ENTRY_OFFSET,
  ENTRY_OPERATION_FLAGS,
  ENTRY_TOTAL_LENGTH,
  FLAG_BUFFER_SELECT,
  OP_CONNECT,
  OP_FIXED_FD_INSTALL,
  OP_POLL_ADD,
  OP_RECV,
  OP_SHUTDOWN,
  POLL_MULTISHOT,
  RECEIVE_MULTISHOT,
} from "../ring/kernel-interface.js";
import {
  BREAK_KIND,
  CONNECT_KIND,
  DESCRIPTOR_KIND,
  RECEIVE_KIND,
  SEND_KIND,
  SHUTDOWN_KIND,
} from "../ring/operation-slots.js";
import { callError, EAGAIN, ECANCELED, EINTR, EINVAL, ENOBUFS } from "../ring/system-call-error.js";
import type { UringLoop } from "../ring/uring-loop.js";
import type { CipherStream } from "../tls/cipher-stream.js";
import { StreamSecurity } from "../tls/stream-security.js";
import type { PeerName } from "./peer-names.js";
import { CLOSING, RingSocket } from "./ring-socket.js";
import { localAddress } from "./socket-address.js";
import {
  keepAliveInForce,
  noDelayOption,
  pendingError,
  setKeepAlive,
  setOptions,
  setReset,
  tcpInfo,
  userTimeout,
} from "./socket-options.js";
import { StreamDetails } from "./stream-details.js";
import {
  AHEAD,
  ASKING,
  BULK,
  CONNECTING,
  ENDED,
  FINISHING,
  GIVING,
  KEEPS,
  NAMED,
  OPEN,
  OWN,
  PAUSED,
  RECEIVING,
  SENDING,
  STOPPING,
  WATCHING,
} from "./stream-state.js";
import { COPY_MAX_BYTES, type StreamWrite } from "./stream-write.js";

/** POLLERR and POLLHUP. */
const POLL_BROKEN = 0x8 | 0x10;

const SHUT_SENDING = 1;

/** What one multishot receive brings, before a last piece of at most a buffer. */
const AHEAD_BYTES: number = MAX_AHEAD_BYTES - SPARE_BYTES;

/** Ends of a receive after which the next one may go well. */
const isPassing = (result: number): boolean =>
  result === ECANCELED || result === EINTR || result === EAGAIN;

/** One stream on the ring. */
export class UringStream
  extends RingSocket
  implements StreamSocket, CipherStream, OwnBufferHolder, BufferWaiter
{
  sink: StreamSink = noStreamSink;
  /** The write under way. */
  private writing: StreamWrite | undefined = undefined;
  /** TLS, once it has begun. */
  private security: StreamSecurity | undefined = undefined;
  private details: StreamDetails | undefined = undefined;

  /**
   * A stream that was accepted. `details` are those that all streams of the listener share, if it has
   * a path; without them the loop has been told the name of the peer.
   */
  static accepted(
    loop: UringLoop,
    socket: number,
    details: StreamDetails | undefined,
    options: StreamOptions,
  ): UringStream {
    const stream = new UringStream(loop);
    stream.details = details;
    stream.socket = socket;
    stream.state |= details === undefined ? OPEN | NAMED : OPEN;
    if (givesBytes(loop, options)) stream.state |= KEEPS;
    return stream;
  }

  /** A stream that is to be connected. */
  static outgoing(loop: UringLoop, target: ConnectTarget, sink: StreamSink): UringStream {
    const remote = target.address;
    const stream = new UringStream(loop);
    if (givesBytes(loop, target.stream)) stream.state |= KEEPS;
    stream.sink = sink;
    stream.details = new StreamDetails();
    if ("path" in remote) stream.details.local = { path: "" };
    stream.details.remote = remote;
    return stream;
  }

  get lendsBytes(): boolean {
    return (this.state & GIVING) === 0;
  }

  startTls(context: TlsContext, host?: string, early?: Buffer): void {
    if ((this.state & CLOSING) !== 0) return;
    const isPaused = (this.state & PAUSED) !== 0;
    this.security = new StreamSecurity(this, this.loop, context, isPaused);
    this.security.begin(host);
    if (early !== undefined && early.length > 0) this.security.beginWith(Buffer.from(early));
  }

  hasHeard(): boolean {
    return this.security?.hasHeard ?? true;
  }

  tlsInfo(): TlsInfo | undefined {
    return this.security?.info();
  }

  /** The slot, for what the loop keeps of a stream. */
  get slotNumber(): number {
    return this.slot;
  }

  /** Hands an accepted stream to its sink, and starts reading. */
  begin(sink: StreamSink): void {
    this.sink = sink;
    this.receive();
  }

  /** Connects `descriptor` to the address of these bytes; one below zero is an error number. */
  connect(descriptor: number, address: Uint8Array): void {
    if (descriptor < 0) {
      this.connectFailed(descriptor);
      return;
    }
    if (!this.adopt(descriptor, "connect")) return;
    this.state |= CONNECTING;
    // Kept until the kernel has read it.
    this.details!.target = address;
    const { calls, ring } = this.loop;
    const at = this.start(OP_CONNECT, CONNECT_KIND);
    ring.putAddress(at, calls.addressOf(address));
    ring.entries[at + ENTRY_OFFSET] = address.length;
  }

  write(piece: Uint8Array): void {
    if ((this.state & CLOSING) !== 0) {
      this.loop.arena.release(piece);
      return;
    }
    if (this.security === undefined) this.assertMayWrite();
    if (isEmptied(piece)) {
      this.changedInWrite();
      return;
    }
    if (this.security !== undefined) {
      this.security.output.writePiece(piece);
      return;
    }
    const write = this.loop.takeWrite();
    this.writing = write;
    write.begin(piece);
    this.send(write);
  }

  writeAll(pieces: readonly Uint8Array[], byteCount: number): void {
    let foundBytes = 0;
    for (const piece of pieces) foundBytes += piece.length;
    const isClosing = (this.state & CLOSING) !== 0;
    if (isClosing || foundBytes !== byteCount) {
      for (const piece of pieces) this.loop.arena.release(piece);
      if (!isClosing) this.changedInWrite();
      return;
    }
    if (this.security !== undefined) {
      this.security.output.write(pieces, byteCount);
      return;
    }
    this.assertMayWrite();
    const write = this.loop.takeWrite();
    this.writing = write;
    write.beginAll(pieces, byteCount);
    this.send(write);
  }

  finish(): void {
    if ((this.state & (FINISHING | CLOSING)) !== 0) return;
    if (this.security !== undefined) {
      this.security.output.finish();
      return;
    }
    this.state |= FINISHING;
    if ((this.state & OPEN) === 0) return;
    // A short write is likely to be complete at once: what FIN needs then goes with it.
    if (this.writing === undefined || this.writing.leftBytes <= COPY_MAX_BYTES) this.shutDown();
  }

  close(): void {
    if ((this.state & CLOSING) === 0) this.security?.output.close();
    this.beginClose();
  }

  reset(): void {
    if (this.isTcp()) {
      // Where no descriptor is to be had for it, the socket is closed all the same.
      this.withDescriptor((descriptor) => setReset(this.loop.calls, descriptor));
    }
    this.beginClose();
  }

  pause(): void {
    if (this.security?.pause() !== true) this.pauseCipher();
  }

  resume(): void {
    if (this.security?.resume() !== true) this.resumeCipher();
  }

  // What TLS on this stream needs of it: see `tls/cipher-stream.ts`.

  get isSending(): boolean {
    return this.writing !== undefined;
  }

  get isClosing(): boolean {
    return (this.state & CLOSING) !== 0;
  }

  get peerText(): string {
    const remote = this.remoteAddress();
    return remote === undefined ? "" : addressText(remote);
  }

  sendCipher(write: StreamWrite): void {
    this.writing = write;
    this.send(write);
  }

  finishCipher(): void {
    this.state |= FINISHING;
    this.shutDown();
  }

  failCipher(error: NetError): void {
    this.fail(error);
  }

  pauseCipher(): void {
    if ((this.state & (PAUSED | CLOSING)) !== 0) return;
    this.state |= PAUSED;
    this.stopReceiving();
    this.watch();
  }

  private stopReceiving(): void {
    if ((this.state & (RECEIVING | STOPPING)) !== RECEIVING) return;
    this.state |= STOPPING;
    this.cancel(RECEIVE_KIND);
  }

  resumeCipher(): void {
    if ((this.state & PAUSED) === 0) return;
    this.state &= ~PAUSED;
    this.receive();
  }

  sendProgress(): number {
    const { writing, security } = this;
    if (security !== undefined) return security.output.sendProgress;
    return writing === undefined ? 0 : writing.byteCount - writing.leftBytes;
  }

  setNoDelay(on: boolean): void {
    if (!this.isTcp()) return;
    const { calls } = this.loop;
    this.withDescriptor((descriptor) => setOptions(calls, descriptor, noDelayOption(on)));
  }

  setKeepAlive(keepAlive: KeepAlive | false): KeepAlive | false {
    if (!this.isTcp()) return false;
    const { calls } = this.loop;
    const result = this.withDescriptor((descriptor) => setKeepAlive(calls, descriptor, keepAlive));
    return result < 0 || keepAlive === false ? false : keepAliveInForce(keepAlive);
  }

  localAddress(): Address | undefined {
    if (this.details?.local === undefined && this.isOpen()) {
      const { calls } = this.loop;
      this.withDescriptor((descriptor) => {
        this.ownDetails().local = localAddress(calls, descriptor);
        return 0;
      });
    }
    return this.details?.local;
  }

  remoteAddress(): Address | undefined {
    if ((this.state & NAMED) !== 0) this.takeName(this.loop.peerNames.get(this.slot));
    return this.details?.remoteAddress();
  }

  tcpInfo(): TcpInfo | undefined {
    if (!this.isTcp()) return undefined;
    let info: TcpInfo | undefined;
    this.withDescriptor((descriptor) => {
      info = tcpInfo(this.loop.calls, descriptor);
      return 0;
    });
    return info;
  }

  protected override progressed(kind: number, result: number, flags: number): void {
    if (kind === RECEIVE_KIND) this.received(result, flags);
    else if (kind === SEND_KIND) this.sent(result);
    else if (kind === CONNECT_KIND) this.connected(result);
    else if (kind === BREAK_KIND) this.watched(result, flags);
    else if (kind === DESCRIPTOR_KIND) this.shutDownBy(result);
    // A shutdown that failed says that the connection is broken, and reading says why.
  }

  protected override abandoned(kind: number, result: number, flags: number): void {
    if (kind === RECEIVE_KIND) {
      if ((this.state & OWN) !== 0) this.finishOwn();
      this.loop.buffers.drop(result, flags);
      if ((flags & COMPLETION_MORE) === 0) this.state &= ~RECEIVING;
    } else if (kind === SEND_KIND) {
      this.state &= ~SENDING;
      this.forgetWrite();
    } else if (kind === CONNECT_KIND) {
      this.state &= ~CONNECTING;
    } else if (kind === DESCRIPTOR_KIND) {
      if (result >= 0) this.loop.closeLater(result);
    } else if (kind === BREAK_KIND && (flags & COMPLETION_MORE) === 0) {
      this.state &= ~WATCHING;
    }
  }

  protected override cancelAll(): void {
    if ((this.state & RECEIVING) !== 0) this.cancel(RECEIVE_KIND);
    if ((this.state & SENDING) !== 0) this.cancel(SEND_KIND);
    if ((this.state & CONNECTING) !== 0) this.cancel(CONNECT_KIND);
    if ((this.state & WATCHING) !== 0) this.cancel(BREAK_KIND);
  }

  protected override isUnwanted(kind: number): boolean {
    const { state } = this;
    if (kind === RECEIVE_KIND) {
      return (state & RECEIVING) !== 0 && (state & (STOPPING | CLOSING)) !== 0;
    }
    if ((state & CLOSING) === 0) return false;
    if (kind === SEND_KIND) return (state & SENDING) !== 0;
    if (kind === CONNECT_KIND) return (state & CONNECTING) !== 0;
    return (state & WATCHING) !== 0;
  }

  protected override fail(error: NetError): void {
    const known = error.systemCode === "ETIMEDOUT" ? this.timeoutError(error) : error;
    super.fail(this.security?.errorOf(known) ?? known);
  }

  /** The kernel has one number for all that it gives up: what it did last tells them apart. */
  private timeoutError(error: NetError): NetError {
    const info = this.tcpInfo();
    if (info === undefined) return error;
    const { calls } = this.loop;
    const isProbed = info.probeCount > 0;
    if (!isProbed && this.withDescriptor((it) => userTimeout(calls, it)) <= 0) return error;
    return new NetError(isProbed ? "KEEPALIVE_TIMEOUT" : "USER_TIMEOUT", undefined, {
      operation: "receive",
      systemCode: "ETIMEDOUT",
      cause: error,
    });
  }

  protected override gone(error: NetError | undefined): void {
    this.security?.dispose();
    if ((this.state & NAMED) !== 0) {
      const { peerNames } = this.loop;
      this.takeName(peerNames.get(this.slot));
      peerNames.forget(this.slot);
    }
    this.sink.streamClosed(error);
  }

  private isOpen(): boolean {
    return (this.state & (OPEN | CLOSING)) === OPEN;
  }

  private isTcp(): boolean {
    const remote = this.details?.remote;
    return this.isOpen() && !(remote !== undefined && "path" in remote);
  }

  private ownDetails(): StreamDetails {
    this.details ??= new StreamDetails();
    return this.details;
  }

  private takeName(name: PeerName): void {
    this.state &= ~NAMED;
    this.ownDetails().name = name;
  }

  private connectFailed(result: number): void {
    this.fail(callError(result, "connect", addressText(this.details!.remote!)));
  }

  private connected(result: number): void {
    this.state &= ~CONNECTING;
    this.details!.target = undefined;
    if (result < 0) {
      this.connectFailed(result);
      return;
    }
    this.state |= OPEN;
    if ((this.state & FINISHING) !== 0) this.shutDown();
    try {
      this.sink.streamOpened();
    } finally {
      this.receive();
    }
  }

  private assertMayWrite(): void {
    const { state } = this;
    if (this.writing === undefined && (state & (OPEN | FINISHING)) === OPEN) return;
    let why = `while one of ${this.writing?.byteCount} bytes is under way`;
    if ((state & OPEN) === 0) why = "before the stream was open";
    else if ((state & FINISHING) !== 0) why = "after finish()";
    throw new NetError("INVALID_STATE", `a write was started ${why}`, { operation: "send" });
  }

  /** Starts sending what is not sent of the write under way. */
  private send(write: StreamWrite): void {
    if (!write.prepare()) {
      this.forgetWrite();
      this.changedInWrite();
      return;
    }
    this.state |= SENDING;
    if (write.byteCount === 0) this.startNothing(SEND_KIND);
    else write.describe(this.loop.ring, this.start(write.operation, SEND_KIND));
  }

  private changedInWrite(): void {
    const text = "a piece was changed before it was sent: its memory was transferred or resized";
    this.fail(new NetError("INVALID_ARGUMENT", text, { operation: "send" }));
  }

  /** A SEND has completed. */
  private sent(result: number): void {
    this.state &= ~SENDING;
    const write = this.writing!;
    if (result === EINTR || result === EAGAIN) {
      this.send(write);
      return;
    }
    if (result > 0) {
      write.advance(result);
      if (write.leftBytes > 0) {
        this.send(write);
        return;
      }
    } else if (result < 0 || write.leftBytes > 0) {
      this.forgetWrite();
      this.fail(result < 0 ? callError(result, "send") : noProgress(write));
      return;
    }
    const { byteCount } = write;
    this.forgetWrite();
    if (this.security !== undefined) {
      this.security.output.sent();
      return;
    }
    if ((this.state & FINISHING) !== 0) this.shutDown();
    this.sink.streamWritten(byteCount);
  }

  /** The kernel does not use the memory of the write any more. */
  private forgetWrite(): void {
    const { writing } = this;
    if (writing === undefined) return;
    this.writing = undefined;
    this.loop.giveWriteBack(writing);
  }

  /**
   * Sends FIN. The ring's own operation for that costs the kernel a thread, so a descriptor is asked
   * for, with which the call is made; its way there and back goes with what the ring does anyway.
   */
  private shutDown(): void {
    const { calls, descriptors } = this.loop;
    if (descriptors.entryFlag === 0) {
      if (this.writing === undefined) calls.shutdown(this.socket, SHUT_SENDING);
    } else if ((this.state & ASKING) === 0) {
      this.state |= ASKING;
      this.start(OP_FIXED_FD_INSTALL, DESCRIPTOR_KIND);
    }
  }

  private shutDownBy(descriptor: number): void {
    this.state &= ~ASKING;
    const isSent = this.writing === undefined;
    if (descriptor < 0) {
      if (isSent) this.shutDownByRing();
      return;
    }
    // A connection that broke has nothing to finish: reading tells what happened to it.
    if (isSent) this.loop.calls.shutdown(descriptor, SHUT_SENDING);
    this.loop.closeLater(descriptor);
  }

  /** Where no descriptor is to be had. */
  private shutDownByRing(): void {
    const at = this.start(OP_SHUTDOWN, SHUTDOWN_KIND);
    this.loop.ring.entries[at + ENTRY_LENGTH] = SHUT_SENDING;
  }

  /** Arms the receive, where it should be and isn't. */
  private receive(): void {
    if ((this.state & (OPEN | RECEIVING | PAUSED | ENDED | CLOSING)) !== OPEN) return;
    if ((this.state & BULK) !== 0 && this.receiveOwn()) return;
    const { loop } = this;
    const { entries } = loop.ring;
    if (loop.receivesAhead) {
      this.state |= RECEIVING | AHEAD;
      const at = this.start(OP_RECV | FLAG_BUFFER_SELECT | RECEIVE_MULTISHOT, RECEIVE_KIND);
      entries[at + ENTRY_BUFFER_GROUP] = BUFFER_GROUP;
      entries[at + ENTRY_TOTAL_LENGTH] = AHEAD_BYTES;
    } else {
      this.state = (this.state & ~AHEAD) | RECEIVING;
      const at = this.start(OP_RECV | FLAG_BUFFER_SELECT, RECEIVE_KIND);
      entries[at + ENTRY_BUFFER_GROUP] = BUFFER_GROUP;
    }
  }

  /** Arms a receive into a buffer of the stream's own, if it can have one. */
  private receiveOwn(): boolean {
    const { loop } = this;
    const buffer = loop.ownBuffers.take(this);
    if (buffer === undefined) return false;
    this.state = (this.state & ~AHEAD) | RECEIVING | OWN;
    const at = this.start(OP_RECV, RECEIVE_KIND);
    loop.ring.putAddress(at, loop.calls.addressOf(buffer));
    loop.ring.entries[at + ENTRY_LENGTH] = OWN_BUFFER_BYTES;
    return true;
  }

  private finishOwn(): Buffer {
    this.state &= ~OWN;
    return this.loop.ownBuffers.finish(this);
  }

  retractBuffer(): void {
    this.state &= ~BULK;
    this.stopReceiving();
  }

  /** Hands out what lies in the stream's own buffer. */
  private give(buffer: Buffer, byteCount: number): void {
    if (byteCount < LARGE_BYTES) this.state &= ~BULK;
    const bytes = buffer.subarray(0, byteCount);
    this.state |= GIVING;
    try {
      // What is small does not keep the memory of a large piece.
      this.sink.streamReceived(byteCount < LARGE_BYTES ? Buffer.from(bytes) : bytes);
    } finally {
      this.state &= ~GIVING;
      this.receive();
    }
  }

  private received(result: number, flags: number): void {
    if ((flags & COMPLETION_MORE) === 0) this.state &= ~(RECEIVING | STOPPING);
    if ((this.state & OWN) !== 0) {
      const buffer = this.finishOwn();
      if (result > 0) {
        this.give(buffer, result);
        return;
      }
    }
    const { buffers } = this.loop;
    if (result > 0) {
      if (result >= LARGE_BYTES && (this.state & KEEPS) !== 0) this.state |= BULK;
      const id = flags >>> COMPLETION_BUFFER_SHIFT;
      if (this.security !== undefined) {
        this.security.received(id, result);
        this.receive();
        return;
      }
      const bytes = buffers.view(id, result);
      // The kernel sees it when the loop publishes, which is after the call below.
      buffers.giveBack(id);
      if ((this.state & RECEIVING) === 0) this.receivedLast(bytes);
      else this.sink.streamReceived(bytes);
      return;
    }
    buffers.drop(result, flags);
    if (result === 0) this.ended();
    else if (result === ENOBUFS) this.loop.bufferLine.join(this);
    // A pause that was taken back ends here as well.
    else if (isPassing(result)) this.receive();
    else if (result === EINVAL && (this.state & AHEAD) !== 0) this.receiveOneByOne();
    else this.fail(callError(result, "receive"));
  }

  /** See {@link BufferWaiter}. */
  bufferReturned(): void {
    this.receive();
  }

  /** The receive that brought these bytes is over; the next depends on what the sink does. */
  private receivedLast(bytes: Buffer): void {
    try {
      this.sink.streamReceived(bytes);
    } finally {
      this.receive();
    }
  }

  /** The kernel does not know how to limit what a receive brings. */
  private receiveOneByOne(): void {
    this.loop.receivesAhead = false;
    this.receive();
  }

  private ended(): void {
    this.state |= ENDED;
    if (this.security !== undefined) {
      this.security.ended();
      return;
    }
    try {
      this.sink.streamEnded();
    } finally {
      // Where the other direction stays open, nothing else would tell of a reset.
      if ((this.state & FINISHING) === 0) this.watch();
    }
  }

  /**
   * Arms the poll that tells of a reset while nothing is received. It hears of every change of the
   * connection's state (the peer's end is one), and is left armed: once for each stream that needs it.
   */
  private watch(): void {
    if ((this.state & (OPEN | WATCHING | CLOSING)) !== OPEN) return;
    this.state |= WATCHING;
    const at = this.start(OP_POLL_ADD, BREAK_KIND);
    const { entries } = this.loop.ring;
    entries[at + ENTRY_LENGTH] = POLL_MULTISHOT;
    entries[at + ENTRY_OPERATION_FLAGS] = POLL_BROKEN;
  }

  private watched(events: number, flags: number): void {
    if ((flags & COMPLETION_MORE) === 0) this.state &= ~WATCHING;
    if (events > 0 && (events & POLL_BROKEN) !== 0) {
      const { calls } = this.loop;
      const error = this.withDescriptor((descriptor) => pendingError(calls, descriptor));
      // Both sides have finished, or whoever sends or receives was told already: no error is left.
      if (error > 0) this.fail(callError(-error, "receive"));
    } else if ((this.state & (PAUSED | ENDED)) !== 0 && events > 0) {
      this.watch();
    }
  }
}

/** Whether large pieces are the receiver's own. They can be as large as a receive buffer, and stay plain. */
function givesBytes(loop: UringLoop, options: StreamOptions): boolean {
  if (options.keepsBytes !== true || options.mayStartTls === true) return false;
  return loop.settings.receiveBufferBytes >= OWN_BUFFER_BYTES;
}

function noProgress(write: StreamWrite): NetError {
  const text = `the system took none of the ${write.leftBytes} bytes that are left of a write`;
  return new NetError("SYSTEM_ERROR", text, { operation: "send" });
}
