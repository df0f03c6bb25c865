/**
 * One buffer that all plain sockets read into: node:net fills it and calls back before the next read. So
 * nothing is allocated for what comes in, and an idle connection holds no receive buffer.
 *
 * A socket that has read much at once reads into a buffer of its own from then on, until little comes:
 *
 *     shared ── a large read ──► own ── a small one, or too many others have one ──► shared
 *
 * What is read into it goes to the receiver for good where its bytes are the receiver's to keep
 * (`keepsBytes`), so that large pieces are not copied. Else it is a segment of the send memory, which can
 * be kept until it is sent on (`SendMemory.keep`), and is used again: no copies, and no page faults.
 *
 * Outgoing sockets get it by the option `onread` of `net.Socket`. Accepted ones are made by Node, without
 * a way to say so; what the option would have set in them is set here, under the names that a socket made
 * with the option shows. Where a Node has other insides, accepted sockets read as Node has it, and outgoing
 * ones into the shared buffer alone.
 */
import { type OnReadOpts, Socket, type SocketConstructorOpts } from "node:net";
import { SEGMENT_BYTES } from "../../bytes/send-memory.js";
import type { RecycledMemory } from "./recycled-memory.js";

/** A read of this size is followed by one into a buffer of its own. */
const LARGE_BYTES = 32_768;

/** Sockets that may have a buffer of their own at a time: 4 MiB. */
export const MAX_OWN_BUFFERS = 64;

/** Gets what was read. */
export interface SharedReader {
  /** The bytes are lent for the call. */
  lent(socket: Socket, bytes: Buffer): void;
  /** The bytes are the receiver's own. */
  given(socket: Socket, bytes: Buffer): void;
}

type ReadCallback = (this: Socket, byteCount: number, buffer: Uint8Array) => boolean;

/** `onread` is a documented option of the constructor that the types lack. */
interface ReadingSocketOptions extends SocketConstructorOpts {
  readonly onread: OnReadOpts;
}

/** The names under which a socket keeps the parts of `onread`. */
interface ReadingNames {
  readonly buffer: symbol;
  readonly next: symbol;
  readonly callback: symbol;
}

/** What has a user's buffer: the handle of a socket. */
interface ReadingHandle {
  useUserBuffer(buffer: Uint8Array): void;
}

/** What all plain sockets read into: one buffer, and some of their own for those that read much. */
export class SharedReading {
  readonly buffer: Buffer = Buffer.allocUnsafeSlow(SEGMENT_BYTES);
  private readonly reader: SharedReader;
  private readonly memory: RecycledMemory;
  private readonly names: ReadingNames | undefined;
  private readonly lendBytes: ReadCallback;
  private readonly giveBytes: ReadCallback;
  private readonly next: () => Buffer;
  /** What is read into next by the socket that has just read; undefined: the same as before. */
  private nextBuffer: Buffer | undefined;
  /** Sockets with a buffer of their own; first the one that got it first. */
  private readonly own: Map<Socket, Buffer> = new Map();
  /** Sockets whose close is listened to. */
  private readonly watched: WeakSet<Socket> = new WeakSet();

  constructor(reader: SharedReader, memory: RecycledMemory) {
    this.reader = reader;
    this.memory = memory;
    const read = this.read.bind(this);
    this.lendBytes = function lend(byteCount, buffer): boolean {
      read(this, byteCount, buffer as Buffer, false);
      return true;
    };
    this.giveBytes = function give(byteCount, buffer): boolean {
      read(this, byteCount, buffer as Buffer, true);
      return true;
    };
    // Node keeps the buffer where undefined is returned, against its types.
    this.next = (): Buffer => {
      const next = this.nextBuffer;
      this.nextBuffer = undefined;
      return next as Buffer;
    };
    this.names = this.findNames();
  }

  /** Sockets that have a buffer of their own. */
  get ownCount(): number {
    return this.own.size;
  }

  /** An outgoing socket that reads into the buffer. */
  socket(keepsBytes: boolean): Socket {
    const callback = (keepsBytes ? this.giveBytes : this.lendBytes) as OnReadOpts["callback"];
    const options: ReadingSocketOptions = {
      allowHalfOpen: true,
      onread: { buffer: this.buffer, callback },
    };
    return new Socket(options);
  }

  /** Has an accepted socket read into the buffer. False: it can't, and emits `data`. */
  lend(socket: Socket, keepsBytes: boolean): boolean {
    const names = this.names;
    const handle = handleOf(socket);
    if (names === undefined || handle === undefined) return false;
    if (Reflect.get(socket, names.buffer) !== null) return false;
    handle.useUserBuffer(this.buffer);
    Reflect.set(socket, names.buffer, this.buffer);
    Reflect.set(socket, names.callback, keepsBytes ? this.giveBytes : this.lendBytes);
    return true;
  }

  /** Hands out what was read, and chooses what the socket reads into next. */
  private read(socket: Socket, byteCount: number, into: Buffer, isKept: boolean): void {
    const { buffer } = this;
    const isLarge = byteCount >= LARGE_BYTES;
    const isOwn = into !== buffer;
    const isGiven = isOwn && isKept && isLarge;
    if (isGiven) {
      this.reader.given(socket, into.subarray(0, byteCount));
    } else if (isOwn && isKept) {
      // Copied into the shared one, which is known as lent.
      buffer.set(into.subarray(0, byteCount));
      this.reader.lent(socket, buffer.subarray(0, byteCount));
    } else {
      this.reader.lent(socket, into.subarray(0, byteCount));
    }
    // Chosen after the call: other sockets may have read within it, and this one may be closed.
    if (!isOwn) {
      if (isLarge) this.nextBuffer = this.take(socket, isKept);
      return;
    }
    const isTheirs = this.own.get(socket) === into;
    if (isTheirs && isLarge) {
      // Given away or kept, or read into again.
      if (isGiven || this.memory.isHeld(into))
        this.nextBuffer = this.exchange(socket, into, isKept);
      return;
    }
    this.leave(socket, into);
    this.nextBuffer = isLarge ? this.take(socket, isKept) : buffer;
  }

  /** Another buffer in place of `taken`: the socket keeps its place among those that have one. */
  private exchange(socket: Socket, taken: Buffer, isKept: boolean): Buffer {
    this.memory.putBack(taken);
    const next = this.fresh(isKept);
    this.own.set(socket, next);
    return next;
  }

  private fresh(isKept: boolean): Buffer {
    return isKept ? Buffer.allocUnsafeSlow(SEGMENT_BYTES) : this.memory.take();
  }

  /** A buffer of the socket's own, if it can have one. */
  private take(socket: Socket, isKept: boolean): Buffer {
    const own = this.own;
    const names = this.names;
    if (names === undefined || socket.destroyed) return this.buffer;
    if (!this.watched.has(socket)) {
      this.watched.add(socket);
      Reflect.set(socket, names.next, this.next);
      socket.once("close", () => this.close(socket));
    }
    if (own.size >= MAX_OWN_BUFFERS) this.retract();
    const taken = this.fresh(isKept);
    own.set(socket, taken);
    return taken;
  }

  private close(socket: Socket): void {
    const taken = this.own.get(socket);
    if (taken !== undefined) this.leave(socket, taken);
  }

  /** The socket does not read into `taken` any more. */
  private leave(socket: Socket, taken: Buffer): void {
    // It was retracted, or closed, within the call.
    if (this.own.get(socket) !== taken) return;
    this.own.delete(socket);
    this.memory.putBack(taken);
  }

  /** The socket that has had a buffer of its own longest reads into the shared one again. */
  private retract(): void {
    for (const [socket, taken] of this.own) {
      handleOf(socket)?.useUserBuffer(this.buffer);
      if (this.names !== undefined) Reflect.set(socket, this.names.buffer, this.buffer);
      this.leave(socket, taken);
      return;
    }
  }

  private findNames(): ReadingNames | undefined {
    const plain = new Socket();
    const nameIn = (example: Socket, value: unknown): symbol | undefined =>
      Object.getOwnPropertySymbols(example).find(
        (name) => Reflect.get(example, name) === value && Reflect.get(plain, name) === null,
      );
    const lending = this.socket(false);
    const options: ReadingSocketOptions = {
      onread: { buffer: this.next, callback: this.lendBytes as OnReadOpts["callback"] },
    };
    const buffer = nameIn(lending, this.buffer);
    const callback = nameIn(lending, this.lendBytes);
    const next = nameIn(new Socket(options), this.next);
    if (buffer === undefined || callback === undefined || next === undefined) return undefined;
    return { buffer, callback, next };
  }
}

function handleOf(socket: Socket): ReadingHandle | undefined {
  const handle: unknown = Reflect.get(socket, "_handle");
  if (typeof handle !== "object" || handle === null) return undefined;
  if (!("useUserBuffer" in handle) || typeof handle.useUserBuffer !== "function") return undefined;
  return handle as unknown as ReadingHandle;
}
