/** Checks that all options of HTTP clients go through. */
import { describe, invalidArgument, type NetError } from "../errors.js";

/** `INVALID_ARGUMENT` of HTTP clients. */
export function invalid(message: string): NetError {
  return invalidArgument(message, { operation: "request" });
}

/** Throws `INVALID_ARGUMENT` unless `value` is an object. */
export function assertOptionsObject(name: string, value: unknown): void {
  if (typeof value === "object" && value !== null) return;
  throw invalid(`${name} must be an object, not ${describe(value)}`);
}
