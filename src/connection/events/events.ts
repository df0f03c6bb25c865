/**
 * Calls the application's handlers, and sees to it that what goes wrong in one ends that one's
 * connection and nothing else. Hot.
 */
import type { AsyncResource } from "node:async_hooks";
import process from "node:process";
import type { Address, DatagramTarget, ListenTarget } from "../../engine/engine.js";
import { NetError, type Operation } from "../../errors.js";
import type { Given } from "../../options.js";
import type { CloseReason } from "../close-reason.js";
import { handlerScope } from "./handler-scope.js";
import {
  assertMayListen,
  callHandler,
  type Handlers,
  handlerError,
  isThenable,
  type Verdict,
  whenSettled,
} from "./handlers.js";
import type { HandlerSettled, PacketEvents } from "./packet-events.js";

/** A connection, as its events see it. */
export interface EventOwner {
  readonly id: number;
  /** Ends the connection at once. Returns false when it has ended already. */
  fail(error: NetError): boolean;
}

/** A connection that a handler may refuse. */
export interface RefusableConnection extends EventOwner {
  /** The handler of this name has said no. */
  refuse(operation: Operation, handler: string): void;
}

/** What only components over datagrams tell. */
export interface SendErrorHandler<Handle> {
  /**
   * `failedCount` datagrams could not be sent, and are lost: `DATAGRAM_TOO_LONG` (for the path), `NO_BUFFERS`,
   * `ACCESS_DENIED`, … Or the network says so of one that left before (`CONNECTION_REFUSED`,
   * `HOST_UNREACHABLE`, `DATAGRAM_TOO_LONG`): then `failedCount` is 0, and anybody may have said it. The connection goes on.
   */
  onSendError?(handle: Handle, error: NetError, failedCount: number): unknown;
}

/** The handlers of a component over streams or datagrams. */
export interface AnyHandlers<Handle, Received>
  extends Given<Omit<Handlers<Handle, Received>, "onPrepareListen"> & SendErrorHandler<Handle>> {
  readonly onPrepareListen?: ((target: never) => Verdict) | undefined;
}

/** The handlers of a component. */
export class Events<Handle, Received extends Buffer | number> implements PacketEvents {
  readonly hasReceiveHandler: boolean;
  mayBeRead = true;
  readonly hasCloseHandler: boolean;
  private readonly handlers: AnyHandlers<Handle, Received>;
  private readonly onReceive: Handlers<Handle, Received>["onReceive"];
  private readonly hasSendHandler: boolean;
  private readonly scope: AsyncResource | undefined = handlerScope();
  /** What handlers are given; undefined: the connection itself. */
  private readonly handle: Handle | undefined;

  constructor(handlers: AnyHandlers<Handle, Received>, handle?: Handle) {
    this.handlers = handlers;
    this.handle = handle;
    this.onReceive = handlers.onReceive;
    this.hasReceiveHandler = handlers.onReceive !== undefined;
    this.hasCloseHandler = handlers.onClose !== undefined;
    this.hasSendHandler = handlers.onSend !== undefined;
  }

  private handleOf(connection: EventOwner): Handle {
    return this.handle ?? (connection as Handle);
  }

  private call(handler: (...given: never[]) => unknown, ...given: unknown[]): unknown {
    const { scope, handlers } = this;
    const call = handler as (...given: unknown[]) => unknown;
    return scope === undefined
      ? call.apply(handlers, given)
      : scope.runInAsyncScope(call, handlers, ...given);
  }

  // — packets —

  received(connection: EventOwner, unit: Buffer | number, settled: HandlerSettled): boolean {
    const { onReceive, handlers, scope } = this;
    if (onReceive === undefined) return false;
    const handle = this.handleOf(connection);
    let result: unknown;
    try {
      result =
        scope === undefined
          ? onReceive.call(handlers, handle, unit as Received)
          : scope.runInAsyncScope(onReceive, handlers, handle, unit as Received);
      if (result === undefined || !isThenable(result)) return false;
    } catch (error) {
      this.failed(connection, "onReceive", "receive", error);
      return false;
    }
    whenSettled(
      result,
      () => settled.handlerSettled(),
      (error: unknown) => this.failed(connection, "onReceive", "receive", error),
    );
    return true;
  }

  sent(connection: EventOwner, byteCount: number): void {
    if (this.hasSendHandler) this.tell(connection, "onSend", "send", byteCount);
  }

  /** Datagrams failed. */
  sendFailed(connection: EventOwner, error: NetError, failedCount: number): void {
    const { onSendError } = this.handlers;
    if (onSendError === undefined) return;
    callHandler(
      () => this.call(onSendError, this.handleOf(connection), error, failedCount),
      (cause) => this.failed(connection, "onSendError", "send", cause),
    );
  }

  drained(connection: EventOwner): void {
    this.tell(connection, "onDrain", "send");
  }

  ended(connection: EventOwner): void {
    this.tell(connection, "onEnd", "receive");
  }

  /** Calls a handler that takes note; a failure ends the connection. */
  private tell(
    connection: EventOwner,
    name: "onSend" | "onDrain" | "onEnd",
    operation: Operation,
    byteCount?: number,
  ): void {
    const handler = this.handlers[name];
    if (handler === undefined) return;
    callHandler(
      () => this.call(handler, this.handleOf(connection), byteCount),
      (error) => this.failed(connection, name, operation, error),
    );
  }

  // — the connection's life —

  opened(connection: RefusableConnection, isOutgoing: boolean): void {
    if (isOutgoing) this.ask(connection, "onConnect", "connect");
    else this.ask(connection, "onAccept", "accept");
  }

  ready(connection: RefusableConnection): void {
    this.ask(connection, "onHandshake", "handshake");
  }

  /** Calls a handler that may refuse, at once or by its promise. */
  ask(
    connection: RefusableConnection,
    name: "onPrepareConnect" | "onAccept" | "onConnect" | "onHandshake",
    operation: Operation,
  ): void {
    const handler = this.handlers[name];
    if (handler === undefined) return;
    const failed = (error: unknown): void => this.failed(connection, name, operation, error);
    try {
      const verdict = this.call(handler, this.handleOf(connection));
      if (verdict === false) connection.refuse(operation, name);
      else if (isThenable(verdict)) {
        const decided = (later: unknown): void => {
          if (later === false) connection.refuse(operation, name);
        };
        whenSettled(verdict, decided, failed);
      }
    } catch (error) {
      failed(error);
    }
  }

  /** Makes the context of a connection; a factory that fails ends it. `holder`: what has it, the connection unless given. */
  makeContext<Context>(
    connection: EventOwner & { context: unknown },
    make: (connection: never) => Context,
    operation: Operation,
    holder: { context: unknown } = connection,
  ): void {
    try {
      holder.context = this.call(make, holder);
    } catch (error) {
      this.failed(connection, "context", operation, error);
    }
  }

  closed(connection: EventOwner, reason: CloseReason): void {
    const { onClose } = this.handlers;
    if (onClose === undefined) return;
    this.guard("onClose", () => this.call(onClose, this.handleOf(connection), reason));
  }

  /** A handler has failed: its connection ends. Where no `onClose` hears of it, a process warning is emitted. */
  failed(connection: EventOwner, name: string, operation: Operation, cause: unknown): void {
    const error = handlerError(name, operation, cause, connection.id);
    if (connection.fail(error)) {
      if (this.handlers.onClose === undefined) process.emitWarning(error);
    } else if (!isClosedError(cause)) process.emitWarning(error);
  }

  /** Tells the application of what belongs to no connection; a failure becomes a process warning. */
  inform(
    name: string,
    handler: ((...given: never[]) => unknown) | undefined,
    ...given: unknown[]
  ): void {
    if (handler !== undefined) this.guard(name, () => this.call(handler, ...given));
  }

  // — the component's life —

  /** Asks whether to listen. Throws `REFUSED`, `HANDLER_FAILED`. */
  askListen(target: ListenTarget | DatagramTarget): void {
    const { onPrepareListen } = this.handlers;
    if (onPrepareListen !== undefined) assertMayListen(() => this.call(onPrepareListen, target));
  }

  /** A peer was not let in, or accepting failed. */
  refused(error: NetError, remoteAddress: Address | undefined): void {
    const { onRefuse } = this.handlers;
    if (onRefuse !== undefined)
      this.guard("onRefuse", () => this.call(onRefuse, error, remoteAddress));
  }

  shutdown(): void {
    const { onShutdown } = this.handlers;
    if (onShutdown !== undefined) this.guard("onShutdown", () => this.call(onShutdown));
  }

  /** Calls a handler when there is no connection to end: a failure becomes a process warning. */
  private guard(name: string, call: () => unknown): void {
    callHandler(call, (error) => process.emitWarning(handlerError(name, "close", error)));
  }
}

/** Whether a handler failed because its connection had ended, and passes that on. */
function isClosedError(cause: unknown): boolean {
  try {
    return cause instanceof NetError && cause.code === "CONNECTION_CLOSED";
  } catch {
    return false;
  }
}
