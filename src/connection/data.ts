/** What the application gives to `send`, as bytes. */
import { describe, NetError } from "../errors.js";
import type { Data } from "./connection.js";

/** The bytes of `data`; text as UTF-8. Throws `INVALID_ARGUMENT` for anything else. */
export function bytesOf(data: Data): Buffer {
  if (typeof data === "string") return Buffer.from(data, "utf8");
  if (Buffer.isBuffer(data)) return data;
  if (isBytes(data)) return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  throw new NetError(
    "INVALID_ARGUMENT",
    `data must be text or a Uint8Array, not ${describe(data)}`,
    { operation: "send" },
  );
}

/** Whether it is a Uint8Array, of whatever realm: a `vm` context has classes of its own. */
function isBytes(data: unknown): data is Uint8Array {
  return ArrayBuffer.isView(data) && Object.prototype.toString.call(data) === "[object Uint8Array]";
}
