/**
 * Why a connection ended. There is one for each connection, fixed by the first cause; whatever
 * follows from it (a write that fails because the peer was reset, say) changes nothing.
 */
import type { NetError, NetErrorCode, Operation } from "../errors.js";

/** Who ended the connection. */
export type Initiator = "local" | "remote" | "system";

/** What `onClose` gets. */
export interface CloseReason {
  /** What was being done. `close` for an orderly end. */
  readonly operation: Operation;
  /** `CLOSED` for an orderly end, else the code of `cause`. */
  readonly code: "CLOSED" | NetErrorCode;
  /** Who began it: this side, the peer, or the system between them. */
  readonly initiator: Initiator;
  /** The error, unless the end was orderly. */
  readonly cause: NetError | undefined;
}

/** We closed, and what we owed was sent. */
export const CLOSED_LOCALLY: CloseReason = Object.freeze({
  operation: "close",
  code: "CLOSED",
  initiator: "local",
  cause: undefined,
});

/** The peer finished, and what we owed was sent. */
export const CLOSED_BY_PEER: CloseReason = Object.freeze({
  operation: "close",
  code: "CLOSED",
  initiator: "remote",
  cause: undefined,
});

/** The reason that `error` gives. */
export function reasonOf(error: NetError, fallback: Operation): CloseReason {
  return {
    operation: error.operation ?? fallback,
    code: error.code,
    initiator: error.fault === "remote" ? "remote" : error.fault === "system" ? "system" : "local",
    cause: error,
  };
}
