/**
 * One listener on the ring: some ACCEPTs under way, each with a record for the address of who comes.
 * What the streams are to have is set on the listener, from which the kernel lets them inherit it.
 *
 * A step accepts at most as many as there are records, however many wait: so those who are connected
 * already get their turn in a flood of new ones.
 *
 * States: opening (an empty operation, so that `listenerOpened` comes later) → accepting ⇄ backing
 * off (no descriptor left) → closing → closed.
 */
import { parseIp } from "../../../bytes/ip-bytes.js";
import type { NetError } from "../../../errors.js";
import type { Timer } from "../../../time/clock.js";
import { addressText } from "../../address-text.js";
import type { Address, Listener, ListenerSink, ListenTarget } from "../../engine.js";
import { setOptions } from "../../option-calls.js";
import { ReportBackOff } from "../../report-back-off.js";
import { acceptErrorKind } from "../../system-error.js";
import { ACCEPT_COUNT, type AcceptRecords } from "../memory/accept-records.js";
import {
  ENTRY_FILE_INDEX,
  ENTRY_OFFSET,
  ENTRY_OPERATION_FLAGS,
  OP_ACCEPT,
} from "../ring/kernel-interface.js";
import {
  ACCEPT_KIND,
  acceptIndex,
  acceptKind,
  OPEN_KIND,
  REFUSE_KIND,
} from "../ring/operation-slots.js";
import { callError, EADDRINUSE, errnoName } from "../ring/system-call-error.js";
import type { UringLoop } from "../ring/uring-loop.js";
import { RingSocket } from "./ring-socket.js";
import { FAMILY_IPV6, familyOf, localAddress } from "./socket-address.js";
import { listenerOptions, streamOptions } from "./socket-options.js";
import { removeSocketFile, removeStaleSocket, socketFileId } from "./socket-path.js";
import { CLOSING } from "./socket-state.js";
import { StreamDetails } from "./stream-details.js";
import { UringStream } from "./uring-stream.js";

const SOCK_STREAM = 1;

/** How long to leave connections waiting when descriptors or memory are short. */
const FIRST_BACK_OFF_MS = 10;
const LONGEST_BACK_OFF_MS = 1_000;

export class UringListener extends RingSocket implements Listener {
  private readonly target: ListenTarget;
  private readonly sink: ListenerSink;
  private readonly records: AcceptRecords;
  /** What its streams have in common: where they are, and for those of a path, where their peers are. */
  private readonly details: StreamDetails = new StreamDetails();
  private address: Address;
  private fileId: number | undefined = undefined;
  /** The records whose accepts are under way. */
  private accepting = 0;
  private backOffMs = 0;
  private backOffTimer: Timer | undefined = undefined;
  private readonly reports: ReportBackOff;

  constructor(loop: UringLoop, target: ListenTarget, sink: ListenerSink) {
    super(loop);
    const { address } = target;
    this.target = target;
    this.sink = sink;
    this.address = address;
    this.records = loop.acceptRecords.take();
    this.reports = new ReportBackOff(loop.clock);
    if ("path" in address) {
      this.details.local = address;
      this.details.remote = { path: "" };
    }
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
    if (!isWildcard(this.address)) this.details.local = this.address;
    if (this.adopt(descriptor, "listen")) this.startNothing(OPEN_KIND);
  }

  close(): void {
    this.beginClose();
  }

  protected override beginClose(): void {
    if ((this.state & CLOSING) !== 0) return;
    this.backOffTimer?.cancel();
    // Before the socket is closed: afterwards the name may be another socket's.
    const { address } = this.target;
    if ("path" in address) removeSocketFile(address.path, this.fileId);
    super.beginClose();
  }

  protected override progressed(kind: number, result: number): void {
    if (kind === OPEN_KIND) {
      this.acceptAll();
      this.sink.listenerOpened(this.address);
    } else if (kind >= ACCEPT_KIND) {
      this.accepted(acceptIndex(kind), result);
    }
  }

  protected override abandoned(kind: number, result: number): void {
    if (kind >= ACCEPT_KIND && result >= 0) this.startClose(result, REFUSE_KIND);
  }

  protected override cancelAll(): void {
    this.cancelOnSocket();
  }

  protected override isUnwanted(): boolean {
    return false;
  }

  protected override gone(error: NetError | undefined): void {
    this.loop.acceptRecords.giveBack(this.records);
    this.sink.listenerClosed(error);
  }

  /** The peers of a path have no names. */
  private get isNameless(): boolean {
    return this.details.remote !== undefined;
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

  /** Arms the accepts that are not under way, unless it is backing off. */
  private acceptAll(): void {
    if ((this.state & CLOSING) !== 0 || this.backOffTimer !== undefined) return;
    const count = Math.min(ACCEPT_COUNT, this.loop.settings.turnCompletions);
    for (let index = 0; index < count; index++) {
      if ((this.accepting & (1 << index)) === 0) this.accept(index);
    }
  }

  private accept(index: number): void {
    if ((this.state & CLOSING) !== 0 || this.backOffTimer !== undefined) return;
    this.accepting |= 1 << index;
    const { records } = this;
    const { descriptors, ring } = this.loop;
    const { entries } = ring;
    const at = this.start(OP_ACCEPT, acceptKind(index));
    entries[at + ENTRY_OPERATION_FLAGS] = descriptors.acceptFlags;
    entries[at + ENTRY_FILE_INDEX] = descriptors.acceptIndex;
    if (this.isNameless) return;
    records.clear(index);
    ring.putAddress(at, records.addressOf(index));
    // The address of the length takes the place of an offset; it lies in the same block.
    entries[at + ENTRY_OFFSET] = records.lengthLow(index);
    entries[at + ENTRY_OFFSET + 1] = records.high;
  }

  private accepted(index: number, result: number): void {
    this.accepting &= ~(1 << index);
    if (result < 0) {
      this.acceptFailed(index, result);
      return;
    }
    const { details, loop, records } = this;
    const stream = UringStream.accepted(loop, result, details, this.target.stream);
    if (!this.isNameless) loop.peerNames.put(stream.slotNumber, records.words, index << 3);
    this.backOffMs = 0;
    this.accept(index);
    try {
      const sink = this.sink.listenerAccepted(stream);
      if (sink === undefined) stream.close();
      else stream.begin(sink);
    } catch (defect) {
      stream.close();
      throw defect;
    }
  }

  private acceptFailed(index: number, result: number): void {
    const error = callError(result, "accept", addressText(this.address));
    const kind = acceptErrorKind(errnoName(result));
    if (kind === "fatal") {
      this.fail(error);
      return;
    }
    if (kind === "exhausted") {
      this.backOff();
      if (!this.reports.failed()) return;
    } else {
      this.accept(index);
    }
    this.sink.listenerAcceptFailed(error);
  }

  private backOff(): void {
    if (this.backOffTimer !== undefined) return;
    const longerMs = Math.max(FIRST_BACK_OFF_MS, this.backOffMs * 2);
    this.backOffMs = Math.min(LONGEST_BACK_OFF_MS, longerMs);
    this.backOffTimer = this.loop.clock.setTimer(this.backOffMs, () => {
      this.backOffTimer = undefined;
      this.acceptAll();
    });
  }
}

/** Whether streams that are accepted there can have different addresses of their own; if not, none need be asked for. */
function isWildcard(address: Address): boolean {
  if ("path" in address) return false;
  // `::ffff:0.0.0.0` too; another address with such an end is taken for one, and costs a call.
  const end = parseIp(address.host)?.subarray(-4);
  return end === undefined || end.every((byte) => byte === 0);
}
