/** One proxy on the way to a destination, as it was given. */
import { assertKnownKeys, assertObject, assertText, describe, invalidArgument } from "../errors.js";
import { basicAuthorization, decodePercent } from "./url-credentials.js";

/** Options of a proxy. */
export interface ProxyOptions {
  /**
   * `scheme://[user:password@]host[:port]`. Schemes: `http` (CONNECT, RFC 9110 §9.3.6; port 80), `socks5` or
   * `socks5h` (RFC 1928; port 1080), `socks4a` or `socks4` (port 1080). The proxy looks names up.
   */
  readonly url: string;
  /** For the proxy itself. Default: what the URL says. SOCKS 4 has no password. */
  readonly username?: string | undefined;
  /** Password that goes with `username`. */
  readonly password?: string | undefined;
  /**
   * Hosts that are reached directly, as in the variable NO_PROXY: a list, or text with commas.
   * `example.com` and `.example.com` stand for the name and all below it, a port may follow, and
   * `*` stands for everything.
   */
  readonly noProxy?: string | readonly string[] | undefined;
}

/** What is spoken with a proxy. */
export type ProxyProtocol = "http" | "socks5" | "socks4";

const PROTOCOLS: Readonly<Record<string, readonly [ProxyProtocol, number]>> = {
  "http:": ["http", 80],
  "socks:": ["socks5", 1_080],
  "socks5:": ["socks5", 1_080],
  "socks5h:": ["socks5", 1_080],
  "socks4:": ["socks4", 1_080],
  "socks4a:": ["socks4", 1_080],
};

interface Exception {
  readonly name: string;
  /** 0: any. */
  readonly port: number;
}

/** One proxy on the way to a destination, as it was given. Does not change. */
export class ProxyHop {
  readonly protocol: ProxyProtocol;
  /** Name or address, without brackets. */
  readonly hostname: string;
  readonly port: number;
  /** Host and port, for messages. It has no credentials. */
  readonly host: string;
  readonly username: string | undefined;
  readonly password: string;
  private readonly exceptions: readonly Exception[];

  /** Throws `INVALID_ARGUMENT`; its message has no credentials. */
  constructor(given: string | ProxyOptions) {
    const options = typeof given === "string" ? { url: given } : given;
    assertObject("proxy", options);
    assertKnownKeys("proxy", options, ["url", "username", "password", "noProxy"]);
    const { url: text, username, password, noProxy = [] } = options;
    if (username !== undefined) assertText("proxy.username", username);
    if (password !== undefined) assertText("proxy.password", password);
    const url = parseUrl(text);
    const [protocol, port] = PROTOCOLS[url.protocol] ?? unknownScheme(url);
    this.protocol = protocol;
    this.hostname = url.hostname.replace(/^\[(.*)\]$/, "$1");
    this.port = url.port === "" ? port : Number(url.port);
    if (this.port === 0)
      throw invalidArgument("the port of a proxy must be from 1 to 65535, not 0");
    this.host = `${url.hostname}:${this.port}`;
    const hasOwn = url.username !== "" || url.password !== "";
    this.username = username ?? (hasOwn ? decodePercent(url.username) : undefined);
    this.password = password ?? (username === undefined ? decodePercent(url.password) : "");
    if (this.username !== undefined) assertCredentials(protocol, this.username, this.password);
    this.exceptions = readExceptions(noProxy);
  }

  /** Host, port and credentials: what goes through proxies of one key may share a connection. */
  get key(): string {
    const { protocol, host, username, password } = this;
    return `${protocol} ${host} ${username === undefined ? "" : JSON.stringify([username, password])}`;
  }

  /** The value of Proxy-Authorization (Basic, RFC 7617); undefined without credentials. */
  get authorization(): string | undefined {
    if (this.username === undefined) return undefined;
    return basicAuthorization(this.username, this.password);
  }

  /** Whether this destination is to be reached through it. */
  serves(hostname: string, port: number): boolean {
    const host = hostname.toLowerCase();
    return !this.exceptions.some(
      (one) =>
        (one.port === 0 || one.port === port) &&
        (one.name === "*" || host === one.name || host.endsWith(`.${one.name}`)),
    );
  }
}

/** Longest user name, and longest password, of SOCKS, in bytes (RFC 1929 §2). */
export const MAX_CREDENTIAL_BYTES = 255;

/** What SOCKS can't send is refused at once, and not when it is about to be sent. */
function assertCredentials(protocol: ProxyProtocol, username: string, password: string): void {
  if (protocol === "http") return;
  for (const [name, value] of Object.entries({ username, password })) {
    const length = Buffer.byteLength(value);
    const isNeeded = protocol === "socks5" && length === 0;
    if (length <= MAX_CREDENTIAL_BYTES && !isNeeded) continue;
    throw invalidArgument(
      `proxy.${name} must be 1 to ${MAX_CREDENTIAL_BYTES} bytes for SOCKS, not ${length}`,
    );
  }
}

function parseUrl(text: unknown): URL {
  if (typeof text === "string" && URL.canParse(text)) {
    const url = new URL(text);
    if (url.hostname !== "" || PROTOCOLS[url.protocol] === undefined) return url;
  }
  throw invalidArgument(
    `the URL of a proxy must be scheme://host:port, not ${describe(withoutCredentials(text))}`,
  );
}

function unknownScheme(url: URL): never {
  const known = "http:, socks5: or socks4a:";
  throw invalidArgument(`the URL of a proxy must begin with ${known}, not ${url.protocol}`);
}

/** A URL that is none may still have a password in it, with slashes and at signs that should have been encoded. */
function withoutCredentials(text: unknown): unknown {
  return typeof text === "string" ? text.replace(/^([a-z][\w+.-]*:\/*)?.*@/is, "$1…@") : text;
}

function readExceptions(given: string | readonly string[]): Exception[] {
  const entries = typeof given === "string" ? given.split(",") : given;
  if (!Array.isArray(entries)) {
    throw invalidArgument(`proxy.noProxy must be text or a list, not ${describe(given)}`);
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
    throw invalidArgument(
      `proxy.noProxy has ${describe(entry)}, which is no host, address or host:port`,
    );
  }
  const [, bracketed, plain, port = "0"] = parts ?? [];
  return { name: (bracketed ?? plain ?? entry).replace(/^\*?\./, ""), port: Number(port) };
}
