import type { StopOptions, StopResult } from "../../connection/component/component-options.js";
import { closeOldOnes, closeSilentOnes } from "../../connection/component/mass-close.js";
import type { ServiceState } from "../../connection/component/service-state.js";
import { StreamComponent } from "../../connection/component/stream-component.js";
import type { WaitOptions } from "../../connection/connection.js";
import { engineServiceOf } from "../../connection/engine-service.js";
import { ADMISSION_NAMES, admissionAmong } from "../../connection/listening/admission.js";
import { Listening, type ListenOptions } from "../../connection/listening/listening.js";
import { SETTING_NAMES } from "../../connection/settings.js";
import type { Address, IpAddress } from "../../engine/engine.js";
import { assertObject, type NetError } from "../../errors.js";
import { secured } from "../../tcp/secured.js";
import { HandlerCalls } from "./handler-calls.js";
import type { HttpReceiver } from "./http-receiver.js";
import { HttpRole } from "./http-role.js";
import type { HttpServerConnection } from "./http-server-connection.js";
import { HTTP_HANDLER_NAMES } from "./http-server-handlers.js";
import {
  asOptions,
  type HttpContextRule,
  type HttpServerChanges,
  type HttpServerOptions,
  type HttpServerStats,
} from "./http-server-options.js";
import {
  HttpServerConfiguration,
  type HttpServerSettings,
  settingsAmong,
} from "./http-server-settings.js";

/** An HTTP/1.1 server (HP §2.14). It runs on every engine, and over TLS. */
export class HttpServer<Context = unknown> implements AsyncDisposable {
  readonly #component: StreamComponent;
  readonly #listening: Listening;
  readonly #role: HttpRole;

  /** Throws `INVALID_ARGUMENT`, `ENGINE_UNAVAILABLE`. */
  constructor(options: HttpServerOptions<Context> & HttpContextRule<Context>);
  constructor(options: HttpServerOptions) {
    const others = [
      ...HTTP_HANDLER_NAMES,
      "fetch",
      "context",
      "engine",
      "tls",
      "compression",
      ...ADMISSION_NAMES,
    ];
    const configuration = new HttpServerConfiguration(settingsAmong(asOptions(options), others));
    const calls = new HandlerCalls(options);
    const [engine, security] = secured("server", options);
    const { wheel } = engineServiceOf(engine);
    this.#role = new HttpRole(options, wheel, calls, configuration);
    this.#component = new StreamComponent(this.#role, engine, security, configuration.transport());
    this.#listening = new Listening(this.#component, this.#role, options);
    this.#role.listening = this.#listening;
  }

  // — life —

  /**
   * Listens, and resolves with the address: `host` (default `0.0.0.0`: all of IPv4; `::`: all) and `port` (default 0: any free one), or the
   * `path` of a Unix-domain socket. Rejects with `ADDRESS_IN_USE`, `ADDRESS_NOT_AVAILABLE`, `ACCESS_DENIED`, `HOST_NOT_FOUND`,
   * `REFUSED` (by `onPrepareListen`), `STOPPED`, `INVALID_STATE` (it listens already), `INVALID_ARGUMENT`.
   */
  listen(options?: ListenOptions & { readonly path?: never }): Promise<IpAddress>;
  listen(options: ListenOptions): Promise<Address>;
  listen(options: ListenOptions = {}): Promise<Address> {
    return this.#listening.listen(options);
  }

  /**
   * Stops: nothing new comes in, connections without a request are closed, the others get what is
   * under way, with `Connection: close` on the last response. What is left after `drainMs` is cut.
   */
  stop(options?: StopOptions): Promise<StopResult> {
    return this.#component.stop(options);
  }

  /** Resolves when the server is stopped, at once if it is. */
  stopped(options?: WaitOptions): Promise<void> {
    return this.#component.stopped(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Lets the process end while the server listens and connections are open. */
  unref(): void {
    this.#component.unref();
    this.#listening.unref();
  }

  /** Takes {@link unref} back. */
  ref(): void {
    this.#component.ref();
    this.#listening.ref();
  }

  /** Where the server is in its life. */
  get state(): ServiceState {
    return this.#component.state;
  }

  /** Where the server listens; undefined while it does not. */
  get address(): Address | undefined {
    return this.#listening.address;
  }

  /** The port it listens on; 0 while it does not, and on a path. */
  get port(): number {
    return this.#listening.port;
  }

  /**
   * Changes settings, also while running: deadlines and limits of connections hold at once, those of
   * the parser for requests to come, those of the socket for connections to come. Throws
   * `SETTING_FIXED`, `INVALID_ARGUMENT`; then nothing is changed.
   */
  configure(changes: HttpServerChanges): void {
    const role = this.#role;
    assertObject("the options of configure", changes);
    const [admission, settings] = admissionAmong(changes);
    const configuration = role.resources.configuration.with(settings);
    const { tls } = changes;
    const transport = { ...configuration.transport(), ...(tls !== undefined && { tls }) };
    this.#listening.configure(admission, () => {
      this.#component.configure(transport, [...SETTING_NAMES, "tls"]);
    });
    role.configure(configuration);
    for (const receiver of this.#receivers()) receiver.limitsChanged();
  }

  /** Settings in force, those of the connections below left out. Change them with {@link configure}. */
  get settings(): HttpServerSettings {
    const { limits, parserLimits } = this.#role.resources.configuration;
    const { maxInterimResponses: _, ...requests } = parserLimits;
    return { ...limits, ...requests };
  }

  /** What the server has done so far. */
  get stats(): HttpServerStats {
    let exchangeCount = 0;
    for (const receiver of this.#receivers()) exchangeCount += receiver.exchangeCount;
    const { requestCount } = this.#role.resources;
    return { ...this.#component.stats, requestCount, exchangeCount };
  }

  // — connections —

  /** Connections at present. */
  get connectionCount(): number {
    return this.#component.connectionCount;
  }

  /** Ids of the connections at present. */
  connectionIds(): number[] {
    return this.#component.registry.ids();
  }

  /** The connection with this id, or undefined. */
  connection(id: number): HttpServerConnection<Context> | undefined {
    const connection = this.#component.registry.find(id);
    return (
      connection && (this.#role.receiverOf(connection).handle as HttpServerConnection<Context>)
    );
  }

  /** Receives nothing on the connection until {@link resume}; deadlines of reading wait. False for an id that is not there. */
  pause(id: number): boolean {
    return this.connection(id)?.pause() ?? false;
  }

  /** Goes on receiving. False for an id that is not there. */
  resume(id: number): boolean {
    return this.connection(id)?.resume() ?? false;
  }

  /**
   * Closes all connections that wait for no response and from which nothing came for `silentMs`; returns how
   * many (HP §2.3).
   */
  closeSilent(silentMs: number): number {
    return closeSilentOnes(this.#receivers(), silentMs, closeFor);
  }

  /**
   * Closes all connections that are older than `ageMs`, each when what is under way has its response; returns
   * how many (HP §2.3).
   */
  closeOlderThan(ageMs: number): number {
    return closeOldOnes(this.#receivers(), ageMs, closeFor);
  }

  /** Closes the connection, behind the response that is under way. False for an id that is not there. */
  close(id: number): boolean {
    return this.connection(id)?.close() ?? false;
  }

  /** Ends the connection at once, with a reset. False for an id that is not there. */
  abort(id: number): boolean {
    return this.connection(id)?.abort() ?? false;
  }

  #receivers(): HttpReceiver[] {
    return this.#component.registry.list().map((connection) => this.#role.receiverOf(connection));
  }
}

function closeFor(receiver: HttpReceiver, error: NetError): boolean {
  return receiver.close(error);
}
