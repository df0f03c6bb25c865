/** The answers of engines without TLS. */
import { NetError } from "../errors.js";

/** Why: the text of their capability. */
export const NO_TLS: string = "this engine has no TLS";

/** Throws `NOT_SUPPORTED`. */
export function refuseTls(): never {
  throw new NetError("NOT_SUPPORTED", NO_TLS, { operation: "handshake" });
}
