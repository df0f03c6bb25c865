import { Buffer } from "node:buffer";
import { NetError } from "../../../errors.js";

/** The last moment that a year of four digits can tell. */
const MAX_EPOCH_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/**
 * The line `Date: <IMF-fixdate> CRLF` (RFC 9110 §5.6.7, §6.6.1) for a moment in milliseconds since
 * 1970 UTC. Make it once a second.
 */
export function createDateLine(epochMs: number): Buffer {
  if (!(epochMs >= 0 && epochMs <= MAX_EPOCH_MS)) {
    throw new NetError(
      "INVALID_ARGUMENT",
      `epochMs must be in the years 1970…9999, not ${epochMs}`,
    );
  }
  return Buffer.from(`Date: ${new Date(epochMs).toUTCString()}\r\n`);
}
