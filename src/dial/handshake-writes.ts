/** What we say in handshakes, one write after the other: a stream takes the next when it has written the last. */
import type { Buffer } from "node:buffer";
import type { StreamSocket } from "../engine/engine.js";

/** The writes of handshakes over one stream. */
export class HandshakeWrites {
  /** Whether a write is under way. */
  isBusy = false;
  private readonly stream: StreamSocket;
  private readonly waiting: Buffer[] = [];

  constructor(stream: StreamSocket) {
    this.stream = stream;
  }

  /** Writes bytes behind those that wait. */
  add(bytes: Buffer): void {
    this.waiting.push(bytes);
    if (!this.isBusy) this.next();
  }

  /** The stream has written what was under way. */
  written(): void {
    this.isBusy = false;
    this.next();
  }

  private next(): void {
    const bytes = this.waiting.shift();
    if (bytes === undefined) return;
    this.isBusy = true;
    this.stream.write(bytes);
  }
}
