import type { AnyConnection } from "../../index.js";

/** What one connection of a load does, as the load sees it. */
export interface ConnectionLoad {
  /** It was made, and has not failed. */
  isOpen: boolean;
  /** The peer has answered on it: until then a queue of the system may have taken it alone. */
  hasAnswered: boolean;
  /** Messages that were sent and have not been answered. */
  readonly inFlightCount: number;
  /** The peer ends it in good order: another one takes its place. */
  readonly isOver: boolean;
  /** Code of what `received` and `ended` found. */
  readonly problemCode: string;
  /**
   * It was made: what has to be said before the first message. Resolves when that is done, or the connection
   * has failed. Default: nothing.
   */
  prepare?(connection: AnyConnection<ConnectionLoad>): Promise<void>;
  /** The load is over: says so to the peer, before the connection is closed. Default: nothing. */
  finish?(connection: AnyConnection<ConnectionLoad>): void;
  /** Sends the first messages. */
  start(connection: AnyConnection<ConnectionLoad>, nowMs: number): void;
  /** Takes what came; returns what is wrong with it, or undefined. Hot. */
  received(
    connection: AnyConnection<ConnectionLoad>,
    bytes: Buffer,
    nowMs: number,
  ): string | undefined;
  /** Looks for what was lost, now and then. Default: nothing is. */
  looked?(connection: AnyConnection<ConnectionLoad>, nowMs: number): void;
  /** The peer has finished sending. Returns what is wrong with that, or undefined. */
  ended(nowMs: number): string | undefined;
  /** It has failed: what was in flight does not come back. */
  fail(): void;
}
