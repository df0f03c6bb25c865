/** What stands before each datagram that goes through a SOCKS 5 proxy (RFC 1928 §7). */
import { Buffer } from "node:buffer";
import { encodeAddress, readAddress, type SocksAddress } from "./socks-address.js";

/** A datagram as it came from, or goes to, a proxy. */
export interface SocksDatagram {
  readonly address: SocksAddress;
  /** A view into the bytes that were read. */
  readonly data: Buffer;
}

/** Bytes that the header has at most. */
export const MAX_UDP_HEADER_BYTES = 262;

/** `0 · 0 · fragment 0 · address`, before the data. */
export function encodeUdpHeader(address: SocksAddress): Buffer {
  return Buffer.concat([Buffer.alloc(3), encodeAddress(address)]);
}

/** Undefined for what is no datagram of SOCKS, and for fragments, which RFC 1928 lets us drop. */
export function readUdpDatagram(bytes: Buffer): SocksDatagram | undefined {
  if (bytes[0] !== 0 || bytes[1] !== 0 || bytes[2] !== 0) return undefined;
  const read = readAddress(bytes, 3);
  if (read === undefined || read === "unknown") return undefined;
  return { address: read.address, data: bytes.subarray(read.end) };
}
