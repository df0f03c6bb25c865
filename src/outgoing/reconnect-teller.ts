/** Tells the application of reconnecting. */
import type { CloseReason } from "../connection/close-reason.js";
import type { Given } from "../options.js";
import type { ReconnectHandlers } from "./reconnect-handlers.js";

/** Calls handlers that belong to no connection. */
export interface Informer {
  inform(
    name: string,
    handler: ((...given: never[]) => unknown) | undefined,
    ...given: unknown[]
  ): void;
}

/** Tells the application of the reconnecting of one place. */
export class ReconnectTeller<Reason extends CloseReason> {
  /** What handlers are given. */
  handle: unknown;
  private readonly handlers: Given<ReconnectHandlers<never, Reason>>;
  private readonly informer: Informer;

  constructor(
    handlers: Given<ReconnectHandlers<never, Reason>>,
    informer: Informer,
    handle: unknown,
  ) {
    this.handlers = handlers;
    this.informer = informer;
    this.handle = handle;
  }

  reconnecting(attempt: number, delayMs: number, reason: Reason, unsentBytes: number): void {
    const { onReconnecting } = this.handlers;
    this.tell("onReconnecting", onReconnecting, attempt, delayMs, reason, unsentBytes);
  }

  reconnected(attempt: number): void {
    this.tell("onReconnected", this.handlers.onReconnected, attempt);
  }

  gaveUp(lostBytes: number): void {
    this.tell("onGiveUp", this.handlers.onGiveUp, lostBytes);
  }

  private tell(
    name: string,
    handler: ((...given: never[]) => unknown) | undefined,
    ...given: unknown[]
  ): void {
    this.informer.inform(name, handler, this.handle, ...given);
  }
}
