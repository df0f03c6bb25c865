/** How errors pass between an `HttpSyncClient` and its worker. */
import { NetError, textOf } from "../../errors.js";
import type { SyncError } from "./sync-messages.js";

/** An error as it can be handed over. */
export function cloned(error: unknown): SyncError {
  const known = error instanceof NetError ? error : new NetError("SYSTEM_ERROR", textOf(error));
  const { code, message, fault, operation, systemCode } = known;
  return { code, message, fault, operation, systemCode };
}

/** An error that was handed over, as it was, but with the stack of the call that waits here. */
export function revived({ code, message, fault, operation, systemCode }: SyncError): NetError {
  const error = new NetError(code, message, {
    fault,
    ...(operation !== undefined && { operation }),
    ...(systemCode !== undefined && { systemCode }),
  });
  Error.captureStackTrace(error, revived);
  return error;
}
