import type { Data } from "../connection/connection.js";
import { bytesOf } from "../connection/data.js";

interface Kept {
  readonly data: Data;
  readonly options: unknown;
  readonly byteCount: number;
}

/** What is sent while there is no connection, and waits for the next one. */
export class KeptMessages {
  private readonly maxBytes: number;
  private messages: Kept[] = [];
  private keptBytes = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** Bytes that are kept. */
  get byteCount(): number {
    return this.keptBytes;
  }

  /** Keeps a copy, if there is room for all of it; an empty message takes the room of a byte. Returns whether. */
  keep(data: Data, options: unknown): boolean {
    const bytes = bytesOf(data);
    const byteCount = bytes.length;
    const room = this.maxBytes - Math.max(this.keptBytes, this.messages.length);
    if (Math.max(1, byteCount) > room) return false;
    // Bytes may be lent, or changed before they are sent; whether something is text may matter.
    const copy = typeof data === "string" ? data : Buffer.from(bytes);
    this.messages.push({ data: copy, options, byteCount });
    this.keptBytes += byteCount;
    return true;
  }

  /** Hands out one after the other, until `send` answers that it takes no more: that one stays. */
  pass(send: (data: Data, options: unknown) => boolean): void {
    const messages = this.messages;
    this.messages = [];
    for (const [index, message] of messages.entries()) {
      if (!send(message.data, message.options)) {
        this.messages = [...messages.slice(index), ...this.messages];
        return;
      }
      this.keptBytes -= message.byteCount;
    }
  }

  /** Forgets all. Returns how many bytes that were. */
  forget(): number {
    const byteCount = this.keptBytes;
    this.messages = [];
    this.keptBytes = 0;
    return byteCount;
  }
}
