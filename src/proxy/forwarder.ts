/**
 * Requests of clients: CONNECT becomes a tunnel, a request with a whole URL is sent on over a connection that is kept
 * and used again for whoever comes next (RFC 9110 §7.6, §9.3.6). Each request is read whole by the server's
 * parser and its framing is written anew, so that an origin never sees the client's framing.
 */
import { parseHostPort } from "../address/host-port.js";
import { NetError } from "../errors.js";
import type { ExchangePlan } from "../http/client/client-exchange.js";
import { planRequest, type RequestDefaults } from "../http/client/client-request.js";
import type { HttpAgent } from "../http/client/http-agent.js";
import type { DialRoute } from "../http/client/http-proxy.js";
import { RequestContent } from "../http/client/request-content.js";
import type { HttpExchange } from "../http/server/http-exchange.js";
import type { ServerExchange } from "../http/server/server-exchange.js";
import type { Given } from "../options.js";
import { BODY } from "../protocol/http1/head.js";
import { basicCredentials } from "./authentication.js";
import type { DestinationRules } from "./destination-rules.js";
import { Forwarding, type ForwardingShare, pairsOf, withoutLength } from "./forwarding.js";
import type { HandlerWaits } from "./handler-waits.js";
import { AddedFields, endToEndFields, endToEndTrailers, LEFT } from "./hop-fields.js";
import { absoluteTarget, badTarget, Origins } from "./origins.js";
import type { ProxyHandlers, ProxyRequest } from "./proxy-handlers.js";
import type { TunnelMaker } from "./tunnel-maker.js";

/** What requests are sent on with. */
export interface ForwarderParts {
  readonly agent: HttpAgent;
  readonly tunnels: TunnelMaker;
  readonly rules: DestinationRules;
  readonly handlers: Given<ProxyHandlers>;
  readonly waits: HandlerWaits;
  /** What Via calls the proxy; undefined: there is no Via. */
  readonly pseudonym: string | undefined;
}

const AUTHENTICATE = { "Proxy-Authenticate": 'Basic realm="proxy", charset="UTF-8"' };

/** What may be sent once more when a kept connection turns out to be dead (RFC 9110 §9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "PUT", "DELETE", "QUERY"]);

/** Sends requests on. */
export class Forwarder {
  private readonly tunnels: TunnelMaker;
  private readonly handlers: Given<ProxyHandlers>;
  private readonly shared: ForwardingShare;
  private readonly origins: Origins;
  private readonly defaults: RequestDefaults;

  constructor({ agent, tunnels, rules, handlers, waits, pseudonym }: ForwarderParts) {
    this.tunnels = tunnels;
    this.handlers = handlers;
    this.origins = new Origins(rules);
    this.defaults = {
      ...agent.numbers,
      headers: undefined,
      cookies: undefined,
      useCookies: false,
    };
    this.shared = { agent, handlers, waits, added: new AddedFields(pseudonym), reusedCount: 0 };
  }

  /** What requests are sent on with from now on. */
  set agent(agent: HttpAgent) {
    this.shared.agent = agent;
  }

  /** Requests that went over a connection that had carried another one. */
  get reusedCount(): number {
    return this.shared.reusedCount;
  }

  /** Handles a request. Never throws or rejects for what a peer does. */
  handle(exchange: ServerExchange): Promise<void> | undefined {
    exchange.keep();
    const forwarding = new Forwarding(this.shared, exchange);
    exchange.context = forwarding;
    const isPlain = this.tunnels.authenticator === undefined && exchange.method !== "CONNECT";
    if (!isPlain || this.handlers.onRequest !== undefined) {
      return this.handleLater(exchange, forwarding);
    }
    try {
      return this.forward(exchange, forwarding)?.catch((error) => forwarding.fail(error));
    } catch (error) {
      forwarding.fail(error);
      return undefined;
    }
  }

  private async handleLater(exchange: ServerExchange, forwarding: Forwarding): Promise<void> {
    try {
      if (!(await this.admits(exchange, forwarding))) {
        exchange.respond(407, AUTHENTICATE, "407 Proxy Authentication Required\n");
      } else if (exchange.method === "CONNECT") await this.connect(exchange, forwarding);
      else await this.forward(exchange, forwarding);
    } catch (error) {
      forwarding.fail(error);
    }
  }

  private async admits(exchange: ServerExchange, forwarding: Forwarding): Promise<boolean> {
    const { authenticator } = this.tunnels;
    if (authenticator === undefined) return true;
    const given = basicCredentials(exchange.headers.getAll("proxy-authorization"));
    if (given === undefined) return false;
    const client = exchange.connection.remoteAddress?.host;
    const { name, password } = given;
    const isRight = await authenticator.accepts(name, password, client, exchange.signal);
    if (isRight === true) forwarding.user = given.name;
    return isRight === true;
  }

  private async connect(exchange: ServerExchange, forwarding: Forwarding): Promise<void> {
    const { user } = forwarding;
    const target = parseHostPort(exchange.target);
    if (target === undefined) throw badTarget("CONNECT needs host:port");
    const client = exchange.connection.remoteAddress?.host;
    const call = { protocol: "connect" as const, client, user, ...target };
    forwarding.isTunnel = true;
    const made = await this.tunnels.connect(call, exchange.signal);
    if (made.error !== undefined) throw made.error;
    if (!exchange.isSendable || exchange.isResponded) {
      made.upstream.abort();
      made.gone();
      return;
    }
    made.begin(exchange.handOver());
  }

  private forward(exchange: ServerExchange, forwarding: Forwarding): Promise<void> | undefined {
    const target = absoluteTarget(exchange.target);
    if (target === undefined) {
      throw badTarget("a proxy needs CONNECT, or a target that begins with http://");
    }
    if (this.shared.added.isIn(exchange.headers)) {
      exchange.respondError(508, "the request has come through this proxy before");
      return undefined;
    }
    if (respondedAtLastHop(exchange)) return undefined;
    const isShown = this.handlers.onRequest !== undefined || this.handlers.onResponse !== undefined;
    if (isShown || hopsLeft(exchange) !== undefined) return this.show(exchange, forwarding);
    const route = this.origins.of(target.authority);
    forwarding.start(route, this.plan(exchange, route, targetOf(exchange.method, target.path)));
    return undefined;
  }

  /** The request as it came. */
  private plan(
    exchange: ServerExchange,
    route: DialRoute,
    target: string,
  ): Omit<ExchangePlan, "follower"> {
    const { method, hasBody } = exchange;
    const { head } = exchange.request;
    const content = RequestContent.of(hasBody ? exchange.body : undefined, method);
    const expectsContinue = hasBody && head.expectation === "continue";
    const left = expectsContinue ? LEFT.expectingRequest : LEFT.request;
    const { numbers } = this.shared.agent;
    return {
      target: route.target,
      head: {
        method,
        target,
        host: route.target.host,
        fields: endToEndFields(head, left, this.shared.added.ofRequest(head)),
        body: hasBody ? (exchange.contentLength ?? BODY.chunked) : content.byteCount,
      },
      content,
      scope: undefined,
      trailers: head.isChunked ? () => endToEndTrailers(exchange.body.trailers) ?? [] : undefined,
      asksUpgrade: false,
      expectsContinue,
      keepsBody: false,
      mayRepeat: content.canRepeat && IDEMPOTENT.has(method),
      continueTimeoutMs: numbers.continueTimeoutMs,
      headTimeoutMs: numbers.headTimeoutMs,
      bodyTimeoutMs: numbers.bodyTimeoutMs,
      timeoutMs: numbers.timeoutMs,
      queueTimeoutMs: numbers.queueTimeoutMs,
      signal: undefined,
      onInterim: undefined,
      onHead: undefined,
    };
  }

  /** The request as the handler leaves it. */
  private async show(exchange: ServerExchange, forwarding: Forwarding): Promise<void> {
    const { headers, method } = exchange;
    const { head } = exchange.request;
    const passed = endToEndFields(head, LEFT.shownRequest, this.shared.added.ofRequest(head));
    const given = exchange.hasBody ? exchange.body : undefined;
    const request: ProxyRequest = {
      client: exchange.connection.remoteAddress?.host,
      user: forwarding.user,
      method,
      url: exchange.target,
      headers: pairsOf(passed),
      body: given,
    };
    const maxForwards = hopsLeft(exchange);
    if (maxForwards !== undefined) request.headers.push(["Max-Forwards", String(maxForwards - 1)]);
    const { waits } = this.shared;
    const { signal } = exchange;
    const answer = await waits.call("onRequest", () => this.handlers.onRequest?.(request), signal);
    if (answer === false) {
      throw new NetError("REFUSED", "onRequest refused the request", { operation: "request" });
    }
    if (answer !== undefined) {
      exchange.respond(answer.status, answer.headers, answer.body);
      return;
    }
    const { authority = "", path = "" } = absoluteTarget(request.url) ?? {};
    const route = this.origins.of(authority);
    const { body } = request;
    const isUnchanged = body === given;
    const { contentLength } = exchange;
    const plan = planRequest(
      {
        url: route.target.url,
        target: targetOf(method, path),
        method,
        headers: isUnchanged ? request.headers : withoutLength(request.headers),
        ...(body !== undefined && { body }),
        ...(body !== undefined &&
          isUnchanged &&
          contentLength !== undefined && { bodyLength: contentLength }),
        ...(isUnchanged &&
          head.isChunked && { trailers: () => endToEndTrailers(given?.trailers) ?? [] }),
        expectContinue: body !== undefined && /^100-continue$/i.test(headers.get("expect") ?? ""),
      },
      { target: route.target, forward: undefined, omitted: [] },
      this.defaults,
    );
    forwarding.request = request;
    forwarding.start(route, plan);
  }

  /** The record of a request, for the log. */
  static progressOf(
    exchange: HttpExchange,
  ): Pick<Forwarding, "user" | "error" | "isReused" | "isTunnel"> {
    if (exchange.context instanceof Forwarding) return exchange.context;
    return { user: undefined, error: undefined, isReused: false, isTunnel: false };
  }
}

/** OPTIONS and TRACE with `Max-Forwards: 0` are for us (RFC 9110 §7.6.2). */
function respondedAtLastHop(exchange: HttpExchange): boolean {
  if (hopsLeft(exchange) !== 0) return false;
  if (exchange.method === "OPTIONS") exchange.respond(200, { "Content-Length": "0" });
  // The response to a TRACE would repeat credentials.
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
