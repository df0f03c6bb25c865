/**
 * A descriptor that Node keeps: it closes it when its thread ends, `worker.terminate()` included,
 * which no code of ours would live to do. Node's public API takes over pipes alone, so we hand it
 * one and then make that number mean something else, before anything has looked at it.
 */
import { Socket, type SocketConstructorOpts } from "node:net";
import type { ForeignFunctions } from "./foreign-functions.js";
import { callError } from "./system-call-error.js";

/** Reads what the descriptor has to say; see `onread` of node:net. */
export interface KeptReader {
  readonly buffer: Uint8Array;
  readonly callback: () => boolean;
}

export class KeptDescriptor {
  readonly descriptor: number;
  private readonly socket: Socket;

  /**
   * Takes over `source`, which is closed: {@link descriptor} means the same. With a reader, Node
   * reads from it and calls back, which keeps the process alive unless {@link unref}.
   */
  constructor(calls: ForeignFunctions, source: number, reader?: KeptReader) {
    const ends = new Int32Array(2);
    const piped = calls.pipe(ends);
    if (piped < 0) {
      calls.close(source);
      throw callError(piped, "configure", "pipe");
    }
    const readEnd = ends[0]!;
    const writeEnd = ends[1]!;
    const options: SocketConstructorOpts & { onread?: KeptReader; manualStart?: boolean } = {
      fd: readEnd,
      readable: reader !== undefined,
      writable: false,
      manualStart: true,
      ...(reader !== undefined && { onread: reader }),
    };
    this.socket = new Socket(options);
    this.descriptor = readEnd;
    const duplicated = calls.duplicateOnto(source, readEnd);
    calls.close(source);
    calls.close(writeEnd);
    if (duplicated < 0) {
      this.socket.destroy();
      throw callError(duplicated, "configure", "dup3");
    }
    if (reader !== undefined) this.socket.read(0);
    this.socket.unref();
  }

  ref(): void {
    this.socket.ref();
  }

  unref(): void {
    this.socket.unref();
  }

  /** Closes it, in a later turn of Node's loop. */
  close(): void {
    this.socket.destroy();
  }
}
