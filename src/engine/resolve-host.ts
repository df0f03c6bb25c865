/** Addresses of a host name by the system's resolver, for the engines that move bytes by the system. */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { ResolvedHost } from "./engine.js";
import { errnoNameOf, noAddress, systemError } from "./system-error.js";

/** The longest name, with a dot behind it (RFC 1035 §2.3.4). */
const MAX_NAME_LENGTH = 254;

/** See `Engine.resolve`. */
export async function resolveHost(host: string): Promise<readonly ResolvedHost[]> {
  const literal = isIP(host);
  if (literal !== 0) return [resolvedHost(host, literal)];
  if (host.length > MAX_NAME_LENGTH) throw noAddress(`${host.slice(0, MAX_NAME_LENGTH)}…`);
  let found: { address: string; family: number }[];
  try {
    found = await lookup(host, { all: true, order: "verbatim" });
  } catch (cause) {
    throw systemError(errnoNameOf(cause), "resolve", cause, JSON.stringify(host));
  }
  if (found.length === 0) throw noAddress(host);
  return found.map(({ address, family }) => resolvedHost(address, family));
}

function resolvedHost(host: string, family: number): ResolvedHost {
  return { host, family: family === 6 ? "IPv6" : "IPv4" };
}
