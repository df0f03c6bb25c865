/**
 * Who is bound where, for listeners or for datagram sockets. Follows the kernel's rules: a wildcard
 * takes the port from every host of its family, `::` with dual stack from IPv4 as well, and sockets
 * share a port only when all of them agreed to.
 */
import type { Address, IpAddress } from "../engine.js";

const FIRST_FREE_PORT = 49_152;
const LAST_FREE_PORT = 65_535;

/** What is bound, and how. */
export interface Binding<Owner> {
  readonly address: Address;
  readonly isShared: boolean;
  readonly dualStack: boolean;
  readonly owner: Owner;
}

const isWildcard = (host: string): boolean => host === "0.0.0.0" || host === "::";

/** Whether a socket bound like this receives what is sent to `host`. */
function covers(bound: IpAddress, dualStack: boolean, to: IpAddress): boolean {
  if (bound.host === to.host) return true;
  if (!isWildcard(bound.host)) return false;
  return bound.family === to.family || (bound.family === "IPv6" && dualStack);
}

/** Who is bound where, for listeners or for datagram sockets. */
export class MemoryBindings<Owner> {
  private bindings: Binding<Owner>[] = [];
  private nextPort = FIRST_FREE_PORT;
  private turn = 0;

  /** Binds, and returns where: port 0 gets a free one. Undefined: the address is in use. */
  bind(wanted: Binding<Owner>): Address | undefined {
    const { address } = wanted;
    const isOpenPort = address.port === 0;
    const chosen = isOpenPort ? { ...address, port: this.freePort() } : address;
    const binding = { ...wanted, address: chosen };
    if (this.bindings.some((other) => this.conflicts(binding, other))) return undefined;
    this.bindings.push(binding);
    return chosen;
  }

  /** Gives up what `owner` has bound. */
  release(owner: Owner): void {
    this.bindings = this.bindings.filter((binding) => binding.owner !== owner);
  }

  /** The receiver of what is sent to `to`; sockets that share a port take turns. */
  find(to: Address): Owner | undefined {
    const all = this.findAll(to);
    return all[this.turn++ % Math.max(1, all.length)];
  }

  /** Everybody who is bound to `to`; those who named the very host go before wildcards. */
  findAll(to: Address): readonly Owner[] {
    const reached = this.bindings.filter(({ address, dualStack }) => {
      if ("path" in address || "path" in to) {
        return "path" in address && "path" in to && address.path === to.path;
      }
      return address.port === to.port && covers(address, dualStack, to);
    });
    const exact = reached.filter(
      ({ address }) => "path" in address || "path" in to || address.host === to.host,
    );
    return (exact.length > 0 ? exact : reached).map(({ owner }) => owner);
  }

  /** Everybody who is bound to `port`, on whatever host. */
  findByPort(port: number): readonly Owner[] {
    return this.bindings.filter(({ address }) => address.port === port).map(({ owner }) => owner);
  }

  /** A free port, by counting up. */
  freePort(): number {
    do {
      this.nextPort = this.nextPort === LAST_FREE_PORT ? FIRST_FREE_PORT : this.nextPort + 1;
    } while (this.findByPort(this.nextPort).length > 0);
    return this.nextPort;
  }

  private conflicts(wanted: Binding<Owner>, other: Binding<Owner>): boolean {
    if (wanted.isShared && other.isShared) return false;
    const [a, b] = [wanted.address, other.address];
    if ("path" in a || "path" in b) return "path" in a && "path" in b && a.path === b.path;
    return a.port === b.port && (covers(a, wanted.dualStack, b) || covers(b, other.dualStack, a));
  }
}
