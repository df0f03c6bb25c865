/** What a UDP relay can be given, and what it tells. */
import type { AccessOptions } from "../../connection/access/access-options.js";
import type { ServiceState } from "../../connection/component/service-state.js";
import type { Address, EngineChoice } from "../../engine/engine.js";
import {
  assertFunction,
  assertKnownKeys,
  assertObject,
  invalidArgument,
  type NetError,
} from "../../errors.js";
import { type Given, optionNames } from "../../options.js";
import type { HealthCheckOptions } from "../../pool/health-check-options.js";
import { BALANCE, type PoolBalance } from "../../pool/pool-options.js";
import {
  assertRelayDestinations,
  type DestinationHandlers,
  type DestinationStats,
} from "./destination.js";
import { DESTINATION_HANDLERS } from "./relay-options.js";
import { UDP_RELAY_NUMBERS, type UdpRelayNumbers } from "./relay-settings.js";

/** What has become of one client of a UDP relay. */
export interface UdpRelayRecord {
  /** Address that it sent from. */
  readonly client: string | undefined;
  /** Port that it sent from. */
  readonly clientPort: number | undefined;
  /** `host:port`. */
  readonly destination: string;
  /** Datagrams from the client to the destination. */
  readonly fromClientDatagrams: number;
  /** Their bytes. */
  readonly fromClientBytes: number;
  /** Datagrams from the destination to the client. */
  readonly toClientDatagrams: number;
  /** Their bytes. */
  readonly toClientBytes: number;
  /** Datagrams of both ways that were lost here. */
  readonly droppedCount: number;
  /** When it began, in milliseconds since 1970 UTC. */
  readonly startedAt: number;
  /** How long it lived, in milliseconds. */
  readonly durationMs: number;
  /** Why it ended; undefined where it was idle, or the relay stopped. */
  readonly error: NetError | undefined;
}

/** Options of a {@link UdpRelay}. */
export interface UdpRelayOptions extends Given<UdpRelayNumbers>, DestinationHandlers {
  /** Destinations, `host:port`: each client is given one, for as long as its session lives. */
  readonly to: readonly string[];
  /** Which destination a client is given. Default `"leastUsed"`. */
  readonly balance?: PoolBalance | undefined;
  /** Who may come in: lists of networks, and limits for each address. Default: everybody, and none. */
  readonly access?: AccessOptions | undefined;
  /** Looks regularly whether destinations answer; needs `send`. Any answer will do where `expect` is left out. Default: none. */
  readonly healthCheck?: HealthCheckOptions | undefined;
  /** What moves the datagrams of both sides. */
  readonly engine?: EngineChoice | undefined;
  /** A session has ended: for logs. */
  readonly onRelayed?: ((record: UdpRelayRecord) => void) | undefined;
  /** A client was not let in. Told up to a hundred times a second. */
  readonly onRefuse?: ((error: NetError, remoteAddress: Address) => void) | undefined;
  /** A handler of the relay threw or rejected; nothing else comes of it. Without this one a process warning tells of it. */
  readonly onHandlerError?: ((error: NetError) => void) | undefined;
}

/** What a UDP relay has done so far. */
export interface UdpRelayStats {
  /** Engine that moves the datagrams. */
  readonly engine: string;
  /** Where it is in its life. */
  readonly state: ServiceState;
  /** Clients at present. */
  readonly connectionCount: number;
  /** Sessions that have begun. */
  readonly openedCount: number;
  /** Sessions that have ended. */
  readonly closedCount: number;
  /** Clients that were not let in. */
  readonly refusedCount: number;
  /** Bytes that clients sent. */
  readonly receivedBytes: number;
  /** Bytes that the kernel has taken, to clients. */
  readonly sentBytes: number;
  /** Datagrams that were lost here, those of clients that were not let in among them. */
  readonly droppedCount: number;
  /** Destinations that are ejected, or that checks have found down. */
  readonly ejectedCount: number;
  /** By destination, `host:port`. */
  readonly destinations: Readonly<Record<string, DestinationStats>>;
}

const HANDLER_NAMES = ["onRelayed", "onRefuse", "onHandlerError", ...DESTINATION_HANDLERS] as const;

const OPTION_NAMES: readonly string[] = [
  ...HANDLER_NAMES,
  ...optionNames<UdpRelayNumbers>(UDP_RELAY_NUMBERS),
  "to",
  "balance",
  "access",
  "healthCheck",
  "engine",
];

/** Throws `INVALID_ARGUMENT` for invalid options, but for numbers and what other parts look at. */
export function assertUdpRelayOptions(options: UdpRelayOptions): void {
  assertObject("the options", options);
  assertKnownKeys("UdpRelay", options, OPTION_NAMES);
  const { to, balance, healthCheck } = options;
  for (const name of HANDLER_NAMES) {
    if (options[name] !== undefined) assertFunction(name, options[name]);
  }
  if (balance !== undefined) BALANCE.assert("balance", balance);
  assertRelayDestinations("to", to);
  if (healthCheck !== undefined && healthCheck?.send === undefined) {
    throw invalidArgument("healthCheck needs send: a socket of UDP that is opened says nothing");
  }
}
