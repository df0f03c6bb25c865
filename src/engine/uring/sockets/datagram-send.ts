/**
 * One datagram, or a run of them, on its way out. The object and the memory of its description are used again
 * for the next one; it holds a slot while it is under way.
 */
import type { DatagramRun } from "../../datagram-run.js";
import type { PeerKey } from "../../peer-key.js";
import { MessageHeader } from "../memory/message-header.js";
import { NONE } from "../memory/shared-memory.js";
import type { OperationOwner } from "../ring/operation-slots.js";
import type { UringLoop } from "../ring/uring-loop.js";
import { IPV6_BYTES, writePeerName } from "./socket-address.js";
import { IPPROTO_UDP, UDP_SEGMENT } from "./socket-options.js";

/** Bytes up to here are copied: that costs less than asking for their address. */
const COPY_MAX_BYTES = 16_384;

/** Hears of the end of a datagram on its way. */
export interface SendOwner {
  /** For sockets of this family. */
  readonly isIpv6: boolean;
  sendCompleted(send: DatagramSend, result: number): void;
}

/** One datagram, or a run of them, on its way out. */
export class DatagramSend implements OperationOwner {
  /** What the kernel is to send, and where to. */
  readonly header: MessageHeader;
  slot = 0;
  token = 0;
  /** Where it goes; undefined: to the peer. */
  to: PeerKey | undefined = undefined;
  /** How long the datagrams of the run are; 0: it is one datagram. */
  segmentBytes = 0;
  /** The run that this datagram is one of, where they are sent one by one. */
  run: DatagramRun | undefined = undefined;
  private readonly loop: UringLoop;
  private readonly owner: SendOwner;
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
    this.slot = this.loop.slots.take(this);
    const { header, owner } = this;
    header.setNameLength(to === undefined ? 0 : writePeerName(header.name, to, owner.isIpv6));
  }

  /** Fills in the one datagram that is to be sent. */
  describe(bytes: Uint8Array): void {
    const { loop } = this;
    const { arena } = loop;
    this.setSegments(0);
    let region = bytes.length <= COPY_MAX_BYTES ? arena.copy(bytes) : NONE;
    const shared = region === NONE ? arena.offsetOf(bytes) : NONE;
    // What lies in the engine's own memory may be used again before it is sent.
    if (shared !== NONE) region = arena.keep(bytes) ? shared : arena.copy(bytes);
    if (region !== NONE) this.sendFrom(region, bytes.length);
    else this.sendHeld(shared === NONE ? bytes : Buffer.from(bytes));
  }

  /** Fills in a run, a piece for each datagram. */
  describeRun(pieces: readonly Uint8Array[]): void {
    let byteCount = 0;
    for (const piece of pieces) byteCount += piece.length;
    this.setSegments(pieces[0]?.length ?? 0);
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

  private setSegments(segmentBytes: number): void {
    this.segmentBytes = segmentBytes;
    this.header.setSegmentBytes(IPPROTO_UDP, UDP_SEGMENT, segmentBytes);
  }

  private sendFrom(region: number, byteCount: number): void {
    this.region = region;
    this.byteCount = byteCount;
    this.header.setVector(0, this.loop.buffers.memory.addressOf(region), byteCount);
  }

  private sendHeld(bytes: Uint8Array): void {
    this.held = bytes;
    this.byteCount = bytes.length;
    const address = bytes.length === 0 ? 0 : this.loop.calls.addressOf(bytes);
    this.header.setVector(0, address, bytes.length);
  }

  completed(_kind: number, result: number, _flags: number): void {
    this.loop.slots.release(this.slot);
    this.owner.sendCompleted(this, result);
  }

  /** Gives back what it was sent from. */
  release(): void {
    if (this.region !== NONE) this.loop.arena.releaseAt(this.region);
    this.region = NONE;
    this.held = undefined;
    this.run = undefined;
  }
}
