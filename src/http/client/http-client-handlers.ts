/**
 * What an application hears of the responses of an {@link HttpClient}, as fine as it wants (HP §2.14).
 * What has no handler costs nothing.
 */
import type { CloseReason } from "../../connection/close-reason.js";
import { isThenable } from "../../connection/handlers.js";
import { assertFunction } from "../../connection/settings.js";
import type { NetError } from "../../errors.js";
import type { FieldSection } from "../../protocol/http1/field-section.js";
import {
  AFTER_HEAD,
  type AfterHead,
  type ResponseSink,
} from "../../protocol/http1/message-sink.js";
import type { ResponseHead } from "../../protocol/http1/response-head.js";
import type { UpgradedConnection } from "../upgrade/upgraded-connection.js";

/**
 * Handlers, all optional, each called with the client first. For each response, interim ones
 * included: `onMessageBegin`, `onStatusLine`, `onHeader` …, `onHeadersComplete`, `onBody` … (between
 * `onChunkHeader` and `onChunkComplete` where it comes in chunks), `onTrailer` …, `onMessageComplete`;
 * then `onUpgrade` where the protocol changes. `onParseError` may come at any place. A handler that
 * throws, or whose promise is rejected, ends the connection with `HANDLER_FAILED`; nothing waits for
 * the promise.
 */
export interface HttpClientHandlers<Client> {
  /** The connection is ready for requests. */
  onConnect?(client: Client): void;
  /** The first byte of a response came. */
  onMessageBegin?(client: Client): void;
  onStatusLine?(client: Client, status: number, reason: string, version: string): void;
  /** A field of the head; name as it was spelt. */
  onHeader?(client: Client, name: string, value: string): void;
  /**
   * The head is complete; valid during the call. `skipBody`: no body follows, whatever the head says,
   * as in a response to HEAD. `upgrade`: what follows this response is another protocol.
   */
  onHeadersComplete?(client: Client, head: ResponseHead): "skipBody" | "upgrade" | undefined | void;
  /** Bytes of the body, valid during the call. */
  onBody?(client: Client, bytes: Buffer): void;
  /** A chunk begins; 0 bytes: the last. `extensions`: from the first ";" on, or empty. */
  onChunkHeader?(client: Client, chunkBytes: number, extensions: string): void;
  onChunkComplete?(client: Client): void;
  /** A field behind the body. */
  onTrailer?(client: Client, name: string, value: string): void;
  /** The response is complete. `trailers` is valid during the call. */
  onMessageComplete?(client: Client, trailers: FieldSection | undefined): void;
  /** What follows is another protocol: the connection is handed over. */
  onUpgrade?(client: Client, upgraded: UpgradedConnection): void;
  /** What came is no response; the connection ends. */
  onParseError?(client: Client, error: NetError): void;
  /** The connection has ended. Once for each connection that was made, and last. */
  onClose?(client: Client, reason: CloseReason): void;
}

/** Names of the handlers. */
export const CLIENT_HANDLER_NAMES: readonly (keyof HttpClientHandlers<unknown>)[] = [
  "onConnect",
  "onMessageBegin",
  "onStatusLine",
  "onHeader",
  "onHeadersComplete",
  "onBody",
  "onChunkHeader",
  "onChunkComplete",
  "onTrailer",
  "onMessageComplete",
  "onUpgrade",
  "onParseError",
  "onClose",
];

/** Throws `INVALID_ARGUMENT` unless all handlers are functions. */
export function assertClientHandlers<Client>(handlers: HttpClientHandlers<Client>): void {
  for (const name of CLIENT_HANDLER_NAMES) {
    if (handlers[name] !== undefined) assertFunction(name, handlers[name]);
  }
}

/**
 * A sink that tells the handlers, and then the connection. It has what there is a handler for. What a
 * handler throws goes up to the parser; `failed` hears of one whose promise is rejected.
 */
export function createEventSink<Client>(
  client: Client,
  handlers: HttpClientHandlers<Client>,
  connection: ResponseSink,
  failed: (name: string, cause: unknown) => void,
): ResponseSink {
  const watch: Watch = (name, result) => {
    if (isThenable(result)) result.then(undefined, (cause) => failed(name, cause));
  };
  return {
    onHeadersComplete(head) {
      const verdict = handlers.onHeadersComplete?.(client, head);
      watch("onHeadersComplete", verdict);
      const answer = connection.onHeadersComplete(head);
      return typeof verdict === "string" ? VERDICTS[verdict] : answer;
    },
    onBody(bytes) {
      watch("onBody", handlers.onBody?.(client, bytes));
      return connection.onBody(bytes);
    },
    onMessageComplete(trailers) {
      watch("onMessageComplete", handlers.onMessageComplete?.(client, trailers));
      return connection.onMessageComplete(trailers);
    },
    onParseError(error) {
      watch("onParseError", handlers.onParseError?.(client, error));
      connection.onParseError(error);
    },
    ...fineEvents(client, handlers, watch),
  };
}

/** Sees to what a handler answered. */
type Watch = (name: string, result: unknown) => void;

const VERDICTS: Readonly<Record<"skipBody" | "upgrade", AfterHead>> = {
  skipBody: AFTER_HEAD.skipBody,
  upgrade: AFTER_HEAD.upgrade,
};

/** The parser makes the strings of these only where the sink has them. */
function fineEvents<Client>(
  client: Client,
  handlers: HttpClientHandlers<Client>,
  watch: Watch,
): Partial<ResponseSink> {
  return {
    ...(handlers.onMessageBegin !== undefined && {
      onMessageBegin: () => watch("onMessageBegin", handlers.onMessageBegin?.(client)),
    }),
    ...(handlers.onStatusLine !== undefined && {
      onStatusLine: (status: number, reason: string, version: string) =>
        watch("onStatusLine", handlers.onStatusLine?.(client, status, reason, version)),
    }),
    ...(handlers.onHeader !== undefined && {
      onHeader: (name: string, value: string) =>
        watch("onHeader", handlers.onHeader?.(client, name, value)),
    }),
    ...(handlers.onChunkHeader !== undefined && {
      onChunkHeader: (chunkBytes: number, extensions: string) =>
        watch("onChunkHeader", handlers.onChunkHeader?.(client, chunkBytes, extensions)),
    }),
    ...(handlers.onChunkComplete !== undefined && {
      onChunkComplete: () => watch("onChunkComplete", handlers.onChunkComplete?.(client)),
    }),
    ...(handlers.onTrailer !== undefined && {
      onTrailer: (name: string, value: string) =>
        watch("onTrailer", handlers.onTrailer?.(client, name, value)),
    }),
  };
}
