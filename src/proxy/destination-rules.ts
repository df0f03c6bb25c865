/** Where clients of a proxy may have it connect to. The address that was checked is the one that is dialled. */
import { CidrSet } from "../address/cidr-set.js";
import { parseIp } from "../address/ip.js";
import {
  assertInteger,
  assertKnownKeys,
  assertObject,
  describe,
  invalidArgument,
  readRenamed,
} from "../errors.js";

/**
 * Which destinations are allowed. A rule is a network (`10.0.0.0/8`), an address, a name (`example.com`), or a name
 * with all below it (`.example.com`); names are compared in any case of letters.
 */
export interface DestinationOptions {
  /**
   * What may be reached although it is in one of {@link PRIVATE_NETWORKS}. A name here is trusted with whatever
   * it resolves to. Default: nothing.
   */
  readonly allow?: readonly string[] | undefined;
  /** What may not be reached, whatever else is said. Default: nothing. */
  readonly deny?: readonly string[] | undefined;
  /** Nothing but this may be reached; private networks have to be in `allow` as well. Default: everything. */
  readonly only?: readonly string[] | undefined;
  /** Ports that may be reached. Default: all. */
  readonly ports?: readonly number[] | undefined;
}

/**
 * Networks that are not the public Internet's (RFC 6890 and its like): unspecified, private, shared, loopback,
 * link-local, for documentation and benchmarks, multicast, reserved; and those of IPv6 that have an IPv4 address in them,
 * which they would hide.
 */
export const PRIVATE_NETWORKS: readonly string[] = Object.freeze([
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
  "::/96",
  "::ffff:0:0:0/96",
  "64:ff9b::/96",
  "64:ff9b:1::/48",
  "100::/64",
  "100:0:0:1::/64",
  "2001::/23",
  "2001:db8::/32",
  "2002::/16",
  "3fff::/20",
  "5f00::/16",
  "fc00::/7",
  "fe80::/10",
  "fec0::/10",
  "ff00::/8",
]);

/** Names and networks together. */
class RuleSet {
  private readonly networks: CidrSet = new CidrSet();
  private readonly names: Set<string> = new Set();
  private readonly suffixes: string[] = [];

  constructor(what: string, rules: readonly string[]) {
    if (!Array.isArray(rules))
      throw invalidArgument(`${what} must be a list, not ${describe(rules)}`);
    for (const rule of rules) this.add(what, rule);
  }

  private add(what: string, rule: unknown): void {
    if (typeof rule !== "string" || !/^[\w.:/-]+$/.test(rule)) {
      throw invalidArgument(`${what} has ${describe(rule)}, which is no network, address or name`);
    }
    const [address = ""] = rule.split("/");
    if (rule.includes("/") || parseIp(address) !== undefined) {
      readRenamed(
        () => this.networks.add(rule),
        (message) => `${what}: ${message}`,
      );
    } else if (rule.startsWith(".")) this.suffixes.push(rule.toLowerCase());
    else this.names.add(rule.toLowerCase());
  }

  hasName(host: string): boolean {
    if (this.names.has(host)) return true;
    return this.suffixes.some((suffix) => host.endsWith(suffix) || `.${host}` === suffix);
  }

  hasAddress(address: string): boolean {
    return this.networks.has(address);
  }
}

/** Where clients may have the proxy connect to. */
export class DestinationRules {
  private readonly allow: RuleSet;
  private readonly deny: RuleSet;
  private readonly only: RuleSet | undefined;
  private readonly ports: ReadonlySet<number> | undefined;
  private readonly private: CidrSet = new CidrSet(PRIVATE_NETWORKS);

  /** Throws `INVALID_ARGUMENT`. */
  constructor(options: DestinationOptions = {}) {
    assertObject("destinations", options);
    assertKnownKeys("destinations", options, ["allow", "deny", "only", "ports"]);
    const { allow = [], deny = [], only, ports } = options;
    this.allow = new RuleSet("destinations.allow", allow);
    this.deny = new RuleSet("destinations.deny", deny);
    this.only = only && new RuleSet("destinations.only", only);
    if (ports !== undefined && !Array.isArray(ports))
      throw invalidArgument(`destinations.ports must be a list, not ${describe(ports)}`);
    for (const port of ports ?? []) assertInteger("a port of destinations.ports", port, 1, 65_535);
    this.ports = ports && new Set(ports);
  }

  /** Whether what is known before the look-up forbids it: the port, or a name. */
  forbids(host: string, port: number): boolean {
    if (port < 1 || this.ports?.has(port) === false) return true;
    return this.deny.hasName(plainName(host));
  }

  /** Whether an address of the host may be dialled. */
  readonly allowsAddress = (address: string, host: string, port: number): boolean => {
    if (this.forbids(host, port) || this.deny.hasAddress(address)) return false;
    const name = plainName(host);
    const isOnly = this.only?.hasName(name) !== false || this.only.hasAddress(address);
    if (!isOnly) return false;
    if (!this.private.has(address)) return true;
    return this.allow.hasName(name) || this.allow.hasAddress(address);
  };
}

/** A name without the dot that may end it, in small letters. */
function plainName(host: string): string {
  return host.toLowerCase().replace(/\.$/, "");
}
