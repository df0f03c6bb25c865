/** `HOST:PORT` as people write it. */
import { parseIp } from "./ip.js";

/** A host and a port, as `connect` and `listen` take them. */
export interface HostPort {
  /** An IP address, without brackets, or a name. */
  readonly host: string;
  /** Port, 0 to 65535. */
  readonly port: number;
}

/** Host names are not looked at further: whether there is such a host is the resolver's to say. */
const FORM = /^(?:\[([^\]]+)\]|([^\s:[\]/@]+)):(\d{1,5})$/;

/**
 * Reads `127.0.0.1:80`, `[2001:db8::1]:80`, `[fe80::1%eth0]:80` or `example.com:80`. `addressText` is the
 * other way.
 *
 * @returns undefined where it is no text, where the text has another form, where the brackets have no IPv6 address, or where the
 * port is above 65535.
 */
export function parseHostPort(text: string): HostPort | undefined {
  if (typeof text !== "string") return undefined;
  const match = FORM.exec(text);
  const port = Number(match?.[3]);
  const bracketed = match?.[1];
  const host = bracketed ?? match?.[2];
  if (host === undefined || port > 65_535) return undefined;
  if (bracketed !== undefined && !(bracketed.includes(":") && parseIp(bracketed))) return undefined;
  return { host, port };
}
