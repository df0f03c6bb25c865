/** The errors that the web's `fetch` rejects with, with code and cause. */
import { NetError } from "../../../errors.js";

/**
 * A `TypeError` as the web's `fetch` rejects with, "fetch failed", so that libraries which look for
 * that find it. `code` and `cause` tell what happened.
 */
export class FetchFailure extends TypeError {
  /** That of the cause. */
  readonly code: NetError["code"];
  /** The error that it stands for. */
  declare readonly cause: NetError;

  constructor(message: string, cause: NetError) {
    super(message, { cause });
    this.code = cause.code;
  }
}

/** As with the web's `fetch`: an invalid request has a message of its own, any other error is "fetch failed". */
export function fetchFailure(error: unknown, signal: AbortSignal | undefined): unknown {
  if (!(error instanceof NetError)) return error;
  if (error.code === "ABORTED" && signal?.aborted === true) return signal.reason;
  return new FetchFailure(error.fault === "usage" ? error.message : "fetch failed", error);
}

/** The same for a body that does not come to its end. */
export function bodyFailure(error: unknown, signal: AbortSignal | undefined): unknown {
  if (!(error instanceof NetError)) return error;
  if (error.code === "ABORTED" && signal?.aborted === true) return signal.reason;
  return new FetchFailure("terminated", error);
}
