/**
 * The kernel's socket addresses.
 *
 *     IPv4   family u16 · port u16 (network order) · 4 bytes
 *     IPv6   family u16 · port u16 (network order) · flow u32 · 16 bytes · zone u32
 *     path   family u16 · path, a zero byte; a path that starts with a zero byte has no file
 */
import { formatIpv4, formatIpv6, parseIp } from "../../../bytes/ip-bytes.js";
import { assertInteger, describe, NetError } from "../../../errors.js";
import type { Address, IpAddress, PathAddress } from "../../engine.js";
import { zoneIndex, zoneName } from "../../ip-zone.js";
import { SOL_SOCKET } from "../../option-calls.js";
import { IPV6_KEY_BYTES, type PeerKey, PORT_SPAN } from "../../peer-key.js";
import type { ForeignFunctions } from "../ring/foreign-functions.js";

/** Address families. */
export const FAMILY_PATH = 1;
export const FAMILY_IPV4 = 2;
export const FAMILY_IPV6 = 10;

/** Bytes that hold any address. */
export const MAX_ADDRESS_BYTES = 112;

const SO_PEERNAME = 28;

const PATH_AT = 2;
const MAX_PATH_BYTES = 107;
/** Bytes of an IPv4 socket address. */
export const IPV4_BYTES = 16;
/** Bytes of an IPv6 socket address. */
export const IPV6_BYTES = 28;

function invalid(message: string): NetError {
  return new NetError("INVALID_ARGUMENT", message, { operation: "configure" });
}

/** The family that sockets for this address have. */
export function familyOf(address: Address): number {
  if ("path" in address) return FAMILY_PATH;
  return address.host.includes(":") ? FAMILY_IPV6 : FAMILY_IPV4;
}

/** Number of the network interface (zone) of `fe80::1%eth0`; 0 without one. */
export function zoneOf(host: string): number {
  const name = host.split("%")[1];
  if (name === undefined) return 0;
  const index = zoneIndex(name);
  if (index !== undefined) return index;
  throw invalid(`there is no network interface ${describe(name)}`);
}

function encodePath(path: string): Uint8Array {
  const text = Buffer.from(path);
  if (text.length === 0 || text.length > MAX_PATH_BYTES) {
    throw invalid(`a socket's path has 1 to ${MAX_PATH_BYTES} bytes, not ${text.length}`);
  }
  const isAbstract = text[0] === 0;
  const bytes = Buffer.alloc(PATH_AT + text.length + (isAbstract ? 0 : 1));
  bytes.writeUInt16LE(FAMILY_PATH, 0);
  text.copy(bytes, PATH_AT);
  return bytes;
}

/** An address as the kernel takes it. Throws `INVALID_ARGUMENT` for one that can't be. */
export function encodeAddress(address: Address): Uint8Array {
  if ("path" in address) return encodePath(address.path);
  const { host, port } = address;
  assertInteger("port", port, 0, 65_535);
  const ip = parseIp(host);
  if (ip === undefined) throw invalid(`host must be an IP address, not ${describe(host)}`);
  const isIpv6 = ip.length > 4;
  const bytes = Buffer.alloc(isIpv6 ? IPV6_BYTES : IPV4_BYTES);
  bytes.writeUInt16LE(isIpv6 ? FAMILY_IPV6 : FAMILY_IPV4, 0);
  bytes.writeUInt16BE(port, 2);
  bytes.set(ip, isIpv6 ? 8 : 4);
  if (isIpv6) bytes.writeUInt32LE(zoneOf(host), 24);
  return bytes;
}

/**
 * Writes a peer's address into `name` as the kernel takes it; returns its length. An IPv6 socket reaches IPv4
 * peers by their mapped address (RFC 4291 §2.5.5.2).
 */
export function writePeerName(name: Uint8Array, key: PeerKey, isIpv6: boolean): number {
  name[1] = 0;
  if (typeof key === "string") {
    name[0] = FAMILY_IPV6;
    for (let index = 0; index < IPV6_KEY_BYTES; index++) name[2 + index] = key.charCodeAt(index);
    return IPV6_BYTES;
  }
  const host = Math.floor(key / PORT_SPAN);
  name[2] = (key & 0xffff) >> 8;
  name[3] = key & 0xff;
  let at = 4;
  if (isIpv6) {
    name.fill(0, 4, IPV6_BYTES);
    name[18] = 0xff;
    name[19] = 0xff;
    at = 20;
  }
  name[0] = isIpv6 ? FAMILY_IPV6 : FAMILY_IPV4;
  name[at] = host >>> 24;
  name[at + 1] = host >>> 16;
  name[at + 2] = host >>> 8;
  name[at + 3] = host;
  return isIpv6 ? IPV6_BYTES : IPV4_BYTES;
}

function decodeIpv6(bytes: Buffer): IpAddress {
  const zone = bytes.readUInt32LE(24);
  const host = formatIpv6(bytes, 8);
  return {
    host: zone === 0 ? host : `${host}%${zoneName(zone)}`,
    port: bytes.readUInt16BE(2),
    family: "IPv6",
  };
}

function decodePath(bytes: Buffer): PathAddress {
  const text = bytes.toString("utf8", PATH_AT);
  return { path: text.startsWith("\0") ? text : text.replace(/\0.*$/s, "") };
}

/** What the kernel answered, `bytes` being as long as it said; undefined for other families. */
export function decodeAddress(bytes: Buffer): Address | undefined {
  // An unnamed socket's address is the family alone.
  if (bytes.length < PATH_AT) return undefined;
  switch (bytes.readUInt16LE(0)) {
    case FAMILY_IPV4:
      return { host: formatIpv4(bytes, 4), port: bytes.readUInt16BE(2), family: "IPv4" };
    case FAMILY_IPV6:
      return decodeIpv6(bytes);
    case FAMILY_PATH:
      return decodePath(bytes);
    default:
      return undefined;
  }
}

/** Where a socket is; undefined where the kernel does not say. */
export function localAddress(calls: ForeignFunctions, descriptor: number): Address | undefined {
  const bytes = Buffer.alloc(MAX_ADDRESS_BYTES);
  const length = calls.localName(descriptor, bytes);
  return length < 0 ? undefined : decodeAddress(bytes.subarray(0, length));
}

/**
 * Where a socket's peer is, or was: unlike getpeername, SO_PEERNAME still tells once the connection
 * is broken. Undefined where the kernel does not say.
 */
export function peerAddress(calls: ForeignFunctions, descriptor: number): Address | undefined {
  // The kernel takes no room that is larger than the address.
  for (const size of [IPV6_BYTES, IPV4_BYTES]) {
    const bytes = Buffer.alloc(size);
    if (calls.getOption(descriptor, SOL_SOCKET, SO_PEERNAME, bytes) >= 0)
      return decodeAddress(bytes);
  }
  return undefined;
}
