/**
 * One stream on the ring: how it is made, its receiving half, and its end. Hot.
 *
 * Receiving: a RECV is armed unless the stream is paused or the peer has finished. A multishot one
 * brings piece after piece (up to 32 before we hear of the first) and is armed again when it stops:
 * no buffer left, completion queue full. What it brought can't be refused, so a sink that pauses
 * would get megabytes more. The first piece of a stream, and all of one that was ever paused, come
 * one by one.
 *
 * An idle stream is this object and its slot: no closure, no buffer.
 */
import type { NetError } from "../../errors.js";
import { addressText } from "../address-text.js";
import type { Address, StreamSink, StreamSocket } from "../engine.js";
import { refuseTls } from "../no-tls.js";
import {
  COMPLETION_BUFFER_SHIFT,
  COMPLETION_MORE,
  ENTRY_BUFFER_GROUP,
  ENTRY_OFFSET,
  ENTRY_OPERATION_FLAGS,
  FLAG_BUFFER_SELECT,
  OP_CONNECT,
  OP_POLL_ADD,
  OP_RECV,
  RECEIVE_MULTISHOT,
} from "./kernel-interface.js";
import { BREAK_KIND, CONNECT_KIND, RECEIVE_KIND, SEND_KIND } from "./operation-slots.js";
import { BUFFER_GROUP } from "./provided-buffers.js";
import { CLOSING } from "./ring-socket.js";
import { SendingStream } from "./sending-stream.js";
import { pendingError, setReset } from "./socket-options.js";
import {
  CONNECTING,
  ENDED,
  FINISHING,
  OPEN,
  PACED,
  PAUSED,
  RECEIVING,
  SENDING,
  STEADY,
  STOPPING,
  WATCHING,
} from "./stream-state.js";
import { callError, EAGAIN, ECANCELED, EINTR, ENOBUFS } from "./system-call-error.js";
import type { UringLoop } from "./uring-loop.js";

/** POLLERR and POLLHUP. */
const POLL_BROKEN = 0x8 | 0x10;

/** Ends of a receive after which the next one may go well. */
const isPassing = (result: number): boolean =>
  result === ENOBUFS || result === ECANCELED || result === EINTR || result === EAGAIN;

/** See the head of the file. */
export class UringStream extends SendingStream implements StreamSocket {
  /** A stream that was accepted; `path` is that of the listener, if it has one. */
  static accepted(loop: UringLoop, socket: number, path: Address | undefined): UringStream {
    const stream = new UringStream(loop);
    if (path !== undefined) {
      stream.local = path;
      stream.remote = { path: "" };
    }
    stream.socket = socket;
    stream.state |= OPEN;
    return stream;
  }

  /** A stream that is to be connected to `remote`. */
  static outgoing(loop: UringLoop, remote: Address, sink: StreamSink): UringStream {
    const stream = new UringStream(loop);
    if ("path" in remote) stream.local = { path: "" };
    stream.remote = remote;
    stream.sink = sink;
    return stream;
  }

  get lendsBytes(): boolean {
    return true;
  }

  startTls(): never {
    return refuseTls();
  }

  tlsInfo(): undefined {
    return undefined;
  }

  /** Hands an accepted stream to its sink, and starts reading. */
  begin(sink: StreamSink): void {
    this.sink = sink;
    this.receive();
  }

  /** Connects `descriptor` to the address of these bytes; one below zero is an error number. */
  connect(descriptor: number, address: Uint8Array): void {
    if (descriptor < 0) {
      this.fail(callError(descriptor, "connect", addressText(this.remote!)));
      return;
    }
    if (!this.adopt(descriptor, "connect")) return;
    this.state |= CONNECTING;
    // Kept until the kernel has read it.
    this.held = address;
    const { calls, ring } = this.loop;
    const at = this.start(OP_CONNECT, CONNECT_KIND);
    ring.putAddress(at, calls.addressOf(address));
    ring.entries[at + ENTRY_OFFSET] = address.length;
  }

  close(): void {
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
    this.state = (this.state | PAUSED | PACED) & ~STEADY;
    if ((this.state & (RECEIVING | STOPPING | CLOSING)) !== RECEIVING) return;
    this.state |= STOPPING;
    this.cancel(RECEIVE_KIND);
  }

  resume(): void {
    if ((this.state & PAUSED) === 0) return;
    this.state &= ~PAUSED;
    this.receive();
  }

  protected override progressed(kind: number, result: number, flags: number): void {
    if (kind === RECEIVE_KIND) this.received(result, flags);
    else if (kind === SEND_KIND) this.sent(result);
    else if (kind === CONNECT_KIND) this.connected(result);
    else if (kind === BREAK_KIND) this.broke();
  }

  protected override abandoned(kind: number, result: number, flags: number): void {
    if (kind === RECEIVE_KIND) this.loop.buffers.drop(result, flags);
    else if (kind === SEND_KIND) this.forgetWrite();
  }

  protected override cancelAll(): void {
    if ((this.state & (RECEIVING | STOPPING)) === RECEIVING) this.cancel(RECEIVE_KIND);
    if ((this.state & SENDING) !== 0) this.cancel(SEND_KIND);
    if ((this.state & CONNECTING) !== 0) this.cancel(CONNECT_KIND);
    if ((this.state & WATCHING) !== 0) this.cancel(BREAK_KIND);
  }

  protected override gone(error: NetError | undefined): void {
    this.sink.streamClosed(error);
  }

  private connected(result: number): void {
    this.state &= ~CONNECTING;
    this.held = undefined;
    if (result < 0) {
      this.fail(callError(result, "connect", addressText(this.remote!)));
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

  /** Arms the receive, where it should be and isn't. */
  private receive(): void {
    if ((this.state & (OPEN | RECEIVING | PAUSED | ENDED | CLOSING)) !== OPEN) return;
    this.state |= RECEIVING;
    const ahead = (this.state & STEADY) === 0 ? 0 : RECEIVE_MULTISHOT;
    const at = this.start(OP_RECV | FLAG_BUFFER_SELECT | ahead, RECEIVE_KIND);
    this.loop.ring.entries[at + ENTRY_BUFFER_GROUP] = BUFFER_GROUP;
  }

  private received(result: number, flags: number): void {
    if ((flags & COMPLETION_MORE) === 0) this.state &= ~(RECEIVING | STOPPING);
    const { buffers } = this.loop;
    if (result > 0) {
      const id = flags >>> COMPLETION_BUFFER_SHIFT;
      const bytes = buffers.view(id, result);
      // The kernel sees it when the loop publishes, which is after the call below.
      buffers.giveBack(id);
      if ((this.state & RECEIVING) === 0) this.receivedOne(bytes);
      else this.sink.streamReceived(bytes);
      return;
    }
    buffers.drop(result, flags);
    if (result === 0) this.ended();
    // Buffers are back when the kernel looks again; a pause that was taken back ends here as well.
    else if (isPassing(result)) this.receive();
    else this.fail(callError(result, "receive"));
  }

  /** The receive that brought these bytes is over; the next depends on what the sink does. */
  private receivedOne(bytes: Buffer): void {
    try {
      this.sink.streamReceived(bytes);
    } finally {
      if ((this.state & PACED) === 0) this.state |= STEADY;
      this.receive();
    }
  }

  private ended(): void {
    this.state |= ENDED;
    try {
      this.sink.streamEnded();
    } finally {
      // Where the other direction stays open, nothing else would tell of a reset.
      if ((this.state & (FINISHING | CLOSING)) === 0) this.watch();
    }
  }

  private watch(): void {
    this.state |= WATCHING;
    const at = this.start(OP_POLL_ADD, BREAK_KIND);
    this.loop.ring.entries[at + ENTRY_OPERATION_FLAGS] = POLL_BROKEN;
  }

  private broke(): void {
    this.state &= ~WATCHING;
    const { calls } = this.loop;
    const error = this.withDescriptor((descriptor) => pendingError(calls, descriptor));
    if (error > 0) this.fail(callError(-error, "receive"));
  }
}
