/** What is told of reconnecting. */
import type { CloseReason } from "../connection/close-reason.js";
import type { MayWait } from "../connection/events/handlers.js";
import { assertFunction } from "../errors.js";
import type { Given } from "../options.js";
import type { ReconnectOptions } from "./reconnect-options.js";

/**
 * What a component that reconnects tells. `Handle`: the client, or the {@link AgentTarget} of an agent. None of
 * these belongs to a connection: one that throws or rejects becomes a warning of the process, and changes
 * nothing.
 */
export interface ReconnectHandlers<Handle, Reason extends CloseReason = CloseReason> {
  /**
   * The connection was lost, or an attempt has failed, and attempt number `attempt` in a row begins after
   * `delayMs`. `unsentBytes` were taken by `send` and still waited, or were in a write that was not done: they are lost,
   * as far as the peer has not got some of that write. After `onClose`.
   */
  onReconnecting?(
    handle: Handle,
    attempt: number,
    delayMs: number,
    reason: Reason,
    unsentBytes: number,
  ): MayWait;
  /**
   * The connection is there again, or for the first time where `fromStart` has repeated the first attempt; after so many
   * attempts. After `onHandshake`, and what was kept has been sent.
   */
  onReconnected?(handle: Handle, attempt: number): MayWait;
  /** No further attempt is made; `lostBytes` that were kept meanwhile are lost. */
  onGiveUp?(handle: Handle, lostBytes: number): MayWait;
}

/** The option `reconnect`. */
export interface ReconnectChoice<Options = ReconnectOptions> {
  /**
   * Makes connections anew that are lost; `true`: with the defaults. Default false; in `connect` of an agent: as with the
   * agent.
   */
  readonly reconnect?: boolean | Options | undefined;
}

/** What a component that reconnects is given for that. */
export type ReconnectWish<Handle> = Given<ReconnectHandlers<Handle>> & ReconnectChoice;

/** Names of the handlers. */
export const RECONNECT_HANDLER_NAMES: readonly (keyof ReconnectHandlers<unknown>)[] = [
  "onReconnecting",
  "onReconnected",
  "onGiveUp",
];

/** Names of all options about reconnecting. */
export const RECONNECT_NAMES: readonly string[] = ["reconnect", ...RECONNECT_HANDLER_NAMES];

/** Throws `INVALID_ARGUMENT` for a handler that is no function. */
export function assertReconnectHandlers(options: object): void {
  for (const name of RECONNECT_HANDLER_NAMES) {
    const handler: unknown = (options as Record<string, unknown>)[name];
    if (handler !== undefined) assertFunction(name, handler);
  }
}
