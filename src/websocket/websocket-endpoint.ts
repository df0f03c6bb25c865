/**
 * Where WebSockets of an HTTP server begin: checks requests, asks the application, answers 101 and makes
 * sockets, or refuses. It stands on any `HttpServer`, also under a `fetch` application.
 */
import process from "node:process";
import { handlerError, isThenable, whenSettled } from "../connection/events/handlers.js";
import {
  assertFunction,
  assertKnownKeys,
  assertObject,
  assertText,
  describe,
  invalidArgument,
} from "../errors.js";
import { fieldPairs } from "../http/http-fields.js";
import type { HttpExchange } from "../http/server/http-exchange.js";
import type { ServerExchange } from "../http/server/server-exchange.js";
import type { Given } from "../options.js";
import type { FieldInput } from "../protocol/http1/writing/field-writer.js";
import { assertProtocols } from "../protocol/websocket/client-handshake.js";
import { acceptDeflate } from "../protocol/websocket/deflate-agreement.js";
import { type HandshakeFault, isHandshakeFault } from "../protocol/websocket/handshake-fault.js";
import {
  parseUpgradeRequest,
  selectProtocol,
  type UpgradeRequest,
  upgradeResponseFields,
} from "../protocol/websocket/server-handshake.js";
import { type CompressionOptions, compressionSettings } from "./deflate/compression-options.js";
import { DeflateStock } from "./deflate/deflate-stock.js";
import { Heartbeat } from "./heartbeat.js";
import type { LiveWebSocket } from "./live-websocket.js";
import { OpenSockets } from "./open-sockets.js";
import { sha1 } from "./sha1.js";
import { SocketGroup } from "./socket-group.js";
import { SocketSession, type SocketShare } from "./socket-session.js";
import {
  refusalOf,
  type UpgradeAcceptance,
  type UpgradeDecision,
  type WebSocketRequest,
} from "./upgrade-decision.js";
import { WebSocketCalls } from "./websocket-calls.js";
import type { WebSocketConnection } from "./websocket-connection.js";
import { WEBSOCKET_HANDLER_NAMES, type WebSocketHandlers } from "./websocket-handlers.js";
import {
  WEBSOCKET_SETTING_NAMES,
  type WebSocketSettingsInput,
  webSocketConfiguration,
} from "./websocket-settings.js";

/** Options of a {@link WebSocketEndpoint}. */
export interface WebSocketEndpointOptions<Context = unknown>
  extends Given<WebSocketHandlers<WebSocketConnection<Context>>>,
    WebSocketSettingsInput {
  /** The path it stands at. Default: every path. */
  readonly path?: string | undefined;
  /** Subprotocols that it knows; the client's order of preference decides. */
  readonly protocols?: readonly string[] | undefined;
  /**
   * Origins of pages that may connect; others get 403. Default: any. A request without Origin, which no
   * browser sends, is let through.
   */
  readonly origins?: readonly string[] | undefined;
  /** Compression by permessage-deflate. Default false. */
  readonly compression?: CompressionOptions | undefined;
  /** Decides about a request before the upgrade, at once or by a promise. */
  readonly onUpgrade?:
    | ((request: WebSocketRequest) => UpgradeDecision<Context> | Promise<UpgradeDecision<Context>>)
    | undefined;
}

const OPTION_NAMES: readonly string[] = [
  ...WEBSOCKET_HANDLER_NAMES,
  ...WEBSOCKET_SETTING_NAMES,
  "path",
  "protocols",
  "origins",
  "compression",
  "onUpgrade",
];

/**
 * Where WebSockets of an HTTP server begin: checks requests, asks the application, answers 101 and
 * makes sockets, or refuses.
 */
export class WebSocketEndpoint<Context = unknown> extends SocketGroup<Context> {
  readonly #options: WebSocketEndpointOptions<Context>;
  readonly #share: SocketShare;
  readonly #stock: DeflateStock | undefined;

  /** Throws `INVALID_ARGUMENT`. `alsoKnown`: other options that may be given. */
  constructor(options: WebSocketEndpointOptions<Context>, alsoKnown: readonly string[] = []) {
    assertObject("the options", options);
    assertKnownKeys("options", options, [...OPTION_NAMES, ...alsoKnown]);
    for (const name of [...WEBSOCKET_HANDLER_NAMES, "onUpgrade"] as const) {
      if (options[name] !== undefined) assertFunction(name, options[name]);
    }
    const { path, protocols, origins } = options;
    if (path !== undefined) assertPath(path);
    if (protocols !== undefined) assertProtocols(protocols);
    if (origins !== undefined && !Array.isArray(origins)) {
      throw invalidArgument(`origins must be an array, not ${describe(origins)}`);
    }
    const configuration = webSocketConfiguration(options);
    const settings = compressionSettings(options.compression);
    const stock = settings === undefined ? undefined : new DeflateStock(settings);
    const sockets = new OpenSockets<Context>(stock);
    super(sockets);
    this.#options = options;
    this.#stock = stock;
    const calls = new WebSocketCalls<LiveWebSocket>(options as WebSocketHandlers<LiveWebSocket>);
    const heartbeat = Heartbeat.by(configuration.settings);
    const group = sockets as OpenSockets;
    this.#share = { role: "server", configuration, heartbeat, calls, group };
  }

  /**
   * Takes a request, if it is for this path: answers it with 101 and makes a socket of its connection, or
   * refuses it. Returns false for another path; then nothing was done. `acceptance`: the application has decided
   * already, in its middleware for example; `onUpgrade` is not asked. Nothing is done for a peer that has gone.
   */
  handle(exchange: HttpExchange, acceptance?: UpgradeAcceptance<Context>): boolean {
    if (acceptance !== undefined) assertObject("acceptance", acceptance);
    const { path } = this.#options;
    if (path !== undefined && exchange.path !== path) return false;
    if (!exchange.isSendable) return true;
    const request = parseUpgradeRequest(exchange, exchange.headers);
    if (isHandshakeFault(request)) refuse(exchange, request);
    else this.#decide(exchange, request, acceptance);
    return true;
  }

  #decide(
    exchange: HttpExchange,
    request: UpgradeRequest,
    acceptance: UpgradeAcceptance<Context> | undefined,
  ): void {
    const { origins } = this.#options;
    const { origin, protocols } = request;
    if (origin !== undefined && origins !== undefined && !origins.includes(origin)) {
      exchange.respondError(403);
      return;
    }
    const { onUpgrade } = this.#options;
    if (onUpgrade === undefined || acceptance !== undefined) {
      this.#upgrade(exchange, request, acceptance ?? {});
      return;
    }
    const failed = (cause: unknown): void => {
      process.emitWarning(handlerError("onUpgrade", "handshake", cause, exchange.connection.id));
      if (!exchange.isResponded) exchange.respondError(500);
    };
    const decided = (decision: UpgradeDecision<Context>): void => {
      try {
        this.#decided(exchange, request, decision);
      } catch (error) {
        failed(error);
      }
    };
    try {
      const decision = onUpgrade.call(this.#options, { exchange, origin, protocols });
      if (isThenable(decision)) {
        // The head is looked at later.
        exchange.keep();
        whenSettled(decision, (late) => decided(late as UpgradeDecision<Context>), failed);
      } else decided(decision as UpgradeDecision<Context>);
    } catch (error) {
      failed(error);
    }
  }

  #decided(
    exchange: HttpExchange,
    request: UpgradeRequest,
    decision: UpgradeDecision<Context>,
  ): void {
    // The application has answered by itself, a deadline has, or the peer has gone.
    if (exchange.isResponded || !exchange.isSendable) return;
    const refusal = refusalOf(decision);
    if (refusal !== undefined) {
      exchange.respond(refusal.status, refusal.headers, refusal.body);
      return;
    }
    const acceptance = typeof decision === "object" ? (decision as UpgradeAcceptance<Context>) : {};
    this.#upgrade(exchange, request, acceptance);
  }

  #upgrade(
    exchange: HttpExchange,
    request: UpgradeRequest,
    acceptance: UpgradeAcceptance<Context>,
  ): void {
    const protocol = acceptance.protocol ?? selectProtocol(request, this.#options.protocols ?? []);
    const stock = acceptance.compress === false ? undefined : this.#stock;
    const deflate =
      stock?.isUsable === true
        ? acceptDeflate(request.extensions, stock.wishes("server"))
        : undefined;
    const extensions = deflate === undefined ? [] : [deflate.response];
    const fields = upgradeResponseFields(request, { protocol, extensions }, sha1);
    const connection = (exchange as ServerExchange).handOver(joined(fields, acceptance.headers));
    const contexts =
      deflate === undefined ? undefined : stock?.socketDeflate("server", deflate.agreement);
    const session = new SocketSession(this.#share, {
      connection,
      protocol: protocol ?? "",
      context: acceptance.context,
      contexts,
    });
    session.begin();
  }
}

/** Makes a {@link WebSocketEndpoint}, where WebSockets of an `HttpServer` begin. Throws `INVALID_ARGUMENT`. */
export function webSocket<Context = unknown>(
  options: WebSocketEndpointOptions<Context>,
): WebSocketEndpoint<Context> {
  return new WebSocketEndpoint(options);
}

function assertPath(path: unknown): void {
  assertText("path", path);
  if (!(path as string).startsWith("/"))
    throw invalidArgument(`path must begin with "/", not ${describe(path)}`);
}

function refuse(exchange: HttpExchange, { status, fields, error }: HandshakeFault): void {
  const all = [...fields, ["Content-Type", "text/plain; charset=utf-8"] as const];
  exchange.respond(status, all, `${error.message}\n`);
}

function joined(
  fields: readonly (readonly [string, string])[],
  others: FieldInput | undefined,
): FieldInput {
  return others === undefined ? fields : [...fields, ...fieldPairs(others)];
}
