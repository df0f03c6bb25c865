/**
 * Which requests go through a proxy. Plain HTTP is asked of the proxy by the whole URL (RFC 9112
 * §3.2.2); for https it makes a tunnel (RFC 9110 §9.3.6), so that it sees host and port only.
 */
import { assertKnownKeys, describe } from "../../errors.js";
import { assertOptionsObject, invalid } from "../option-check.js";
import { basicAuthorization, HttpTarget } from "./http-target.js";

/** Options of a proxy. */
export interface ProxyOptions {
  /** `http://[user:password@]host[:port]`. */
  readonly url: string;
  /** For the proxy itself (Basic, RFC 7617). Default: what the URL says. */
  readonly username?: string;
  readonly password?: string;
  /**
   * Hosts that are reached directly, as in the variable NO_PROXY: a list, or text with commas.
   * `example.com` and `.example.com` stand for the name and all below it, a port may follow, and
   * `*` stands for everything.
   */
  readonly noProxy?: string | readonly string[];
}

/** Proxies by their URL, for requests that name one of their own. */
export class ProxyCache {
  readonly #proxies: Map<string, HttpProxy> = new Map();

  /** The proxy that is given. Throws `INVALID_ARGUMENT`. */
  of(given: string | ProxyOptions): HttpProxy {
    if (typeof given !== "string") return new HttpProxy(given);
    let proxy = this.#proxies.get(given);
    if (proxy === undefined) {
      proxy = new HttpProxy(given);
      if (this.#proxies.size >= MAX_PROXIES) this.#proxies.clear();
      this.#proxies.set(given, proxy);
    }
    return proxy;
  }
}

const MAX_PROXIES = 256;

interface Exception {
  readonly name: string;
  /** 0: any. */
  readonly port: number;
}

/** A proxy, and what does not go through it. */
export class HttpProxy {
  readonly hostname: string;
  readonly port: number;
  /** Host and port, for messages. */
  readonly host: string;
  /** Host, port and credentials: connections through proxies of one key are shared. */
  readonly key: string;
  /** Value of Proxy-Authorization; undefined without credentials. */
  readonly authorization: string | undefined;
  readonly #exceptions: readonly Exception[];

  /** Throws `INVALID_ARGUMENT`. */
  constructor(given: string | ProxyOptions) {
    const options = typeof given === "string" ? { url: given } : given;
    assertOptionsObject("proxy", options);
    assertKnownKeys("proxy", options, ["url", "username", "password", "noProxy"]);
    const { url, username, password = "", noProxy = [] } = options;
    const target = new HttpTarget(url, "the URL of a proxy");
    if (target.isSecure) throw invalid("the URL of a proxy must begin with http:, not https:");
    this.hostname = target.hostname;
    this.port = target.port;
    this.host = `${target.url.hostname}:${target.port}`;
    this.authorization =
      username === undefined ? target.authorization : basicAuthorization(username, password);
    this.key = `${this.host} ${this.authorization ?? ""}`;
    this.#exceptions = readExceptions(noProxy);
  }

  /** Whether requests to `target` go through the proxy. */
  serves({ hostname, port }: HttpTarget): boolean {
    const host = hostname.toLowerCase();
    return !this.#exceptions.some(
      (one) =>
        (one.port === 0 || one.port === port) &&
        (one.name === "*" || host === one.name || host.endsWith(`.${one.name}`)),
    );
  }
}

function readExceptions(given: string | readonly string[]): Exception[] {
  const entries = typeof given === "string" ? given.split(",") : given;
  if (!Array.isArray(entries)) {
    throw invalid(`proxy.noProxy must be text or a list, not ${describe(given)}`);
  }
  return entries
    .map((entry) => String(entry).trim().toLowerCase())
    .filter((entry) => entry !== "")
    .map(readException);
}

/** An address of IPv6 has colons of its own, so that a port follows it behind brackets only. */
function readException(entry: string): Exception {
  const parts = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(entry);
  if (parts === null && !/^[^[\]]*:[^[\]]*:[^[\]]*$/.test(entry)) {
    throw invalid(`proxy.noProxy has ${describe(entry)}, which is no host, address or host:port`);
  }
  const [, bracketed, plain, port = "0"] = parts ?? [];
  return { name: (bracketed ?? plain ?? entry).replace(/^\*?\./, ""), port: Number(port) };
}
