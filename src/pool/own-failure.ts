import { NetError, type NetErrorCode } from "../errors.js";

const CODES: ReadonlySet<NetErrorCode> = new Set([
  "DESCRIPTORS_EXHAUSTED",
  "NO_BUFFERS",
  "ADDRESS_NOT_AVAILABLE",
  "CONNECTION_LIMIT",
]);

/**
 * Whether an attempt failed for want of something here: descriptors, memory, local ports, room for connections. That says
 * nothing of the destination, and would speak against all of them alike.
 */
export function isOwnFailure(cause: unknown): boolean {
  return cause instanceof NetError && CODES.has(cause.code);
}
