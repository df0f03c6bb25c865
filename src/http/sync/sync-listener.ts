import { assertFunction } from "../../connection/settings.js";
import { assertKnownKeys, type NetError } from "../../errors.js";
import type { Given } from "../../options.js";

/** Why a connection ended, as a listener is told. */
export interface SyncCloseReason {
  readonly code: string;
  readonly operation: string;
  readonly initiator: string;
  readonly message: string | undefined;
}

/**
 * Hears everything that happens, in its order, while a call is under way: what happens between two
 * calls is told at the beginning of the second. All handlers are optional. One that throws ends
 * the call with `HANDLER_FAILED` and the connection with it; of what follows only `onClose` is told.
 * The handlers are those of `HttpClientHandlers`, interim responses (1xx) included.
 */
export interface HttpSyncListener {
  /** A connection is about to be made. */
  onPrepareConnect?(): void;
  /** It was made, to the server or its proxy. */
  onConnect?(): void;
  /** It is ready for requests, TLS included. */
  onHandshake?(): void;
  /** The kernel of the worker has taken so many bytes. */
  onSend?(byteCount: number): void;
  onMessageBegin?(): void;
  onStatusLine?(status: number, reason: string, version: string): void;
  onHeader?(name: string, value: string): void;
  onHeadersComplete?(status: number, headers: readonly (readonly [string, string])[]): void;
  /** Bytes of the body. They become part of the response: they must not be changed. */
  onBody?(bytes: Uint8Array): void;
  onChunkHeader?(chunkBytes: number, extensions: string): void;
  onChunkComplete?(): void;
  onTrailer?(name: string, value: string): void;
  onMessageComplete?(): void;
  onParseError?(error: NetError): void;
  onClose?(reason: SyncCloseReason): void;
}

/** Names of the handlers. */
export const LISTENER_NAMES: readonly (keyof HttpSyncListener)[] = [
  "onPrepareConnect",
  "onConnect",
  "onHandshake",
  "onSend",
  "onMessageBegin",
  "onStatusLine",
  "onHeader",
  "onHeadersComplete",
  "onBody",
  "onChunkHeader",
  "onChunkComplete",
  "onTrailer",
  "onMessageComplete",
  "onParseError",
  "onClose",
];

/** The events that a listener wants to hear of. Throws `INVALID_ARGUMENT` for what is no listener. */
export function eventsOf(listener: Given<HttpSyncListener>): readonly (keyof HttpSyncListener)[] {
  assertKnownKeys("listener", listener, LISTENER_NAMES);
  const events = LISTENER_NAMES.filter((name) => listener[name] !== undefined);
  for (const name of events) assertFunction(`listener.${name}`, listener[name]);
  return events;
}
