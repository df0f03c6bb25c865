import { assertInteger, assertObject, assertText } from "../errors.js";
import type { Address } from "./engine.js";

const MAX_PORT = 65_535;

/**
 * An address as people write it: `127.0.0.1:80`, `[::1]:80`, or the path. Takes what `listen`, `remoteAddress` and
 * `parseHostPort` answer. Throws `INVALID_ARGUMENT` for what is no address.
 */
export function addressText(
  address: Address | { readonly host: string; readonly port: number },
): string {
  assertObject("the address", address);
  if ("path" in address && address.path !== undefined) {
    // A peer on a Unix-domain socket has none unless it has bound one.
    if (address.path !== "") assertText("path of the address", address.path);
    return address.path;
  }
  const { host, port } = address as { readonly host: string; readonly port: number };
  assertText("host of the address", host);
  assertInteger("port of the address", port, 0, MAX_PORT);
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
