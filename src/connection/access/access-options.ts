/** Who may connect to a component that listens: what can be asked for; `access-control.ts` decides by it. */
import { CidrSet } from "../../address/cidr-set.js";
import { assertKnownKeys, assertObject, readRenamed } from "../../errors.js";
import { count, type OptionTable, optionNames } from "../../options.js";

/** Networks: in CIDR form, or a set that may be changed later and is asked for each peer. */
export type Networks = CidrSet | readonly string[];

/** The numbers of {@link AccessOptions}, with their defaults filled in. */
export interface AccessNumbers {
  readonly maxConnectionsPerAddress: number;
  readonly newConnectionsPerSecond: number;
  readonly newConnectionBurst: number;
  readonly ipv6PrefixLength: number;
  readonly maxAddresses: number;
}

/**
 * Who may connect. Peers on a Unix-domain socket have no address and are let in. An address is an IPv4
 * address (an IPv4-mapped IPv6 one is the same), or the first `ipv6PrefixLength` bits of an IPv6 one.
 */
export interface AccessOptions {
  /** Only peers of these networks may connect; an empty list: no peer. Left out: all peers. */
  readonly allow?: Networks | undefined;
  /** Peers of these networks may not, whatever `allow` says. */
  readonly deny?: Networks | undefined;
  /** Connections of one address at a time, 0 to 5,000,000. Default 0: any number. */
  readonly maxConnectionsPerAddress?: number | undefined;
  /** New connections of one address in a second, 0 to 1,000,000. Default 0: any number. */
  readonly newConnectionsPerSecond?: number | undefined;
  /** New connections that an address may begin at once after a rest. Default 0: `newConnectionsPerSecond`. */
  readonly newConnectionBurst?: number | undefined;
  /** Bits of an IPv6 address that count as one address, 1 to 128. Default 64: what one customer has. */
  readonly ipv6PrefixLength?: number | undefined;
  /**
   * Addresses without a connection that are remembered for `newConnectionsPerSecond`, 1 to 5,000,000; the
   * least recently seen is forgotten, and has its whole burst again. Default 65,536.
   */
  readonly maxAddresses?: number | undefined;
}

/** Default and range of the numbers. */
export const ACCESS_NUMBERS: OptionTable<AccessNumbers> = {
  maxConnectionsPerAddress: count(0, "connections", { max: 5_000_000 }),
  newConnectionsPerSecond: count(0, "connections", { max: 1_000_000 }),
  newConnectionBurst: count(0, "connections", { max: 1_000_000 }),
  ipv6PrefixLength: count(64, "bits", { min: 1, max: 128 }),
  maxAddresses: count(65_536, "addresses", { min: 1, max: 5_000_000 }),
};

/** What is asked for, read. */
export interface AccessRules extends AccessNumbers {
  readonly allow: CidrSet | undefined;
  readonly deny: CidrSet | undefined;
}

/** Reads `access`. Throws `INVALID_ARGUMENT`. */
export function readAccess(given: AccessOptions | undefined): AccessRules | undefined {
  if (given === undefined) return undefined;
  assertObject("access", given);
  const names = optionNames<AccessNumbers>(ACCESS_NUMBERS);
  assertKnownKeys("access", given, ["allow", "deny", ...names]);
  const numbers = {} as { -readonly [Name in keyof AccessNumbers]: number };
  for (const name of names) {
    const value = given[name];
    if (value !== undefined) ACCESS_NUMBERS[name].assert(`access.${name}`, value);
    numbers[name] = value ?? ACCESS_NUMBERS[name].standard;
  }
  if (numbers.newConnectionBurst === 0)
    numbers.newConnectionBurst = numbers.newConnectionsPerSecond;
  return Object.freeze({
    ...numbers,
    allow: given.allow === undefined ? undefined : networksOf("access.allow", given.allow),
    deny: given.deny === undefined ? undefined : networksOf("access.deny", given.deny),
  });
}

/** A set is kept, so that what is done to it later holds. Throws `INVALID_ARGUMENT`. */
export function networksOf(name: string, networks: Networks): CidrSet {
  if (networks instanceof CidrSet) return networks;
  return readRenamed(
    () => new CidrSet(networks),
    (message) => `${name}: ${message}`,
  );
}
