/**
 * One datagram, or a run of them, on its way out. The object and the memory of its description are used again
 * for the next one; it holds a slot while it is under way.
 */
import { Buffer } from "node:buffer";
import type { DatagramRun } from "../../datagram-run.js";
import type { PeerKey } from "../../peer-key.js";
import { MessageHeader } from "../memory/message-header.js";
import { NONE } from "../memory/shared-memory.js";
import {
  ENTRY_ADDRESS_LENGTH,
  ENTRY_LENGTH,
  ENTRY_OFFSET,
  ENTRY_OPERATION_FLAGS,
  OP_SEND,
  OP_SENDMSG,
} from "../ring/kernel-interface.js";
import type { OperationOwner } from "../ring/operation-slots.js";
import type { Ring } from "../ring/ring.js";
import type { UringLoop } from "../ring/uring-loop.js";
import type { WaitingSend } from "./send-backlog.js";
import { IPV6_BYTES, writePeerName } from "./socket-address.js";
import { IPPROTO_UDP, UDP_SEGMENT } from "./socket-options.js";

const MSG_NOSIGNAL = 0x4000;
/** Without room in the kernel it fails with `EAGAIN`; else it waits there. */
const MSG_DONTWAIT = 0x40;
const LINE = 0x1_0000_0000;

/** Bytes up to here are copied: that costs less than asking for their address. */
const COPY_MAX_BYTES = 16_384;

/** Hears of the end of a datagram on its way. */
export interface SendOwner {
  /** For sockets of this family. */
  readonly isIpv6: boolean;
  sendCompleted(send: DatagramSend, result: number): void;
}

/** One datagram, or a run of them, on its way out. */
export class DatagramSend implements OperationOwner, WaitingSend<DatagramSend> {
  slot = 0;
  order = 0;
  next: DatagramSend | undefined = undefined;
  token = 0;
  /** Where it goes; undefined: to the peer. */
  to: PeerKey | undefined = undefined;
  /** How long the datagrams of the run are; 0: it is one datagram. */
  segmentBytes = 0;
  /** The run that this datagram is one of, where they are sent one by one. */
  run: DatagramRun | undefined = undefined;
  private readonly loop: UringLoop;
  private readonly owner: SendOwner;
  /** Describes a run, and has the memory of the address. */
  private readonly header: MessageHeader;
  private nameLength = 0;
  /** Where the bytes lie for the kernel. */
  private address = 0;
  /** Where the bytes lie in the shared memory, or `NONE`. */
  private region: number = NONE;
  private byteCount = 0;
  /** The caller's memory, where they were not copied. */
  private held: Uint8Array | undefined = undefined;

  constructor(loop: UringLoop, owner: SendOwner) {
    this.loop = loop;
    this.owner = owner;
    this.header = new MessageHeader(loop.calls, 1, IPV6_BYTES);
    this.header.setVectorCount(1);
  }

  /** Takes a slot. `to` is left out for the peer. */
  begin(token: number, to: PeerKey | undefined): void {
    this.token = token;
    this.to = to;
    this.takeSlot();
    const { header, owner } = this;
    this.nameLength = to === undefined ? 0 : writePeerName(header.name, to, owner.isIpv6);
  }

  /** Takes a slot anew, for another try. */
  takeSlot(): void {
    this.slot = this.loop.slots.take(this);
  }

  /** Fills in the one datagram that is to be sent. */
  describe(bytes: Uint8Array): void {
    const { loop } = this;
    const { arena } = loop;
    this.segmentBytes = 0;
    let region = bytes.length <= COPY_MAX_BYTES ? arena.copy(bytes) : NONE;
    const shared = region === NONE ? arena.offsetOf(bytes) : NONE;
    // The engine's own memory may be reused before the datagram is sent.
    if (shared !== NONE) region = arena.keep(bytes) ? shared : arena.copy(bytes);
    if (region !== NONE) this.sendFrom(region, bytes.length);
    else this.sendHeld(shared === NONE ? bytes : Buffer.from(bytes));
  }

  /** Fills in a run, a piece for each datagram. */
  describeRun(pieces: readonly Uint8Array[]): void {
    let byteCount = 0;
    for (const piece of pieces) byteCount += piece.length;
    this.segmentBytes = pieces[0]?.length ?? 0;
    const region = this.loop.arena.copyAll(pieces, byteCount);
    if (region !== NONE) this.sendFrom(region, byteCount);
    else this.sendHeld(Buffer.concat(pieces, byteCount));
  }

  /** How many datagrams the run has. */
  get datagramCount(): number {
    return Math.ceil(this.byteCount / this.segmentBytes);
  }

  /** The datagrams of a run. */
  pieces(): Uint8Array[] {
    const { loop, region, byteCount, segmentBytes } = this;
    const bytes = this.held ?? loop.buffers.memory.bytes(region, byteCount);
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < byteCount; at += segmentBytes) {
      pieces.push(bytes.subarray(at, Math.min(at + segmentBytes, byteCount)));
    }
    return pieces;
  }

  private sendFrom(region: number, byteCount: number): void {
    this.region = region;
    this.byteCount = byteCount;
    this.address = this.loop.buffers.memory.addressOf(region);
  }

  private sendHeld(bytes: Uint8Array): void {
    this.held = bytes;
    this.byteCount = bytes.length;
    this.address = bytes.length === 0 ? 0 : this.loop.calls.addressOf(bytes);
  }

  /** The operation that sends it. */
  get operation(): number {
    return this.segmentBytes === 0 ? OP_SEND : OP_SENDMSG;
  }

  /** Fills in the entry at `at`. `waits`: it stays with the kernel until there is room. */
  put(ring: Ring, at: number, waits: boolean): void {
    if (this.segmentBytes === 0) this.putOne(ring, at);
    else this.putRun(ring, at);
    ring.entries[at + ENTRY_OPERATION_FLAGS] = waits ? MSG_NOSIGNAL : MSG_NOSIGNAL | MSG_DONTWAIT;
  }

  /** One datagram needs no message header: the entry has room for the address of its peer (Linux 6.1). */
  private putOne(ring: Ring, at: number): void {
    const { entries } = ring;
    ring.putAddress(at, this.address);
    entries[at + ENTRY_LENGTH] = this.byteCount;
    if (this.nameLength === 0) return;
    const { nameAddress } = this.header;
    entries[at + ENTRY_OFFSET] = nameAddress | 0;
    entries[at + ENTRY_OFFSET + 1] = Math.floor(nameAddress / LINE);
    entries[at + ENTRY_ADDRESS_LENGTH] = this.nameLength;
  }

  private putRun(ring: Ring, at: number): void {
    const { header } = this;
    header.setNameLength(this.nameLength);
    header.setSegmentBytes(IPPROTO_UDP, UDP_SEGMENT, this.segmentBytes);
    header.setVector(0, this.address, this.byteCount);
    ring.putAddress(at, header.address);
    ring.entries[at + ENTRY_LENGTH] = 1;
  }

  completed(_kind: number, result: number, _flags: number): void {
    this.loop.slots.release(this.slot);
    this.owner.sendCompleted(this, result);
  }

  /** It was never started, and won't be. */
  abandon(): void {
    this.loop.slots.release(this.slot);
    this.release();
  }

  /** Gives back what it was sent from. */
  release(): void {
    if (this.region !== NONE) this.loop.arena.releaseAt(this.region);
    this.region = NONE;
    this.held = undefined;
    this.run = undefined;
  }
}
