/** What a membership of a multicast group may say, on every engine that asks the system for it. */
import { parseIp } from "../bytes/ip-bytes.js";
import { NetError } from "../errors.js";
import type { GroupMembership } from "./engine.js";
import { zoneIndex } from "./ip-zone.js";

/** A membership that makes sense: the group without its zone, which has become the interface's. */
export function checkedMembership(membership: GroupMembership): GroupMembership {
  const { source } = membership;
  const [group = "", zone] = membership.group.split("%");
  const bytes = parseIp(group);
  if (bytes === undefined) throw invalid(`not an IP address: ${JSON.stringify(group)}`);
  const interfaceHost = membership.interfaceHost ?? (zone === undefined ? undefined : `::%${zone}`);
  if (interfaceHost !== undefined) assertInterface(interfaceHost, bytes.length === 16);
  if (source !== undefined && parseIp(withoutZone(source))?.length !== bytes.length) {
    throw invalid(`${group} and ${source} are of different families`);
  }
  return { group, interfaceHost, source };
}

/** Throws `INVALID_ARGUMENT` for what names no interface: of IPv4 it is one of its addresses, of IPv6 its zone. */
export function assertInterface(interfaceHost: string, isIpv6: boolean): void {
  const named = JSON.stringify(interfaceHost);
  const [host = "", zone] = interfaceHost.split("%");
  const length = parseIp(host)?.length;
  if (length !== (isIpv6 ? 16 : 4)) {
    throw invalid(`an interface of ${isIpv6 ? "IPv6" : "IPv4"} can't be ${named}`);
  }
  if (!isIpv6) return;
  if (zone === undefined)
    throw invalid(`an interface of IPv6 has a zone, as "::%eth0", not ${named}`);
  if (zoneIndex(zone) === undefined) {
    throw invalid(`there is no network interface ${JSON.stringify(zone)}`);
  }
}

function withoutZone(host: string): string {
  return host.split("%")[0] ?? host;
}

function invalid(text: string): NetError {
  return new NetError("INVALID_ARGUMENT", text, { operation: "configure" });
}
