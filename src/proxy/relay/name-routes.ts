/** Which destinations a TLS client goes to, by the name that it wants. */
import { Buffer } from "node:buffer";
import { ServerNameTable } from "../../engine/tls/server-name.js";
import {
  assertFunction,
  assertKnownKeys,
  assertObject,
  assertOneOf,
  describe,
  invalidArgument,
  NetError,
} from "../../errors.js";
import type { ClientHello } from "../../protocol/tls-hello/client-hello.js";
import { assertRelayDestinations } from "./destination.js";
import type { Upstreams } from "./upstreams.js";

/** Forwarding by the name that a TLS client wants (SNI). */
export interface RelayNames {
  /**
   * Destinations by name: `host:port` each. `*.example.com` stands for one label in front, the exact name goes before it.
   */
  readonly routes: Readonly<Record<string, readonly string[]>>;
  /** Chooses a name of `routes` for a client; undefined: as the table says. */
  readonly choose?: ((hello: ClientHello) => string | undefined) | undefined;
  /** What becomes of a client without a name: refused (default), or forwarded to the destinations of `to`. */
  readonly unnamed?: "refuse" | "to" | undefined;
  /** What becomes of one with a name that is not in `routes`: the same. */
  readonly unknown?: "refuse" | "to" | undefined;
}

/** TLS alert "unrecognized_name" (RFC 6066 §3): a fatal one, in a record of its own. */
export const NAME_ALERT: Buffer = Buffer.from([21, 3, 3, 0, 2, 2, 112]);

/** Names of one relay at most. */
export const MAX_NAMES = 10_000;

/** Throws `INVALID_ARGUMENT` for invalid options. `hasDefault`: there are destinations in `to`. */
export function assertNames(sni: RelayNames, hasDefault: boolean): void {
  assertObject("sni", sni);
  assertKnownKeys("sni", sni, ["routes", "choose", "unnamed", "unknown"]);
  const { routes, choose, unnamed, unknown } = sni;
  assertRoutes(routes);
  if (choose !== undefined) assertFunction("sni.choose", choose);
  for (const [name, value] of Object.entries({ unnamed, unknown })) {
    if (value === undefined) continue;
    assertOneOf(`sni.${name}`, value, ["refuse", "to"]);
    if (value === "to" && !hasDefault)
      throw invalidArgument(`sni.${name} needs destinations in to`);
  }
}

/** The same for a table of routes alone. */
export function assertRoutes(routes: RelayNames["routes"]): void {
  assertObject("sni.routes", routes);
  const entries = Object.entries(routes);
  if (entries.length > MAX_NAMES) {
    throw invalidArgument(`sni.routes has ${entries.length} names, and ${MAX_NAMES} may be there`);
  }
  for (const [name, to] of entries) assertRelayDestinations(`sni.routes ${name}`, to);
  new ServerNameTable(entries, "sni.routes");
}

/** Which destinations a TLS client goes to. */
export class NameRoutes {
  private readonly sni: RelayNames;
  private readonly make: () => Upstreams;
  private readonly defaults: Upstreams;
  private byName: ReadonlyMap<string, Upstreams> = new Map();
  private names: ServerNameTable<Upstreams> = new ServerNameTable([]);

  /** `defaults`: the destinations of `to`. `make`: destinations for one more name. */
  constructor(sni: RelayNames, defaults: Upstreams, make: () => Upstreams) {
    this.sni = sni;
    this.defaults = defaults;
    this.make = make;
    this.set(sni.routes);
  }

  get all(): Iterable<Upstreams> {
    return this.byName.values();
  }

  /** Exchanges the table. What is known of destinations of names that stay is kept. */
  set(routes: RelayNames["routes"]): void {
    const before = this.byName;
    const after = new Map<string, Upstreams>();
    for (const [name, to] of Object.entries(routes)) {
      const upstreams = before.get(name) ?? this.make();
      upstreams.set(to);
      after.set(name, upstreams);
    }
    for (const [name, upstreams] of before) if (!after.has(name)) upstreams.table.stop();
    this.byName = after;
    this.names = new ServerNameTable(after, "sni.routes");
  }

  /** Where the client goes. Throws `TLS_NAME_UNKNOWN` where it is refused, and what `choose` throws. */
  find(hello: ClientHello): Upstreams {
    const { choose, unnamed = "refuse", unknown = "refuse" } = this.sni;
    const chosen = choose?.(hello);
    if (chosen !== undefined) {
      const found = typeof chosen === "string" ? this.byName.get(chosen) : undefined;
      if (found !== undefined) return found;
      throw invalidArgument(
        `sni.choose answered ${describe(chosen)}, which sni.routes does not have`,
      );
    }
    const { serverName } = hello;
    if (serverName === undefined) {
      if (unnamed === "to") return this.defaults;
      throw nameUnknown("the client wants no name, and sni.unnamed is refuse");
    }
    const found = this.names.find(serverName);
    if (found !== undefined) return found;
    if (unknown === "to") return this.defaults;
    throw nameUnknown(`sni.routes has no destinations for ${describe(serverName)}`);
  }
}

function nameUnknown(text: string): NetError {
  return new NetError("TLS_NAME_UNKNOWN", text, { operation: "handshake" });
}
