/**
 * A relay: each connection that comes is joined with one to a destination.
 *
 *     accept ─► (PROXY header) ─► (TLS is ended) ─► (name of TLS is read) ─► a destination is found ─► TunnelPair
 *
 * Until it is joined a client is held back: what it sends meanwhile is passed on first.
 */
import { Buffer } from "node:buffer";
import {
  readStopOptions,
  type StopOptions,
  type StopResult,
} from "../../connection/component/component-options.js";
import type { ServiceState } from "../../connection/component/service-state.js";
import type { StreamRole } from "../../connection/component/stream-component.js";
import type { WaitOptions } from "../../connection/connection.js";
import { callHandler, handlerError, tellHandlerError } from "../../connection/events/handlers.js";
import type { ListeningRole, ListenOptions } from "../../connection/listening/listening.js";
import { HOLD } from "../../connection/receiver.js";
import type { StreamConnection } from "../../connection/stream-connection.js";
import type { Address, IpAddress } from "../../engine/engine.js";
import { NetError, readAs } from "../../errors.js";
import { readOptions } from "../../options.js";
import { readHealthCheck, StreamProbe } from "../../pool/health-check-options.js";
import { BALANCE } from "../../pool/pool-options.js";
import { type ProxyEnd, TLV } from "../../protocol/proxy-header/proxy-header.js";
import {
  encodeProxyHeaderV1,
  encodeProxyHeaderV2,
  type ProxyEnds,
} from "../../protocol/proxy-header/proxy-header-writer.js";
import type { ClientHello } from "../../protocol/tls-hello/client-hello.js";
import { secured } from "../../tcp/secured.js";
import type { Clock } from "../../time/clock.js";
import { HeldBack, OutgoingStreams } from "../outgoing-streams.js";
import { Passage } from "../passage.js";
import { asNetError } from "../tunnel-maker.js";
import { assertRelayDestinations, statsOf, tableHandlers } from "./destination.js";
import { HelloReceiver } from "./hello-receiver.js";
import { assertRoutes, NAME_ALERT, NameRoutes, type RelayNames } from "./name-routes.js";
import {
  assertRelayOptions,
  type RelayOptions,
  type RelayRecord,
  type RelayStats,
} from "./relay-options.js";
import { RELAY_NUMBERS, type RelayNumbers } from "./relay-settings.js";
import { Upstreams } from "./upstreams.js";

/** What waits on each side, at most, before the other side is held back. */
export const HIGH_WATER_MARK_BYTES = 262_144;

/** A client that is joined. */
interface Joining {
  /** What was read of its TLS. */
  readonly hello: ClientHello | undefined;
  /** What was read, to be passed on. */
  readonly early: Buffer | undefined;
}

const NOTHING_READ: Joining = { hello: undefined, early: undefined };

/** Forwards connections to destinations. It runs on every engine. */
export class Relay implements AsyncDisposable {
  readonly #passage: Passage;
  readonly #outgoing: OutgoingStreams;
  readonly #options: RelayOptions;
  readonly #numbers: RelayNumbers;
  readonly #probe: StreamProbe | undefined;
  readonly #upstreams: Upstreams;
  readonly #routes: NameRoutes | undefined;
  #isListening = false;
  /** Clients for which a destination is being looked for. */
  readonly #leaving: WeakMap<StreamConnection, AbortController> = new WeakMap();

  /** Throws `INVALID_ARGUMENT`, `ENGINE_UNAVAILABLE`. */
  constructor(options: RelayOptions) {
    assertRelayOptions(options);
    const { to, sni, toTls, sendProxyHeader, access, proxyHeader } = options;
    this.#options = options;
    this.#numbers = readOptions<RelayNumbers>(RELAY_NUMBERS, options);
    const [engine, security] = secured("server", options);
    const settings = { highWaterMarkBytes: HIGH_WATER_MARK_BYTES };
    const start = sendProxyHeader === undefined ? ("immediate" as const) : ("manual" as const);
    const tls = toTls && { ...toTls, start };
    this.#outgoing = readAs("toTls", "tls", () => new OutgoingStreams({ engine, tls, settings }));
    const check = readHealthCheck(options.healthCheck);
    const local = sendProxyHeader && proxyHeaderOf(sendProxyHeader, undefined, undefined);
    this.#probe =
      check && new StreamProbe(check, { engine, ...(toTls && { tls: toTls }) }, local || undefined);
    this.#upstreams = this.#makeUpstreams(check);
    if (to !== undefined) this.#upstreams.set(to);
    this.#routes = sni && new NameRoutes(sni, this.#upstreams, () => this.#addUpstreams(check));
    const { maxConnections } = this.#numbers;
    const transport = { ...settings, maxConnections, halfOpen: true, delivery: "borrow" } as const;
    const admission = { access, proxyHeader };
    const stopRest = async () => this.#probe?.stop();
    const parts = { engine, security, settings: transport, admission, stopRest };
    this.#passage = new Passage(this.#role(), parts, this.#outgoing);
  }

  get #clock(): Clock {
    return this.#outgoing.component.service.wheel.clock;
  }

  #makeUpstreams(check: ReturnType<typeof readHealthCheck>): Upstreams {
    const { balance = BALANCE.standard } = this.#options;
    const { connectTimeoutMs, attemptTimeoutMs } = this.#numbers;
    const probe = this.#probe;
    return new Upstreams({
      outgoing: this.#outgoing,
      connectTimeoutMs,
      attemptTimeoutMs,
      startsTls: this.#options.toTls !== undefined && this.#options.sendProxyHeader !== undefined,
      rules: {
        ...this.#numbers,
        balance,
        healthCheck: check && {
          ...check,
          probe: async ({ end }, signal) => await probe?.probe(end, signal),
        },
      },
      handlers: tableHandlers(this.#options),
    });
  }

  #addUpstreams(check: ReturnType<typeof readHealthCheck>): Upstreams {
    const upstreams = this.#makeUpstreams(check);
    if (this.#isListening) upstreams.table.start();
    return upstreams;
  }

  /** Those of `to`, and of all names. */
  get #allUpstreams(): Upstreams[] {
    return [this.#upstreams, ...(this.#routes?.all ?? [])];
  }

  /**
   * Exchanges the destinations of `to`. Clients stay with a destination that was removed. Throws `INVALID_ARGUMENT`,
   * and then nothing is changed.
   */
  setDestinations(to: readonly string[]): void {
    assertRelayDestinations("to", to);
    this.#upstreams.set(to);
  }

  /** The same for the destinations of `sni.routes`. Throws `INVALID_STATE` without `sni`. */
  setRoutes(routes: RelayNames["routes"]): void {
    if (this.#routes === undefined) {
      throw new NetError("INVALID_STATE", "the relay was made without sni");
    }
    assertRoutes(routes);
    this.#routes.set(routes);
  }

  #role(): StreamRole & ListeningRole {
    return {
      packetEvents: undefined,
      createReceiver: () => new HeldBack(),
      askListen: () => {},
      prepare: () => {},
      opened: () => {},
      ready: (connection) => this.#ready(connection),
      closed: (connection) => this.#leaving.get(connection)?.abort(),
      refused: (error, address) =>
        this.#call("onRefuse", () => this.#options.onRefuse?.(error, address)),
      shutdown: () => {},
      closeListeners: () => this.#passage.listening.close(),
      hasListeners: () => this.#passage.listening.isOpen,
    };
  }

  /** What a handler throws is reported, and changes nothing. */
  #call(name: string, call: () => void): void {
    callHandler(call, (cause) =>
      tellHandlerError(this.#options, handlerError(name, "accept", cause)),
    );
  }

  #ready(client: StreamConnection): void {
    const routes = this.#routes;
    if (routes === undefined) {
      client.hold(HOLD.upgrade);
      void this.#join(client, this.#upstreams, NOTHING_READ);
    } else if (client.tls !== undefined) {
      client.hold(HOLD.upgrade);
      const { serverName, alpnProtocol } = client.tls;
      const alpnProtocols = alpnProtocol === undefined ? [] : [alpnProtocol];
      this.#route(client, routes, { hello: { serverName, alpnProtocols }, early: undefined });
    } else {
      const tell = this.#teller(client, NOTHING_READ);
      const receiver = new HelloReceiver(client, this.#numbers, {
        helloRead: (hello, early) => this.#route(client, routes, { hello, early }),
        helloLost: ({ cause }) =>
          tell({ ...NOTHING_PASSED, destination: undefined, error: cause ?? client.endError() }),
      });
      client.receiveBy(receiver);
    }
  }

  #route(
    client: StreamConnection,
    routes: NameRoutes,
    joining: Joining & { readonly hello: ClientHello },
  ): void {
    try {
      void this.#join(client, routes.find(joining.hello), joining);
    } catch (cause) {
      const error = asNetError(cause);
      const tell = this.#teller(client, joining);
      if (error.code !== "TLS_NAME_UNKNOWN") client.fail(error);
      else {
        // TLS that ends here passes no ClientHello on.
        if (joining.early !== undefined) client.sendBytes(NAME_ALERT);
        client.close();
      }
      tell({ ...NOTHING_PASSED, destination: undefined, error });
    }
  }

  /** Tells what has become of a client, which begins now. */
  #teller(client: StreamConnection, { hello }: Joining): (rest: Outcome) => void {
    const startMs = this.#clock.now();
    const { remoteAddress } = client;
    return (rest) => {
      const record: RelayRecord = {
        client: remoteAddress?.host,
        serverName: hello?.serverName,
        startedAt: this.#clock.originMs + startMs,
        durationMs: this.#clock.now() - startMs,
        ...rest,
      };
      this.#call("onRelayed", () => this.#options.onRelayed?.(record));
    };
  }

  async #join(client: StreamConnection, upstreams: Upstreams, joining: Joining): Promise<void> {
    const tell = this.#teller(client, joining);
    const { sendProxyHeader } = this.#options;
    const head = sendProxyHeader && proxyHeaderOf(sendProxyHeader, endsOf(client), joining.hello);
    const leaving = new AbortController();
    this.#leaving.set(client, leaving);
    const found = await upstreams.find(leaving.signal, head || undefined);
    this.#leaving.delete(client);
    if (found instanceof NetError) {
      client.fail(found);
      tell({ ...NOTHING_PASSED, destination: undefined, error: found });
      return;
    }
    const { upstream, destination } = found;
    if (client.state !== "open") {
      upstream.abort();
      destination.useCount--;
      tell({ ...NOTHING_PASSED, destination: destination.name, error: client.endError() });
      return;
    }
    const { tunnelIdleTimeoutMs } = this.#numbers;
    const pair = this.#outgoing.join(client, upstream, tunnelIdleTimeoutMs, (report) => {
      destination.useCount--;
      const { fromClientBytes, toClientBytes, isByUpstream } = report;
      const error = report.reason.cause;
      // A destination that resets without having sent a byte serves no client.
      if (error === undefined || toClientBytes > 0) upstreams.table.succeeded(destination, "use");
      else if (isByUpstream) upstreams.table.failed(destination, "use", error);
      tell({ destination: destination.name, fromClientBytes, toClientBytes, error });
    });
    pair.start(joining.early);
  }

  /**
   * Listens, and resolves with the address: `host` (default `127.0.0.1`) and `port` (default 0: any free one), or the
   * `path` of a Unix-domain socket. Rejects with `ADDRESS_IN_USE`, `ADDRESS_NOT_AVAILABLE`, `ACCESS_DENIED`,
   * `HOST_NOT_FOUND`,
   * `STOPPED`, `INVALID_STATE` (it listens already), `INVALID_ARGUMENT`.
   */
  listen(options?: ListenOptions & { readonly path?: never }): Promise<IpAddress>;
  listen(options: ListenOptions): Promise<Address>;
  async listen(options: ListenOptions = {}): Promise<Address> {
    const address = await this.#passage.listen(options);
    // Checks begin when it listens.
    this.#isListening = true;
    for (const { table } of this.#allUpstreams) table.start();
    return address;
  }

  /**
   * Stops: nothing new comes in, connections get `drainMs` (default 5,000) to end, then they are cut. Each client
   * counts
   * once in the result, as cut where its connection was, or that to its destination.
   */
  async stop(options: StopOptions = {}): Promise<StopResult> {
    readStopOptions(options);
    this.#isListening = false;
    for (const { table } of this.#allUpstreams) table.stop();
    return await this.#passage.stop(options);
  }

  /** Resolves when the relay is stopped, at once if it is. Rejects with `CLOSE_TIMEOUT`, `ABORTED`. */
  stopped(options?: WaitOptions): Promise<void> {
    return this.#passage.stopped(options);
  }

  /** Lets the process end while it listens and connections are open. */
  unref(): void {
    this.#passage.unref();
  }

  /** Takes {@link unref} back. */
  ref(): void {
    this.#passage.ref();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** `starting`, `started`, `stopping` or `stopped`. */
  get state(): ServiceState {
    return this.#passage.state;
  }

  /** Where it listens; undefined while it does not. */
  get address(): Address | undefined {
    return this.#passage.address;
  }

  /** The port it listens on; 0 while it does not, and on a path. */
  get port(): number {
    return this.#passage.port;
  }

  /** Clients at present. */
  get connectionCount(): number {
    return this.#passage.connectionCount;
  }

  /** What it has done so far. */
  get stats(): RelayStats {
    const all = this.#allUpstreams.flatMap(({ table }) => table.all);
    const ejectedCount = all.filter(({ health }) => !health.isWell).length;
    return { ...this.#passage.stats, ejectedCount, destinations: statsOf(all) };
  }
}

type Outcome = Omit<RelayRecord, "client" | "serverName" | "startedAt" | "durationMs">;

const NOTHING_PASSED = { fromClientBytes: 0, toClientBytes: 0 };

/** The header that is sent to a destination. Without ends it says that the addresses are unknown. */
function proxyHeaderOf(
  version: 1 | 2,
  ends: ProxyEnds | undefined,
  hello: ClientHello | undefined,
): Buffer {
  if (version === 1) return encodeProxyHeaderV1(ends);
  const name = hello?.serverName;
  if (ends === undefined || name === undefined) return encodeProxyHeaderV2(ends);
  return encodeProxyHeaderV2(ends, { tlvs: [{ type: TLV.authority, value: Buffer.from(name) }] });
}

/** The addresses of client and server: from the PROXY header, or the socket's; undefined without an address. */
function endsOf({
  remoteAddress,
  localAddress,
  proxyHeader,
}: StreamConnection): ProxyEnds | undefined {
  const { source, destination } = proxyHeader ?? {};
  if (source !== undefined && destination !== undefined) return { source, destination };
  if (remoteAddress?.host === undefined || localAddress?.host === undefined) return undefined;
  const plain = ({ host = "", port = 0 }: Address): ProxyEnd => ({
    host: host.replace(/%.*$/, ""),
    port,
  });
  return { source: plain(remoteAddress), destination: plain(localAddress) };
}
