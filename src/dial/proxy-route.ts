/**
 * The proxies that lead to a destination: none, one, or a chain, each reached through the one before.
 * What an application can give as `proxy` is turned into a route for each destination here.
 */
import { answeredAtOnce } from "../connection/events/handlers.js";
import { assertObject, describe, invalidArgument, NetError, textOf } from "../errors.js";
import { ProxyHop, type ProxyOptions } from "./proxy-hop.js";

/** One proxy: its URL, or options. */
export type Proxy = string | ProxyOptions;

/** Where a connection is to go. */
export interface ProxyDestination {
  /** Name or address, without brackets. */
  readonly host: string;
  /** Port of the destination. */
  readonly port: number;
  /** What is spoken there: `tcp`, `tls`, `http`, `https`, `udp`. */
  readonly scheme: ProxyScheme;
}

/** What is spoken with a destination, for proxies that depend on it. */
export type ProxyScheme = "tcp" | "tls" | "http" | "https" | "udp";

/**
 * Through which proxies: one; a chain, the nearest first; a function of the destination, which answers
 * undefined where it is reached directly; or `false` for none.
 */
export type ProxyChoice =
  | Proxy
  | readonly Proxy[]
  | ((destination: ProxyDestination) => Proxy | readonly Proxy[] | undefined)
  | false;

/** Longest chain. */
export const MAX_PROXY_HOPS = 8;

/** The proxies of one connection, one at least. */
export class ProxyRoute {
  readonly hops: readonly ProxyHop[];
  /** What goes through routes of one key may share a connection. It has credentials in it. */
  readonly key: string;

  constructor(hops: readonly ProxyHop[]) {
    this.hops = hops;
    this.key = hops.map((hop) => hop.key).join(" ");
  }

  get first(): ProxyHop {
    return this.hops[0] as ProxyHop;
  }

  /**
   * The proxy that plain HTTP is asked of by the whole URL (RFC 9112 §3.2.2): where it is the only one
   * and speaks HTTP. All else goes through tunnels.
   */
  get forward(): ProxyHop | undefined {
    return this.hops.length === 1 && this.first.protocol === "http" ? this.first : undefined;
  }
}

/** Finds the route to each destination. */
export class ProxyRouter {
  private readonly choice: ProxyChoice | undefined;
  private readonly routes: Map<string, ProxyRoute> = new Map();
  private readonly fixed: ProxyRoute | undefined;

  /** Throws `INVALID_ARGUMENT` for invalid proxies. */
  constructor(choice: ProxyChoice | undefined) {
    this.choice = choice;
    if (choice === undefined || choice === false || typeof choice === "function") return;
    this.fixed = routeOf(choice);
  }

  /** Throws `INVALID_ARGUMENT` for what can't be a choice. */
  static assert(choice: unknown): void {
    new ProxyRouter(choice as ProxyChoice);
  }

  /**
   * The way to a destination; undefined: directly. `given`: a choice for this connection alone. Throws
   * `INVALID_ARGUMENT`, and `HANDLER_FAILED` where the function fails.
   */
  route(destination: ProxyDestination, given?: ProxyChoice): ProxyRoute | undefined {
    const choice = given ?? this.choice;
    if (choice === undefined || choice === false) return undefined;
    const found = typeof choice === "function" ? ask(choice, destination) : choice;
    if (found === undefined) return undefined;
    const route = found === this.choice ? this.fixed : this.known(found);
    const isServed = route?.first.serves(destination.host, destination.port);
    if (isServed !== true) return undefined;
    assertSendable(destination.host);
    return route;
  }

  /** Taking a URL apart costs a microsecond: those that come again and again are kept. */
  private known(found: Proxy | readonly Proxy[]): ProxyRoute {
    if (typeof found !== "string") return routeOf(found);
    let route = this.routes.get(found);
    if (route === undefined) {
      route = routeOf(found);
      if (this.routes.size >= MAX_ROUTES) this.routes.clear();
      this.routes.set(found, route);
    }
    return route;
  }
}

const MAX_ROUTES = 256;

/** Longest host that can be asked of a proxy: SOCKS has one byte for its length (RFC 1928 §5). */
export const MAX_PROXIED_HOST = 255;

function assertSendable(host: string): void {
  if (host.length <= MAX_PROXIED_HOST && /^[\x21-\x7e]+$/.test(host)) return;
  throw invalidArgument(
    `a host behind a proxy must be 1 to ${MAX_PROXIED_HOST} characters of visible ASCII, not ${describe(host)}`,
    { operation: "connect" },
  );
}

function routeOf(given: Proxy | readonly Proxy[]): ProxyRoute {
  const proxies: readonly Proxy[] = Array.isArray(given) ? given : [given as Proxy];
  if (proxies.length === 0 || proxies.length > MAX_PROXY_HOPS) {
    throw invalidArgument(`proxy must name 1 to ${MAX_PROXY_HOPS} proxies, not ${proxies.length}`);
  }
  return new ProxyRoute(proxies.map((proxy) => new ProxyHop(proxy)));
}

function ask(
  choose: (destination: ProxyDestination) => Proxy | readonly Proxy[] | undefined,
  destination: ProxyDestination,
): Proxy | readonly Proxy[] | undefined {
  try {
    return answeredAtOnce(choose(destination));
  } catch (error) {
    throw new NetError("HANDLER_FAILED", `the function proxy failed: ${textOf(error)}`, {
      operation: "connect",
      cause: error,
    });
  }
}

/**
 * Proxies by the variables that other programs go by, to be given as `proxy`: `http_proxy`, `HTTPS_PROXY`,
 * `ALL_PROXY` and `NO_PROXY`, in lower case before upper case; `HTTP_PROXY` is not read, since the peers of
 * a CGI program can set it. `tcp` and `tls` go by `ALL_PROXY`, and `udp` where that speaks SOCKS 5. The variables are
 * read when this is called. Throws `INVALID_ARGUMENT` where `environment` is no object of variables.
 */
export function proxyFromEnvironment(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): (destination: ProxyDestination) => ProxyOptions | undefined {
  assertObject("environment", environment);
  const variable = (name: string): string | undefined =>
    environment[name.toLowerCase()] || environment[name] || undefined;
  const all = variable("ALL_PROXY");
  const plain = environment["http_proxy"] || all;
  const secure = variable("HTTPS_PROXY") ?? all;
  const noProxy = variable("NO_PROXY") ?? "";
  const optionsOf = (url: string | undefined): ProxyOptions | undefined =>
    url === undefined ? undefined : { url: url.includes("://") ? url : `http://${url}`, noProxy };
  const bySchemes: Readonly<Record<ProxyScheme, ProxyOptions | undefined>> = {
    http: optionsOf(plain),
    https: optionsOf(secure),
    tcp: optionsOf(all),
    tls: optionsOf(all),
    udp: optionsOf(all !== undefined && /^socks5?h?:/i.test(all) ? all : undefined),
  };
  for (const options of Object.values(bySchemes)) {
    if (options !== undefined) new ProxyHop(options);
  }
  return ({ scheme }) => bySchemes[scheme];
}
