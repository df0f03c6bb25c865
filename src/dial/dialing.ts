/**
 * One attempt to make an outgoing connection: look the name up, race its addresses, make the tunnel where
 * it goes through proxies, hand the stream over to the connection.
 *
 * The promise settles once: resolved when the handlers have let the connection in, rejected with
 * what ended it before. However it ends, `connection.streamClosed` is called once and later, as an
 * engine does it.
 */
import type { StreamComponent } from "../connection/component/stream-component.js";
import type { Dial } from "../connection/ending/ending.js";
import { answeredAtOnce, callHandler, handlerError } from "../connection/events/handlers.js";
import type { StreamConnection } from "../connection/stream-connection.js";
import { streamOptions } from "../connection/stream-options.js";
import { type GiveUp, Waiter } from "../connection/waiting/waiter.js";
import type { Address, ConnectTarget, ResolvedHost, StreamSocket } from "../engine/engine.js";
import { NetError } from "../errors.js";
import {
  ATTEMPT_DELAY_MS,
  CONNECT_TIMEOUT_MS,
  type DialOptions,
  LOOPBACK,
} from "./connect-options.js";
import { AddressRace, interleaveFamilies, type RaceSink } from "./happy-eyeballs.js";
import type { ProxyRoute } from "./proxy-route.js";
import type { Tunnel, TunnelOwner } from "./tunnel.js";

export class Dialing implements Dial, RaceSink, TunnelOwner {
  readonly promise: Promise<void>;
  /** Host name as given; what TLS verifies. */
  readonly host: string | undefined;
  private readonly component: StreamComponent;
  private readonly connection: StreamConnection;
  private options: DialOptions;
  private readonly waiter: Waiter<void>;
  private lookup: AbortController | undefined;
  private race: AddressRace | undefined;
  private stream: StreamSocket | undefined;
  private tunnelClass: typeof Tunnel | undefined;
  private tunnel: Tunnel | undefined;
  private isOver = false;

  constructor(component: StreamComponent, connection: StreamConnection, options: DialOptions) {
    this.component = component;
    this.connection = connection;
    this.options = options;
    this.host = options.path === undefined ? (options.host ?? LOOPBACK) : undefined;
    connection.dial = this;
    const forget = (error: NetError): void => {
      connection.fail(error);
    };
    const missing = (): string | undefined =>
      connection.upgrade?.isUnderWay === true
        ? "the handshake of TLS was not done"
        : this.tunnel?.step;
    const giveUp: GiveUp = {
      code: "CONNECT_TIMEOUT",
      call: "connect",
      operation: "connect",
      missing,
      limit: options.timeoutName ?? "timeoutMs",
      forget,
    };
    this.waiter = new Waiter<void>(component.service.wheel, options, giveUp, CONNECT_TIMEOUT_MS);
    this.promise = this.waiter.promise;
  }

  /** Begins. Nothing is called from within. */
  start(): void {
    this.addresses().then(
      (addresses) => this.begin(addresses),
      (error: unknown) => this.raceLost(error as NetError),
    );
  }

  private async addresses(): Promise<Address[]> {
    const { path, family = "any", route, isForwarded } = this.options;
    if (path !== undefined) return [{ path }];
    // Proxies are loaded by those who use them.
    if (route !== undefined && isForwarded !== true) {
      this.tunnelClass = (await import("./tunnel.js")).Tunnel;
    }
    if (this.isOver) return [];
    const { host = LOOPBACK, port = 0 } = route === undefined ? this.options : endOf(route);
    this.lookup = new AbortController();
    const hosts = await this.component.service.engine.resolve(host, this.lookup.signal);
    this.lookup = undefined;
    const wanted = hosts.filter((found) => family === "any" || found.family === family);
    if (wanted.length === 0) {
      throw new NetError("HOST_NOT_FOUND", `${host} has no address of family ${family}`, {
        operation: "resolve",
      });
    }
    const allowed = route === undefined ? this.allowed(wanted, host, port) : wanted;
    return interleaveFamilies(allowed).map((found) => ({ ...found, port }));
  }

  /** What may be connected to: what is asked about here is what is dialled. */
  private allowed(
    found: readonly ResolvedHost[],
    host: string,
    port: number,
  ): readonly ResolvedHost[] {
    const { allowAddress } = this.options;
    if (allowAddress === undefined) return found;
    let allowed: readonly ResolvedHost[];
    try {
      allowed = found.filter((one) => answeredAtOnce(allowAddress(one.host, host, port)) === true);
    } catch (error) {
      throw handlerError("allowAddress", "connect", error, this.connection.id);
    }
    if (allowed.length > 0) return allowed;
    const text = `${host} port ${port} has no address that may be connected to (allowAddress, destinations of a proxy)`;
    throw new NetError("ADDRESS_REFUSED", text, { operation: "connect" });
  }

  private begin(addresses: readonly Address[]): void {
    if (this.isOver) return;
    callHandler(
      () => this.options.onLookup?.(),
      (cause) =>
        this.connection.fail(handlerError("onLookup", "connect", cause, this.connection.id)),
    );
    if (this.isOver) return;
    const { localHost, localPort, attemptDelayMs = ATTEMPT_DELAY_MS.standard } = this.options;
    const { settings, security } = this.component;
    const stream = streamOptions(settings, security);
    const targets: ConnectTarget[] = addresses.map((address) => ({
      address,
      stream,
      ...(localHost !== undefined && { localHost }),
      ...(localPort !== undefined && { localPort }),
    }));
    this.race = new AddressRace(this.component.service.engine, targets, attemptDelayMs, this);
    try {
      this.race.start();
    } catch (error) {
      this.raceLost(error as NetError);
    }
  }

  raceWon(stream: StreamSocket): void {
    this.race = undefined;
    this.stream = stream;
    if (!this.component.keepsProcess) stream.unref();
    const { route, isForwarded } = this.options;
    if (route === undefined || isForwarded === true) this.open(stream);
    else this.makeTunnel(stream, route);
  }

  /** The stream leads to the destination. */
  private open(stream: StreamSocket): void {
    this.isOver = true;
    const connection = this.connection;
    connection.stream = stream;
    stream.sink = connection;
    connection.open(true);
    // A handler that closes the connection in good order has let it in.
    if (connection.state === "closing") this.waiter.resolve();
  }

  private makeTunnel(stream: StreamSocket, route: ProxyRoute): void {
    const { host = LOOPBACK, port = 0 } = this.options;
    const TunnelClass = this.tunnelClass as typeof Tunnel;
    this.tunnel = new TunnelClass(stream, route, { host, port }, this);
    try {
      this.tunnel.begin();
    } catch (error) {
      this.tunnel.cancel();
      this.raceLost(error as NetError);
    }
  }

  tunnelMade(early: readonly Buffer[], hasEnded: boolean): void {
    const stream = this.stream as StreamSocket;
    if (early.length > 0 && this.options.refusesEarly === true) {
      const text = `${this.tunnel?.step}: the proxy sent bytes of its own into the tunnel`;
      stream.reset();
      this.raceLost(new NetError("PROXY_MALFORMED", text, { operation: "connect" }));
      return;
    }
    this.open(stream);
    const connection = this.connection;
    for (const bytes of early) connection.streamReceived(bytes);
    if (hasEnded) connection.streamEnded();
  }

  tunnelFailed(error: NetError): void {
    this.raceLost(error);
  }

  established(): void {
    // What was asked for is not kept as long as the connection lives.
    this.options = {};
    this.waiter.resolve();
  }

  raceLost(error: NetError): void {
    if (this.isOver) return;
    this.isOver = true;
    const told = this.stream === undefined ? this.beforeStream(error) : error;
    this.connection.streamClosed(told);
    this.waiter.reject(told);
  }

  /** Says of an error before there was a stream whose it is: our own end's, the first proxy's, or the peer's. */
  private beforeStream(error: NetError): NetError {
    const { route } = this.options;
    const { systemCode, fault } = error;
    if (systemCode === "EADDRNOTAVAIL" || systemCode === "EADDRINUSE") {
      return localError(error, this.options);
    }
    if (route === undefined || fault === "local" || fault === "usage") return error;
    const text = `the proxy ${route.first.host} can't be reached: ${error.message}`;
    return new NetError("PROXY_UNREACHABLE", text, { operation: "connect", cause: error });
  }

  cancel(): boolean {
    this.waiter.reject(this.connection.endError());
    if (this.isOver) return false;
    this.isOver = true;
    this.lookup?.abort();
    this.race?.cancel();
    this.tunnel?.cancel();
    queueMicrotask(() => this.connection.streamClosed(undefined));
    return true;
  }
}

/** Where a route begins. */
function endOf({ first }: ProxyRoute): { readonly host: string; readonly port: number } {
  return { host: first.hostname, port: first.port };
}

/** Of a local address or port that can't be had the system names the peer's address: this says which it is. */
function localError(error: NetError, { localHost, localPort, ...peer }: DialOptions): NetError {
  const { code, systemCode = "", operation = "connect" } = error;
  const port = localPort === undefined || localPort === 0 ? undefined : `localPort ${localPort}`;
  const host = localHost === undefined ? undefined : `localHost ${localHost}`;
  const local = [host, port].filter((text) => text !== undefined).join(", ");
  const why = systemCode === "EADDRINUSE" ? "is in use" : "is not available here";
  const text =
    port === undefined && (host === undefined || systemCode === "EADDRINUSE")
      ? `no local port is left from which to connect to ${peer.path ?? `${peer.host ?? LOOPBACK} port ${peer.port}`}`
      : `the local address ${why}: ${local}`;
  return new NetError(code, `${text} (${systemCode})`, { operation, systemCode, cause: error });
}
