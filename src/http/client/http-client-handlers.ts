/**
 * Handlers for the connections and responses of HTTP clients and agents (HP §2.14). An event without a handler costs
 * nothing.
 */
import type { AsyncResource } from "node:async_hooks";
import type { CloseReason } from "../../connection/close-reason.js";
import { handlerScope } from "../../connection/events/handler-scope.js";
import {
  handlerError,
  isThenable,
  type MayRefuse,
  type MayWait,
  type Verdict,
  whenSettled,
} from "../../connection/events/handlers.js";
import { assertFunction } from "../../connection/settings.js";
import type { NetError } from "../../errors.js";
import type { Given } from "../../options.js";
import { BODY } from "../../protocol/http1/head.js";
import {
  AFTER_HEAD,
  type AfterHead,
  type ResponseSink,
} from "../../protocol/http1/parsing/message-sink.js";
import type { FieldSection, ResponseHead } from "../fields.js";
import type { OwnConnection, UpgradedConnection } from "../upgrade/upgraded-connection.js";
import type { ClientReceiver } from "./client-receiver.js";

/**
 * Handlers, all optional. Each gets first what `Handle` is: the client, or the connection of an agent.
 *
 * For each connection: `onPrepareConnect`, `onConnect`, `onHandshake`, then `onSend` and the events of the
 * responses, and `onClose`, once and last. For each response, interim ones included: `onMessageBegin`,
 * `onStatusLine`, `onHeader` …, `onHeadersComplete`, `onBody` … (between `onChunkHeader` and
 * `onChunkComplete` where it comes in chunks), `onTrailer` …, `onMessageComplete`; then `onUpgrade` where
 * the protocol changes. `onParseError` may come at any place. A handler that throws, or whose promise is
 * rejected, ends the connection with `HANDLER_FAILED`; nothing waits for the promise.
 */
export interface HttpClientHandlers<Handle> {
  /** A connection is about to be made. `false` cancels: the request rejects with `REFUSED`. */
  onPrepareConnect?(handle: Handle): Verdict;
  /** A connection was made, to the server or its proxy. `false` refuses it. */
  onConnect?(handle: Handle): MayRefuse;
  /** The connection is ready for requests: TLS, where it has any, is established. `false` refuses it. */
  onHandshake?(handle: Handle): MayRefuse;
  /** The kernel has taken `byteCount` bytes. */
  onSend?(handle: Handle, byteCount: number): MayWait;
  /** The first byte of a response came. */
  onMessageBegin?(handle: Handle): MayWait;
  /** The first line of a response has come. */
  onStatusLine?(handle: Handle, status: number, reason: string, version: string): MayWait;
  /** A field of the head; name as it was spelt. */
  onHeader?(handle: Handle, name: string, value: string): MayWait;
  /**
   * The head is complete; valid during the call. `skipBody`: no body follows, whatever the head says,
   * as in a response to HEAD. `upgrade`: what follows this response is another protocol.
   */
  onHeadersComplete?(handle: Handle, head: ResponseHead): "skipBody" | "upgrade" | undefined | void;
  /** Bytes of the body, valid during the call. */
  onBody?(handle: Handle, bytes: Buffer): MayWait;
  /** A chunk begins; 0 bytes: the last. `extensions`: from the first ";" on, or empty. */
  onChunkHeader?(handle: Handle, chunkBytes: number, extensions: string): MayWait;
  /** A chunk has come whole. */
  onChunkComplete?(handle: Handle): MayWait;
  /** A field behind the body. */
  onTrailer?(handle: Handle, name: string, value: string): MayWait;
  /** The response is complete. `trailers` is valid during the call. */
  onMessageComplete?(handle: Handle, trailers: FieldSection | undefined): MayWait;
  /** What follows is another protocol: the connection is handed over. */
  onUpgrade?(handle: Handle, upgraded: UpgradedConnection): MayWait;
  /** What came is no response; the connection ends. */
  onParseError?(handle: Handle, error: NetError): MayWait;
  /** The connection has ended, or could not be made. Once for each `onPrepareConnect`, and last. */
  onClose?(handle: Handle, reason: CloseReason): MayWait;
}

/** Names of the handlers for responses. */
const RESPONSE_HANDLER_NAMES = [
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
] as const satisfies readonly (keyof HttpClientHandlers<unknown>)[];

/** Names of the handlers. */
export const CLIENT_HANDLER_NAMES: readonly (keyof HttpClientHandlers<unknown>)[] = [
  "onPrepareConnect",
  "onConnect",
  "onHandshake",
  "onSend",
  ...RESPONSE_HANDLER_NAMES,
  "onClose",
];

type ResponseHandlerName = (typeof RESPONSE_HANDLER_NAMES)[number];

/** Throws `INVALID_ARGUMENT` unless all handlers are functions. */
export function assertClientHandlers<Handle>(handlers: Given<HttpClientHandlers<Handle>>): void {
  for (const name of CLIENT_HANDLER_NAMES) {
    if (handlers[name] !== undefined) assertFunction(name, handlers[name]);
  }
}

const VERDICTS: Readonly<Record<"skipBody" | "upgrade", AfterHead>> = {
  skipBody: AFTER_HEAD.skipBody,
  upgrade: AFTER_HEAD.upgrade,
};

/** Tells the handlers of responses. */
export class ResponseEvents<Handle> {
  /** Whether there is any handler. */
  readonly isWanted: boolean;
  private readonly handlers: Given<HttpClientHandlers<Handle>>;
  private readonly handleOf: (connection: OwnConnection) => Handle;
  private readonly scope: AsyncResource | undefined = handlerScope();

  /** `handleOf`: what the handlers are given for a connection. */
  constructor(
    handlers: Given<HttpClientHandlers<Handle>>,
    handleOf: (connection: OwnConnection) => Handle,
  ) {
    this.handlers = handlers;
    this.handleOf = handleOf;
    this.isWanted = RESPONSE_HANDLER_NAMES.some((name) => handlers[name] !== undefined);
  }

  /** Has the handlers look on at what a receiver gets. */
  attach(receiver: ClientReceiver): void {
    if (!this.isWanted) return;
    const { connection } = receiver;
    receiver.sink = this.sinkFor(receiver);
    receiver.onUpgraded = (upgraded) => {
      try {
        this.tell(connection, "onUpgrade", upgraded);
      } catch (error) {
        connection.fail(error as NetError);
      }
    };
  }

  /** Calls a handler. Throws `HANDLER_FAILED`; one whose promise is rejected ends the connection with it. */
  private tell(
    connection: OwnConnection,
    name: ResponseHandlerName,
    ...values: unknown[]
  ): unknown {
    const handler = this.handlers[name] as ((...values: unknown[]) => unknown) | undefined;
    if (handler === undefined) return undefined;
    const failed = (cause: unknown): NetError =>
      handlerError(name, "receive", cause, connection.id);
    const given = [this.handleOf(connection), ...values];
    const scope = this.scope;
    try {
      const result =
        scope === undefined
          ? handler.apply(this.handlers, given)
          : scope.runInAsyncScope(handler, this.handlers, ...given);
      if (isThenable(result)) {
        whenSettled(result, undefined, (cause) => void connection.fail(failed(cause)));
      }
      return result;
    } catch (cause) {
      throw failed(cause);
    }
  }

  /** A sink that tells the handlers, and then the receiver. It has what there is a handler for. */
  private sinkFor(receiver: ClientReceiver): ResponseSink {
    const { connection } = receiver;
    const tell = (name: ResponseHandlerName, ...values: unknown[]): unknown =>
      this.tell(connection, name, ...values);
    return {
      onHeadersComplete: (head) => {
        const verdict = tell("onHeadersComplete", head);
        // No body follows, as in a response to HEAD.
        if (verdict === "skipBody") head.bodyLength = BODY.none;
        const afterHead = receiver.onHeadersComplete(head);
        return verdict === "skipBody" || verdict === "upgrade" ? VERDICTS[verdict] : afterHead;
      },
      onBody: (bytes) => {
        tell("onBody", bytes);
        return receiver.onBody(bytes);
      },
      onMessageComplete: (trailers) => {
        tell("onMessageComplete", trailers);
        return receiver.onMessageComplete(trailers);
      },
      onParseError: (error) => {
        tell("onParseError", error);
        receiver.onParseError(error);
      },
      ...this.fineEvents(tell),
    };
  }

  /** The parser makes the strings of these only where the sink has them. */
  private fineEvents(
    tell: (name: ResponseHandlerName, ...values: unknown[]) => unknown,
  ): Partial<ResponseSink> {
    const has = (name: ResponseHandlerName): boolean => this.handlers[name] !== undefined;
    return {
      ...(has("onMessageBegin") && { onMessageBegin: () => tell("onMessageBegin") }),
      ...(has("onStatusLine") && {
        onStatusLine: (status: number, reason: string, version: string) =>
          tell("onStatusLine", status, reason, version),
      }),
      ...(has("onHeader") && {
        onHeader: (name: string, value: string) => tell("onHeader", name, value),
      }),
      ...(has("onChunkHeader") && {
        onChunkHeader: (chunkBytes: number, extensions: string) =>
          tell("onChunkHeader", chunkBytes, extensions),
      }),
      ...(has("onChunkComplete") && { onChunkComplete: () => tell("onChunkComplete") }),
      ...(has("onTrailer") && {
        onTrailer: (name: string, value: string) => tell("onTrailer", name, value),
      }),
    };
  }
}
