import { assertFunction } from "../../connection/settings.js";
import { assertKnownKeys, type NetError } from "../../errors.js";
import type { Given } from "../../options.js";
import { CLIENT_HANDLER_NAMES } from "../client/http-client-handlers.js";

/** Why a connection ended, as a listener is told. */
export interface SyncCloseReason {
  /** `CLOSED` for an orderly end, else the code of the error. */
  readonly code: string;
  /** What was being done. */
  readonly operation: string;
  /** Who began it. */
  readonly initiator: string;
  /** What the error says; undefined after an orderly end. */
  readonly message: string | undefined;
}

/**
 * Handlers that are called in the order of events while a call is under way. Events between two calls are reported at
 * the beginning of the second. All handlers are optional. One that throws ends
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
  /** The first byte of a response has come. */
  onMessageBegin?(): void;
  /** Its first line has come. */
  onStatusLine?(status: number, reason: string, version: string): void;
  /** A field of its head has come. */
  onHeader?(name: string, value: string): void;
  /** Its head has come whole. */
  onHeadersComplete?(status: number, headers: readonly (readonly [string, string])[]): void;
  /** Bytes of the body. They become part of the response: they must not be changed. */
  onBody?(bytes: Uint8Array): void;
  /** A chunk begins, the last one (0 bytes) too. */
  onChunkHeader?(chunkBytes: number, extensions: string): void;
  /** A chunk has come whole. */
  onChunkComplete?(): void;
  /** A field behind the body has come. */
  onTrailer?(name: string, value: string): void;
  /** The response has come whole. */
  onMessageComplete?(): void;
  /** What came is no response; the call throws. */
  onParseError?(error: NetError): void;
  /** The connection has ended, or was not made. */
  onClose?(reason: SyncCloseReason): void;
}

/** Names of the handlers. */
export const LISTENER_NAMES: readonly (keyof HttpSyncListener)[] = CLIENT_HANDLER_NAMES.filter(
  (name) => name !== "onUpgrade",
);

/** The events that a listener wants to hear of. Throws `INVALID_ARGUMENT` for what is no listener. */
export function eventsOf(listener: Given<HttpSyncListener>): readonly (keyof HttpSyncListener)[] {
  assertKnownKeys("listener", listener, LISTENER_NAMES);
  const events = LISTENER_NAMES.filter((name) => listener[name] !== undefined);
  for (const name of events) assertFunction(`listener.${name}`, listener[name]);
  return events;
}
