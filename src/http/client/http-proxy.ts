/**
 * How requests to a server go through proxies. Plain HTTP is asked of an HTTP proxy by the whole URL (RFC 9112
 * §3.2.2); for all else (https, upgrades, SOCKS, chains) a tunnel is made, so that proxies see host and
 * port only.
 */
import type { ProxyHop } from "../../dial/proxy-hop.js";
import type { ProxyChoice, ProxyRoute, ProxyRouter } from "../../dial/proxy-route.js";
import type { HttpTarget } from "./http-target.js";

/** Where to connect. */
export interface DialRoute {
  readonly target: HttpTarget;
  /** Through which proxies. */
  readonly proxies: ProxyRoute | undefined;
  /** The one that is asked by the whole URL, instead of for a tunnel. */
  readonly forward: ProxyHop | undefined;
}

/** The way to a server. `given`: the proxies of this request alone. Throws `INVALID_ARGUMENT`, `HANDLER_FAILED`. */
export function dialRoute(
  target: HttpTarget,
  router: ProxyRouter,
  given: ProxyChoice | undefined,
  asksUpgrade = false,
): DialRoute {
  const { hostname: host, port, isSecure } = target;
  const proxies = router.route({ host, port, scheme: isSecure ? "https" : "http" }, given);
  const forward = isSecure || asksUpgrade ? undefined : proxies?.forward;
  return { target, proxies, forward };
}

/** Requests of one key can use each other's connections. */
export function routeKey({ target, proxies, forward }: DialRoute): string {
  if (proxies === undefined) return target.origin;
  return forward === undefined ? `${target.origin} by ${proxies.key}` : `proxy ${forward.key}`;
}
