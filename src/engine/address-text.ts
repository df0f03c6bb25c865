import type { Address } from "./engine.js";

/** An address as people write it: `127.0.0.1:80`, `[::1]:80`, or the path. */
export function addressText(address: Address): string {
  if ("path" in address) return address.path;
  const host = address.family === "IPv6" ? `[${address.host}]` : address.host;
  return `${host}:${address.port}`;
}
