/** What the application gives to `send`, as bytes. */
import { Buffer } from "node:buffer";
import { types } from "node:util";
import { describe, NetError } from "../errors.js";
import type { Data } from "./connection.js";

/** The bytes of `data`; text as UTF-8. Throws `INVALID_ARGUMENT` for anything else. */
export function bytesOf(data: Data): Buffer {
  if (typeof data === "string") return Buffer.from(data, "utf8");
  // Also a Uint8Array of another realm, such as a `vm` context.
  if (Buffer.isBuffer(data) || types.isUint8Array(data)) {
    if (data.length === 0) assertAttached(data);
    return Buffer.isBuffer(data)
      ? data
      : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  }
  throw new NetError(
    "INVALID_ARGUMENT",
    `data must be text or a Uint8Array, not ${describe(data)}`,
    { operation: "send" },
  );
}

/** Throws `INVALID_ARGUMENT` for bytes whose memory was transferred: what they were is not there any more. */
function assertAttached({ buffer }: Uint8Array): void {
  try {
    new Uint8Array(buffer);
  } catch {
    throw new NetError("INVALID_ARGUMENT", "the memory of data was transferred: it is detached", {
      operation: "send",
    });
  }
}
