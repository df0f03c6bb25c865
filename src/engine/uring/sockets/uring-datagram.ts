/**
 * One datagram socket on the ring: a multishot RECVMSG that brings one datagram, or one train of them, after
 * the other, and the sends of `datagram-sends.ts`. Hot. Trains come in as one message (UDP_GRO, Linux 5.0).
 */
import { assertInteger, NetError } from "../../../errors.js";
import { addressText } from "../../address-text.js";
import { datagramDestination } from "../../datagram-destination.js";
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
import { callError, ENOBUFS, errnoName } from "../ring/system-call-error.js";
import type { UringLoop } from "../ring/uring-loop.js";
import { DatagramSends, type SendingDatagram } from "./datagram-sends.js";
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

export class UringDatagram
  extends RingSocket
  implements DatagramSocket, SendingDatagram, BufferWaiter
{
  readonly isIpv6: boolean;
  /** Datagrams that were longer than a receive buffer, and dropped. */
  truncatedCount = 0;
  /** What the kernel has dropped. */
  private overflowCount = 0;
  private readonly target: DatagramTarget;
  private readonly sink: DatagramSink;
  private readonly sends: DatagramSends;
  private address: IpAddress;
  private peer: PeerKey | undefined = undefined;

  constructor(loop: UringLoop, target: DatagramTarget, sink: DatagramSink) {
    super(loop);
    this.target = target;
    this.sink = sink;
    this.isIpv6 = familyOf(target.address) === FAMILY_IPV6;
    this.address = target.address;
    this.sends = new DatagramSends(loop, this);
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
    if (this.maySend()) this.sends.send(token, bytes, this.destination(to));
  }

  sendRun(token: number, pieces: readonly Uint8Array[], to?: PeerKey): void {
    if (this.maySend()) this.sends.sendRun(token, pieces, this.destination(to));
  }

  private maySend(): boolean {
    if ((this.state & CLOSING) !== 0) return false;
    if ((this.state & OPEN) !== 0) return true;
    throw new NetError("INVALID_STATE", "a datagram was sent before the socket was open", {
      operation: "send",
    });
  }

  private destination(to: PeerKey | undefined): PeerKey | undefined {
    return datagramDestination(to, this.target.peer, this.peer);
  }

  // — for its sends —

  get isClosing(): boolean {
    return (this.state & CLOSING) !== 0;
  }

  /** Claims the entry of a send, which completes with the send's own slot. */
  startSend(operation: number, slot: number): number {
    return this.startFor(operation, SEND_KIND, slot);
  }

  /** A send that was started has completed. */
  sendEnded(result: number): void {
    this.completed(SEND_KIND, result, 0);
  }

  sent(token: number, error: NetError | undefined, failedCount: number): void {
    this.sink.datagramSent(token, error, failedCount);
  }

  sendError(result: number, to: PeerKey | undefined): NetError {
    const where = to === undefined ? this.peer : to;
    const text = where === undefined ? undefined : addressText(addressOfPeer(where));
    return callError(result, "send", text);
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
    this.sends.abandon();
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
