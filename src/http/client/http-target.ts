/** Where a request goes, taken out of its URL once. */
import { basicAuthorization, decodePercent } from "../../dial/url-credentials.js";
import { describe } from "../../errors.js";
import { invalid } from "../option-check.js";

/** Where a request goes. Does not change. */
export class HttpTarget {
  readonly url: URL;
  /** TLS is spoken with the server. */
  readonly isSecure: boolean;
  /** Name or address to connect to, without brackets. */
  readonly hostname: string;
  readonly port: number;
  /** What the Host field says: the port only where it is not the scheme's own. */
  readonly host: string;
  /** Path with query, as the request line has it in origin form. */
  readonly path: string;
  /** Scheme, host and port. */
  readonly origin: string;
  /** `Basic …` for the credentials in the URL; undefined where it has none. */
  readonly authorization: string | undefined;

  /** Throws `INVALID_ARGUMENT` for what is not an HTTP URL. */
  constructor(text: string | URL) {
    const url = parseUrl(textOf(text));
    if (url.protocol !== "http:" && url.protocol !== "https:") {
      throw invalid(`url must begin with http: or https:, not ${describe(url.protocol)}`);
    }
    const { hostname } = url;
    this.url = url;
    this.isSecure = url.protocol === "https:";
    this.hostname = hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
    this.port = url.port === "" ? (this.isSecure ? 443 : 80) : Number(url.port);
    this.host = url.host;
    this.path = pathWithQuery(url);
    this.origin = url.origin;
    this.authorization = authorizationOf(url);
    if (this.port === 0) throw invalid(`the port of url must be from 1 to 65535, not 0`);
  }

  /** The URL without credentials and fragment, as absolute form and redirects have it. */
  get absolute(): string {
    return this.origin + this.path;
  }
}

/** Keeps the targets of URLs that are asked for again and again: taking one apart costs a microsecond. */
export class TargetCache {
  private readonly targets: Map<string, HttpTarget> = new Map();

  /** The target of a URL. Throws `INVALID_ARGUMENT`. */
  of(url: string | URL): HttpTarget {
    const text = textOf(url);
    const known = this.targets.get(text);
    if (known !== undefined) return known;
    const target = new HttpTarget(text);
    if (this.targets.size >= MAX_TARGETS) this.targets.clear();
    this.targets.set(text, target);
    return target;
  }
}

const MAX_TARGETS = 256;

/** Path and query. An empty query is one, too (RFC 3986 §6.2.3), which `search` does not show. */
export function pathWithQuery({ href, pathname, search }: URL): string {
  if (search !== "") return pathname + search;
  const [beforeFragment = ""] = href.split("#", 1);
  return beforeFragment.endsWith("?") ? `${pathname}?` : pathname;
}

function authorizationOf({ username, password }: URL): string | undefined {
  if (username === "" && password === "") return undefined;
  return basicAuthorization(decodePercent(username), decodePercent(password));
}

/** The caller may change a `URL` while the request is under way. */
function textOf(url: string | URL): string {
  return url instanceof URL ? url.href : url;
}

function parseUrl(text: string): URL {
  if (typeof text === "string" && URL.canParse(text)) return new URL(text);
  throw invalid(`url must be a whole URL, not ${describe(text)}`);
}
