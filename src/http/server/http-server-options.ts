/** What an HTTP server is made of, and who responds for it. */
import type { ComponentStats } from "../../connection/component/component-options.js";
import type { AdmissionOptions } from "../../connection/listening/admission.js";
import { assertFunction } from "../../connection/settings.js";
import type { TlsSettings } from "../../connection/tls/tls-settings.js";
import type { EngineChoice } from "../../engine/engine.js";
import { assertObject, invalidArgument } from "../../errors.js";
import type { Given } from "../../options.js";
import type { ServerSecurity } from "../../tcp/secured.js";
import type { ResponseCompressionOptions } from "./compression/compression-options.js";
import { type FetchHandler, respondByFetch } from "./fetch/fetch-handler.js";
import type { HttpServerConnection } from "./http-server-connection.js";
import { HTTP_HANDLER_NAMES, type HttpServerHandlers } from "./http-server-handlers.js";
import type { HttpSettingsInput } from "./http-server-settings.js";
import type { ServerExchange } from "./server-exchange.js";

/** Options of an `HttpServer`: handlers, settings, TLS, engine. */
export interface HttpServerOptions<Context = unknown>
  extends Given<HttpServerHandlers<Context>>,
    HttpSettingsInput,
    ServerSecurity,
    AdmissionOptions {
  /** Makes the `context` of each new connection. */
  readonly context?: ((connection: HttpServerConnection<Context>) => Context) | undefined;
  /** Instead of `onRequest`: from a web Request to a Response. */
  readonly fetch?: FetchHandler<Context> | undefined;
  /**
   * Compresses responses, as the peer accepts it and where it is worth it: `true`, or how. It can be switched
   * for each exchange. Default off.
   */
  readonly compression?: boolean | Given<ResponseCompressionOptions> | undefined;
  /** What moves the bytes; see `TcpServerOptions`. */
  readonly engine?: EngineChoice | undefined;
}

/** `context` has to be given where the type of it has no `undefined`. */
export type HttpContextRule<Context> = undefined extends Context
  ? unknown
  : { readonly context: (connection: HttpServerConnection<Context>) => Context };

/** What a server has done so far. */
export interface HttpServerStats extends ComponentStats {
  /** Requests that have come. */
  readonly requestCount: number;
  /** Requests that are under way. */
  readonly exchangeCount: number;
}

/** Settings that can be given to `configure`. */
export interface HttpServerChanges extends HttpSettingsInput, AdmissionOptions {
  /** Other certificates and rules, for handshakes to come. */
  readonly tls?: TlsSettings | undefined;
}

/** The options, which must be an object. Throws `INVALID_ARGUMENT`. */
export function asOptions(options: HttpServerOptions): HttpServerOptions {
  assertObject("the options", options);
  return options;
}

/** Who responds: one of the two that can be given. Throws `INVALID_ARGUMENT` for none, both, or no function. */
export function requestHandler(options: HttpServerOptions): (exchange: ServerExchange) => unknown {
  for (const name of [...HTTP_HANDLER_NAMES, "fetch", "context"] as const) {
    if (options[name] !== undefined) assertFunction(name, options[name]);
  }
  const { onRequest, fetch } = options;
  if ((onRequest === undefined) === (fetch === undefined)) {
    const found = fetch === undefined ? "neither" : "both";
    throw invalidArgument(`an HTTP server needs either onRequest or fetch, not ${found}`);
  }
  if (fetch !== undefined) return (exchange) => respondByFetch(fetch, exchange);
  return onRequest as (exchange: ServerExchange) => unknown;
}
