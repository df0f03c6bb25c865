/** What a relay can be given, and what it tells. */
import type { ComponentStats } from "../../connection/component/component-options.js";
import type { AdmissionOptions } from "../../connection/listening/admission.js";
import type { ClientTls } from "../../connection/tls/tls-settings.js";
import type { Address, EngineChoice } from "../../engine/engine.js";
import {
  assertFunction,
  assertInteger,
  assertKnownKeys,
  assertObject,
  invalidArgument,
  type NetError,
} from "../../errors.js";
import { type Given, optionNames } from "../../options.js";
import type { HealthCheckOptions } from "../../pool/health-check-options.js";
import { BALANCE, type PoolBalance } from "../../pool/pool-options.js";
import type { ServerSecurity } from "../../tcp/secured.js";
import {
  assertRelayDestinations,
  type DestinationHandlers,
  type DestinationStats,
} from "./destination.js";
import { assertNames, type RelayNames } from "./name-routes.js";
import { RELAY_NUMBERS, type RelayNumbers } from "./relay-settings.js";

/** What has become of one client of a relay. */
export interface RelayRecord {
  /** Who connected: as the PROXY header has it, where there was one. */
  readonly client: string | undefined;
  /** The name that it wanted, where it was read (`sni`). */
  readonly serverName: string | undefined;
  /** `host:port`; undefined where none could be reached. */
  readonly destination: string | undefined;
  /** Bytes from the client to the destination. */
  readonly fromClientBytes: number;
  /** Bytes from the destination to the client. */
  readonly toClientBytes: number;
  /** When it began, in milliseconds since 1970 UTC. */
  readonly startedAt: number;
  /** How long it took, in milliseconds. */
  readonly durationMs: number;
  /** What went wrong; undefined after an orderly end. */
  readonly error: NetError | undefined;
}

/** Options of a {@link Relay}. */
export interface RelayOptions
  extends AdmissionOptions,
    Given<RelayNumbers>,
    ServerSecurity,
    DestinationHandlers {
  /** Destinations, `host:port`. Where one can't be reached the next is tried. Can be left out with `sni`. */
  readonly to?: readonly string[] | undefined;
  /**
   * Destinations by the name that a TLS client wants: of the TLS that is passed on as it is, which every client has to
   * begin with then, or with `tls` of the one that is ended here. Default: none, all go to `to`.
   */
  readonly sni?: RelayNames | undefined;
  /** Which destination is tried first. Default `"leastUsed"`. */
  readonly balance?: PoolBalance | undefined;
  /** Looks regularly whether destinations are there; what is down is not used. Default: none. */
  readonly healthCheck?: HealthCheckOptions | undefined;
  /** TLS to the destinations. Default: plain. */
  readonly toTls?: ClientTls | undefined;
  /**
   * The header that tells the destination who the client is (PROXY protocol), before TLS and all else. Version 2 has the
   * name that a TLS client wants as well. Default: none.
   */
  readonly sendProxyHeader?: 1 | 2 | undefined;
  /** What moves the bytes of both sides. */
  readonly engine?: EngineChoice | undefined;
  /** A client has ended: for logs. */
  readonly onRelayed?: ((record: RelayRecord) => void) | undefined;
  /** A client was not let in. */
  readonly onRefuse?: ((error: NetError, remoteAddress: Address | undefined) => void) | undefined;
  /** A handler of the relay threw or rejected; nothing else comes of it. Without this one a process warning tells of it. */
  readonly onHandlerError?: ((error: NetError) => void) | undefined;
}

/** What a relay has done so far. */
export interface RelayStats extends ComponentStats {
  /** Destinations that are not tried at present. */
  readonly ejectedCount: number;
  /** By name; those of `to`, and of all names. */
  readonly destinations: Readonly<Record<string, DestinationStats>>;
}

/** Handlers of destinations. */
export const DESTINATION_HANDLERS: readonly (keyof DestinationHandlers)[] = [
  "onEject",
  "onReturn",
  "onPanic",
  "onCheck",
];

const HANDLER_NAMES = ["onRelayed", "onRefuse", "onHandlerError", ...DESTINATION_HANDLERS] as const;

const OPTION_NAMES: readonly string[] = [
  ...HANDLER_NAMES,
  ...optionNames<RelayNumbers>(RELAY_NUMBERS),
  "access",
  "proxyHeader",
  "tls",
  "to",
  "sni",
  "balance",
  "healthCheck",
  "toTls",
  "sendProxyHeader",
  "engine",
];

/** Throws `INVALID_ARGUMENT` for invalid options, but for numbers and what other parts look at. */
export function assertRelayOptions(options: RelayOptions): void {
  assertObject("the options", options);
  assertKnownKeys("Relay", options, OPTION_NAMES);
  const { to, sni, sendProxyHeader, balance, toTls } = options;
  for (const name of HANDLER_NAMES) {
    if (options[name] !== undefined) assertFunction(name, options[name]);
  }
  if (sendProxyHeader !== undefined) assertInteger("sendProxyHeader", sendProxyHeader, 1, 2);
  if (balance !== undefined) BALANCE.assert("balance", balance);
  if (toTls?.start !== undefined) {
    throw invalidArgument("toTls.start can't be chosen: TLS begins where the destination has it");
  }
  if (to !== undefined || sni === undefined) assertRelayDestinations("to", to);
  if (sni !== undefined) assertNames(sni, to !== undefined);
}
