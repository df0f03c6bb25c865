/**
 * Calls the application's handlers, and sees to it that what goes wrong in one ends that one's
 * connection and nothing else.
 */
import process from "node:process";
import type { Operation } from "../errors.js";
import { callHandler, type Handlers, handlerError, isThenable } from "./handlers.js";
import type { LiveConnection } from "./live-connection.js";

/** Base of {@link Component}; see the head of the file. */
export abstract class HandlerCaller<Handle, Received extends Buffer | number> {
  readonly hasReceiveHandler: boolean;
  protected readonly handlers: Handlers<Handle, Received>;
  private readonly onReceive: Handlers<Handle, Received>["onReceive"];

  constructor(handlers: Handlers<Handle, Received>) {
    this.handlers = handlers;
    this.onReceive = handlers.onReceive;
    this.hasReceiveHandler = handlers.onReceive !== undefined;
  }

  /** What the handlers are given for a connection. */
  protected abstract handleOf(connection: LiveConnection): Handle;

  /** Calls a handler that may refuse, at once or by its promise. */
  protected ask(
    connection: LiveConnection,
    name: "onPrepareConnect" | "onAccept" | "onConnect" | "onHandshake",
    operation: Operation,
  ): void {
    const handler = this.handlers[name];
    if (handler === undefined) return;
    let verdict: unknown;
    try {
      verdict = handler.call(this.handlers, this.handleOf(connection));
    } catch (error) {
      this.failed(connection, name, operation, error);
      return;
    }
    if (verdict === false) connection.refuse(operation);
    else if (isThenable(verdict)) {
      verdict.then(
        (later) => {
          if (later === false) connection.refuse(operation);
        },
        (error: unknown) => {
          this.failed(connection, name, operation, error);
        },
      );
    }
  }

  connectionReceived(connection: LiveConnection, received: Buffer | number): boolean {
    const onReceive = this.onReceive;
    if (onReceive === undefined) return false;
    let result: unknown;
    try {
      result = onReceive.call(this.handlers, this.handleOf(connection), received as Received);
    } catch (error) {
      this.failed(connection, "onReceive", "receive", error);
      return false;
    }
    if (result === undefined || !isThenable(result)) return false;
    result.then(
      () => connection.handlerSettled(),
      (error: unknown) => {
        this.failed(connection, "onReceive", "receive", error);
      },
    );
    return true;
  }

  connectionSent(connection: LiveConnection, byteCount: number): void {
    const onSend = this.handlers.onSend;
    if (onSend === undefined) return;
    this.tell(connection, "onSend", "send", () =>
      onSend.call(this.handlers, this.handleOf(connection), byteCount),
    );
  }

  connectionDrained(connection: LiveConnection): void {
    this.tell(connection, "onDrain", "send", () =>
      this.handlers.onDrain?.(this.handleOf(connection)),
    );
  }

  connectionEnded(connection: LiveConnection): void {
    this.tell(connection, "onEnd", "receive", () =>
      this.handlers.onEnd?.(this.handleOf(connection)),
    );
  }

  /** A handler has failed: its connection ends. Where nobody hears of that, a process warning tells. */
  protected failed(
    connection: LiveConnection,
    name: string,
    operation: Operation,
    cause: unknown,
  ): void {
    const error = handlerError(name, operation, cause, connection.id);
    if (connection.fail(error) && this.handlers.onClose === undefined) process.emitWarning(error);
  }

  /** Calls a handler that takes note; a failure ends the connection. */
  private tell(
    connection: LiveConnection,
    name: string,
    operation: Operation,
    call: () => unknown,
  ): void {
    callHandler(call, (error) => this.failed(connection, name, operation, error));
  }

  /** Calls a handler with no connection left to end: a failure becomes a process warning. */
  protected guard(name: string, call: () => unknown): void {
    callHandler(call, (error) => process.emitWarning(handlerError(name, "close", error)));
  }
}
