/** Multicast groups, as socket options. Functions answer 0 or the negative error number. */
import { parseIp } from "../../../bytes/ip-bytes.js";
import type { GroupMembership } from "../../engine.js";
import { setOptions } from "../../option-calls.js";
import type { ForeignFunctions } from "../ring/foreign-functions.js";
import { encodeAddress, zoneOf } from "./socket-address.js";

const IPPROTO_IP = 0;
const IP_MULTICAST_TTL = 33;
const IP_MULTICAST_LOOP = 34;
const IP_ADD_MEMBERSHIP = 35;
const IP_DROP_MEMBERSHIP = 36;
const IP_ADD_SOURCE_MEMBERSHIP = 39;
const IP_DROP_SOURCE_MEMBERSHIP = 40;
const IP_MULTICAST_IF = 32;
const IPV6_MULTICAST_IF = 17;
const MCAST_JOIN_SOURCE_GROUP = 46;
const MCAST_LEAVE_SOURCE_GROUP = 47;
/** Bytes of `struct group_source_req`: the interface's number, then two addresses with room for any. */
const GROUP_SOURCE_BYTES = 264;
const GROUP_AT = 8;
const SOURCE_AT = 136;
const IPPROTO_IPV6 = 41;
const IPV6_MULTICAST_HOPS = 18;
const IPV6_MULTICAST_LOOP = 19;
const IPV6_ADD_MEMBERSHIP = 20;
const IPV6_DROP_MEMBERSHIP = 21;

/** The bytes of an address that was looked at before. */
function ipBytes(host: string): Uint8Array {
  return parseIp(host.split("%")[0] ?? host) as Uint8Array;
}

/** Joins the group, or leaves it. The membership is one of `checkedMembership`. */
export function setMembership(
  calls: ForeignFunctions,
  descriptor: number,
  membership: GroupMembership,
  isMember: boolean,
): number {
  const { group, interfaceHost, source } = membership;
  const bytes = ipBytes(group);
  if (source !== undefined) return setSourceMembership(calls, descriptor, membership, isMember);
  if (bytes.length === 4) {
    // struct ip_mreq: the group, the interface's address.
    const request = Buffer.concat([bytes, ipBytes(interfaceHost ?? "0.0.0.0")]);
    const name = isMember ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP;
    return calls.setOption(descriptor, IPPROTO_IP, name, request);
  }
  // struct ipv6_mreq: the group, the interface's number.
  const request = Buffer.alloc(20);
  request.set(bytes);
  request.writeUInt32LE(zoneOf(interfaceHost ?? ""), 16);
  const name = isMember ? IPV6_ADD_MEMBERSHIP : IPV6_DROP_MEMBERSHIP;
  return calls.setOption(descriptor, IPPROTO_IPV6, name, request);
}

/** The same for datagrams of one sender (RFC 3678). */
function setSourceMembership(
  calls: ForeignFunctions,
  descriptor: number,
  { group, interfaceHost, source = "" }: GroupMembership,
  isMember: boolean,
): number {
  if (ipBytes(group).length === 4) {
    // struct ip_mreq_source: the group, the interface's address, the sender's.
    const request = Buffer.concat([group, interfaceHost ?? "0.0.0.0", source].map(ipBytes));
    const name = isMember ? IP_ADD_SOURCE_MEMBERSHIP : IP_DROP_SOURCE_MEMBERSHIP;
    return calls.setOption(descriptor, IPPROTO_IP, name, request);
  }
  const request = Buffer.alloc(GROUP_SOURCE_BYTES);
  request.writeUInt32LE(zoneOf(interfaceHost ?? ""), 0);
  request.set(encodeAddress({ host: group, port: 0, family: "IPv6" }), GROUP_AT);
  request.set(encodeAddress({ host: source, port: 0, family: "IPv6" }), SOURCE_AT);
  const name = isMember ? MCAST_JOIN_SOURCE_GROUP : MCAST_LEAVE_SOURCE_GROUP;
  return calls.setOption(descriptor, IPPROTO_IPV6, name, request);
}

/** Which interface datagrams to groups leave by: its IPv4 address, or an IPv6 one with its zone. */
export function setMulticastInterface(
  calls: ForeignFunctions,
  descriptor: number,
  interfaceHost: string,
  isIpv6: boolean,
): number {
  if (isIpv6) {
    return setOptions(calls, descriptor, [
      [IPPROTO_IPV6, IPV6_MULTICAST_IF, zoneOf(interfaceHost)],
    ]);
  }
  return calls.setOption(descriptor, IPPROTO_IP, IP_MULTICAST_IF, ipBytes(interfaceHost));
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
