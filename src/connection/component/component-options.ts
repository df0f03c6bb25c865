/** What every component is given, and what it tells of itself. */
import type { EngineChoice } from "../../engine/engine.js";
import { assertFunction, assertInteger, assertKnownKeys, assertObject } from "../../errors.js";
import { type Given, MAX_MS } from "../../options.js";
import type { ReceiveModel } from "../../receive/receive-model.js";
import type { Connection } from "../connection.js";
import { HANDLER_NAMES, type Handlers } from "../events/handlers.js";
import { type ConnectionSettings, SETTING_NAMES } from "../settings.js";
import type { TlsSettings } from "../tls/tls-settings.js";
import type { ServiceState } from "./service-state.js";

/** Options of every component: settings and handlers in one object. */
export interface ComponentOptions<Handle, Received extends Buffer | number, Context>
  extends Given<Omit<ConnectionSettings, "receive">>,
    Given<Handlers<Handle, Received>> {
  /** How received bytes become what `onReceive` gets. Default: `push()`. */
  readonly receive?: ReceiveModel<Received> | undefined;
  /** What moves the bytes: a name, an engine, or `auto` (default; `HP_SOCKET_ENGINE` overrides it). */
  readonly engine?: EngineChoice | undefined;
  /** Makes the `context` of each new connection. */
  readonly context?: ((connection: Connection<Context>) => Context) | undefined;
}

/**
 * `context` has to be given where the type of it has no `undefined`: without it a connection has none
 * until a handler sets one.
 */
export type ContextRule<Context> = undefined extends Context
  ? unknown
  : { readonly context: (connection: Connection<Context>) => Context };

/** A model that is chosen at run time may give either; a handler has to take both. */
export interface AnyModelRule<Handle> {
  /** Data came: bytes or a packet, or with `pull()` the number of unread bytes. */
  readonly onReceive?: ((handle: Handle, received: Buffer | number) => unknown) | undefined;
}

/** Settings that can be given to `configure`. */
export interface ChangeableSettings extends Given<ConnectionSettings> {
  /** Other certificates and rules, for handshakes to come. */
  readonly tls?: TlsSettings | undefined;
}

/** What a component has done so far. */
export interface ComponentStats {
  /** Engine that moves the bytes. */
  readonly engine: string;
  /** Where it is in its life. */
  readonly state: ServiceState;
  /** Connections at present, those that are being made or closed among them. */
  readonly connectionCount: number;
  /** Connections that were opened. */
  readonly openedCount: number;
  /** Connections that have ended, those that could not be made among them. */
  readonly closedCount: number;
  /** Peers that were not let in. */
  readonly refusedCount: number;
  /** Handshakes of TLS under way. */
  readonly handshakeCount: number;
  /** Bytes received, of connections that have ended, too. */
  readonly receivedBytes: number;
  /** Bytes that the kernel has taken, of connections that have ended, too. */
  readonly sentBytes: number;
}

/** Bounds of a stop. */
export interface StopOptions {
  /** Time that connections get to send what waits, in milliseconds. Default 5,000; 0: they are cut. */
  readonly drainMs?: number | undefined;
}

/** Returns `drainMs`, or `standardMs` where it is left out. Throws `INVALID_ARGUMENT`. */
export function readStopOptions(options: StopOptions, standardMs = 5_000): number {
  assertObject("the options of stop", options);
  assertKnownKeys("stop", options, ["drainMs"]);
  const { drainMs = standardMs } = options;
  assertInteger("drainMs", drainMs, 0, MAX_MS);
  return drainMs;
}

/** What a stop has done. */
export interface StopResult {
  /** Connections that sent everything. */
  readonly drainedCount: number;
  /** Connections that were cut at the end of `drainMs`. */
  readonly cutCount: number;
}

/** Handlers that are never called for the connections of a server. */
export interface ServerHandlerRule {
  readonly onPrepareConnect?: never;
  readonly onConnect?: never;
}

/** Handlers that are never called for outgoing connections. */
export interface OutgoingHandlerRule {
  readonly onPrepareListen?: never;
  readonly onAccept?: never;
  readonly onRefuse?: never;
}

/** Who has connections: those that come, or those that it makes. */
export type ComponentRole = "server" | "outgoing";

const OTHERS_HANDLERS: Readonly<Record<ComponentRole, readonly string[]>> = {
  server: ["onPrepareConnect", "onConnect"],
  outgoing: ["onPrepareListen", "onAccept", "onRefuse"],
};

/** The names of `known` without the handlers that a component of this role never calls. */
export function optionsOfRole(role: ComponentRole, known: readonly string[]): readonly string[] {
  return known.filter((name) => !OTHERS_HANDLERS[role].includes(name));
}

/** Names of all options of a component. */
export const OPTION_NAMES: readonly string[] = [
  ...SETTING_NAMES,
  ...HANDLER_NAMES,
  "engine",
  "context",
  "tls",
];

/**
 * Throws `INVALID_ARGUMENT` for a name that no option has, and for a handler that is no function. `others`:
 * names of the role's own options.
 */
export function assertComponentOptions(
  options: object,
  role: ComponentRole,
  others: readonly string[] = [],
): void {
  assertObject("the options", options);
  assertKnownKeys("options", options, [...optionsOfRole(role, OPTION_NAMES), ...others]);
  for (const name of [...HANDLER_NAMES, "context"]) {
    const handler: unknown = (options as Record<string, unknown>)[name];
    if (handler !== undefined) assertFunction(name, handler);
  }
}
