import { assertObject } from "../errors.js";
import type { Address } from "./engine.js";

/** An address as people write it: `127.0.0.1:80`, `[::1]:80`, or the path. Throws `INVALID_ARGUMENT` for what is no object. */
export function addressText(address: Address): string {
  assertObject("the address", address);
  if ("path" in address) return address.path;
  const host = address.family === "IPv6" ? `[${address.host}]` : address.host;
  return `${host}:${address.port}`;
}
