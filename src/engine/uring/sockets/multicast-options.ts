/** Multicast groups, as socket options. Functions answer 0 or the negative error number. */

import { parseIp } from "../../../bytes/ip-bytes.js";
import { NetError } from "../../../errors.js";
import type { ForeignFunctions } from "../ring/foreign-functions.js";
import { zoneOf } from "./socket-address.js";
import { setOptions } from "./socket-options.js";

const IPPROTO_IP = 0;
const IP_MULTICAST_TTL = 33;
const IP_MULTICAST_LOOP = 34;
const IP_ADD_MEMBERSHIP = 35;
const IP_DROP_MEMBERSHIP = 36;
const IPPROTO_IPV6 = 41;
const IPV6_MULTICAST_HOPS = 18;
const IPV6_MULTICAST_LOOP = 19;
const IPV6_ADD_MEMBERSHIP = 20;
const IPV6_DROP_MEMBERSHIP = 21;

/** A group, and the interface whose datagrams are meant; left out, the system chooses it. */
export interface Membership {
  readonly group: string;
  readonly interfaceHost: string | undefined;
}

function ipBytes(host: string): Uint8Array {
  const bytes = parseIp(host);
  if (bytes !== undefined) return bytes;
  throw new NetError("INVALID_ARGUMENT", `not an IP address: ${JSON.stringify(host)}`, {
    operation: "configure",
  });
}

/** Joins the group, or leaves it. */
export function setMembership(
  calls: ForeignFunctions,
  descriptor: number,
  membership: Membership,
  isMember: boolean,
): number {
  const { group, interfaceHost } = membership;
  const bytes = ipBytes(group);
  if (bytes.length === 4) {
    // struct ip_mreq: the group, the interface's address.
    const request = Buffer.concat([bytes, ipBytes(interfaceHost ?? "0.0.0.0")]);
    const name = isMember ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP;
    return calls.setOption(descriptor, IPPROTO_IP, name, request);
  }
  // struct ipv6_mreq: the group, the interface's number.
  const request = Buffer.alloc(20);
  request.set(bytes);
  request.writeUInt32LE(zoneOf(interfaceHost ?? group), 16);
  const name = isMember ? IPV6_ADD_MEMBERSHIP : IPV6_DROP_MEMBERSHIP;
  return calls.setOption(descriptor, IPPROTO_IPV6, name, request);
}

/** Routers that a datagram to a group may pass. */
export function setMulticastTtl(
  calls: ForeignFunctions,
  descriptor: number,
  ttl: number,
  isIpv6: boolean,
): number {
  return setOptions(calls, descriptor, [
    isIpv6 ? [IPPROTO_IPV6, IPV6_MULTICAST_HOPS, ttl] : [IPPROTO_IP, IP_MULTICAST_TTL, ttl],
  ]);
}

/** Whether datagrams to a group come back to this machine. */
export function setMulticastLoop(
  calls: ForeignFunctions,
  descriptor: number,
  on: boolean,
  isIpv6: boolean,
): number {
  const value = on ? 1 : 0;
  return setOptions(calls, descriptor, [
    isIpv6 ? [IPPROTO_IPV6, IPV6_MULTICAST_LOOP, value] : [IPPROTO_IP, IP_MULTICAST_LOOP, value],
  ]);
}
