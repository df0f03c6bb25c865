/**
 * One datagram socket on the ring: a multishot RECVMSG that brings one datagram after the other,
 * and any number of SENDMSG. A receive buffer then holds
 *
 *     byte 0   lengths of address and control data, length of the datagram, flags
 *     byte 16  sender's address, with room for an IPv6 one
 *     byte 44  the datagram
 */
import { assertInteger, NetError } from "../../../errors.js";
import { addressText } from "../../address-text.js";
import type { DatagramSink, DatagramSocket, DatagramTarget, IpAddress } from "../../engine.js";
import { BUFFER_GROUP } from "../memory/provided-buffers.js";
import {
  COMPLETION_BUFFER_SHIFT,
  COMPLETION_MORE,
  ENTRY_BUFFER_GROUP,
  ENTRY_LENGTH,
  ENTRY_OPERATION_FLAGS,
  FLAG_BUFFER_SELECT,
  OP_RECVMSG,
  OP_SENDMSG,
  RECEIVE_MULTISHOT,
} from "../ring/kernel-interface.js";
import { OPEN_KIND, RECEIVE_KIND, SEND_KIND } from "../ring/operation-slots.js";
import { callError, errnoName } from "../ring/system-call-error.js";
import type { UringLoop } from "../ring/uring-loop.js";
import { AddressCache } from "./address-cache.js";
import { DatagramSend, type SendOwner } from "./datagram-send.js";
import { setMembership, setMulticastLoop, setMulticastTtl } from "./multicast-options.js";
import { CLOSING, FIRST_FREE_BIT, RingSocket } from "./ring-socket.js";
import { FAMILY_IPV6, familyOf, IPV6_BYTES, localAddress, peerAddress } from "./socket-address.js";
import { bufferOptions, datagramOptions, setOptions } from "./socket-options.js";

const OPEN = 1 << FIRST_FREE_BIT;
const RECEIVING = OPEN << 1;
const STOPPING = OPEN << 2;
const PAUSED = OPEN << 3;

const SOCK_DGRAM = 2;
const MSG_NOSIGNAL = 0x4000;
const MSG_TRUNC = 0x20;

const NAME_AT = 16;
const DATAGRAM_AT: number = NAME_AT + IPV6_BYTES;

/** Descriptions that are kept for the next datagrams. */
const MAX_SPARE_SENDS = 256;

/** Ends of a receive that tell of a datagram sent before, or pass by themselves. */
const PASSING_ERRORS: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "EHOSTDOWN",
  "ENETUNREACH",
  "ENETDOWN",
  "EMSGSIZE",
  "ENOBUFS",
  "ENOMEM",
  "EPERM",
  "ECANCELED",
  "EINTR",
  "EAGAIN",
]);

/** See the head of the file. */
export class UringDatagram extends RingSocket implements DatagramSocket, SendOwner {
  /** Datagrams that were longer than a receive buffer, and dropped. */
  truncatedCount = 0;
  private readonly target: DatagramTarget;
  private readonly sink: DatagramSink;
  private readonly isIpv6: boolean;
  private readonly addresses: AddressCache;
  private readonly spareSends: DatagramSend[] = [];
  private address: IpAddress;
  private peer: IpAddress | undefined = undefined;

  constructor(loop: UringLoop, target: DatagramTarget, sink: DatagramSink) {
    super(loop);
    this.target = target;
    this.sink = sink;
    this.isIpv6 = familyOf(target.address) === FAMILY_IPV6;
    this.addresses = new AddressCache(this.isIpv6);
    this.address = target.address;
  }

  /** Binds and connects. */
  open(): void {
    const { calls } = this.loop;
    const descriptor = calls.socket(familyOf(this.target.address), SOCK_DGRAM);
    const result = descriptor < 0 ? descriptor : this.prepare(descriptor);
    if (result < 0) {
      if (descriptor >= 0) calls.close(descriptor);
      this.fail(callError(result, "listen", addressText(this.target.address)));
      return;
    }
    this.address = (localAddress(calls, descriptor) as IpAddress | undefined) ?? this.address;
    this.peer = peerAddress(calls, descriptor) as IpAddress | undefined;
    if (this.adopt(descriptor, "listen")) this.startNothing(OPEN_KIND);
  }

  get lendsBytes(): boolean {
    return true;
  }

  send(token: number, bytes: Uint8Array, to?: IpAddress): void {
    if ((this.state & CLOSING) !== 0) return;
    if ((this.state & OPEN) === 0) {
      throw new NetError("INVALID_STATE", "a datagram was sent before the socket was open", {
        operation: "send",
      });
    }
    const { loop } = this;
    const address = this.destination(to);
    const name = address && this.addresses.encoded(address);
    const send = this.spareSends.pop() ?? new DatagramSend(loop, this);
    send.begin(token, address);
    send.describe(bytes, name);
    const at = this.startFor(OP_SENDMSG, SEND_KIND, send.slot);
    loop.ring.putAddress(at, send.header.address);
    loop.ring.entries[at + ENTRY_LENGTH] = 1;
    loop.ring.entries[at + ENTRY_OPERATION_FLAGS] = MSG_NOSIGNAL;
  }

  joinGroup(group: string, interfaceHost?: string): void {
    const { calls } = this.loop;
    this.configure(group, (descriptor) =>
      setMembership(calls, descriptor, { group, interfaceHost }, true),
    );
  }

  leaveGroup(group: string, interfaceHost?: string): void {
    const { calls } = this.loop;
    this.configure(group, (descriptor) =>
      setMembership(calls, descriptor, { group, interfaceHost }, false),
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
    const { token, to } = send;
    if (this.spareSends.length < MAX_SPARE_SENDS) this.spareSends.push(send);
    const isOpen = (this.state & CLOSING) === 0;
    this.completed(SEND_KIND, result, 0);
    if (isOpen) {
      const where = to && addressText(to);
      this.sink.datagramSent(token, result < 0 ? callError(result, "send", where) : undefined);
    }
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
    if (kind === RECEIVE_KIND) this.loop.buffers.drop(result, flags);
  }

  protected override cancelAll(): void {
    this.cancelOnSocket();
  }

  protected override isUnwanted(kind: number): boolean {
    const { state } = this;
    return kind === RECEIVE_KIND && (state & RECEIVING) !== 0 && (state & STOPPING) !== 0;
  }

  protected override gone(error: NetError | undefined): void {
    this.sink.datagramClosed(error);
  }

  private prepare(descriptor: number): number {
    const { calls } = this.loop;
    const { address, peer, ...target } = this.target;
    const onlyIpv6 = this.isIpv6 ? !target.dualStack : undefined;
    const options = [...datagramOptions({ ...target, onlyIpv6 }), ...bufferOptions(target)];
    let result = setOptions(calls, descriptor, options);
    if (result >= 0) result = calls.bind(descriptor, this.addresses.encoded(address));
    if (result >= 0 && peer !== undefined) {
      result = calls.connect(descriptor, this.addresses.encoded(peer));
    }
    return result;
  }

  /** Where to send, or undefined for the peer. */
  private destination(to: IpAddress | undefined): IpAddress | undefined {
    const { peer } = this.target;
    if (peer === undefined && to === undefined) {
      throw new NetError("INVALID_ARGUMENT", "a datagram without a peer needs an address", {
        operation: "send",
      });
    }
    if (peer === undefined || to === undefined) return to;
    if (to.port === peer.port && to.host === peer.host) return undefined;
    const text = `a datagram socket with the peer ${addressText(peer)} can't send to`;
    throw new NetError("INVALID_ARGUMENT", `${text} ${addressText(to)}`, { operation: "send" });
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
      const name = errnoName(result);
      if (PASSING_ERRORS.has(name)) this.receive();
      else this.fail(callError(result, "receive", addressText(this.address)));
      return;
    }
    const { buffers } = this.loop;
    const id = flags >>> COMPLETION_BUFFER_SHIFT;
    const bytes = buffers.view(id, result);
    buffers.giveBack(id);
    if ((this.state & RECEIVING) === 0) this.receive();
    if ((bytes.readInt32LE(12) & MSG_TRUNC) !== 0) {
      this.truncatedCount++;
      return;
    }
    const from = this.addresses.sender(bytes, NAME_AT, bytes.readInt32LE(0));
    if (this.isStranger(from)) return;
    this.sink.datagramReceived(bytes.subarray(DATAGRAM_AT), from);
  }

  /** What came between binding and connecting passed no filter of the kernel's. */
  private isStranger(from: IpAddress): boolean {
    const { peer } = this;
    return peer !== undefined && (peer.port !== from.port || peer.host !== from.host);
  }

  private configure(what: string, call: (descriptor: number) => number): void {
    if ((this.state & CLOSING) !== 0) return;
    const result = this.withDescriptor(call);
    if (result < 0) throw callError(result, "configure", what);
  }
}
