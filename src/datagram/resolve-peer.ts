/** Addresses that a socket for datagrams is opened on, or sends to. */
import type { Engine, IpAddress } from "../engine/engine.js";
import { NetError, type Operation } from "../errors.js";

/** Where to look a host up. */
export interface HostQuery {
  readonly host: string;
  readonly port: number;
  readonly family: "any" | "IPv4" | "IPv6" | undefined;
}

/** The addresses of a host that are of the family that is wanted, in the system's order. Rejects with `HOST_NOT_FOUND`. */
export async function resolveDatagramHost(
  engine: Engine,
  { host, port, family = "any" }: HostQuery,
  operation: Operation,
  signal?: AbortSignal,
): Promise<readonly IpAddress[]> {
  const all = await engine.resolve(host, signal);
  const found = all.filter((one) => family === "any" || one.family === family);
  if (found.length > 0) return found.map((one) => ({ ...one, port }));
  throw new NetError("HOST_NOT_FOUND", `${host} has no address of family ${family}`, { operation });
}

/** The address that stands for any of a family. */
export function anyAddress(family: "IPv4" | "IPv6", port = 0): IpAddress {
  return { host: family === "IPv6" ? "::" : "0.0.0.0", port, family };
}
