import { Buffer } from "node:buffer";
import { bytesOf } from "../../connection/data.js";
import { assertInteger, assertKnownKeys, assertText, NetError } from "../../errors.js";
import { assertOptionsObject } from "../option-check.js";
import type { SyncSocketEnd, SyncSocketHead, SyncSocketOrder } from "./sync-messages.js";

const MAX_MS = 2 ** 31 - 1;
const CLOSE_MS = 30_000;
const NORMAL = 1_000;

/** How long a call waits. */
export interface SyncSocketWait {
  /** In milliseconds; 0: no limit. Default: the client's `requestTimeoutMs`. */
  readonly timeoutMs?: number | undefined;
}

/** How long `close` waits. */
export interface SyncSocketCloseOptions {
  /** In milliseconds, after which the connection is cut; 0: no limit. Default 30,000. */
  readonly timeoutMs?: number | undefined;
}

/** How a message is sent. */
export interface SyncSocketSend extends SyncSocketWait {
  /** Whether it is text. Default: strings are. Bytes that are sent as text must be UTF-8. */
  readonly isText?: boolean | undefined;
}

/** Has the worker do something, and returns what came of it. */
export type SyncSocketCall = (
  order: SyncSocketOrder,
  limitMs: number,
  transfer?: ArrayBuffer[],
) => unknown;

/** A WebSocket whose calls return when they are done: the thread waits meanwhile. */
export class SyncWebSocket implements Disposable {
  /** The subprotocol that was agreed on, or "". */
  readonly protocol: string;
  /** Whether permessage-deflate was agreed on. */
  readonly isCompressed: boolean;
  readonly #id: number;
  readonly #call: SyncSocketCall;
  readonly #timeoutMs: () => number;
  #end: SyncSocketEnd | undefined;

  /** The client's. */
  constructor(head: SyncSocketHead, call: SyncSocketCall, timeoutMs: () => number) {
    this.protocol = head.protocol;
    this.isCompressed = head.isCompressed;
    this.#id = head.id;
    this.#call = call;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Sends a message, and returns when no more than the low-water mark (256 KiB) waits to be sent. Throws
   * `CONNECTION_CLOSED`, and `DRAIN_TIMEOUT` where the peer does not take it.
   */
  send(data: string | Uint8Array, options: SyncSocketSend = {}): void {
    assertOptionsObject("the options", options);
    assertKnownKeys("send", options, ["timeoutMs", "isText"]);
    const { isText = typeof data === "string" } = options;
    const timeoutMs = this.#waitMs(options);
    // A copy: it can be transferred, and nothing around it is cloned.
    const own = typeof data === "string" ? data : new Uint8Array(bytesOf(data));
    const order = { kind: "sendMessage", id: this.#id, data: own, isText, timeoutMs } as const;
    this.#call(order, timeoutMs, typeof own === "string" ? [] : [own.buffer]);
  }

  /**
   * Returns the next message; waits for it, if need be. Undefined: the peer has closed in good order, and there
   * is no further one. Throws `READ_TIMEOUT`, and `CONNECTION_CLOSED` where the connection broke.
   */
  receive(options: SyncSocketWait = {}): string | Buffer | undefined {
    assertOptionsObject("the options", options);
    assertKnownKeys("receive", options, ["timeoutMs"]);
    if (this.#end?.isClean === true) return undefined;
    const timeoutMs = this.#waitMs(options);
    const order = { kind: "receiveMessage", id: this.#id, timeoutMs } as const;
    const { data } = this.#call(order, timeoutMs) as { data: string | Uint8Array | undefined };
    if (data === undefined || typeof data === "string") return data;
    return Buffer.from(data.buffer, data.byteOffset, data.length);
  }

  /**
   * Closes, and returns how it ended: with the peer's code, 1005 where it gave none, 1006 where it did not reply.
   * Messages that wait to be received are given up. `code` and `reason` are as with `WebSocketConnection.close`.
   */
  close(code: number = NORMAL, reason = "", options: SyncSocketCloseOptions = {}): SyncSocketEnd {
    assertInteger("code", code, NORMAL, 4_999);
    if (reason !== "") assertText("reason", reason);
    assertOptionsObject("the options", options);
    assertKnownKeys("close", options, ["timeoutMs"]);
    const { timeoutMs = CLOSE_MS } = options;
    assertInteger("timeoutMs", timeoutMs, 0, MAX_MS);
    if (this.#end !== undefined) return this.#end;
    const order = { kind: "closeSocket", id: this.#id, code, reason, timeoutMs } as const;
    const end = this.#call(order, timeoutMs) as SyncSocketEnd;
    this.#end = end;
    return end;
  }

  /** Closes, unless it has ended with its client. */
  [Symbol.dispose](): void {
    try {
      this.close();
    } catch (error) {
      if (!(error instanceof NetError) || error.code !== "STOPPED") throw error;
    }
  }

  #waitMs({ timeoutMs = this.#timeoutMs() }: SyncSocketWait): number {
    assertInteger("timeoutMs", timeoutMs, 0, MAX_MS);
    return timeoutMs;
  }
}
