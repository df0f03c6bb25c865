import type { StopOptions, StopResult } from "../connection/component/component-options.js";
import type { ServiceState } from "../connection/component/service-state.js";
import type { WaitOptions } from "../connection/connection.js";
import { ADMISSION_NAMES, type AdmissionOptions } from "../connection/listening/admission.js";
import type { ListenOptions } from "../connection/listening/listening.js";
import type { Address, EngineChoice, IpAddress } from "../engine/engine.js";
import { assertFunction, assertObject, invalidArgument, readBelow } from "../errors.js";
import { HttpServer } from "../http/server/http-server.js";
import type { HttpServerOptions, HttpServerStats } from "../http/server/http-server-options.js";
import {
  type HttpTransportSettings,
  TRANSPORT_NAMES,
} from "../http/server/http-server-settings.js";
import { type Given, pickOptions } from "../options.js";
import { SocketGroup } from "./socket-group.js";
import { WebSocketEndpoint, type WebSocketEndpointOptions } from "./websocket-endpoint.js";

/** Settings of the connections below. `maxPendingBytes` is that of the sockets, which bounds what waits. */
export type WebSocketTransportSettings = Omit<HttpTransportSettings, "maxPendingBytes">;

/** Options of a {@link WebSocketServer}. */
export interface WebSocketServerOptions<Context = unknown>
  extends WebSocketEndpointOptions<Context>,
    Given<WebSocketTransportSettings>,
    AdmissionOptions {
  /** Certificates and rules of TLS: `wss`. */
  readonly tls?: HttpServerOptions["tls"] | undefined;
  /** What moves the bytes; see `TcpServerOptions`. */
  readonly engine?: EngineChoice | undefined;
  /** Other settings and handlers of the HTTP server below; with `onRequest` for other paths, and for requests that ask for no upgrade. Default: 404, and 426. */
  readonly http?: Omit<HttpServerOptions, "engine" | "tls"> | undefined;
}

/** What is given to the HTTP server below, and can be given directly. */
const BELOW_NAMES = [
  ...TRANSPORT_NAMES.filter((name) => name !== "maxPendingBytes"),
  ...ADMISSION_NAMES,
  "tls",
  "engine",
] as const;

type BelowName = (typeof BELOW_NAMES)[number];

/** A WebSocket server by itself: an `HttpServer` of its own with one endpoint on it. */
export class WebSocketServer<Context = unknown>
  extends SocketGroup<Context>
  implements AsyncDisposable
{
  /** The HTTP server below. */
  readonly http: HttpServer;

  /** Throws `INVALID_ARGUMENT`. */
  constructor(options: WebSocketServerOptions<Context>) {
    const endpoint = new WebSocketEndpoint(options, [...BELOW_NAMES, "http"]);
    super(endpoint);
    const { http = {} } = options;
    assertObject("http", http);
    const direct = pickOptions(options as Pick<HttpServerOptions, BelowName>, BELOW_NAMES);
    for (const name of BELOW_NAMES) {
      if (!Object.hasOwn(http, name) || !Object.hasOwn(direct, name)) continue;
      throw invalidArgument(`${name} is given twice: by itself, and as http.${name}`);
    }
    const { onRequest, fetch: _, ...others } = http;
    if (onRequest !== undefined) assertFunction("http.onRequest", onRequest);
    this.http = readBelow(
      "http",
      others,
      () =>
        new HttpServer({
          ...others,
          ...direct,
          onRequest: (exchange) => {
            const isOther = onRequest !== undefined && !exchange.isUpgrade;
            if (!isOther && endpoint.handle(exchange)) return undefined;
            if (onRequest !== undefined) return onRequest.call(http, exchange);
            exchange.respondError(404);
            return undefined;
          },
        }),
    );
  }

  /**
   * Listens, and resolves with the address: `host` (default `0.0.0.0`: all of IPv4; `::`: all) and `port` (default 0: any free one), or the
   * `path` of a Unix-domain socket. Rejects with `ADDRESS_IN_USE`, `ADDRESS_NOT_AVAILABLE`, `ACCESS_DENIED`, `HOST_NOT_FOUND`,
   * `REFUSED` (by `onPrepareListen`), `STOPPED`, `INVALID_STATE` (it listens already), `INVALID_ARGUMENT`.
   */
  listen(options?: ListenOptions & { readonly path?: never }): Promise<IpAddress>;
  listen(options: ListenOptions): Promise<Address>;
  listen(options: ListenOptions = {}): Promise<Address> {
    return this.http.listen(options);
  }

  /** Stops: all sockets are closed with 1001. What is left after `drainMs` is cut. */
  stop(options?: StopOptions): Promise<StopResult> {
    return this.http.stop(options);
  }

  /** Resolves when the server is stopped, at once if it is. */
  stopped(options?: WaitOptions): Promise<void> {
    return this.http.stopped(options);
  }

  /** Lets the process end while the server listens and sockets are open. */
  unref(): void {
    this.http.unref();
  }

  /** Takes {@link unref} back. */
  ref(): void {
    this.http.ref();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Where the server is in its life. */
  get state(): ServiceState {
    return this.http.state;
  }

  /** Where the server listens; undefined while it does not. */
  get address(): Address | undefined {
    return this.http.address;
  }

  /** The port it listens on; 0 while it does not, and on a path. */
  get port(): number {
    return this.http.port;
  }

  /** What the HTTP server below has done so far. */
  get stats(): HttpServerStats {
    return this.http.stats;
  }
}
