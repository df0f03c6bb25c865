/**
 * Addresses as SOCKS 5 writes them (RFC 1928 §5):
 *
 *     1 · 4 bytes      · port u16    IPv4
 *     3 · n · n bytes  · port u16    a name, which the other end looks up
 *     4 · 16 bytes     · port u16    IPv6
 */
import { Buffer } from "node:buffer";
import { formatIp, parseIp } from "../../bytes/ip-bytes.js";
import { describe, invalidArgument } from "../../errors.js";

/** A host, by name or address, and a port. */
export interface SocksAddress {
  readonly host: string;
  readonly port: number;
}

/** Longest name, in bytes: its length is one byte. */
export const MAX_NAME_BYTES = 255;

const IPV4 = 1;
const NAME = 3;
const IPV6 = 4;

/** Where nothing is bound yet, as replies and associations write it. */
export const ANY_ADDRESS: SocksAddress = { host: "0.0.0.0", port: 0 };

/**
 * Visible ASCII. Resolvers end a name at NUL, and leave out or exchange other characters, so that what was asked for would
 * not be what is looked up.
 */
const NAME_CHARACTERS = /^[\x21-\x7e]+$/;

/** Whether a host can be called so: visible ASCII, 1 to 255 bytes. */
export function isName(host: string): boolean {
  return host.length <= MAX_NAME_BYTES && NAME_CHARACTERS.test(host);
}

/** A name that can be sent: visible ASCII, 1 to 255 bytes. Throws `INVALID_ARGUMENT`. */
export function assertName(host: string): void {
  if (isName(host)) return;
  throw invalidArgument(
    `a host for SOCKS must be 1 to ${MAX_NAME_BYTES} characters of visible ASCII, not ${describe(host)}`,
    { operation: "connect" },
  );
}

/** The bytes of an address. Throws `INVALID_ARGUMENT` for a name that can't be sent. */
export function encodeAddress({ host, port }: SocksAddress): Buffer {
  const ip = parseIp(host);
  if (ip === undefined) assertName(host);
  const body = ip ?? Buffer.from(host, "latin1");
  const prefix = ip === undefined ? [NAME, body.length] : [ip.length === 4 ? IPV4 : IPV6];
  return Buffer.concat([Buffer.from(prefix), body, Buffer.from([port >> 8, port & 0xff])]);
}

/** An address that was read, and where it ends. */
export interface ReadAddress {
  readonly address: SocksAddress;
  readonly end: number;
}

/**
 * Reads the address that begins at `at`. Returns undefined while bytes are missing, and "unknown" for a
 * type that RFC 1928 does not have, or a name that is not visible ASCII.
 */
export function readAddress(bytes: Buffer, at: number): ReadAddress | "unknown" | undefined {
  const type = bytes[at];
  if (type === undefined) return undefined;
  if (type !== IPV4 && type !== NAME && type !== IPV6) return "unknown";
  const start = type === NAME ? at + 2 : at + 1;
  const length = type === IPV4 ? 4 : type === IPV6 ? 16 : bytes[at + 1];
  if (length === undefined) return undefined;
  if (length === 0) return "unknown";
  const end = start + length + 2;
  if (bytes.length < end) return undefined;
  const body = bytes.subarray(start, start + length);
  const host = type === NAME ? body.toString("latin1") : formatIp(body);
  if (type === NAME && !isName(host)) return "unknown";
  return { address: { host, port: bytes.readUInt16BE(start + length) }, end };
}
