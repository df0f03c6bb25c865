/** Calls the application's handlers, and sees to it that what goes wrong in one closes its own socket. Hot. */
import type { AsyncResource } from "node:async_hooks";
import process from "node:process";
import type { CloseReason } from "../connection/close-reason.js";
import { handlerScope } from "../connection/events/handler-scope.js";
import {
  answeredAtOnce,
  callHandler,
  handlerError,
  isThenable,
  whenSettled,
} from "../connection/events/handlers.js";
import type { NetError, Operation } from "../errors.js";
import type { Given } from "../options.js";
import { DELIVERY, type Delivery, type FrameState } from "../protocol/websocket/websocket-sink.js";
import type { Message, WebSocketHandlers } from "./websocket-handlers.js";

/** What stands behind a socket, as the caller of its handlers sees it. */
export interface CalledSession<Socket> {
  readonly id: number;
  /** What handlers are given. */
  readonly socket: Socket;
  /** The promise of a handler is settled. */
  handlerSettled(): void;
  /** A handler has failed. Returns false where the socket had ended already. */
  handlerFailed(error: NetError): boolean;
}

type Handler = (...given: never[]) => unknown;

/**
 * Calls the application's handlers, and sees to it that what goes wrong in one closes its own socket. One for each
 * set of handlers.
 */
export class WebSocketCalls<Socket> {
  readonly hasMessageHandler: boolean;
  readonly hasFrameHandlers: boolean;
  readonly hasDrainHandler: boolean;
  readonly hasPingHandler: boolean;
  private readonly handlers: Given<WebSocketHandlers<Socket>>;
  private readonly onMessage: WebSocketHandlers<Socket>["onMessage"];
  private readonly scope: AsyncResource | undefined = handlerScope();

  constructor(handlers: Given<WebSocketHandlers<Socket>>) {
    const { onFrameHead, onFramePayload, onFrameEnd } = handlers;
    this.handlers = handlers;
    this.onMessage = handlers.onMessage;
    this.hasMessageHandler = handlers.onMessage !== undefined;
    this.hasFrameHandlers = (onFrameHead ?? onFramePayload ?? onFrameEnd) !== undefined;
    this.hasDrainHandler = handlers.onDrain !== undefined;
    this.hasPingHandler = handlers.onPing !== undefined;
  }

  /** Calls `onMessage`. Returns true when that has a promise: `handlerSettled` follows. */
  message(session: CalledSession<Socket>, data: Message, isText: boolean): boolean {
    const { onMessage, scope, handlers } = this;
    if (onMessage === undefined) return false;
    let result: unknown;
    try {
      const call = onMessage as (socket: Socket, data: Message, isText: boolean) => unknown;
      result =
        scope === undefined
          ? call.call(handlers, session.socket, data, isText)
          : scope.runInAsyncScope(call, handlers, session.socket, data, isText);
      if (result === undefined || !isThenable(result)) return false;
    } catch (error) {
      this.failed(session, "onMessage", "receive", error);
      return false;
    }
    return this.wait(session, "onMessage", result);
  }

  /** How a message is handed out. */
  delivery(session: CalledSession<Socket>, isText: boolean, isCompressed: boolean): Delivery {
    const { onMessageBegin, onMessagePiece } = this.handlers;
    if (onMessageBegin !== undefined) {
      try {
        const how = answeredAtOnce(this.call(onMessageBegin, session.socket, isText, isCompressed));
        if (how === "pieces") return DELIVERY.pieces;
        if (how === "whole") return DELIVERY.whole;
      } catch (error) {
        this.failed(session, "onMessageBegin", "receive", error);
      }
    }
    return onMessagePiece !== undefined && !this.hasMessageHandler
      ? DELIVERY.pieces
      : DELIVERY.whole;
  }

  /** Whether the application wants any message in pieces. */
  get wantsPieces(): boolean {
    const { onMessageBegin, onMessagePiece } = this.handlers;
    return (onMessageBegin ?? onMessagePiece) !== undefined;
  }

  /** Returns what {@link message} does. */
  piece(session: CalledSession<Socket>, bytes: Buffer, isText: boolean): boolean {
    return this.ask(session, "onMessagePiece", bytes, isText);
  }

  /** Returns as {@link message} does. */
  messageEnded(session: CalledSession<Socket>, isText: boolean): boolean {
    return this.ask(session, "onMessageEnd", isText);
  }

  opened(session: CalledSession<Socket>): void {
    this.tell(session, "onOpen", "handshake");
  }

  pinged(session: CalledSession<Socket>, data: Buffer): void {
    this.tell(session, "onPing", "receive", data);
  }

  ponged(session: CalledSession<Socket>, data: Buffer): void {
    this.tell(session, "onPong", "receive", data);
  }

  drained(session: CalledSession<Socket>): void {
    this.tell(session, "onDrain", "send");
  }

  frameHead(session: CalledSession<Socket>, frame: FrameState): void {
    this.tell(session, "onFrameHead", "receive", frame);
  }

  framePayload(session: CalledSession<Socket>, bytes: Buffer, frame: FrameState): void {
    this.tell(session, "onFramePayload", "receive", bytes, frame);
  }

  frameEnd(session: CalledSession<Socket>, frame: FrameState): void {
    this.tell(session, "onFrameEnd", "receive", frame);
  }

  closed(session: CalledSession<Socket>, code: number, reason: string, end: CloseReason): void {
    const { onClose } = this.handlers;
    if (onClose === undefined) return;
    callHandler(
      () => this.call(onClose, session.socket, code, reason, end),
      (error) => process.emitWarning(handlerError("onClose", "close", error, session.id)),
    );
  }

  /** Tells of what belongs to no socket; a failure becomes a process warning. */
  inform(name: string, handler: Handler | undefined, ...given: unknown[]): void {
    if (handler === undefined) return;
    callHandler(
      () => this.call(handler, ...given),
      (error) => process.emitWarning(handlerError(name, "close", error)),
    );
  }

  private call(handler: Handler, ...given: unknown[]): unknown {
    const { scope, handlers } = this;
    const call = handler as (...given: unknown[]) => unknown;
    return scope === undefined
      ? call.apply(handlers, given)
      : scope.runInAsyncScope(call, handlers, ...given);
  }

  private ask(
    session: CalledSession<Socket>,
    name: "onMessagePiece" | "onMessageEnd",
    ...given: unknown[]
  ): boolean {
    const handler = this.handlers[name];
    if (handler === undefined) return false;
    let result: unknown;
    try {
      result = this.call(handler, session.socket, ...given);
      if (result === undefined || !isThenable(result)) return false;
    } catch (error) {
      this.failed(session, name, "receive", error);
      return false;
    }
    return this.wait(session, name, result);
  }

  private wait(
    session: CalledSession<Socket>,
    name: keyof WebSocketHandlers<Socket>,
    result: Parameters<typeof whenSettled>[0],
  ): true {
    whenSettled(
      result,
      () => session.handlerSettled(),
      (error: unknown) => this.failed(session, name, "receive", error),
    );
    return true;
  }

  private tell(
    session: CalledSession<Socket>,
    name: keyof WebSocketHandlers<Socket>,
    operation: Operation,
    ...given: unknown[]
  ): void {
    const handler = this.handlers[name];
    if (handler === undefined) return;
    callHandler(
      () => this.call(handler as Handler, session.socket, ...given),
      (error) => this.failed(session, name, operation, error),
    );
  }

  /** A handler has failed. Where no other handler is told, a process warning is emitted. */
  failed(session: CalledSession<Socket>, name: string, operation: Operation, cause: unknown): void {
    const error = handlerError(name, operation, cause, session.id);
    const isTold = session.handlerFailed(error) && this.handlers.onClose !== undefined;
    if (!isTold) process.emitWarning(error);
  }
}
