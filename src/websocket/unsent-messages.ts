/**
 * Bytes of messages that were given to a socket and have not left it, without the heads of their frames: what browsers
 * call `bufferedAmount`. A message counts until all of it has left.
 */
import type { WebSocketConnection } from "./websocket-connection.js";

/** A message, or several that leave together. */
interface Unsent {
  readonly byteCount: number;
  /** How much the socket will have sent when it has left. */
  readonly end: number;
}

/** Bytes of messages that were given to a socket and have not left it, without the heads of their frames. */
export class UnsentMessages {
  private readonly socket: WebSocketConnection;
  private messages: Unsent[] = [];
  private unsentBytes = 0;

  constructor(socket: WebSocketConnection) {
    this.socket = socket;
  }

  /** Notes a message that the socket was just given. */
  add(byteCount: number): void {
    this.forgetSent();
    const { sentBytes, pendingBytes } = this.socket.stats;
    const end = sentBytes + pendingBytes;
    let joined = byteCount;
    // Those before it leave before it, although they seemed longer until they were compressed.
    for (let last = this.messages.at(-1); last !== undefined; last = this.messages.at(-1)) {
      if (last.end <= end) break;
      joined += last.byteCount;
      this.messages.pop();
    }
    this.messages.push({ byteCount: joined, end });
    this.unsentBytes += byteCount;
  }

  get byteCount(): number {
    this.forgetSent();
    return this.unsentBytes;
  }

  private forgetSent(): void {
    const { state, stats } = this.socket;
    const isAllSent = state !== "closed" && stats.pendingBytes === 0;
    let count = 0;
    for (const { byteCount, end } of this.messages) {
      if (!isAllSent && end > stats.sentBytes) break;
      this.unsentBytes -= byteCount;
      count++;
    }
    if (count > 0) this.messages = this.messages.slice(count);
  }
}
