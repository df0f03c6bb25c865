/**
 * One buffer that all plain sockets read into: node:net fills it and calls back before the next read. So
 * nothing is allocated for what comes in, and an idle connection holds no receive buffer.
 *
 * Outgoing sockets get it by the option `onread` of `net.Socket`. Accepted ones are made by Node, without
 * a way to say so; what the option would have set in them is set here, under the names that a socket made
 * with the option shows. Where a Node has other insides, accepted sockets read as Node has it.
 */
import { type OnReadOpts, Socket, type SocketConstructorOpts } from "node:net";

const BUFFER_BYTES = 65_536;

/** Called with the socket as `this` when `byteCount` bytes lie in the buffer. */
export type SharedRead = (this: Socket, byteCount: number) => boolean;

/** `onread` is an option of the constructor too, says Node's manual; its types don't. */
interface ReadingSocketOptions extends SocketConstructorOpts {
  readonly onread: OnReadOpts;
}

/** The names under which a socket keeps the two halves of `onread`. */
interface ReadingNames {
  readonly buffer: symbol;
  readonly callback: symbol;
}

/** See the head of the file. */
export class SharedReading {
  readonly buffer: Buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  readonly #read: SharedRead;
  readonly #names: ReadingNames | undefined;

  constructor(read: SharedRead) {
    this.#read = read;
    this.#names = this.#findNames();
  }

  /** An outgoing socket that reads into the buffer. */
  socket(): Socket {
    const options: ReadingSocketOptions = {
      allowHalfOpen: true,
      onread: { buffer: this.buffer, callback: this.#read },
    };
    return new Socket(options);
  }

  /** Has an accepted socket read into the buffer. False: it can't, and emits `data`. */
  lend(socket: Socket): boolean {
    const names = this.#names;
    const handle: unknown = Reflect.get(socket, "_handle");
    if (names === undefined || typeof handle !== "object" || handle === null) return false;
    if (!("useUserBuffer" in handle) || typeof handle.useUserBuffer !== "function") return false;
    if (Reflect.get(socket, names.buffer) !== null) return false;
    handle.useUserBuffer(this.buffer);
    Reflect.set(socket, names.buffer, this.buffer);
    Reflect.set(socket, names.callback, this.#read);
    return true;
  }

  #findNames(): ReadingNames | undefined {
    const example = this.socket();
    const plain = new Socket();
    const nameOf = (value: unknown): symbol | undefined =>
      Object.getOwnPropertySymbols(example).find(
        (name) => Reflect.get(example, name) === value && Reflect.get(plain, name) === null,
      );
    const buffer = nameOf(this.buffer);
    const callback = nameOf(this.#read);
    if (buffer === undefined || callback === undefined) return undefined;
    return { buffer, callback };
  }
}
