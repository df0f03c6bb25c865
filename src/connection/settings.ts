/**
 * Settings of the connections of a component: names, defaults, limits, and which of them can be
 * changed while it runs. `docs/limits.md` is checked against this table.
 */
import type { KeepAlive } from "../engine/engine.js";
import { assertInteger, assertKnownKeys, assertOneOf, describe, NetError } from "../errors.js";
import { push } from "../receive/push.js";
import type { ReceiveModel } from "../receive/receive-model.js";

/** How sends become writes (HP §2.2). */
export type SendMode =
  /** All sends of one turn leave as one write, as many bytes as there are. */
  | "pack"
  /** The same, but at most `safeWindowBytes` are given to the kernel at a time. */
  | "safe"
  /** A send is written at once, not at the end of the turn, unless a write is under way. */
  | "direct";

/** What happens when a peer does not take what is sent to it. */
export type SlowConsumer =
  /** At `maxPendingBytes` the connection is ended with `SEND_QUEUE_FULL`. */
  | "close"
  /** At `maxPendingBytes` what is sent is dropped and counted. */
  | "drop"
  /** At `highWaterMarkBytes` receiving from this peer stops until it has taken its answers; at `maxPendingBytes` as `close`. */
  | "pause";

/** Whose received bytes are. */
export type Delivery =
  /** The application's own. */
  | "copy"
  /** Lent: valid until the handler returns. Saves a copy on some engines. */
  | "borrow";

/** Settings of connections. Times are in milliseconds, 0 switches a deadline off. */
export interface ConnectionSettings {
  /** How received bytes become what `onReceive` gets. Default: `push()`. */
  readonly receive: ReceiveModel;
  readonly delivery: Delivery;
  readonly sendMode: SendMode;
  /** `send` answers false from here on. Default 1 MiB. */
  readonly highWaterMarkBytes: number;
  /** `onDrain` comes when no more than this is left. Default 256 KiB. */
  readonly lowWaterMarkBytes: number;
  /** Bound of the send queue of one connection; into an empty one a single send of any size goes. Default 16 MiB. */
  readonly maxPendingBytes: number;
  readonly slowConsumer: SlowConsumer;
  /** Bytes given to the kernel at a time with `sendMode: "safe"`. Default 64 KiB. */
  readonly safeWindowBytes: number;
  /** Bound of what is received and not yet read or fetched; beyond it the peer is held back. Default 1 MiB. */
  readonly maxUnreadBytes: number;
  /** Ends connections from which nothing came for this long. Default 0: never. */
  readonly idleTimeoutMs: number;
  /** Time for the handshake of TLS. Default 10 s. */
  readonly handshakeTimeoutMs: number;
  /** Handshakes of TLS under way at a time on a server; more peers are refused. Default 1,000. */
  readonly maxHandshakes: number;
  /** Time that `close` waits for the peer to take the rest and finish. Default 5 s. */
  readonly closeTimeoutMs: number;
  /** Keeps the connection open for sending when the peer has finished. Default false: it is closed. */
  readonly halfOpen: boolean;
  /** Time that `request` waits where it is not told. Default 10 s. */
  readonly requestTimeoutMs: number;
  /** Requests that may wait for an answer on one connection. Default 1,024. */
  readonly maxRequestsInFlight: number;
  /**
   * Key of a packet, for requests and answers alike, so that many can be under way. A received
   * packet whose key (or undefined) no request waits for goes to `onReceive`. Default: none,
   * answers come in the order of the requests.
   */
  readonly correlate: ((packet: Uint8Array) => unknown) | undefined;
  /** Connections at a time. Default 10,000. */
  readonly maxConnections: number;
  /** `TCP_NODELAY`. Default true. */
  readonly noDelay: boolean;
  /** Kernel's probes. Default 60 s idle, 20 s between, 5 probes (HP §7.5). */
  readonly keepAlive: KeepAlive | false;
  /** `TCP_USER_TIMEOUT`; 0: the system's. Only where the engine can. */
  readonly userTimeoutMs: number;
  /** `SO_RCVBUF`; 0: the system's. Only where the engine can. */
  readonly receiveBufferBytes: number;
  /** `SO_SNDBUF`; 0: the system's. Only where the engine can. */
  readonly sendBufferBytes: number;
}

/** A whole-number setting: default, least and greatest value. */
interface NumberLimit {
  readonly standard: number;
  readonly min: number;
  readonly max: number;
}

const MAX_MS = 2 ** 31 - 1;
const GIB = 2 ** 30;

/** The numbers among the settings. */
export const NUMBER_LIMITS: Readonly<Record<NumberSetting, NumberLimit>> = {
  highWaterMarkBytes: { standard: 1_048_576, min: 1, max: GIB },
  lowWaterMarkBytes: { standard: 262_144, min: 0, max: GIB },
  maxPendingBytes: { standard: 16_777_216, min: 1, max: 4 * GIB },
  safeWindowBytes: { standard: 65_536, min: 1, max: GIB },
  maxUnreadBytes: { standard: 1_048_576, min: 1, max: GIB },
  idleTimeoutMs: { standard: 0, min: 0, max: MAX_MS },
  handshakeTimeoutMs: { standard: 10_000, min: 0, max: MAX_MS },
  maxHandshakes: { standard: 1_000, min: 1, max: 1_000_000 },
  closeTimeoutMs: { standard: 5_000, min: 1, max: MAX_MS },
  requestTimeoutMs: { standard: 10_000, min: 0, max: MAX_MS },
  maxRequestsInFlight: { standard: 1_024, min: 1, max: 1_048_576 },
  maxConnections: { standard: 10_000, min: 1, max: 5_000_000 },
  userTimeoutMs: { standard: 0, min: 0, max: MAX_MS },
  receiveBufferBytes: { standard: 0, min: 0, max: GIB },
  sendBufferBytes: { standard: 0, min: 0, max: GIB },
};

/** Names of the whole-number settings. */
export type NumberSetting =
  | "highWaterMarkBytes"
  | "lowWaterMarkBytes"
  | "maxPendingBytes"
  | "safeWindowBytes"
  | "maxUnreadBytes"
  | "idleTimeoutMs"
  | "handshakeTimeoutMs"
  | "maxHandshakes"
  | "closeTimeoutMs"
  | "requestTimeoutMs"
  | "maxRequestsInFlight"
  | "maxConnections"
  | "userTimeoutMs"
  | "receiveBufferBytes"
  | "sendBufferBytes";

const NUMBER_NAMES = Object.keys(NUMBER_LIMITS) as NumberSetting[];

/** Names of all connection settings. */
export const SETTING_NAMES: readonly (keyof ConnectionSettings)[] = [
  ...NUMBER_NAMES,
  "receive",
  "delivery",
  "sendMode",
  "slowConsumer",
  "halfOpen",
  "correlate",
  "noDelay",
  "keepAlive",
];

/** The settings with every default filled in. Throws `INVALID_ARGUMENT` for a value that can't be. */
export function connectionSettings(given: Partial<ConnectionSettings>): ConnectionSettings {
  const numbers = {} as Record<NumberSetting, number>;
  for (const name of NUMBER_NAMES) {
    const limit = NUMBER_LIMITS[name];
    const value = given[name] ?? limit.standard;
    assertInteger(name, value, limit.min, limit.max);
    numbers[name] = value;
  }
  // A mark that was left out follows the one that was given.
  numbers.highWaterMarkBytes = Math.min(
    numbers.highWaterMarkBytes,
    given.highWaterMarkBytes === undefined ? numbers.maxPendingBytes : GIB,
  );
  if (given.lowWaterMarkBytes === undefined) {
    numbers.lowWaterMarkBytes = Math.min(
      numbers.lowWaterMarkBytes,
      Math.floor(numbers.highWaterMarkBytes / 4),
    );
  }
  assertOrder(numbers, "lowWaterMarkBytes", "highWaterMarkBytes");
  assertOrder(numbers, "highWaterMarkBytes", "maxPendingBytes");
  const settings: ConnectionSettings = {
    ...numbers,
    receive: given.receive ?? push(),
    delivery: given.delivery ?? "copy",
    sendMode: given.sendMode ?? "pack",
    slowConsumer: given.slowConsumer ?? "close",
    halfOpen: given.halfOpen ?? false,
    correlate: given.correlate,
    noDelay: given.noDelay ?? true,
    keepAlive: given.keepAlive ?? { idleMs: 60_000, intervalMs: 20_000, count: 5 },
  };
  assertReceiveModel(settings.receive);
  assertOneOf("delivery", settings.delivery, ["copy", "borrow"]);
  assertOneOf("sendMode", settings.sendMode, ["pack", "safe", "direct"]);
  assertOneOf("slowConsumer", settings.slowConsumer, ["close", "drop", "pause"]);
  assertBoolean("halfOpen", settings.halfOpen);
  assertBoolean("noDelay", settings.noDelay);
  if (settings.correlate !== undefined) assertFunction("correlate", settings.correlate);
  assertKeepAlive(settings.keepAlive);
  return Object.freeze(settings);
}

/** Throws `INVALID_ARGUMENT` unless `value` is a receive model. */
export function assertReceiveModel(value: unknown): void {
  if (typeof value === "object" && value !== null && "createDecoder" in value) return;
  throw invalid(`receive must be a receive model such as pack(), not ${describe(value)}`);
}

/** Throws `INVALID_ARGUMENT` unless `value` is `false` or a keep-alive within its bounds. */
export function assertKeepAlive(value: KeepAlive | false): void {
  if (value === false) return;
  if (typeof value !== "object" || value === null) {
    throw invalid(`keepAlive must be false or { idleMs, … }, not ${describe(value)}`);
  }
  assertKnownKeys("keepAlive", value, ["idleMs", "intervalMs", "count"]);
  assertInteger("keepAlive.idleMs", value.idleMs, 1_000, 32_767_000);
  if (value.intervalMs !== undefined) {
    assertInteger("keepAlive.intervalMs", value.intervalMs, 1_000, 32_767_000);
  }
  if (value.count !== undefined) assertInteger("keepAlive.count", value.count, 1, 127);
}

/** Throws `INVALID_ARGUMENT` unless `value` is a function. */
export function assertFunction(name: string, value: unknown): void {
  if (typeof value !== "function") {
    throw invalid(`${name} must be a function, not ${describe(value)}`);
  }
}

/** Throws `INVALID_ARGUMENT` unless `value` is true or false. */
export function assertBoolean(name: string, value: unknown): void {
  if (typeof value !== "boolean") {
    throw invalid(`${name} must be true or false, not ${describe(value)}`);
  }
}

function assertOrder(
  numbers: Readonly<Record<NumberSetting, number>>,
  smaller: NumberSetting,
  larger: NumberSetting,
): void {
  if (numbers[smaller] <= numbers[larger]) return;
  throw invalid(
    `${smaller} (${numbers[smaller]}) must not be above ${larger} (${numbers[larger]})`,
  );
}

function invalid(message: string): NetError {
  return new NetError("INVALID_ARGUMENT", message, { operation: "configure" });
}
