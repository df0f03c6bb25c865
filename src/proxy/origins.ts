/**
 * Where requests for an authority go. Each authority is parsed once; the result is checked, dialled and sent in Host.
 */
import { NetError } from "../errors.js";
import type { DialRoute } from "../http/client/http-proxy.js";
import { HttpTarget } from "../http/client/http-target.js";
import type { DestinationRules } from "./destination-rules.js";
import { forbidden } from "./tunnel-maker.js";

/** `http://authority`, then path and query; a fragment is no part of a target. */
const ABSOLUTE = /^http:\/\/([^/?#@]+)([^#]*)$/i;

/** Parsed authorities that are kept: parsing one costs microseconds. */
const MAX_KNOWN_ORIGINS = 256;

/** A target in absolute form, taken apart. */
export interface AbsoluteTarget {
  readonly authority: string;
  /** Path and query, as they were sent. */
  readonly path: string;
}

/** Takes a target apart; undefined for what is no absolute form of `http:`. */
export function absoluteTarget(text: string): AbsoluteTarget | undefined {
  const [, authority, path = ""] = ABSOLUTE.exec(text) ?? [];
  return authority === undefined ? undefined : { authority, path };
}

/** What authorities mean. */
export class Origins {
  private readonly rules: DestinationRules;
  private readonly known: Map<string, DialRoute> = new Map();

  constructor(rules: DestinationRules) {
    this.rules = rules;
  }

  /** Throws `INVALID_ARGUMENT`, the client's fault, and `ADDRESS_REFUSED`. */
  of(authority: string): DialRoute {
    let route = this.known.get(authority);
    if (route === undefined) {
      route = { target: readTarget(authority), proxies: undefined, forward: undefined };
      const { hostname, port } = route.target;
      if (this.rules.forbids(hostname, port)) throw forbidden(hostname, port);
      if (this.known.size >= MAX_KNOWN_ORIGINS) this.known.clear();
      this.known.set(authority, route);
    }
    return route;
  }
}

function readTarget(authority: string): HttpTarget {
  const text = `http://${authority}/`;
  if (authority === "" || !URL.canParse(text)) throw badTarget("the target has no host");
  const target = new HttpTarget(text);
  const { url } = target;
  const isPlain =
    url.pathname === "/" && url.search === "" && url.hash === "" && url.username === "";
  if (!isPlain || target.hostname === "") throw badTarget("the target has no host");
  return target;
}

/** The error for a target that a proxy can't use. */
export function badTarget(text: string): NetError {
  return new NetError("INVALID_ARGUMENT", text, { operation: "request", fault: "remote" });
}
