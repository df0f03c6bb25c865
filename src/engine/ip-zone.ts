/** Zones of IPv6 addresses (RFC 4007): `fe80::1%eth0`, `fe80::1%2`. */
import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { NetError, type Operation } from "../errors.js";
import type { Address } from "./engine.js";

/** The index of a network interface that is given by name or number; undefined when there is none. */
export function zoneIndex(zone: string): number | undefined {
  if (/^\d{1,9}$/.test(zone)) return Number(zone);
  // An interface without an address of its own link has no scope in Node's list, but an index all the same.
  if (/^[\w.:@-]{1,15}$/.test(zone)) {
    try {
      return Number(readFileSync(`/sys/class/net/${zone}/ifindex`, "latin1"));
    } catch {
      // Not Linux, or no such interface: Node's list decides.
    }
  }
  const scopes = (networkInterfaces()[zone] ?? []).map((entry) =>
    entry.family === "IPv6" ? entry.scopeid : 0,
  );
  return scopes.find((scope) => scope > 0);
}

/** The name of the interface with this index, or the index where it has none. */
export function zoneName(zone: number): string {
  for (const [name, entries] of Object.entries(networkInterfaces())) {
    if (entries?.some((entry) => entry.family === "IPv6" && entry.scopeid === zone)) return name;
  }
  return String(zone);
}

/** Throws `INVALID_ARGUMENT` for an address in a zone that is not there. */
export function assertZone(address: Address, operation: Operation): void {
  if ("path" in address) return;
  const at = address.host.indexOf("%");
  if (at < 0) return;
  const zone = address.host.slice(at + 1);
  if (zoneIndex(zone) !== undefined) return;
  const text = `there is no network interface ${JSON.stringify(zone)}`;
  throw new NetError("INVALID_ARGUMENT", text, { operation });
}
