/**
 * One datagram on its way out. The object and the memory of its description are used again for the
 * next one; it holds a slot while it is under way.
 */
import type { IpAddress } from "../../engine.js";
import { MessageHeader } from "../memory/message-header.js";
import { NONE } from "../memory/shared-memory.js";
import type { OperationOwner } from "../ring/operation-slots.js";
import type { UringLoop } from "../ring/uring-loop.js";
import { MAX_ADDRESS_BYTES } from "./socket-address.js";

/** Bytes up to here are copied: that costs less than asking for their address. */
const COPY_MAX_BYTES = 16_384;

const NO_NAME = new Uint8Array(0);

/** Hears of the end of a datagram on its way. */
export interface SendOwner {
  sendCompleted(send: DatagramSend, result: number): void;
}

/** See the head of the file. */
export class DatagramSend implements OperationOwner {
  /** What the kernel is to send, and where to. */
  readonly header: MessageHeader;
  slot = 0;
  token = 0;
  /** Where it goes; undefined: to the peer. */
  to: IpAddress | undefined = undefined;
  private readonly loop: UringLoop;
  private readonly owner: SendOwner;
  /** Where the bytes lie in the shared memory, or `NONE`. */
  private region: number = NONE;
  /** The caller's memory, where they were not copied. */
  private held: Uint8Array | undefined = undefined;

  constructor(loop: UringLoop, owner: SendOwner) {
    this.loop = loop;
    this.owner = owner;
    this.header = new MessageHeader(loop.calls, 1, MAX_ADDRESS_BYTES);
    this.header.setVectorCount(1);
  }

  /** Takes a slot. `to` is left out for the peer. */
  begin(token: number, to: IpAddress | undefined): void {
    this.token = token;
    this.to = to;
    this.slot = this.loop.slots.take(this);
  }

  /** Fills in what is to be sent; `name` is where to, as the kernel takes it. */
  describe(bytes: Uint8Array, name: Uint8Array = NO_NAME): void {
    const { header, loop } = this;
    const { arena } = loop;
    const byteCount = bytes.length;
    header.setName(name);
    let region = byteCount <= COPY_MAX_BYTES ? arena.copy(bytes) : NONE;
    const shared = region === NONE ? arena.offsetOf(bytes) : NONE;
    // What lies in the engine's own memory may be used again before it is sent.
    if (shared !== NONE) region = arena.keep(bytes) ? shared : arena.copy(bytes);
    if (region === NONE) {
      this.held = shared === NONE ? bytes : Buffer.from(bytes);
      header.setVector(0, byteCount === 0 ? 0 : loop.calls.addressOf(this.held), byteCount);
    } else {
      this.region = region;
      header.setVector(0, loop.buffers.memory.addressOf(region), byteCount);
    }
  }

  completed(_kind: number, result: number, _flags: number): void {
    const { arena, slots } = this.loop;
    slots.release(this.slot);
    if (this.region !== NONE) arena.releaseAt(this.region);
    this.region = NONE;
    this.held = undefined;
    this.owner.sendCompleted(this, result);
  }
}
