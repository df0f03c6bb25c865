/**
 * Requests of clients: CONNECT becomes a tunnel, a request with a whole URL is sent on over a connection that is kept
 * and used again for whoever comes next (RFC 9110 §7.6, §9.3.6). Each request is read whole by the server's
 * parser and written anew, so that an origin never sees what a client wrote of framing.
 */
import { parseHostPort } from "../address/host-port.js";
import type { StreamConnection } from "../connection/stream-connection.js";
import { NetError, type NetErrorCode } from "../errors.js";
import type { HttpAgent } from "../http/client/http-agent.js";
import type { HttpResponse } from "../http/client/http-response.js";
import type { Fields } from "../http/fields.js";
import type { HttpExchange } from "../http/server/http-exchange.js";
import type { UpgradeReceiver } from "../http/upgrade/upgrade-receiver.js";
import type { Given } from "../options.js";
import { basicCredentials } from "./authentication.js";
import type { DestinationRules } from "./destination-rules.js";
import { endToEndFields, hasComeThrough } from "./hop-fields.js";
import type { ProxyHandlers, ProxyRequest, ProxyResponse } from "./proxy-handlers.js";
import { asNetError, forbidden, type TunnelMaker } from "./tunnel-maker.js";

/** What requests are sent on with. */
export interface ForwarderParts {
  readonly agent: HttpAgent;
  readonly tunnels: TunnelMaker;
  readonly rules: DestinationRules;
  readonly handlers: Given<ProxyHandlers>;
  /** What Via calls the proxy; undefined: there is no Via. */
  readonly pseudonym: string | undefined;
}

/** What each of our errors is to the client; any other is 502. */
const STATUS: Partial<Record<NetErrorCode, number>> = {
  INVALID_ARGUMENT: 400,
  ADDRESS_REFUSED: 403,
  REFUSED: 403,
  CONNECTION_LIMIT: 503,
  HTTP_QUEUE_FULL: 503,
  HTTP_QUEUE_TIMEOUT: 503,
  DESCRIPTORS_EXHAUSTED: 503,
  STOPPED: 503,
  CONNECT_TIMEOUT: 504,
  SYSTEM_TIMEOUT: 504,
  HTTP_HEAD_TIMEOUT: 504,
  REQUEST_TIMEOUT: 504,
};

/** The tunnel takes the connection over before anything is received. */
const NOBODY: UpgradeReceiver = { onReceive() {} };

const AUTHENTICATE = { "Proxy-Authenticate": 'Basic realm="proxy", charset="UTF-8"' };

/** `http://authority`, then path and query; a fragment is no part of a target. */
const ABSOLUTE = /^http:\/\/([^/?#@]+)([^#]*)$/i;

/** What is told of a request when its response is complete. */
class Progress {
  user: string | undefined;
  error: NetError | undefined;
  isReused = false;
}

/** Sends requests on. */
export class Forwarder {
  /** Requests that went over a connection that had carried another one. */
  reusedCount = 0;
  readonly #parts: ForwarderParts;
  readonly #origins: Origins = new Origins();

  constructor(parts: ForwarderParts) {
    this.#parts = parts;
  }

  /** Handles a request. Never rejects for what a peer does. */
  async handle(exchange: HttpExchange): Promise<void> {
    exchange.keep();
    const progress = new Progress();
    exchange.context = progress;
    try {
      if (!(await this.#admits(exchange, progress))) {
        exchange.respond(407, AUTHENTICATE, "407 Proxy Authentication Required\n");
      } else if (exchange.method === "CONNECT") await this.#connect(exchange, progress);
      else await this.#forward(exchange, progress);
    } catch (cause) {
      const error = asNetError(cause);
      progress.error = error;
      if (error.code === "HANDLER_FAILED") this.#parts.tunnels.failed("onRequest", error.cause);
      if (!exchange.isResponded && exchange.isSendable) {
        exchange.respondError(STATUS[error.code] ?? 502, error.code);
      } else exchange.connection.abort();
    }
  }

  async #admits(exchange: HttpExchange, progress: Progress): Promise<boolean> {
    const { authenticator } = this.#parts.tunnels;
    if (authenticator === undefined) return true;
    const given = basicCredentials(exchange.headers.get("proxy-authorization"));
    if (given === undefined) return false;
    const client = exchange.connection.remoteAddress?.host;
    const isRight = await authenticator.accepts(given.name, given.password, client);
    if (isRight === true) progress.user = given.name;
    return isRight === true;
  }

  async #connect(exchange: HttpExchange, { user }: Progress): Promise<void> {
    const target = parseHostPort(exchange.target);
    if (target === undefined) throw badTarget("CONNECT needs host:port");
    const client = exchange.connection.remoteAddress?.host;
    const call = { protocol: "connect" as const, client, user, ...target };
    const made = await this.#parts.tunnels.connect(call, exchange.signal);
    if (made.error !== undefined) throw made.error;
    if (!exchange.isSendable || exchange.isResponded) {
      made.upstream.abort();
      made.gone();
      return;
    }
    made.begin(exchange.upgrade(NOBODY) as unknown as StreamConnection);
  }

  async #forward(exchange: HttpExchange, progress: Progress): Promise<void> {
    const { agent, rules, handlers, pseudonym } = this.#parts;
    const { headers, method } = exchange;
    if (!ABSOLUTE.test(exchange.target)) {
      throw badTarget("a proxy needs CONNECT, or a target that begins with http://");
    }
    if (pseudonym !== undefined && hasComeThrough(headers, pseudonym)) {
      exchange.respondError(508, "the request has come through this proxy before");
      return;
    }
    if (respondedAtLastHop(exchange)) return;
    const via = pseudonym === undefined ? undefined : `1.${exchange.minorVersion} ${pseudonym}`;
    const own = ["host", "expect", "max-forwards"];
    const fields = endToEndFields(headers, via, own);
    const maxForwards = hopsLeft(exchange);
    if (maxForwards !== undefined) fields.push(["Max-Forwards", String(maxForwards - 1)]);
    const given = exchange.hasBody ? exchange.body : undefined;
    const request: ProxyRequest = {
      client: exchange.connection.remoteAddress?.host,
      user: progress.user,
      method,
      url: exchange.target,
      headers: fields,
      body: given,
    };
    const answer = await handlers.onRequest?.(request);
    if (answer === false) {
      throw new NetError("REFUSED", "onRequest refused the request", { operation: "request" });
    }
    if (answer !== undefined) {
      exchange.respond(answer.status, answer.headers, answer.body);
      return;
    }
    const [, authority = "", path = ""] = ABSOLUTE.exec(request.url) ?? [];
    const origin = this.#origins.of(authority);
    if (rules.forbids(origin.hostname, origin.port)) throw forbidden(origin.hostname, origin.port);
    const isUnchanged = request.body === given;
    const body = request.body;
    const response = await agent.request({
      url: origin.url,
      target: targetOf(method, path),
      method,
      headers: isUnchanged ? request.headers : without(request.headers, "content-length"),
      ...(body !== undefined && { body }),
      ...(body !== undefined &&
        isUnchanged &&
        exchange.contentLength !== undefined && { bodyLength: exchange.contentLength }),
      expectContinue: body !== undefined && /^100-continue$/i.test(headers.get("expect") ?? ""),
      onInterim: (status, interim) => {
        if (status !== 100) passInterim(exchange, status, interim);
      },
      signal: exchange.signal,
    });
    await this.#respond(exchange, request, response, progress);
  }

  async #respond(
    exchange: HttpExchange,
    request: ProxyRequest,
    response: HttpResponse,
    progress: Progress,
  ): Promise<void> {
    const { handlers, pseudonym } = this.#parts;
    progress.isReused = response.timing.isReused;
    if (progress.isReused) this.reusedCount++;
    try {
      const minor = response.version === "HTTP/1.0" ? 0 : 1;
      const via = pseudonym === undefined ? undefined : `1.${minor} ${pseudonym}`;
      const outgoing: ProxyResponse = {
        request,
        status: response.status,
        headers: endToEndFields(response.headers, via, []),
        body: response.body,
      };
      await handlers.onResponse?.(outgoing);
      const { status, headers, body } = outgoing;
      const isUnchanged = body === response.body && !isWithoutContent(status);
      const sent = isWithoutContent(status) ? nothingOf(response) : body;
      await exchange.respondStream(
        status,
        isUnchanged ? headers : without(headers, "content-length"),
        sent,
      );
    } catch (error) {
      response.body.discard();
      throw asOriginFault(error);
    }
  }

  /** The record of a request, for the log. */
  static progressOf(exchange: HttpExchange): {
    readonly user: string | undefined;
    readonly error: NetError | undefined;
    readonly isReused: boolean;
  } {
    return exchange.context instanceof Progress ? exchange.context : new Progress();
  }
}

/** OPTIONS and TRACE with `Max-Forwards: 0` are for us (RFC 9110 §7.6.2). */
function respondedAtLastHop(exchange: HttpExchange): boolean {
  if (hopsLeft(exchange) !== 0) return false;
  if (exchange.method === "OPTIONS") exchange.respond(200, { "Content-Length": "0" });
  // What a TRACE would send back may have credentials in it.
  else exchange.respondError(405, "TRACE is not answered here");
  return true;
}

function hopsLeft({ method, headers }: HttpExchange): number | undefined {
  if (method !== "OPTIONS" && method !== "TRACE") return undefined;
  const text = headers.get("max-forwards");
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

/** `*` stands for a server as a whole (RFC 9112 §3.2.4). */
function targetOf(method: string, path: string): string {
  if (path === "") return method === "OPTIONS" ? "*" : "/";
  return path.startsWith("?") ? `/${path}` : path;
}

/** Where requests for an authority go. */
interface Origin {
  readonly url: string;
  readonly hostname: string;
  readonly port: number;
}

/** Authorities whose reading is kept: they come again and again, and reading one costs microseconds. */
const MAX_KNOWN_ORIGINS = 256;

/** What authorities mean: the one reading of each, by which it is checked, dialled and told in Host. */
class Origins {
  readonly #known: Map<string, Origin> = new Map();

  /** Throws `INVALID_ARGUMENT`, the client's fault. */
  of(authority: string): Origin {
    let origin = this.#known.get(authority);
    if (origin === undefined) {
      origin = readOrigin(authority);
      if (this.#known.size >= MAX_KNOWN_ORIGINS) this.#known.clear();
      this.#known.set(authority, origin);
    }
    return origin;
  }
}

function readOrigin(authority: string): Origin {
  const text = `http://${authority}/`;
  if (authority === "" || !URL.canParse(text)) throw badTarget("the target has no host");
  const url = new URL(text);
  const isPlain =
    url.pathname === "/" && url.search === "" && url.hash === "" && url.username === "";
  if (!isPlain || url.hostname === "") throw badTarget("the target has no host");
  const hostname = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return { url: url.href, hostname, port: url.port === "" ? 80 : Number(url.port) };
}

/** Passes an interim response on (RFC 9110 §15.2); one that can't be sent is dropped, since the final one follows. */
function passInterim(exchange: HttpExchange, status: number, fields: Fields): void {
  try {
    exchange.interim(status, endToEndFields(fields, undefined, ["content-length"]));
  } catch (error) {
    if (asNetError(error).code !== "INVALID_ARGUMENT") throw error;
  }
}

/** Of a response that can't be sent on the origin is to blame, and not the client. */
function asOriginFault(error: unknown): unknown {
  if (!(error instanceof NetError) || error.code !== "INVALID_ARGUMENT") return error;
  const text = `the response can't be sent on: ${error.message}`;
  return new NetError("HTTP_MALFORMED", text, { operation: "request", cause: error });
}

/** These have no content, and no length of it (RFC 9110 §8.6, §15.3.6), whatever an origin has sent. */
function isWithoutContent(status: number): boolean {
  return status === 204 || status === 205;
}

function nothingOf(response: HttpResponse): readonly never[] {
  response.body.discard();
  return [];
}

function without(fields: ProxyRequest["headers"], name: string): ProxyRequest["headers"] {
  return fields.filter(([one]) => one.toLowerCase() !== name);
}

function badTarget(text: string): NetError {
  return new NetError("INVALID_ARGUMENT", text, { operation: "request", fault: "remote" });
}
