/** What passes between an `HttpSyncClient` and its worker. All of it can be cloned. */
import type { MessagePort } from "node:worker_threads";
import type { Fault, NetErrorCode, Operation } from "../../errors.js";
import type { HttpTiming } from "../client/http-response.js";
import type { FieldPair } from "../http-fields.js";

/**
 * Places in the shared numbers. `count` grows with each message, and with each sign of life while an
 * order is under way; `ended` is 1 when the worker is gone; `taken` counts the messages that were taken.
 */
export const SIGNAL = { count: 0, ended: 1, taken: 2, length: 3 } as const;

/** Messages that may wait to be taken: the worker sleeps until there are fewer, and its peer is held back. */
export const MAX_WAITING_MESSAGES = 1_024;

/** Time between two signs of life. */
export const BEAT_MS = 500;

/** What the worker is started with. */
export interface SyncStart {
  readonly signal: Int32Array;
  /** {@link SIGNAL}, for a worker that has loaded no module yet. */
  readonly places: typeof SIGNAL;
  readonly port: MessagePort;
  /** Options of the `HttpClient` that it runs. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Events that the listener has handlers for. */
  readonly events: readonly string[];
}

/** To which server, and how. */
export interface SyncRoute {
  /** Scheme, host and port. */
  readonly origin: string;
  readonly connectTimeoutMs: number;
  /** Connects anew though there is a connection to that origin. */
  readonly isForced: boolean;
}

/** What is asked for, once there is a connection. */
export interface SyncRequestHead {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly FieldPair[];
  readonly timeoutMs: number;
}

/** What the worker is asked to do. */
export type SyncOrder =
  | { readonly kind: "connect"; readonly route: SyncRoute }
  | {
      readonly kind: "request";
      readonly route: SyncRoute;
      readonly head: SyncRequestHead;
      readonly body: Uint8Array | undefined;
    }
  | { readonly kind: "disconnect" }
  | SyncSocketOrder;

/** What the worker is asked to do with WebSockets. */
export type SyncSocketOrder =
  | {
      readonly kind: "openSocket";
      readonly url: string;
      readonly timeoutMs: number;
      readonly protocols: readonly string[];
      readonly headers: readonly FieldPair[];
      readonly origin: string | undefined;
      /** Of the `WebSocketClient`. */
      readonly settings: Readonly<Record<string, unknown>>;
    }
  | {
      readonly kind: "sendMessage";
      readonly id: number;
      readonly data: string | Uint8Array;
      readonly isText: boolean;
      readonly timeoutMs: number;
    }
  | { readonly kind: "receiveMessage"; readonly id: number; readonly timeoutMs: number }
  | {
      readonly kind: "closeSocket";
      readonly id: number;
      readonly code: number;
      readonly reason: string;
      readonly timeoutMs: number;
    };

/** A WebSocket that was made. */
export interface SyncSocketHead {
  readonly id: number;
  readonly protocol: string;
  readonly isCompressed: boolean;
  /** Values of Set-Cookie. */
  readonly cookies: readonly string[];
}

/** A message that came; undefined: the peer has closed in good order. */
export interface SyncSocketMessage {
  readonly data: string | Uint8Array | undefined;
}

/** How a WebSocket ended. */
export interface SyncSocketEnd {
  /** The peer's code. */
  readonly code: number;
  /** The reason that the peer gave, or "". */
  readonly reason: string;
  /** Whether both sides have sent Close frames. */
  readonly isClean: boolean;
}

/** What comes of an order. */
export type SyncResult = SyncHead | SyncSocketHead | SyncSocketMessage | SyncSocketEnd | undefined;

/** To the worker: an order, or that the one under way is to fail at once. */
export type SyncInstruction = SyncOrder | { readonly kind: "abort" };

/** A response without its body. */
export interface SyncHead {
  readonly status: number;
  readonly statusText: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly trailers: readonly (readonly [string, string])[] | undefined;
  readonly url: string;
  readonly timing: HttpTiming;
}

/** A `NetError`, cloned. */
export interface SyncError {
  readonly code: NetErrorCode;
  readonly message: string;
  readonly fault: Fault;
  readonly operation: Operation | undefined;
  readonly systemCode: string | undefined;
}

/** What the worker tells. `done` and `failed` end an order; the first of them ends the start. */
export type SyncMessage =
  | { readonly kind: "event"; readonly name: string; readonly values: readonly unknown[] }
  | { readonly kind: "body"; readonly bytes: Uint8Array }
  | { readonly kind: "done"; readonly result: SyncResult }
  | { readonly kind: "failed"; readonly error: SyncError };
