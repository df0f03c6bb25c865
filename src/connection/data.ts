/** What the application gives to `send`, as bytes. */
import { Buffer } from "node:buffer";
import { types } from "node:util";
import { describe, NetError } from "../errors.js";
import type { Data } from "./connection.js";

/** The bytes of `data`; text as UTF-8. Throws `INVALID_ARGUMENT` for anything else. */
export function bytesOf(data: Data): Buffer {
  if (typeof data === "string") return Buffer.from(data, "utf8");
  if (Buffer.isBuffer(data)) return data;
  // Also one of another realm: a worker's context, a test runner's.
  if (types.isUint8Array(data)) {
    return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  }
  throw new NetError(
    "INVALID_ARGUMENT",
    `data must be text or a Uint8Array, not ${describe(data)}`,
    { operation: "send" },
  );
}
