/**
 * One datagram socket on the ring: a multishot RECVMSG that brings one datagram, or one train of them, after
 * the other, and any number of sends. Hot.
 *
 * Runs leave as one message that the kernel cuts (UDP_SEGMENT, Linux 4.18), and trains come in as one
 * (UDP_GRO, 5.0): that is where the gain lies. A run that the kernel refuses is sent again one by one, and
 * the socket remembers from which length on, or that it is to try no more.
 *
 * Sends leave in their order. The kernel wakes those that wait with it for room the last one first, so one of them
 * waits there, the oldest, and the others here:
 *
 *     send ─► the kernel has room ─► sent
 *       └──► none (EAGAIN) ─► backlog ─► the oldest waits with the kernel ─► sent: some of the next are tried
 */
import { assertInteger, NetError } from "../../../errors.js";
import { addressText } from "../../address-text.js";
import { datagramDestination } from "../../datagram-destination.js";
import { DatagramRun } from "../../datagram-run.js";
import type {
  DatagramSink,
  DatagramSocket,
  DatagramTarget,
  GroupMembership,
  IpAddress,
} from "../../engine.js";
import { assertInterface, checkedMembership } from "../../group-membership.js";
import { setOptions } from "../../option-calls.js";
import { addressOfPeer, type PeerKey, peerKeyOf } from "../../peer-key.js";
import { datagramErrorKind } from "../../system-error.js";
import type { BufferWaiter } from "../memory/buffer-line.js";
import { BUFFER_GROUP } from "../memory/provided-buffers.js";
import {
  COMPLETION_BUFFER_SHIFT,
  COMPLETION_MORE,
  ENTRY_BUFFER_GROUP,
  ENTRY_LENGTH,
  FLAG_BUFFER_SELECT,
  OP_RECVMSG,
  RECEIVE_MULTISHOT,
} from "../ring/kernel-interface.js";
import { OPEN_KIND, RECEIVE_KIND, SEND_KIND } from "../ring/operation-slots.js";
import { callError, EAGAIN, ENOBUFS, errnoName } from "../ring/system-call-error.js";
import type { UringLoop } from "../ring/uring-loop.js";
import { DatagramSend, type SendOwner } from "./datagram-send.js";
import {
  setMembership,
  setMulticastInterface,
  setMulticastLoop,
  setMulticastTtl,
} from "./multicast-options.js";
import {
  DATAGRAM_AT,
  droppedOf,
  isTruncated,
  segmentBytesOf,
  senderOf,
} from "./received-datagram.js";
import { RingSocket } from "./ring-socket.js";
import { SendBacklog } from "./send-backlog.js";
import {
  encodeAddress,
  FAMILY_IPV6,
  familyOf,
  localAddress,
  peerAddress,
} from "./socket-address.js";
import { bufferOptions, datagramOptions, wishDatagramOptions } from "./socket-options.js";
import { CLOSING, FIRST_FREE_BIT } from "./socket-state.js";

const OPEN = 1 << FIRST_FREE_BIT;
const RECEIVING = OPEN << 1;
const STOPPING = OPEN << 2;
const PAUSED = OPEN << 3;

const SOCK_DGRAM = 2;

/** Buffers of this size hold any train. */
const TRAIN_BYTES = 65_536;

/** What the kernel says when it can't cut a run, and no answer of the network's to what left before. */
const RUN_ERRORS: ReadonlySet<string> = new Set(["EINVAL", "EIO", "EMSGSIZE"]);

/** Datagrams of this length fit every path of IPv6 (RFC 8200 §5): who refuses runs of them takes none. */
const SURE_SEGMENT_BYTES = 1_232;

/** Sends that are given to the kernel at once: where one finds no room, those behind it may find some, and overtake it. */
const MAX_TRIED = 128;
/** The same when one that waited for room has left, and there is not much of it. */
const TRIED_BEHIND = 8;

/** Descriptions that are kept for the next datagrams. */
const MAX_SPARE_SENDS = 256;

export class UringDatagram extends RingSocket implements DatagramSocket, SendOwner, BufferWaiter {
  readonly isIpv6: boolean;
  /** Datagrams that were longer than a receive buffer, and dropped. */
  truncatedCount = 0;
  /** What the kernel has dropped. */
  private overflowCount = 0;
  /** Runs of datagrams of up to this length are handed to the kernel whole. */
  private maxSegmentBytes: number = TRAIN_BYTES;
  private readonly target: DatagramTarget;
  private readonly sink: DatagramSink;
  private readonly spareSends: DatagramSend[] = [];
  private madeCount = 0;
  /** Sends that the kernel is to answer at once. */
  private triedCount = 0;
  /** Sends that wait for room behind `waiting`, which waits for it with the kernel. */
  private readonly backlog: SendBacklog<DatagramSend> = new SendBacklog();
  private waiting: DatagramSend | undefined = undefined;
  private address: IpAddress;
  private peer: PeerKey | undefined = undefined;

  constructor(loop: UringLoop, target: DatagramTarget, sink: DatagramSink) {
    super(loop);
    this.target = target;
    this.sink = sink;
    this.isIpv6 = familyOf(target.address) === FAMILY_IPV6;
    this.address = target.address;
  }

  /** Binds and connects. */
  open(): void {
    const { calls } = this.loop;
    const descriptor = calls.socket(familyOf(this.target.address), SOCK_DGRAM);
    const { address, peer: target } = this.target;
    let result = descriptor < 0 ? descriptor : this.bind(descriptor);
    const isBound = result >= 0;
    if (isBound && target !== undefined) {
      result = calls.connect(descriptor, encodeAddress(this.reachable(target)));
    }
    if (result < 0) {
      if (descriptor >= 0) calls.close(descriptor);
      const at = isBound && target !== undefined ? target : address;
      this.fail(callError(result, "listen", addressText(at)));
      return;
    }
    this.address = (localAddress(calls, descriptor) as IpAddress | undefined) ?? this.address;
    const peer = peerAddress(calls, descriptor) as IpAddress | undefined;
    this.peer = peer && peerKeyOf(peer);
    if (this.adopt(descriptor, "listen")) this.startNothing(OPEN_KIND);
  }

  get lendsBytes(): boolean {
    return true;
  }

  /** The kernel gets its buffers back behind the tasks of the next step. */
  get keepsTurn(): boolean {
    return true;
  }

  get droppedCount(): number {
    return this.truncatedCount + this.overflowCount;
  }

  send(token: number, bytes: Uint8Array, to?: PeerKey): void {
    if (!this.maySend()) return;
    const send = this.begin(token, to);
    send.describe(bytes);
    this.startSend(send);
  }

  sendRun(token: number, pieces: readonly Uint8Array[], to?: PeerKey): void {
    if (!this.maySend()) return;
    if ((pieces[0]?.length ?? 0) > this.maxSegmentBytes) {
      this.sendOneByOne(token, pieces, to);
      return;
    }
    const send = this.begin(token, to);
    send.describeRun(pieces);
    this.startSend(send);
  }

  private sendOneByOne(
    token: number,
    pieces: readonly Uint8Array[],
    to: PeerKey | undefined,
    allFailed: () => void = () => undefined,
  ): void {
    const run = new DatagramRun(token, pieces.length, (_, error, failedCount) => {
      if (failedCount === pieces.length) allFailed();
      if ((this.state & CLOSING) === 0) this.sink.datagramSent(token, error, failedCount);
    });
    for (const piece of pieces) {
      const send = this.begin(token, to);
      send.run = run;
      send.describe(piece);
      this.startSend(send);
    }
  }

  private maySend(): boolean {
    if ((this.state & CLOSING) !== 0) return false;
    if ((this.state & OPEN) !== 0) return true;
    throw new NetError("INVALID_STATE", "a datagram was sent before the socket was open", {
      operation: "send",
    });
  }

  private begin(token: number, to: PeerKey | undefined): DatagramSend {
    const peer = datagramDestination(to, this.target.peer, this.peer);
    const send = this.spareSends.pop() ?? new DatagramSend(this.loop, this);
    send.begin(token, peer);
    return send;
  }

  private startSend(send: DatagramSend): void {
    send.order = this.madeCount++;
    const mayGo = this.waiting === undefined && this.backlog.isEmpty;
    if (mayGo && this.triedCount < MAX_TRIED) this.submit(send, false);
    else this.backlog.add(send);
  }

  private submit(send: DatagramSend, waits: boolean): void {
    if (!waits) this.triedCount++;
    send.put(this.loop.ring, this.startFor(send.operation, SEND_KIND, send.slot), waits);
  }

  /** The kernel has no room for it. */
  private foundNoRoom(send: DatagramSend): void {
    send.takeSlot();
    this.backlog.add(send);
    if (this.waiting !== undefined) return;
    this.waiting = this.backlog.take() as DatagramSend;
    this.submit(this.waiting, true);
  }

  /** A send has left, or failed: tries those that wait. */
  private tryBacklog(done: DatagramSend): void {
    const hadWaited = done === this.waiting;
    if (hadWaited) this.waiting = undefined;
    if (this.waiting !== undefined || this.backlog.isEmpty) return;
    for (let count = hadWaited ? TRIED_BEHIND : 1; count > 0; count--) {
      const next = this.backlog.take();
      if (next === undefined) return;
      this.submit(next, false);
    }
  }

  joinGroup(given: GroupMembership): void {
    const { calls } = this.loop;
    const membership = checkedMembership(given);
    this.configure(membership.group, (descriptor) =>
      setMembership(calls, descriptor, membership, true),
    );
  }

  leaveGroup(given: GroupMembership): void {
    const { calls } = this.loop;
    const membership = checkedMembership(given);
    this.configure(membership.group, (descriptor) =>
      setMembership(calls, descriptor, membership, false),
    );
  }

  setMulticastInterface(interfaceHost: string): void {
    assertInterface(interfaceHost, this.isIpv6);
    const { calls } = this.loop;
    this.configure(`multicast interface ${interfaceHost}`, (descriptor) =>
      setMulticastInterface(calls, descriptor, interfaceHost, this.isIpv6),
    );
  }

  setMulticastTtl(ttl: number): void {
    assertInteger("ttl", ttl, 0, 255);
    const { calls } = this.loop;
    this.configure(`multicast TTL ${ttl}`, (descriptor) =>
      setMulticastTtl(calls, descriptor, ttl, this.isIpv6),
    );
  }

  setMulticastLoop(on: boolean): void {
    const { calls } = this.loop;
    this.configure(`multicast loop ${on}`, (descriptor) =>
      setMulticastLoop(calls, descriptor, on, this.isIpv6),
    );
  }

  pause(): void {
    this.state |= PAUSED;
    if ((this.state & (RECEIVING | STOPPING | CLOSING)) !== RECEIVING) return;
    this.state |= STOPPING;
    this.cancel(RECEIVE_KIND);
  }

  resume(): void {
    if ((this.state & PAUSED) === 0) return;
    this.state &= ~PAUSED;
    this.receive();
  }

  close(): void {
    this.beginClose();
  }

  sendCompleted(send: DatagramSend, result: number): void {
    const { token, to, run, segmentBytes } = send;
    const isOpen = (this.state & CLOSING) === 0;
    if (send !== this.waiting) this.triedCount--;
    if (isOpen && result === EAGAIN) {
      this.completed(SEND_KIND, result, 0);
      this.foundNoRoom(send);
      return;
    }
    const name = result < 0 ? errnoName(result) : "";
    const isRefused = segmentBytes > 0 && isOpen && RUN_ERRORS.has(name);
    // Begun before the last one ends, so that the socket is not closed between them.
    if (isRefused) this.runRefused(name, send);
    const failedCount = result < 0 ? (segmentBytes === 0 ? 1 : send.datagramCount) : 0;
    send.release();
    if (isOpen) this.tryBacklog(send);
    if (this.spareSends.length < MAX_SPARE_SENDS) this.spareSends.push(send);
    this.completed(SEND_KIND, result, 0);
    if (!isOpen || isRefused) return;
    const where = to === undefined ? this.peer : to;
    const error =
      result < 0
        ? callError(
            result,
            "send",
            where === undefined ? undefined : addressText(addressOfPeer(where)),
          )
        : undefined;
    if (run !== undefined) run.sent(error);
    else this.sink.datagramSent(token, error, failedCount);
  }

  /**
   * The kernel does not cut a run of datagrams of this length, it seems: sends them one by one. Where they all fail as
   * well, it was not because of the run.
   */
  private runRefused(name: string, run: DatagramSend): void {
    const { segmentBytes } = run;
    const isSure = segmentBytes <= SURE_SEGMENT_BYTES && name !== "EMSGSIZE";
    const maxBefore = this.maxSegmentBytes;
    this.maxSegmentBytes = Math.min(maxBefore, isSure ? 0 : segmentBytes - 1);
    this.sendOneByOne(run.token, run.pieces(), run.to, () => {
      this.maxSegmentBytes = Math.max(this.maxSegmentBytes, maxBefore);
    });
  }

  protected override progressed(kind: number, result: number, flags: number): void {
    if (kind === RECEIVE_KIND) {
      this.received(result, flags);
    } else if (kind === OPEN_KIND) {
      this.state |= OPEN;
      this.receive();
      this.sink.datagramOpened(this.address);
    }
  }

  protected override abandoned(kind: number, result: number, flags: number): void {
    if (kind !== RECEIVE_KIND) return;
    if ((flags & COMPLETION_MORE) === 0) this.state &= ~(RECEIVING | STOPPING);
    this.loop.buffers.drop(result, flags);
  }

  protected override cancelAll(): void {
    const receives = (this.state & RECEIVING) !== 0;
    // Sends that wait have slots of their own. Where none does, the receive is found at once.
    if (receives && this.underWayCount === 1) {
      this.state |= STOPPING;
      this.cancel(RECEIVE_KIND);
    } else this.cancelOnSocket();
  }

  protected override isUnwanted(kind: number): boolean {
    const { state } = this;
    return kind === RECEIVE_KIND && (state & RECEIVING) !== 0 && (state & STOPPING) !== 0;
  }

  protected override gone(error: NetError | undefined): void {
    for (let send = this.backlog.take(); send !== undefined; send = this.backlog.take()) {
      send.abandon();
    }
    this.sink.datagramClosed(error);
  }

  private bind(descriptor: number): number {
    const { calls } = this.loop;
    const { address, ...target } = this.target;
    const onlyIpv6 = this.isIpv6 ? !target.dualStack : undefined;
    const options = [...datagramOptions({ ...target, onlyIpv6 }), ...bufferOptions(target)];
    const result = setOptions(calls, descriptor, options);
    if (result < 0) return result;
    wishDatagramOptions(calls, descriptor, this.loop.settings.receiveBufferBytes >= TRAIN_BYTES);
    return calls.bind(descriptor, encodeAddress(address));
  }

  /** An IPv6 socket reaches IPv4 peers by their mapped address. */
  private reachable(peer: IpAddress): IpAddress {
    const isMapped = this.isIpv6 && !peer.host.includes(":");
    return isMapped ? { ...peer, host: `::ffff:${peer.host}` } : peer;
  }

  /** Arms the receive, where it should be and isn't. */
  private receive(): void {
    if ((this.state & (OPEN | RECEIVING | PAUSED | CLOSING)) !== OPEN) return;
    this.state |= RECEIVING;
    const { datagramHeader, ring } = this.loop;
    const at = this.start(OP_RECVMSG | FLAG_BUFFER_SELECT | RECEIVE_MULTISHOT, RECEIVE_KIND);
    ring.putAddress(at, datagramHeader.address);
    ring.entries[at + ENTRY_LENGTH] = 1;
    ring.entries[at + ENTRY_BUFFER_GROUP] = BUFFER_GROUP;
  }

  private received(result: number, flags: number): void {
    if ((flags & COMPLETION_MORE) === 0) this.state &= ~(RECEIVING | STOPPING);
    if (result < 0) {
      this.loop.buffers.drop(result, flags);
      if (result === ENOBUFS) {
        this.loop.bufferLine.join(this);
        return;
      }
      const name = errnoName(result);
      this.receiveFailed(result, datagramErrorKind(name));
      return;
    }
    const { buffers } = this.loop;
    const id = flags >>> COMPLETION_BUFFER_SHIFT;
    const from = senderOf(buffers, id);
    const byteCount = result - DATAGRAM_AT;
    const bytes = buffers.payload(id, DATAGRAM_AT, byteCount);
    const dropped = droppedOf(buffers, id);
    // A count of the kernel's that wraps is not worth more.
    if (dropped > this.overflowCount) this.overflowCount = dropped;
    const segmentBytes = segmentBytesOf(buffers, id);
    const isCut = isTruncated(buffers, id);
    buffers.giveBack(id);
    if ((this.state & RECEIVING) === 0) this.receive();
    if (isCut) this.truncatedCount++;
    // What came between binding and connecting passed no filter of the kernel's.
    else if (this.peer === undefined || this.peer === from) {
      this.sink.datagramReceived(bytes, from, segmentBytes === 0 ? byteCount : segmentBytes);
    }
  }

  /** See {@link BufferWaiter}. */
  bufferReturned(): void {
    this.receive();
  }

  private receiveFailed(result: number, kind: "refusal" | "passing" | "fatal"): void {
    if (kind === "fatal") {
      this.fail(callError(result, "receive", addressText(this.address)));
      return;
    }
    this.receive();
    if (kind === "passing") return;
    const { peer } = this.target;
    this.sink.datagramRefused(callError(result, "receive", peer && addressText(peer)));
  }

  private configure(what: string, call: (descriptor: number) => number): void {
    if ((this.state & CLOSING) !== 0) return;
    const result = this.withDescriptor(call);
    if (result < 0) throw callError(result, "configure", what);
  }
}
