/**
 * Makes WebSockets over an HTTP agent: URL → request with Upgrade → the response checked by RFC 6455 §4.1 →
 * a session on the connection.
 */
import { randomBytes } from "node:crypto";
import type { StopResult } from "../connection/component/component-options.js";
import type { WaitOptions } from "../connection/connection.js";
import type { ProxyChoice } from "../dial/proxy-route.js";
import {
  assertInteger,
  assertKnownKeys,
  assertObject,
  assertText,
  describe,
  invalidArgument,
  NetError,
} from "../errors.js";
import { HttpAgent, type HttpAgentOptions, unboundQueues } from "../http/client/http-agent.js";
import type { HttpResponse } from "../http/client/http-response.js";
import { fieldPairs } from "../http/http-fields.js";
import type { FieldInput } from "../protocol/http1/writing/field-writer.js";
import { createKey } from "../protocol/websocket/accept-key.js";
import {
  assertProtocols,
  checkUpgradeResponse,
  type UpgradeOffer,
  type UpgradeResult,
  upgradeRequestFields,
} from "../protocol/websocket/client-handshake.js";
import { isHandshakeFault } from "../protocol/websocket/handshake-fault.js";
import { type CompressionOptions, compressionSettings } from "./deflate/compression-options.js";
import { DeflateStock } from "./deflate/deflate-stock.js";
import type { OwnConnection } from "./frame-output.js";
import { Heartbeat } from "./heartbeat.js";
import type { LiveWebSocket } from "./live-websocket.js";
import type { OpenSockets } from "./open-sockets.js";
import { sha1 } from "./sha1.js";
import { type PlaceOfSocket, SocketSession, type SocketShare } from "./socket-session.js";
import type { WebSocketCalls } from "./websocket-calls.js";
import { type WebSocketSettingsInput, webSocketConfiguration } from "./websocket-settings.js";

/** How connections to servers are made. */
export interface WebSocketDialOptions
  extends Pick<
    HttpAgentOptions,
    | "engine"
    | "tls"
    | "headers"
    | "cookies"
    | "useCookies"
    | "proxy"
    | "localHost"
    | "family"
    | "allowAddress"
    | "keepAlive"
    | "noDelay"
  > {
  /** Sockets at a time. Default 10,000. */
  readonly maxConnections?: number | undefined;
  /** Compression by permessage-deflate is offered. Default false. */
  readonly compression?: CompressionOptions | undefined;
}

/** How one socket is made. */
export interface WebSocketConnectOptions<Context = unknown> {
  /** Subprotocols in the order of preference. */
  readonly protocols?: readonly string[] | undefined;
  /** Further fields of the request, such as Authorization. */
  readonly headers?: FieldInput | undefined;
  /** What the field Origin says. Default: there is none. */
  readonly origin?: string | undefined;
  /** For everything: lookup, TCP, proxy, TLS and handshake. Default 10,000; 0: no limit. */
  readonly timeoutMs?: number | undefined;
  /** Calls it off, until the socket is open. */
  readonly signal?: AbortSignal | undefined;
  /** Through which proxies, or `false` for none. Default: as with the agent. */
  readonly proxy?: ProxyChoice | undefined;
  /** The socket's `context`. */
  readonly context?: Context | undefined;
}

const AGENT_NAMES = [
  "engine",
  "tls",
  "headers",
  "cookies",
  "useCookies",
  "proxy",
  "localHost",
  "family",
  "allowAddress",
  "keepAlive",
  "noDelay",
] as const;

/** Names of the options of dialers. */
export const DIAL_OPTION_NAMES: readonly string[] = [
  ...AGENT_NAMES,
  "maxConnections",
  "compression",
];

const CONNECT_NAMES = [
  "protocols",
  "headers",
  "origin",
  "timeoutMs",
  "signal",
  "proxy",
  "context",
] as const;

const CONNECT_TIMEOUT_MS = 10_000;

/** Default of `maxConnections`. */
export const MAX_CONNECTIONS = 10_000;

/** Makes WebSockets over an HTTP agent. */
export class WebSocketDialer {
  private readonly http: HttpAgent;
  private readonly stock: DeflateStock | undefined;
  private readonly share: SocketShare;
  private holdsProcess = true;
  private stopping: Promise<StopResult> | undefined;

  /** Throws `INVALID_ARGUMENT`, `ENGINE_UNAVAILABLE`. */
  constructor(
    options: WebSocketDialOptions & WebSocketSettingsInput,
    calls: WebSocketCalls<LiveWebSocket>,
    sockets: OpenSockets,
  ) {
    const { maxConnections = MAX_CONNECTIONS } = options;
    assertInteger("maxConnections", maxConnections, 1, 1_000_000);
    const given = Object.fromEntries(
      AGENT_NAMES.filter((name) => options[name] !== undefined).map((name) => [
        name,
        options[name],
      ]),
    ) as HttpAgentOptions;
    this.http = new HttpAgent({
      ...given,
      maxConnections,
      maxConnectionsPerOrigin: maxConnections,
      // Each handshake has a connection of its own: a server that has refused one need not know what to do with another.
      idleTimeoutMs: 0,
    });
    // The settings of the sockets bound what waits.
    unboundQueues(this.http);
    const configuration = webSocketConfiguration(options);
    const settings = compressionSettings(options.compression);
    this.stock = settings === undefined ? undefined : new DeflateStock(settings);
    const heartbeat = Heartbeat.by(configuration.settings);
    this.share = { role: "client", configuration, heartbeat, calls, group: sockets };
  }

  /** See `WebSocketAgent.connect`. */
  async connect(url: string | URL, options: WebSocketConnectOptions): Promise<LiveWebSocket> {
    return this.prepare(url, options)(options.signal);
  }

  /**
   * Throws `INVALID_ARGUMENT`. Returns what makes the socket, until the signal is aborted: `place` is told of it where
   * it is one that is made anew.
   */
  prepare(
    url: string | URL,
    options: WebSocketConnectOptions,
    place?: PlaceOfSocket,
  ): (signal: AbortSignal | undefined) => Promise<LiveWebSocket> {
    assertObject("the options", options);
    assertKnownKeys("options", options, CONNECT_NAMES);
    const { protocols = [], headers, origin, proxy } = options;
    const { timeoutMs = CONNECT_TIMEOUT_MS } = options;
    assertInteger("timeoutMs", timeoutMs, 0, 2 ** 31 - 1);
    if (origin !== undefined) assertText("origin", origin);
    assertProtocols(protocols);
    const target = httpUrl(url);
    return (signal) =>
      this.dial({ target, protocols, headers, origin, timeoutMs, signal, proxy }, options, place);
  }

  private async dial(
    wish: WebSocketConnectOptions & { readonly target: URL; readonly timeoutMs: number },
    { context }: WebSocketConnectOptions,
    place: PlaceOfSocket | undefined,
  ): Promise<LiveWebSocket> {
    const { target, protocols = [], headers, origin, timeoutMs, signal, proxy } = wish;
    const stock = this.stock?.isUsable === true ? this.stock : undefined;
    const offer: UpgradeOffer = {
      key: createKey(randomBytes(16)),
      protocols,
      origin,
      ...(stock !== undefined && { deflate: [stock.wishes("client")] }),
    };
    const fields = upgradeRequestFields(offer);
    const response = await this.http.request({
      url: target,
      upgrade: "websocket",
      headers: headers === undefined ? fields : [...fields, ...fieldPairs(headers)],
      timeoutMs,
      headTimeoutMs: timeoutMs,
      connectTimeoutMs: timeoutMs,
      idempotent: true,
      ...(signal !== undefined && { signal }),
      ...(proxy !== undefined && { proxy }),
    });
    return this.open(response, offer, stock, context, place);
  }

  private open(
    response: HttpResponse,
    offer: UpgradeOffer,
    stock: DeflateStock | undefined,
    context: unknown,
    place: PlaceOfSocket | undefined,
  ): LiveWebSocket {
    const { protocol, deflate } = checked(response, offer);
    let session: SocketSession | undefined;
    const connection = response.upgraded?.attach({
      onReceive: (one, bytes) => {
        if (session !== undefined) (one as OwnConnection).receiveBy(session, bytes);
      },
      onStop: () => session?.stopping(),
    }) as OwnConnection;
    session = new SocketSession(this.share, {
      connection,
      protocol: protocol ?? "",
      context,
      contexts: deflate === undefined ? undefined : stock?.socketDeflate("client", deflate),
      place,
    });
    session.begin();
    return session.socket;
  }

  /** Whether sockets keep the process alive, and attempts to make them. */
  get keepsProcess(): boolean {
    return this.holdsProcess;
  }

  set keepsProcess(keepsProcess: boolean) {
    this.holdsProcess = keepsProcess;
    if (keepsProcess) this.http.ref();
    else this.http.unref();
  }

  /** Stops: all sockets are closed with 1001, what is left after `drainMs` is cut. */
  stop(drainMs: number): Promise<StopResult> {
    this.stopping ??= this.stopOnce(drainMs);
    return this.stopping;
  }

  /** See `WebSocketAgent.stopped`. */
  stopped(options?: WaitOptions): Promise<void> {
    return this.http.stopped(options);
  }

  private async stopOnce(drainMs: number): Promise<StopResult> {
    const { length } = this.http.connectionIds();
    // A caller that awaits the end keeps the process alive, whatever `unref` says.
    this.keepsProcess = true;
    const open = [...this.share.group];
    const all = Promise.all(open.map((socket) => socket.closed()));
    for (const socket of open) socket.close(1_001);
    const abortedCount = drainMs === 0 ? open.filter((socket) => socket.abort()).length : 0;
    const result = await this.http.stop({ drainMs });
    await all;
    const cutCount = abortedCount + result.cutCount;
    return { drainedCount: Math.max(0, length - cutCount), cutCount };
  }
}

/** What the response has agreed to. Throws `WEBSOCKET_HANDSHAKE`; then the connection is free or gone. */
function checked(response: HttpResponse, offer: UpgradeOffer): UpgradeResult {
  const line = { statusCode: response.status, version: response.version };
  const result = checkUpgradeResponse(line, response.headers, offer, sha1);
  if (!isHandshakeFault(result) && response.upgraded !== undefined) return result;
  if (response.upgraded !== undefined) response.upgraded.connection.abort();
  else response.body.discard();
  const why = isHandshakeFault(result) ? result.error.message : "no WebSocket";
  const text = response.status === 101 ? why : `${why}: the server responded ${response.status}`;
  throw new NetError("WEBSOCKET_HANDSHAKE", text, { operation: "handshake" });
}

/** The URL as HTTP has it. Throws `INVALID_ARGUMENT`. */
export function httpUrl(given: string | URL): URL {
  let url: URL;
  try {
    url = new URL(given);
  } catch {
    throw invalidArgument(`url must be the URL of a WebSocket, not ${describe(given)}`);
  }
  const scheme = { "ws:": "http:", "wss:": "https:", "http:": "http:", "https:": "https:" }[
    url.protocol
  ];
  if (scheme === undefined || url.href.includes("#")) {
    throw invalidArgument(`url must begin with ws: or wss:, and have no fragment: ${url.href}`);
  }
  // A URL's scheme can't be exchanged for one of another kind.
  return new URL(scheme + url.href.slice(url.protocol.length));
}
