/** A relay: each connection that comes is joined with one to a destination. */
import process from "node:process";
import { CidrSet } from "../address/cidr-set.js";
import { type HostPort, parseHostPort } from "../address/host-port.js";
import type { AdmissionOptions } from "../connection/admission.js";
import type { ComponentStats, StopOptions, StopResult } from "../connection/component-options.js";
import type { WaitOptions } from "../connection/connection.js";
import { callHandler, handlerError } from "../connection/handlers.js";
import { Listening, type ListeningRole, type ListenOptions } from "../connection/listening.js";
import { HOLD, type Receiver } from "../connection/receiver.js";
import { StreamComponent, type StreamRole } from "../connection/stream-component.js";
import type { StreamConnection } from "../connection/stream-connection.js";
import type { ClientTls } from "../connection/tls-settings.js";
import type { Address, EngineChoice, IpAddress } from "../engine/engine.js";
import {
  assertFunction,
  assertInteger,
  assertKnownKeys,
  assertObject,
  describe,
  invalidArgument,
  NetError,
} from "../errors.js";
import { optionNames, readOptions } from "../options.js";
import { DestinationTable, type Destined } from "../pool/destination-table.js";
import { Health } from "../pool/ejection.js";
import type { ProxyEnd } from "../protocol/proxy-header/proxy-header.js";
import {
  encodeProxyHeaderV1,
  encodeProxyHeaderV2,
  type ProxyEnds,
} from "../protocol/proxy-header/proxy-header-writer.js";
import { type ServerSecurity, secured } from "../tcp/secured.js";
import type { Clock } from "../time/clock.js";
import { HeaderReceiver } from "./header-receiver.js";
import { OutgoingStreams } from "./outgoing-streams.js";
import { RELAY_NUMBERS, type RelayNumbers } from "./relay-settings.js";
import { asNetError } from "./tunnel-maker.js";
import { TunnelPair } from "./tunnel-pair.js";

/** What has become of one client of a relay. */
export interface RelayRecord {
  /** Who connected: as the PROXY header has it, where there was one. */
  readonly client: string | undefined;
  /** `host:port`; undefined where none could be reached. */
  readonly destination: string | undefined;
  readonly fromClientBytes: number;
  readonly toClientBytes: number;
  readonly durationMs: number;
  readonly error: NetError | undefined;
}

/** Options of a {@link Relay}. */
export interface RelayOptions extends AdmissionOptions, Partial<RelayNumbers>, ServerSecurity {
  /** Destinations, `host:port`; which one is first goes round, and where one can't be reached the next is tried. */
  readonly to: readonly string[];
  /** TLS to the destinations. Does not go with `sendProxyHeader`, which has to come before it. Default: plain. */
  readonly toTls?: ClientTls;
  /** The header that tells the destination who the client is (PROXY protocol). Default: none. */
  readonly sendProxyHeader?: 1 | 2;
  /**
   * Networks whose clients have to begin with a PROXY header, of either version; of all others none is read, what they
   * send is passed on. Does not go with `tls`. Default: nobody.
   */
  readonly proxyHeaderFrom?: readonly string[];
  /** What moves the bytes of both sides. */
  readonly engine?: EngineChoice;
  /** A client has ended: for logs. */
  readonly onRelayed?: (record: RelayRecord) => void;
  /** A destination failed so often that it is not tried for `forMs`. */
  readonly onEject?: (destination: string, forMs: number, error: NetError) => void;
  /** A client was not let in. */
  readonly onRefuse?: (error: NetError, remoteAddress: Address | undefined) => void;
}

/** What a relay has done so far. */
export interface RelayStats extends ComponentStats {
  /** Destinations that are not tried at present. */
  readonly ejectedCount: number;
}

const HANDLER_NAMES = ["onRelayed", "onEject", "onRefuse"] as const;

const OPTION_NAMES: readonly string[] = [
  ...HANDLER_NAMES,
  ...optionNames<RelayNumbers>(RELAY_NUMBERS),
  "access",
  "tls",
  "to",
  "toTls",
  "sendProxyHeader",
  "proxyHeaderFrom",
  "engine",
];

/** What waits on each side, at most, before the other side is held back. */
const HIGH_WATER_MARK_BYTES = 262_144;

/** A destination, and how it does. */
class Destination implements Destined {
  readonly name: string;
  readonly end: HostPort;
  readonly health: Health = new Health();
  useCount = 0;

  constructor(text: string) {
    const end = typeof text === "string" ? parseHostPort(text) : undefined;
    if (end === undefined || end.port === 0) {
      throw invalidArgument(`a destination must be host:port, not ${describe(text)}`);
    }
    this.name = text;
    this.end = end;
  }
}

/** Where the client comes from and what it reached, as the destination is told. */
interface Ends {
  readonly source: ProxyEnd | undefined;
  readonly destination: ProxyEnd | undefined;
}

/** Forwards connections to destinations. It runs on every engine. */
export class Relay implements AsyncDisposable {
  readonly #component: StreamComponent;
  readonly #listening: Listening;
  readonly #outgoing: OutgoingStreams;
  readonly #options: RelayOptions;
  readonly #numbers: RelayNumbers;
  readonly #mustTell: CidrSet;
  readonly #table: DestinationTable<Destination>;
  /** Clients for which a destination is being looked for. */
  readonly #leaving: WeakMap<StreamConnection, AbortController> = new WeakMap();

  /** Throws `INVALID_ARGUMENT`, `ENGINE_UNAVAILABLE`. */
  constructor(options: RelayOptions) {
    assertObject("the options", options);
    assertKnownKeys("Relay", options, OPTION_NAMES);
    const { sendProxyHeader, proxyHeaderFrom = [], toTls, engine: wanted } = options;
    for (const name of HANDLER_NAMES) {
      if (options[name] !== undefined) assertFunction(name, options[name]);
    }
    if (sendProxyHeader !== undefined) assertInteger("sendProxyHeader", sendProxyHeader, 1, 2);
    if (toTls !== undefined && sendProxyHeader !== undefined) {
      throw invalidArgument("sendProxyHeader does not go with toTls: it has to come before TLS");
    }
    this.#options = options;
    this.#mustTell = new CidrSet(proxyHeaderFrom);
    if (options.tls !== undefined && this.#mustTell.size > 0) {
      throw invalidArgument("proxyHeaderFrom does not go with tls: the header comes before TLS");
    }
    this.#numbers = readOptions<RelayNumbers>(RELAY_NUMBERS, options);
    const settings = { highWaterMarkBytes: HIGH_WATER_MARK_BYTES };
    this.#outgoing = new OutgoingStreams({ engine: wanted, tls: toTls, settings });
    const { onEject } = options;
    this.#table = new DestinationTable({ ...this.#numbers, balance: "roundRobin" }, this.#clock, {
      onEject: ({ name }, forMs, cause) => onEject?.(name, forMs, asNetError(cause)),
    });
    const [engine, security] = secured("server", options);
    const role = this.#role();
    const { maxConnections } = this.#numbers;
    const transport = { ...settings, maxConnections, halfOpen: true, delivery: "borrow" } as const;
    this.#component = new StreamComponent(role, engine, security, transport);
    this.#listening = new Listening(this.#component, role, { access: options.access });
    this.setDestinations(options.to);
  }

  get #clock(): Clock {
    return this.#outgoing.component.service.wheel.clock;
  }

  /** Exchanges the destinations; connections that there are stay. Throws `INVALID_ARGUMENT`, and then nothing is changed. */
  setDestinations(to: readonly string[]): void {
    if (!Array.isArray(to) || to.length === 0) {
      throw invalidArgument(`to must be a list of destinations, not ${describe(to)}`);
    }
    this.#table.set(to, (text) => new Destination(text));
  }

  #role(): StreamRole & ListeningRole {
    return {
      packetEvents: undefined,
      createReceiver: () => new Waiting(),
      askListen: () => {},
      prepare: () => {},
      opened: () => {},
      ready: (connection) => this.#ready(connection),
      closed: (connection) => this.#leaving.get(connection)?.abort(),
      refused: (error, address) =>
        this.#call("onRefuse", () => this.#options.onRefuse?.(error, address)),
      shutdown: () => {},
      closeListeners: () => this.#listening.close(),
      hasListeners: () => this.#listening.isOpen,
    };
  }

  /** What a handler throws is told by a process warning, and changes nothing. */
  #call(name: string, call: () => void): void {
    callHandler(call, (cause) =>
      process.emitWarning(handlerError(name, "accept", cause, undefined)),
    );
  }

  #ready(connection: StreamConnection): void {
    const host = connection.remoteAddress?.host;
    if (host === undefined || this.#mustTell.size === 0 || !this.#mustTell.has(host)) {
      connection.hold(HOLD.upgrade);
      void this.#join(connection, { source: undefined, destination: undefined });
      return;
    }
    const { headerTimeoutMs } = this.#numbers;
    const receiver = new HeaderReceiver(connection, headerTimeoutMs, ({ source, destination }) => {
      void this.#join(connection, { source, destination });
    });
    connection.receiveBy(receiver);
  }

  async #join(client: StreamConnection, told: Ends): Promise<void> {
    const startMs = this.#clock.now();
    const ends = endsOf(client, told);
    const tell = (rest: Omit<RelayRecord, "client" | "durationMs">): void => {
      const durationMs = this.#clock.now() - startMs;
      const record = { client: ends?.source.host, durationMs, ...rest };
      this.#call("onRelayed", () => this.#options.onRelayed?.(record));
    };
    const nothing = { fromClientBytes: 0, toClientBytes: 0 };
    const leaving = new AbortController();
    this.#leaving.set(client, leaving);
    const found = await this.#find(leaving.signal, startMs);
    this.#leaving.delete(client);
    if (found instanceof NetError) {
      client.fail(found);
      tell({ ...nothing, destination: undefined, error: found });
      return;
    }
    const { upstream, destination } = found;
    if (client.state !== "open") {
      upstream.abort();
      destination.useCount--;
      tell({ ...nothing, destination: destination.name, error: client.endError() });
      return;
    }
    const { sendProxyHeader } = this.#options;
    if (sendProxyHeader === 1) upstream.sendBytes(encodeProxyHeaderV1(ends));
    if (sendProxyHeader === 2) upstream.sendBytes(encodeProxyHeaderV2(ends));
    const { tunnelIdleTimeoutMs } = this.#numbers;
    new TunnelPair(client, upstream, tunnelIdleTimeoutMs, (report) => {
      destination.useCount--;
      const { fromClientBytes, toClientBytes } = report;
      const error = report.reason.cause;
      tell({ destination: destination.name, fromClientBytes, toClientBytes, error });
    }).start();
  }

  /** Tries destinations until one can be reached. Never rejects. */
  async #find(
    signal: AbortSignal,
    startMs: number,
  ): Promise<{ upstream: StreamConnection; destination: Destination } | NetError> {
    let failure = new NetError("CONNECT_TIMEOUT", "no destination was reached in time");
    for (const destination of this.#table.order()) {
      const leftMs = Math.ceil(startMs + this.#numbers.connectTimeoutMs - this.#clock.now());
      if (leftMs <= 0 || signal.aborted) break;
      destination.useCount++;
      try {
        const upstream = await this.#outgoing.connect({
          ...destination.end,
          signal,
          timeoutMs: leftMs,
          timeoutName: "connectTimeoutMs",
        });
        if (upstream.state !== "open") throw upstream.endError();
        this.#table.succeeded(destination, "connect");
        return { upstream, destination };
      } catch (cause) {
        destination.useCount--;
        failure = asNetError(cause);
        if (signal.aborted) break;
        this.#table.failed(destination, "connect", failure);
      }
    }
    return failure;
  }

  /** See `TcpServer.listen`; on `127.0.0.1` unless told otherwise. */
  listen(options?: ListenOptions & { readonly path?: never }): Promise<IpAddress>;
  listen(options: ListenOptions): Promise<Address>;
  listen(options: ListenOptions = {}): Promise<Address> {
    const isOnPath = typeof options === "object" && options?.path !== undefined;
    return this.#listening.listen(isOnPath ? options : { host: "127.0.0.1", ...options });
  }

  /** Stops: nothing new comes in, connections get `drainMs` (default 5,000) to end, then they are cut. */
  async stop(options: StopOptions = {}): Promise<StopResult> {
    const result = await this.#component.stop(options);
    await this.#outgoing.component.stop({ drainMs: 0 });
    return result;
  }

  /** Resolves when the relay is stopped, at once if it is. */
  stopped(options?: WaitOptions): Promise<void> {
    return this.#component.stopped(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Where it listens; undefined while it does not. */
  get address(): Address | undefined {
    return this.#listening.address;
  }

  /** The port it listens on; 0 while it does not, and on a path. */
  get port(): number {
    return this.#listening.port;
  }

  /** Clients at present. */
  get connectionCount(): number {
    return this.#component.connectionCount;
  }

  /** What it has done so far. */
  get stats(): RelayStats {
    return { ...this.#component.stats, ejectedCount: this.#table.unwellCount };
  }
}

/** Gets nothing, since the connection is held until there is a destination. */
class Waiting implements Receiver {
  received(): number {
    return 0;
  }

  ended(): void {
    // Held back.
  }

  drained(): void {
    // Nothing is sent.
  }

  closed(): void {
    // The role is told.
  }
}

/** What was told, or what is seen; undefined where the peer has no address. */
function endsOf(client: StreamConnection, { source, destination }: Ends): ProxyEnds | undefined {
  if (source !== undefined && destination !== undefined) return { source, destination };
  const { remoteAddress, localAddress } = client;
  if (remoteAddress?.host === undefined || localAddress?.host === undefined) return undefined;
  const plain = ({ host = "", port = 0 }: Address): ProxyEnd => ({
    host: host.replace(/%.*$/, ""),
    port,
  });
  return { source: plain(remoteAddress), destination: plain(localAddress) };
}
