/**
 * Networks in CIDR form, and the question whether one of them has an address. For each length of prefix
 * there is a table of the networks of that length; a look-up asks the tables from the longest prefix to
 * the shortest. So it takes one step for each length in use, 33 at most for IPv4 and 129 for IPv6,
 * however many networks there are.
 */
import { describe, invalidArgument } from "../errors.js";
import { formatIp, type Ip, parseIp, readIp } from "./ip.js";

/** Networks of one length of prefix: the bits of the prefix → the network as text. */
interface PrefixTable {
  readonly prefixLength: number;
  readonly networks: Map<number | string, string>;
}

/** A network in parts. */
interface Network {
  readonly bytes: Uint8Array;
  readonly prefixLength: number;
  readonly text: string;
}

/** 96 bits come before the IPv4 address in an IPv4-mapped one. */
const MAPPED_BITS = 96;

/**
 * A set of networks in CIDR form (RFC 4632 §3.1, RFC 4291 §2.3): `10.0.0.0/8`, `2001:db8::/32`; an address
 * without a prefix length is the network of that address alone.
 *
 * IPv4-mapped IPv6 addresses are IPv4 addresses, in networks (`::ffff:10.0.0.0/104` is `10.0.0.0/8`) and in
 * look-ups. `::/0` is therefore all of IPv6 and nothing of IPv4. Zones are not looked at.
 *
 * `add`, `delete`, `has` and `match` take a time that does not grow with the number of networks.
 */
export class CidrSet {
  /** Of IPv4 and of IPv6, the longest prefixes first. */
  readonly #ipv4: PrefixTable[] = [];
  readonly #ipv6: PrefixTable[] = [];

  /** @throws NetError `INVALID_ARGUMENT` for what {@link CidrSet.add} refuses. */
  constructor(networks: Iterable<string> = []) {
    const isList =
      typeof networks !== "string" && typeof networks?.[Symbol.iterator] === "function";
    if (!isList || ArrayBuffer.isView(networks)) {
      throw invalidArgument(`networks must be a list, not ${describe(networks)}`);
    }
    for (const network of networks) this.add(network);
  }

  /** How many networks there are. */
  get size(): number {
    let count = 0;
    for (const table of [...this.#ipv4, ...this.#ipv6]) count += table.networks.size;
    return count;
  }

  /**
   * Adds a network; one that is there already changes nothing.
   *
   * @throws NetError `INVALID_ARGUMENT` where the text is no network; where bits behind the prefix are set
   * (`10.0.0.1/8`), since then either the address or the length is wrong; and for an IPv4-mapped network
   * with a prefix below 96, which would have addresses of both families.
   */
  add(network: string): this {
    const { bytes, prefixLength, text } = parseNetwork(network);
    const tables = this.#tables(bytes);
    let index = tables.findIndex((table) => table.prefixLength <= prefixLength);
    if (index < 0) index = tables.length;
    if (tables[index]?.prefixLength !== prefixLength) {
      tables.splice(index, 0, { prefixLength, networks: new Map() });
    }
    tables[index]?.networks.set(keyOf(bytes, prefixLength), text);
    return this;
  }

  /**
   * Takes a network out. Networks within it, or around it, stay.
   *
   * @returns Whether it was there.
   * @throws NetError `INVALID_ARGUMENT` as {@link CidrSet.add} does.
   */
  delete(network: string): boolean {
    const { bytes, prefixLength } = parseNetwork(network);
    const tables = this.#tables(bytes);
    const index = tables.findIndex((table) => table.prefixLength === prefixLength);
    const networks = tables[index]?.networks;
    const wasThere = networks?.delete(keyOf(bytes, prefixLength)) ?? false;
    if (networks?.size === 0) tables.splice(index, 1);
    return wasThere;
  }

  /**
   * Whether one of the networks has this address.
   *
   * @throws NetError `INVALID_ARGUMENT` where the text is no IP address.
   */
  has(address: string): boolean {
    return this.match(address) !== undefined;
  }

  /**
   * The smallest network that has this address, in its shortest form; undefined where there is none.
   *
   * @throws NetError `INVALID_ARGUMENT` where the text is no IP address.
   */
  match(address: string): string | undefined {
    const { bytes } = readIp("address", address);
    for (const { prefixLength, networks } of this.#tables(bytes)) {
      const network = networks.get(keyOf(bytes, prefixLength));
      if (network !== undefined) return network;
    }
    return undefined;
  }

  /** The networks, each in its shortest form; IPv4 first, long prefixes before short ones. */
  *[Symbol.iterator](): Generator<string, void, undefined> {
    for (const { networks } of [...this.#ipv4, ...this.#ipv6]) yield* networks.values();
  }

  #tables(bytes: Uint8Array): PrefixTable[] {
    return bytes.length === 4 ? this.#ipv4 : this.#ipv6;
  }
}

/** The first bits of an address: of IPv4 as a number, of IPv6 as text with a character for each byte. */
function keyOf(bytes: Uint8Array, prefixLength: number): number | string {
  if (bytes.length === 4) {
    const [a = 0, b = 0, c = 0, d = 0] = bytes;
    const value = a * 0x1000000 + b * 0x10000 + c * 0x100 + d;
    return Math.floor(value / 2 ** (32 - prefixLength));
  }
  const whole = prefixLength >> 3;
  let key = "";
  for (let index = 0; index < whole; index++) key += String.fromCharCode(bytes[index] ?? 0);
  const rest = prefixLength & 7;
  return rest === 0 ? key : key + String.fromCharCode((bytes[whole] ?? 0) >> (8 - rest));
}

/** Reads a network; throws `INVALID_ARGUMENT` for what is none. */
function parseNetwork(text: string): Network {
  const slash = typeof text === "string" ? text.indexOf("/") : -1;
  const ip = slash < 0 ? parseIp(text) : parseIp(text.slice(0, slash));
  if (ip === undefined) throw wrong(text, "must be an IP address with or without a /prefix");
  if (ip.zone !== undefined) throw wrong(text, "must have no zone");
  const bits = ip.bytes.length * 8;
  const prefixLength = slash < 0 ? bits : prefixLengthOf(ip, text, slash);
  const bytes = maskedBytes(ip.bytes, prefixLength);
  const network = `${formatIp({ bytes })}/${prefixLength}`;
  if (!bytes.every((byte, index) => byte === ip.bytes[index])) {
    throw wrong(text, `has bits behind its prefix; the network is ${network}`);
  }
  return { bytes, prefixLength, text: network };
}

function prefixLengthOf(ip: Ip, text: string, slash: number): number {
  const isMappedForm = ip.family === "IPv4" && text.includes(":");
  const greatest = isMappedForm ? 128 : ip.bytes.length * 8;
  const digits = text.slice(slash + 1);
  const length = /^(0|[1-9]\d{0,2})$/.test(digits) ? Number(digits) : Number.POSITIVE_INFINITY;
  if (length > greatest) throw wrong(text, `must have a prefix length from 0 to ${greatest}`);
  if (!isMappedForm) return length;
  if (length < MAPPED_BITS) {
    throw wrong(text, `is IPv4-mapped, and its prefix must have ${MAPPED_BITS} bits at least`);
  }
  return length - MAPPED_BITS;
}

function maskedBytes(bytes: Uint8Array, prefixLength: number): Uint8Array {
  return bytes.map((byte, index) => {
    const bits = Math.min(8, Math.max(0, prefixLength - index * 8));
    return byte & (0xff << (8 - bits));
  });
}

function wrong(text: unknown, what: string): Error {
  return invalidArgument(`the network ${describe(text)} ${what}`);
}
