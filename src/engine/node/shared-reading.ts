/**
 * One buffer that all plain sockets read into: node:net fills it and calls back before the next read. So
 * nothing is allocated for what comes in, and an idle connection holds no receive buffer.
 *
 * A stream whose bytes are the receiver's to keep (`keepsBytes`) gets, once much comes at a time, a buffer
 * of its own for each read, which goes to the receiver: large pieces are then copied no more than small
 * ones are given memory of 64 KiB.
 *
 * Outgoing sockets get it by the option `onread` of `net.Socket`. Accepted ones are made by Node, without
 * a way to say so; what the option would have set in them is set here, under the names that a socket made
 * with the option shows. Where a Node has other insides, accepted sockets read as Node has it.
 */
import { type OnReadOpts, Socket, type SocketConstructorOpts } from "node:net";

const BUFFER_BYTES = 65_536;

/** A read of this size is followed by one into a buffer of its own. */
const LARGE_BYTES = 32_768;

/** Gets what was read. */
export interface SharedReader {
  /** The bytes are lent for the call. */
  lent(socket: Socket, bytes: Buffer): void;
  /** The bytes are the receiver's own. */
  given(socket: Socket, bytes: Buffer): void;
}

type ReadCallback = (this: Socket, byteCount: number, buffer: Uint8Array) => boolean;

/** `onread` is an option of the constructor too, says Node's manual; its types don't. */
interface ReadingSocketOptions extends SocketConstructorOpts {
  readonly onread: OnReadOpts;
}

/** The names under which a socket keeps the parts of `onread`. */
interface ReadingNames {
  readonly buffer: symbol;
  readonly next: symbol;
  readonly callback: symbol;
}

/**
 * One buffer that all plain sockets read into: node:net fills it and calls back before the next
 * read.
 */
export class SharedReading {
  readonly buffer: Buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  readonly #names: ReadingNames | undefined;
  readonly #lend: ReadCallback;
  readonly #give: ReadCallback;
  readonly #next: () => Buffer;
  /** What is read into next by the socket that has just read. */
  #nextBuffer: Buffer = this.buffer;
  /** A buffer that was too large for what came. */
  #spare: Buffer | undefined;

  constructor(reader: SharedReader) {
    const { buffer } = this;
    this.#lend = function lend(byteCount): boolean {
      reader.lent(this, buffer.subarray(0, byteCount));
      return true;
    };
    const give = this.#giving(reader);
    this.#give = function givePart(byteCount, own): boolean {
      give(this, byteCount, own);
      return true;
    };
    this.#next = (): Buffer => {
      const next = this.#nextBuffer;
      this.#nextBuffer = buffer;
      return next;
    };
    this.#names = this.#findNames();
  }

  /** An outgoing socket that reads into the buffer. */
  socket(keepsBytes: boolean): Socket {
    const options: ReadingSocketOptions = {
      allowHalfOpen: true,
      onread: keepsBytes
        ? { buffer: this.#next, callback: this.#give as OnReadOpts["callback"] }
        : { buffer: this.buffer, callback: this.#lend as OnReadOpts["callback"] },
    };
    return new Socket(options);
  }

  /** Has an accepted socket read into the buffer. False: it can't, and emits `data`. */
  lend(socket: Socket, keepsBytes: boolean): boolean {
    const names = this.#names;
    const handle: unknown = Reflect.get(socket, "_handle");
    if (names === undefined || typeof handle !== "object" || handle === null) return false;
    if (!("useUserBuffer" in handle) || typeof handle.useUserBuffer !== "function") return false;
    if (Reflect.get(socket, names.buffer) !== null) return false;
    handle.useUserBuffer(this.buffer);
    Reflect.set(socket, names.buffer, this.buffer);
    Reflect.set(socket, names.callback, keepsBytes ? this.#give : this.#lend);
    if (keepsBytes) Reflect.set(socket, names.next, this.#next);
    return true;
  }

  /** Gives large reads away, lends small ones, and chooses what the socket reads into next. */
  #giving(reader: SharedReader): (socket: Socket, byteCount: number, own: Uint8Array) => void {
    const { buffer } = this;
    return (socket, byteCount, own): void => {
      const isLarge = byteCount >= LARGE_BYTES;
      if (own === buffer) {
        reader.lent(socket, buffer.subarray(0, byteCount));
      } else if (isLarge) {
        reader.given(socket, (own as Buffer).subarray(0, byteCount));
      } else {
        // Copied into the shared one, which is known as lent.
        buffer.set(own.subarray(0, byteCount));
        this.#spare = own as Buffer;
        reader.lent(socket, buffer.subarray(0, byteCount));
      }
      // Set behind the call, in which other sockets may be made.
      if (isLarge) this.#nextBuffer = this.#takeSpare();
    };
  }

  #takeSpare(): Buffer {
    const spare = this.#spare;
    this.#spare = undefined;
    return spare ?? Buffer.allocUnsafeSlow(BUFFER_BYTES);
  }

  #findNames(): ReadingNames | undefined {
    const plain = new Socket();
    const nameIn = (example: Socket, value: unknown): symbol | undefined =>
      Object.getOwnPropertySymbols(example).find(
        (name) => Reflect.get(example, name) === value && Reflect.get(plain, name) === null,
      );
    const lending = this.socket(false);
    const buffer = nameIn(lending, this.buffer);
    const callback = nameIn(lending, this.#lend);
    const next = nameIn(this.socket(true), this.#next);
    if (buffer === undefined || callback === undefined || next === undefined) return undefined;
    return { buffer, next, callback };
  }
}
