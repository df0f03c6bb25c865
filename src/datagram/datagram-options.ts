/** What components over datagrams are given. */
import { assertHost } from "../bytes/host-text.js";
import type { WaitOptions } from "../connection/connection.js";
import type { SendErrorHandler } from "../connection/events/events.js";
import { HANDLER_NAMES, type Handlers, type Verdict } from "../connection/events/handlers.js";
import { LOOPBACK } from "../dial/connect-options.js";
import type { ProxyHop } from "../dial/proxy-hop.js";
import { type ProxyChoice, ProxyRouter } from "../dial/proxy-route.js";
import type { DatagramTarget, EngineChoice } from "../engine/engine.js";
import {
  assertBoolean,
  assertFunction,
  assertInteger,
  assertKnownKeys,
  assertObject,
  assertText,
  invalidArgument,
} from "../errors.js";
import {
  assertOptions,
  type CallTable,
  choice,
  count,
  flag,
  type Given,
  milliseconds,
  optional,
} from "../options.js";
import { DATAGRAM_SETTING_NAMES, type DatagramSettings } from "./datagram-settings.js";
import type { MessageConnection } from "./message-connection.js";

/** The handlers of a component over datagrams: those of every component but `onEnd`, since datagrams have no half-close. */
export interface DatagramHandlers<Handle>
  extends Omit<Handlers<Handle, Buffer>, "onEnd" | "onPrepareListen">,
    SendErrorHandler<Handle> {
  /** The socket is about to be opened. `false` cancels: `listen` rejects with `REFUSED`. */
  onPrepareListen?(target: DatagramTarget): Verdict;
}

/** Options of every component over datagrams: settings and handlers in one object. */
export interface DatagramOptions<Handle, Context>
  extends Given<DatagramSettings>,
    Given<DatagramHandlers<Handle>> {
  /** What moves the bytes: a name, an engine, or `auto` (default; `HP_SOCKET_ENGINE` overrides it). */
  readonly engine?: EngineChoice | undefined;
  /** Makes the `context` of each new connection. */
  readonly context?: ((connection: MessageConnection<Context>) => Context) | undefined;
}

/** `context` has to be given where the type of it has no `undefined`. */
export type MessageContextRule<Context> = undefined extends Context
  ? unknown
  : { readonly context: (connection: MessageConnection<Context>) => Context };

const DATAGRAM_HANDLERS: readonly string[] = [
  ...HANDLER_NAMES.filter((name) => name !== "onEnd"),
  "onSendError",
];

/** Names of all options of components over datagrams. */
export const DATAGRAM_OPTION_NAMES: readonly string[] = [
  ...DATAGRAM_SETTING_NAMES,
  ...DATAGRAM_HANDLERS,
  "engine",
  "context",
];

/** Options of components that make their sessions themselves. */
export interface OutgoingOptions<Handle, Context>
  extends Omit<
    DatagramOptions<Handle, Context>,
    "maxNewPerSecond" | "onPrepareListen" | "onAccept" | "onRefuse"
  > {
  /**
   * Ends the connection with `CONNECTION_REFUSED` when the peer's host says that nobody is at the port (ICMP). That
   * can be forged, and a peer may be about to start; probes find who is gone. Default false.
   */
  readonly closeOnRefused?: boolean | undefined;
  /**
   * The SOCKS 5 proxy that relays the datagrams (RFC 1928 §7), or a function of the destination. Its `connect` asks
   * the proxy first; names are looked up there. Default: none.
   */
  readonly proxy?: ProxyChoice | undefined;
}

/** Names of all options of components that make their sessions themselves. */
export const OUTGOING_OPTION_NAMES: readonly string[] = [
  ...DATAGRAM_OPTION_NAMES.filter(
    (name) => !["maxNewPerSecond", "onPrepareListen", "onAccept", "onRefuse"].includes(name),
  ),
  "closeOnRefused",
  "proxy",
];

/** Throws `INVALID_ARGUMENT` for a name that is not among `known`, and for a handler that is no function. */
export function assertDatagramOptions(options: object, known: readonly string[]): void {
  assertObject("the options", options);
  assertKnownKeys("options", options, known);
  for (const name of [...DATAGRAM_HANDLERS, "context"]) {
    const handler: unknown = (options as Record<string, unknown>)[name];
    if (handler !== undefined) assertFunction(name, handler);
  }
  const { closeOnRefused, proxy } = options as Given<OutgoingOptions<unknown, unknown>>;
  if (closeOnRefused !== undefined) assertBoolean("closeOnRefused", closeOnRefused);
  ProxyRouter.assert(proxy);
}

/** Where and how to listen for datagrams. */
export interface DatagramListenOptions {
  /** Address or name of this host. Default `0.0.0.0`; `::` for IPv6, and both with `dualStack`. */
  readonly host?: string | undefined;
  /** 0 to 65535; 0 (default): any free port. */
  readonly port?: number | undefined;
  /** Which addresses of a name to take; that of `host` where it is an address. Default `any`. */
  readonly family?: "any" | "IPv4" | "IPv6" | undefined;
  /** `SO_REUSEADDR`: another socket may have the port (HP §2.2). Default false. */
  readonly reuseAddress?: boolean | undefined;
  /** `SO_REUSEPORT`: several sockets share the port, and its peers. Default false. `NOT_SUPPORTED` where the engine can't. */
  readonly reusePort?: boolean | undefined;
  /** An IPv6 socket takes IPv4 peers as well. Default true. */
  readonly dualStack?: boolean | undefined;
}

const port = (min: number) => optional(count(0, "port", { min, max: 65_535 }));
const family = optional(choice("any", ["any", "IPv4", "IPv6"]));

/** The checks of {@link DatagramListenOptions}. */
export const DATAGRAM_LISTEN_OPTIONS: CallTable<DatagramListenOptions> = {
  host: optional(assertHost),
  port: port(0),
  family,
  reuseAddress: optional(flag(false)),
  reusePort: optional(flag(false)),
  dualStack: optional(flag(true)),
};

/** Throws `INVALID_ARGUMENT` for invalid options. */
export function assertDatagramListen(options: DatagramListenOptions): void {
  assertOptions<DatagramListenOptions>("listen", DATAGRAM_LISTEN_OPTIONS, options);
}

/** Where to find the peer, and where from. */
export interface DatagramConnectOptions extends WaitOptions {
  /** Name or address of the peer. Default `127.0.0.1`. */
  readonly host?: string | undefined;
  /** Port of the peer, 1 to 65535. */
  readonly port: number;
  /** Local address to bind. */
  readonly localHost?: string | undefined;
  /** Local port to bind; 0 (default): any. */
  readonly localPort?: number | undefined;
  /** Which addresses of the host to use. Default `any`: the first that this host can reach. */
  readonly family?: "any" | "IPv4" | "IPv6" | undefined;
  /** Time for the name look-up, and the handshake where there is one, in milliseconds; 0: no limit. Default 10,000. */
  readonly timeoutMs?: number | undefined;
  /** The SOCKS 5 proxy of this connection, or false for none. Default: that of the component. */
  readonly proxy?: ProxyChoice | undefined;
}

/** Default of {@link DatagramConnectOptions.timeoutMs}. */
export const CONNECT_TIMEOUT_MS = 10_000;

const CONNECT_OPTIONS: CallTable<DatagramConnectOptions> = {
  host: optional(assertHost),
  port: port(1),
  localHost: optional(assertText),
  localPort: port(0),
  family,
  timeoutMs: optional(milliseconds(CONNECT_TIMEOUT_MS)),
  signal: optional(() => undefined),
  proxy: optional((_name, value) => ProxyRouter.assert(value)),
};

/** Throws `INVALID_ARGUMENT` for invalid options. */
export function assertDatagramConnect(options: DatagramConnectOptions): void {
  assertOptions<DatagramConnectOptions>("connect", CONNECT_OPTIONS, options);
  assertInteger("port", options.port, 1, 65_535);
}

/**
 * The proxy that is to relay the datagrams of one connection; undefined: they go directly. Throws `INVALID_ARGUMENT`
 * for one that can't, and what a function `proxy` throws.
 */
export function relayingProxy(
  { host = LOOPBACK, port, proxy }: DatagramConnectOptions,
  usual: ProxyChoice | undefined,
): ProxyHop | undefined {
  const route = new ProxyRouter(proxy ?? usual).route({ host, port, scheme: "udp" });
  if (route === undefined) return undefined;
  if (route.hops.length === 1 && route.first.protocol === "socks5") return route.first;
  const given = route.hops.map((hop) => `${hop.protocol}://${hop.host}`).join(", ");
  throw invalidArgument(`datagrams go by one proxy, of SOCKS 5, not by ${given}`, {
    operation: "connect",
  });
}
