/** Addresses that a socket for datagrams is opened on, or sends to. */
import type { DatagramTarget, Engine, IpAddress } from "../engine/engine.js";
import { NetError, type Operation } from "../errors.js";
import type { DatagramListenOptions } from "./datagram-options.js";

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

/** The socket that is to listen, at the address that its host has; `usualHost`: without a host. */
export async function listenTarget(
  engine: Engine,
  options: DatagramListenOptions,
  usualHost: string,
): Promise<DatagramTarget> {
  const { host = usualHost, port = 0, family } = options;
  const { reuseAddress = false, reusePort = false, dualStack = true } = options;
  const [address] = await resolveDatagramHost(engine, { host, port, family }, "listen");
  return { address: address as IpAddress, reuseAddress, reusePort, dualStack, broadcast: false };
}

/** A socket that shares its address with no other; with a `peer`: that sends to it alone. */
export function ownSocket(address: IpAddress, peer?: IpAddress): DatagramTarget {
  const shares = { reuseAddress: false, reusePort: false, dualStack: false, broadcast: false };
  return { address, ...shares, ...(peer !== undefined && { peer }) };
}
