/** Who may be a client of a proxy: by network, and how many connections at a time. */
import { CidrSet } from "../address/cidr-set.js";
import { parseIp } from "../address/ip.js";
import type { Address } from "../engine/engine.js";
import { NetError } from "../errors.js";

/** Which clients are let in, by their addresses. */
export interface ClientOptions {
  /** Networks whose clients are let in. Default: those of this machine, and all where there is authentication. */
  readonly allowClients?: readonly string[];
  /** Networks whose clients are not, whatever else is said. Default: none. */
  readonly denyClients?: readonly string[];
}

const LOOPBACK_NETWORKS = ["127.0.0.0/8", "::1/128"];

/** Who may be a client, and how many connections each has. */
export class ClientRules {
  /** Whether anybody on the network could come in: there is neither a list nor authentication. */
  readonly isOpen: boolean;
  readonly #allow: CidrSet | undefined;
  readonly #deny: CidrSet;
  readonly #maxPerClient: number;
  readonly #counts: Map<string, number> = new Map();

  /** Throws `INVALID_ARGUMENT`. */
  constructor(options: ClientOptions, hasAuthentication: boolean, maxPerClient: number) {
    const { allowClients, denyClients = [] } = options;
    this.isOpen = allowClients === undefined && !hasAuthentication;
    const allow = allowClients ?? (hasAuthentication ? undefined : LOOPBACK_NETWORKS);
    this.#allow = allow && new CidrSet(allow);
    this.#deny = new CidrSet(denyClients);
    this.#maxPerClient = maxPerClient;
  }

  /** Clients that have connections. */
  get clientCount(): number {
    return this.#counts.size;
  }

  /** A connection came: why it is not let in, or undefined, and then it is counted until {@link left}. */
  entered(address: Address | undefined): NetError | undefined {
    const host = address?.host;
    // Who comes over a path is let in by the permissions of the file.
    if (host === undefined) return undefined;
    const ip = parseIp(host) === undefined ? undefined : host;
    const isAllowed =
      ip !== undefined && !this.#deny.has(ip) && (this.#allow === undefined || this.#allow.has(ip));
    if (!isAllowed) {
      return new NetError("REFUSED", `clients from ${host} are not let in`, {
        operation: "accept",
      });
    }
    const count = this.#counts.get(host) ?? 0;
    if (count >= this.#maxPerClient) {
      const text = `${host} has ${count} connections, and maxConnectionsPerClient is ${this.#maxPerClient}`;
      return new NetError("CONNECTION_LIMIT", text, { operation: "accept" });
    }
    this.#counts.set(host, count + 1);
    return undefined;
  }

  /** A connection that was let in has ended. */
  left(host: string): void {
    const count = (this.#counts.get(host) ?? 1) - 1;
    if (count > 0) this.#counts.set(host, count);
    else this.#counts.delete(host);
  }
}
