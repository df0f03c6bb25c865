/** What is said of a connection that ends or has ended, whatever carries its bytes. */
import { NetError, type Operation } from "../../errors.js";
import type { CloseReason } from "../close-reason.js";

/** `CONNECTION_CLOSED`, with the reason as its cause. */
export function closedError(connectionId: number, reason: CloseReason | undefined): NetError {
  const cause = reason?.cause;
  const text = cause === undefined ? "" : `: ${cause.message}`;
  return new NetError("CONNECTION_CLOSED", `the connection is closed${text}`, {
    operation: reason?.operation ?? "close",
    connectionId,
    cause,
  });
}

/** `ABORTED`: the application ended it. */
export function abortedError(connectionId: number, isConnecting: boolean): NetError {
  const text = isConnecting
    ? "the connection was closed while it was being made"
    : "abort() was called";
  return new NetError("ABORTED", text, {
    operation: isConnecting ? "connect" : "close",
    connectionId,
  });
}

/** `REFUSED`: the handler of this name said no. */
export function refusedError(
  connectionId: number,
  operation: Operation,
  handler: string,
): NetError {
  return new NetError("REFUSED", `${handler} refused the connection`, { operation, connectionId });
}

/** `IDLE_TIMEOUT`: nothing came for so long. */
export function idleError(connectionId: number, idleTimeoutMs: number): NetError {
  const text = `nothing was received for idleTimeoutMs (${idleTimeoutMs})`;
  return new NetError("IDLE_TIMEOUT", text, { operation: "receive", connectionId });
}
