/**
 * The URL that a request is for, as a `Request` shows it: parsed and written by the rules of the
 * WHATWG URL standard. Most requests need no parser: an origin that was seen before, and a target of
 * characters that the standard leaves alone. Hot.
 */
import type { HttpExchange } from "../http-exchange.js";

/** What of an exchange says where it is for. */
export type UrlSource = Pick<HttpExchange, "target" | "authority"> & {
  readonly connection: Pick<HttpExchange["connection"], "tls">;
};

/** The status code to respond with where there is no such URL, or it is not to be had here. */
export type UrlFault = 400 | 421;

/** Targets in which the standard changes nothing, but for "/.", which may be a segment that it takes out. */
const PLAIN_TARGET = /^\/[\w\-~!$&()*+,;=:@/.]*(?:\?[\w\-.~!$&()*+,;=:@/?%]*)?$/;

/** Origins that were asked for last, with and without TLS: nearly all peers name the same one. */
const KNOWN = {
  http: { authority: "", origin: "" },
  https: { authority: "", origin: "" },
};

/** The target URI (RFC 9112 §3.3), or what is wrong with it. */
export function requestUrl({ target, authority, connection }: UrlSource): string | UrlFault {
  const scheme = connection.tls === undefined ? "http" : "https";
  const host = authority || "localhost";
  if (KNOWN[scheme].authority === host && PLAIN_TARGET.test(target) && !target.includes("/.")) {
    return KNOWN[scheme].origin + target;
  }
  if (target === "*") return parsed(`${scheme}://${host}`)?.href ?? 400;
  if (target.startsWith("/")) {
    learn(scheme, host);
    return parsed(`${scheme}://${host}${target}`)?.href ?? 400;
  }
  const url = parsed(target);
  if (url === undefined) return 400;
  const isOfHere = url.protocol === "http:" || (scheme === "https" && url.protocol === "https:");
  // RFC 9110 §7.4: what is asked for over an insecure connection can't be what is secured.
  return isOfHere ? url.href : 421;
}

function learn(scheme: "http" | "https", authority: string): void {
  const url = parsed(`${scheme}://${authority}`);
  if (url !== undefined && url.href === `${url.origin}/`) {
    KNOWN[scheme] = { authority, origin: url.origin };
  }
}

/** No `Request` can be made of a URL with credentials. */
function parsed(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  return url.username === "" && url.password === "" ? url : undefined;
}
