import { NetError, textOf } from "../../errors.js";

/** The error for a body that is read as JSON and is none. */
export function notJson(cause: unknown): NetError {
  const message = `the body is not valid JSON: ${textOf(cause)}`;
  return new NetError("HTTP_MALFORMED", message, { operation: "receive", cause });
}
