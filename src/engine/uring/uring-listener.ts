/**
 * One listener on the ring: a multishot ACCEPT that brings one connection after the other. What the
 * streams are to have is set on the listener, from which the kernel lets them inherit it.
 *
 * States: opening (an empty operation, so that `listenerOpened` comes later) → accepting ⇄ backing
 * off (no descriptor left) → closing → closed.
 */
import type { NetError } from "../../errors.js";
import type { Timer } from "../../time/clock.js";
import { addressText } from "../address-text.js";
import type { Address, Listener, ListenerSink, ListenTarget } from "../engine.js";
import { ReportBackOff } from "../report-back-off.js";
import { acceptErrorKind } from "../system-error.js";
import { claimSilentClose } from "./descriptor-table.js";
import {
  ACCEPT_MULTISHOT,
  COMPLETION_MORE,
  ENTRY_FILE_INDEX,
  ENTRY_OPERATION_FLAGS,
  OP_ACCEPT,
} from "./kernel-interface.js";
import { ACCEPT_KIND, OPEN_KIND } from "./operation-slots.js";
import { CLOSING, FIRST_FREE_BIT, RingSocket } from "./ring-socket.js";
import { FAMILY_IPV6, familyOf, localAddress } from "./socket-address.js";
import { listenerOptions, setOptions, streamOptions } from "./socket-options.js";
import { removeSocketFile, removeStaleSocket, socketFileId } from "./socket-path.js";
import { callError, EADDRINUSE, errnoName } from "./system-call-error.js";
import type { UringLoop } from "./uring-loop.js";
import { UringStream } from "./uring-stream.js";

const ACCEPTING = 1 << FIRST_FREE_BIT;

const SOCK_STREAM = 1;

/** How long to leave connections waiting when descriptors or memory are short. */
const FIRST_BACK_OFF_MS = 10;
const LONGEST_BACK_OFF_MS = 1_000;

/** See the head of the file. */
export class UringListener extends RingSocket implements Listener {
  private readonly target: ListenTarget;
  private readonly sink: ListenerSink;
  private address: Address;
  private fileId: number | undefined = undefined;
  private backOffMs = 0;
  private backOffTimer: Timer | undefined = undefined;
  private readonly reports: ReportBackOff;

  constructor(loop: UringLoop, target: ListenTarget, sink: ListenerSink) {
    super(loop);
    this.target = target;
    this.sink = sink;
    this.address = target.address;
    this.reports = new ReportBackOff(loop.clock);
  }

  /** Binds and listens; `bytes` is the target's address as the kernel takes it. */
  open(bytes: Uint8Array): void {
    const { calls } = this.loop;
    const descriptor = calls.socket(familyOf(this.target.address), SOCK_STREAM);
    if (descriptor < 0) {
      this.failed(descriptor);
      return;
    }
    const result = this.prepare(descriptor, bytes);
    if (result < 0) {
      calls.close(descriptor);
      this.failed(result);
      return;
    }
    this.address = localAddress(calls, descriptor) ?? this.address;
    if (this.adopt(descriptor, "listen")) this.startNothing(OPEN_KIND);
  }

  close(): void {
    this.beginClose();
  }

  protected override beginClose(): void {
    if ((this.state & CLOSING) !== 0) return;
    this.backOffTimer?.cancel();
    // Before the socket is closed: afterwards the name may be somebody else's.
    const { address } = this.target;
    if ("path" in address) removeSocketFile(address.path, this.fileId);
    super.beginClose();
  }

  protected override progressed(kind: number, result: number, flags: number): void {
    if (kind === OPEN_KIND) {
      this.accept();
      this.sink.listenerOpened(this.address);
      return;
    }
    if ((flags & COMPLETION_MORE) === 0) this.state &= ~ACCEPTING;
    if (result < 0) {
      this.acceptFailed(result);
      return;
    }
    this.backOffMs = 0;
    this.accept();
    this.accepted(result);
  }

  protected override abandoned(kind: number, result: number, _flags: number): void {
    if (kind === ACCEPT_KIND && result >= 0) claimSilentClose(this.loop.descriptors, result);
  }

  protected override cancelAll(): void {
    if ((this.state & ACCEPTING) !== 0) this.cancel(ACCEPT_KIND);
  }

  protected override gone(error: NetError | undefined): void {
    this.sink.listenerClosed(error);
  }

  private prepare(descriptor: number, bytes: Uint8Array): number {
    const { calls } = this.loop;
    const { address, backlog, stream } = this.target;
    if (!("path" in address)) {
      const isIpv6 = familyOf(address) === FAMILY_IPV6;
      const options = [...listenerOptions(this.target, isIpv6), ...streamOptions(stream)];
      const result = setOptions(calls, descriptor, options);
      if (result < 0) return result;
    }
    let bound = calls.bind(descriptor, bytes);
    if (
      bound === EADDRINUSE &&
      "path" in address &&
      removeStaleSocket(calls, address.path, bytes)
    ) {
      bound = calls.bind(descriptor, bytes);
    }
    if (bound < 0) return bound;
    if ("path" in address) this.fileId = socketFileId(address.path);
    return calls.listen(descriptor, backlog);
  }

  private failed(result: number): void {
    this.fail(callError(result, "listen", addressText(this.target.address)));
  }

  /** Arms the accept, where it should be and isn't. */
  private accept(): void {
    if ((this.state & (ACCEPTING | CLOSING)) !== 0) return;
    this.state |= ACCEPTING;
    const { descriptors, ring } = this.loop;
    const at = this.start(OP_ACCEPT | ACCEPT_MULTISHOT, ACCEPT_KIND);
    ring.entries[at + ENTRY_OPERATION_FLAGS] = descriptors.acceptFlags;
    ring.entries[at + ENTRY_FILE_INDEX] = descriptors.acceptIndex;
  }

  private accepted(socket: number): void {
    const { address } = this.target;
    const stream = UringStream.accepted(this.loop, socket, "path" in address ? address : undefined);
    try {
      const sink = this.sink.listenerAccepted(stream);
      if (sink === undefined) stream.close();
      else stream.begin(sink);
    } catch (defect) {
      stream.close();
      throw defect;
    }
  }

  private acceptFailed(result: number): void {
    const error = callError(result, "accept", addressText(this.address));
    const kind = acceptErrorKind(errnoName(result));
    if (kind === "fatal") {
      this.fail(error);
      return;
    }
    if (kind === "exhausted") {
      if ((this.state & ACCEPTING) === 0) this.backOff();
      if (!this.reports.failed()) return;
    } else {
      this.accept();
    }
    this.sink.listenerAcceptFailed(error);
  }

  private backOff(): void {
    const longerMs = Math.max(FIRST_BACK_OFF_MS, this.backOffMs * 2);
    this.backOffMs = Math.min(LONGEST_BACK_OFF_MS, longerMs);
    this.backOffTimer = this.loop.clock.setTimer(this.backOffMs, () => this.accept());
  }
}
