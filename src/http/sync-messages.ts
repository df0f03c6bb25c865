/** What passes between an `HttpSyncClient` and its worker. All of it can be cloned. */
import type { Fault, NetErrorCode, Operation } from "../errors.js";
import type { FieldPair } from "./http-fields.js";
import type { HttpTiming } from "./http-response.js";

/** Places in the shared numbers. `count` grows with each message; `ended` is 1 when the worker is gone. */
export const SIGNAL = { count: 0, ended: 1, length: 2 } as const;

/** What the worker is started with. */
export interface SyncStart {
  readonly signal: Int32Array;
  /** Options of the `HttpClient` that it runs. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Events that somebody wants to hear of. */
  readonly events: readonly string[];
}

/** What the worker is asked to do. */
export type SyncOrder =
  | {
      readonly kind: "connect";
      readonly url: string;
      readonly timeoutMs: number;
      /** Connects anew though there is a connection to that origin. */
      readonly isForced: boolean;
    }
  | {
      readonly kind: "request";
      readonly method: string;
      readonly path: string;
      readonly headers: readonly FieldPair[];
      readonly body: Uint8Array | undefined;
      readonly timeoutMs: number;
    }
  | { readonly kind: "close" };

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

/** What the worker tells. `done` and `failed` end an order. */
export type SyncMessage =
  | { readonly kind: "event"; readonly name: string; readonly values: readonly unknown[] }
  | { readonly kind: "body"; readonly bytes: Uint8Array }
  | { readonly kind: "done"; readonly head: SyncHead | undefined }
  | { readonly kind: "failed"; readonly error: SyncError };
