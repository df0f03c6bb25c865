/** The network interfaces of the machine, as the operating system lists them. */
import { networkInterfaces } from "node:os";
import { formatIp, parseIp } from "./ip.js";

/** One address of a network interface. */
export interface InterfaceAddress {
  /** Name of the interface: `eth0`, `lo`. */
  readonly name: string;
  /** Which kind of address it is. */
  readonly family: "IPv4" | "IPv6";
  /** The address, without a zone. */
  readonly host: string;
  /** Bits of the network: 24 for `192.0.2.7/24`. */
  readonly prefixLength: number;
  /** The network in CIDR form, `192.0.2.0/24`, for {@link CidrSet}. */
  readonly network: string;
  /** To all hosts of the network (RFC 919 §7); undefined for IPv6, and for networks of one or two addresses. */
  readonly broadcast: string | undefined;
  /** The zone in which the address has a meaning, for `host%zone`: the index of the interface; undefined for IPv4 and global addresses. */
  readonly zone: string | undefined;
  /** Whether it is of this machine alone (loopback). */
  readonly isInternal: boolean;
  /** The hardware address, `02:42:ac:11:00:02`; zeros where there is none. */
  readonly mac: string;
}

/**
 * All addresses of all interfaces that are up, in the system's order. The system is asked at each call.
 */
export function listInterfaces(): InterfaceAddress[] {
  return Object.entries(networkInterfaces()).flatMap(([name, entries = []]) =>
    entries.flatMap(({ address, netmask, family, internal, mac, ...more }) => {
      const host = parseIp(address)?.bytes;
      const mask = parseIp(netmask)?.bytes;
      if (host === undefined || mask === undefined || host.length !== mask.length) return [];
      const prefixLength = mask.reduce((count, byte) => count + bitsOf(byte), 0);
      const base = host.map((byte, index) => byte & (mask[index] ?? 0));
      const last = host.map((byte, index) => byte | (~(mask[index] ?? 0) & 0xff));
      const hasBroadcast = family === "IPv4" && prefixLength < 31;
      const scope = "scopeid" in more ? more.scopeid : 0;
      return {
        name,
        family,
        host: formatIp({ bytes: host }),
        prefixLength,
        network: `${formatIp({ bytes: base })}/${prefixLength}`,
        broadcast: hasBroadcast ? formatIp({ bytes: last }) : undefined,
        zone: scope === 0 ? undefined : String(scope),
        isInternal: internal,
        mac,
      };
    }),
  );
}

function bitsOf(byte: number): number {
  let count = 0;
  for (let rest = byte; rest > 0; rest >>= 1) count += rest & 1;
  return count;
}
