/**
 * One stream on the ring. Hot.
 *
 * What it does is in parts that all streams of a loop share: `StreamReceives`, `StreamSends`, `StreamEnds`. The
 * stream has what is known of it: an idle one is this object and its slot, without a closure, a buffer or an address.
 */
import { isEmptied } from "../../../bytes/changed-pieces.js";
import type { NetError } from "../../../errors.js";
import { addressText } from "../../address-text.js";
import type {
  Address,
  CarrySink,
  ConnectTarget,
  KeepAlive,
  StreamOptions,
  StreamSink,
  StreamSocket,
  TcpInfo,
} from "../../engine.js";
import { noStreamSink } from "../../no-sink.js";
import { setOptions } from "../../option-calls.js";
import { keepAliveInForce, noDelayOption, setKeepAlive, tcpInfo } from "../../tcp-options.js";
import type { TlsContext, TlsInfo } from "../../tls-options.js";
import { OWN_BUFFER_BYTES } from "../memory/own-buffers.js";
import { COMPLETION_MORE, ENTRY_OFFSET, OP_CONNECT } from "../ring/kernel-interface.js";
import {
  BREAK_KIND,
  CONNECT_KIND,
  DESCRIPTOR_KIND,
  RECEIVE_KIND,
  ROOM_KIND,
  SEND_KIND,
} from "../ring/operation-slots.js";
import { callError } from "../ring/system-call-error.js";
import type { UringLoop } from "../ring/uring-loop.js";
import type { CipherStream } from "../tls/cipher-stream.js";
import { StreamSecurity } from "../tls/stream-security.js";
import { Carry } from "./carry.js";
import { CarryEnd } from "./carry-end.js";
import { RingSocket } from "./ring-socket.js";
import { localAddress } from "./socket-address.js";
import { setReset } from "./socket-options.js";
import { CLOSING } from "./socket-state.js";
import type { StreamCore } from "./stream-core.js";
import { StreamDetails } from "./stream-details.js";
import { failChanged } from "./stream-sends.js";
import {
  BROKEN,
  CARRIED,
  CONNECTING,
  ENDED,
  FINISHING,
  GIVING,
  KEEPS,
  NAMED,
  OPEN,
  PARTING,
  PAUSED,
  RECEIVING,
  SENDING,
  STOPPING,
  WAITING,
  WATCHING,
} from "./stream-state.js";
import { COPY_MAX_BYTES, type StreamWrite } from "./stream-write.js";

/** One stream on the ring. */
export class UringStream extends RingSocket implements StreamSocket, CipherStream, StreamCore {
  sink: StreamSink = noStreamSink;
  writing: StreamWrite | undefined = undefined;
  /** TLS, once it has begun. */
  security: StreamSecurity | undefined = undefined;
  private details: StreamDetails;

  /**
   * A stream that was accepted. `details` are those that all streams of the listener share. Unless they have the
   * peer's address, the loop is told it.
   */
  static accepted(
    loop: UringLoop,
    socket: number,
    details: StreamDetails,
    options: StreamOptions,
  ): UringStream {
    const stream = new UringStream(loop, details);
    stream.socket = socket;
    stream.state |= details.remote === undefined ? OPEN | NAMED : OPEN;
    if (givesBytes(loop, options)) stream.state |= KEEPS;
    return stream;
  }

  /** A stream that is to be connected. */
  static outgoing(loop: UringLoop, target: ConnectTarget, sink: StreamSink): UringStream {
    const remote = target.address;
    const stream = new UringStream(loop, new StreamDetails());
    if (givesBytes(loop, target.stream)) stream.state |= KEEPS;
    stream.sink = sink;
    if ("path" in remote) stream.details.local = { path: "" };
    stream.details.remote = remote;
    return stream;
  }

  private constructor(loop: UringLoop, details: StreamDetails) {
    super(loop);
    this.details = details;
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
    this.loop.receives.arm(this);
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
    this.details.target = address;
    const { calls, ring } = this.loop;
    const at = this.start(OP_CONNECT, CONNECT_KIND);
    ring.putAddress(at, calls.addressOf(address));
    ring.entries[at + ENTRY_OFFSET] = address.length;
  }

  write(piece: Uint8Array): void {
    if ((this.state & CLOSING) !== 0) this.loop.arena.release(piece);
    else if (this.security === undefined) this.loop.sends.write(this, piece);
    else if (isEmptied(piece)) failChanged(this);
    else this.security.output.writePiece(piece);
  }

  writeAll(pieces: readonly Uint8Array[], byteCount: number): void {
    let foundBytes = 0;
    for (const piece of pieces) foundBytes += piece.length;
    const isClosing = (this.state & CLOSING) !== 0;
    if (isClosing || foundBytes !== byteCount) {
      for (const piece of pieces) this.loop.arena.release(piece);
      if (!isClosing) failChanged(this);
    } else if (this.security === undefined) {
      this.loop.sends.writeAll(this, pieces, byteCount);
    } else {
      this.security.output.write(pieces, byteCount);
    }
  }

  carryTo(target: StreamSocket, sink: CarrySink): boolean {
    if (!(target instanceof UringStream) || target === this || target.loop !== this.loop)
      return false;
    if (!this.isPlain() || !target.isPlain() || target.writing !== undefined) return false;
    if (this.sink instanceof CarryEnd && this.sink.outgoing !== undefined) return false;
    if ((this.state & ENDED) !== 0 || (target.state & (FINISHING | CARRIED)) !== 0) return false;
    new Carry(this.loop, this.carryEnd(), target.carryEnd(), sink);
    return true;
  }

  private isPlain(): boolean {
    return this.security === undefined && this.isTcp();
  }

  private carryEnd(): CarryEnd {
    return this.sink instanceof CarryEnd ? this.sink : new CarryEnd(this, this.loop);
  }

  readable(): void {
    if (this.sink instanceof CarryEnd) this.sink.outgoing?.readable();
  }

  /** There is room to send again, or the connection has broken: to send says which. */
  private writable(): void {
    this.state &= ~WAITING;
    if (this.sink instanceof CarryEnd) this.sink.incoming?.writable();
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
    if (this.writing === undefined || this.writing.leftBytes <= COPY_MAX_BYTES) {
      this.loop.ends.shutDown(this);
    }
  }

  close(): void {
    if (this.security !== undefined && (this.state & (CLOSING | SENDING)) === 0) {
      this.state |= PARTING;
      this.security.output.close();
    }
    this.beginClose();
  }

  reset(): void {
    if (this.isTcp()) {
      // Without a descriptor the option can't be set; the socket is closed all the same.
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
    // One that has failed stays under way for TLS: nothing more can be sent.
    return this.writing !== undefined || (this.state & BROKEN) !== 0;
  }

  get isClosing(): boolean {
    return (this.state & CLOSING) !== 0;
  }

  get peerText(): string {
    const remote = this.remoteAddress();
    return remote === undefined ? "" : addressText(remote);
  }

  sendCipher(write: StreamWrite): void {
    this.loop.sends.send(this, write);
  }

  finishCipher(): void {
    this.state |= FINISHING;
    this.loop.ends.shutDown(this);
  }

  failCipher(error: NetError): void {
    this.fail(error);
  }

  pauseCipher(): void {
    if ((this.state & (PAUSED | CLOSING)) !== 0) return;
    this.state |= PAUSED;
    this.loop.receives.stop(this);
    this.loop.ends.watch(this);
  }

  resumeCipher(): void {
    if ((this.state & PAUSED) === 0) return;
    this.state &= ~PAUSED;
    this.loop.receives.arm(this);
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
    if (this.details.local === undefined && this.isOpen()) {
      const { calls } = this.loop;
      this.withDescriptor((descriptor) => {
        this.ownDetails().local = localAddress(calls, descriptor);
        return 0;
      });
    }
    return this.details.local;
  }

  remoteAddress(): Address | undefined {
    return this.ownDetails().remoteAddress();
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

  bufferReturned(): void {
    this.loop.receives.arm(this);
  }

  retractBuffer(): void {
    this.loop.receives.retract(this);
  }

  protected override progressed(kind: number, result: number, flags: number): void {
    const { loop } = this;
    if (kind === RECEIVE_KIND) loop.receives.received(this, result, flags);
    else if (kind === SEND_KIND) loop.sends.sent(this, result);
    else if (kind === CONNECT_KIND) this.connected(result);
    else if (kind === ROOM_KIND) this.writable();
    else if (kind === BREAK_KIND) loop.ends.watched(this, result, flags);
    else if (kind === DESCRIPTOR_KIND) loop.ends.shutDownBy(this, result);
    // A shutdown that failed says that the connection is broken, and reading says why.
  }

  protected override abandoned(kind: number, result: number, flags: number): void {
    const { loop } = this;
    if (kind === RECEIVE_KIND) loop.receives.abandoned(this, result, flags);
    else if (kind === SEND_KIND) loop.sends.abandoned(this);
    else if (kind === CONNECT_KIND) this.state &= ~CONNECTING;
    else if (kind === DESCRIPTOR_KIND) loop.ends.abandoned(result);
    else if (kind === ROOM_KIND) this.state &= ~WAITING;
    else if (kind === BREAK_KIND && (flags & COMPLETION_MORE) === 0) this.state &= ~WATCHING;
  }

  protected override cancelAll(): void {
    if ((this.state & (RECEIVING | STOPPING)) === RECEIVING) this.cancel(RECEIVE_KIND);
    if ((this.state & (SENDING | PARTING)) === SENDING) this.cancel(SEND_KIND);
    if ((this.state & CONNECTING) !== 0) this.cancel(CONNECT_KIND);
    if ((this.state & WATCHING) !== 0) this.cancel(BREAK_KIND);
    if ((this.state & WAITING) !== 0) this.cancel(ROOM_KIND);
  }

  protected override isUnwanted(kind: number): boolean {
    const { state } = this;
    if (kind === RECEIVE_KIND) {
      return (state & RECEIVING) !== 0 && (state & (STOPPING | CLOSING)) !== 0;
    }
    if ((state & CLOSING) === 0) return false;
    if (kind === SEND_KIND) return (state & (SENDING | PARTING)) === SENDING;
    if (kind === CONNECT_KIND) return (state & CONNECTING) !== 0;
    if (kind === ROOM_KIND) return (state & WAITING) !== 0;
    return (state & WATCHING) !== 0;
  }

  override fail(error: NetError): void {
    const known = this.loop.ends.timeoutError(this, error);
    super.fail(this.security?.errorOf(known) ?? known);
  }

  protected override gone(error: NetError | undefined): void {
    this.security?.dispose();
    if ((this.state & NAMED) !== 0) {
      this.ownDetails();
      this.loop.peerNames.forget(this.slot);
    }
    this.sink.streamClosed(error);
  }

  private isOpen(): boolean {
    return (this.state & (OPEN | CLOSING)) === OPEN;
  }

  isTcp(): boolean {
    const remote = this.details.remote;
    return this.isOpen() && !(remote !== undefined && "path" in remote);
  }

  /** Those of the listener are shared while the peer's name is the loop's. */
  private ownDetails(): StreamDetails {
    if ((this.state & NAMED) !== 0) {
      this.state &= ~NAMED;
      const { local } = this.details;
      this.details = new StreamDetails();
      this.details.local = local;
      this.details.name = this.loop.peerNames.get(this.slot);
    }
    return this.details;
  }

  private connectFailed(result: number): void {
    this.fail(callError(result, "connect", addressText(this.details.remote!)));
  }

  private connected(result: number): void {
    this.state &= ~CONNECTING;
    this.details.target = undefined;
    if (result < 0) {
      this.connectFailed(result);
      return;
    }
    this.state |= OPEN;
    if ((this.state & FINISHING) !== 0) this.loop.ends.shutDown(this);
    try {
      this.sink.streamOpened();
    } finally {
      this.loop.receives.arm(this);
    }
  }
}

/** Whether large pieces are the receiver's own. They can be as large as a receive buffer, and stay plain. */
function givesBytes(loop: UringLoop, options: StreamOptions): boolean {
  if (options.keepsBytes !== true || options.mayStartTls === true) return false;
  return loop.settings.receiveBufferBytes >= OWN_BUFFER_BYTES;
}
