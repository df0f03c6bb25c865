/**
 * Settings of the connections of a component: names, defaults, limits. `docs/limits.md` is compared
 * with the table.
 */
import type { KeepAlive } from "../engine/engine.js";
import {
  assertFunction,
  assertInteger,
  assertKnownKeys,
  describe,
  invalidArgument,
} from "../errors.js";
import {
  assertOrder,
  bytes,
  checked,
  choice,
  count,
  flag,
  GIB,
  type Given,
  milliseconds,
  type OptionTable,
  optional,
  optionNames,
  readOptions,
} from "../options.js";
import { push } from "../receive/push.js";
import type { ReceiveModel } from "../receive/receive-model.js";
import { assertHeartbeat, type HeartbeatOptions } from "./heartbeat/heartbeat-options.js";

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
  /** At `highWaterMarkBytes` receiving from this peer stops until it has taken what waits; at `maxPendingBytes` as `close`. */
  | "pause";

/** What happens when a connection is given a key that another one has. */
export type DuplicateKey =
  /** It gets the key, and the one that had it is closed with `DUPLICATE_KEY`. */
  | "replace"
  /** It is closed with `DUPLICATE_KEY`, and gets no key. */
  | "refuse"
  /** It gets no key, and both go on. */
  | "keep";

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
  /** Whether received bytes are the application's own (`"copy"`, the default) or lent during the call (`"borrow"`). */
  readonly delivery: Delivery;
  /** How sends become writes: `"pack"` (default), all of a turn as one; `"safe"`, in bounded pieces; `"direct"`, at once. */
  readonly sendMode: SendMode;
  /** `send` answers `"slow"` from here on. Default 1 MiB. */
  readonly highWaterMarkBytes: number;
  /** `onDrain` comes when no more than this is left. Default 256 KiB. */
  readonly lowWaterMarkBytes: number;
  /** Bound of the send queue of one connection; into an empty one a single send of any size goes. Default 16 MiB. */
  readonly maxPendingBytes: number;
  /** What happens at `maxPendingBytes`: `"close"` (default; over UDP `"drop"`), `"drop"`, or `"pause"`. */
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
  /** Requests that may wait for a response on one connection. Default 1,024. */
  readonly maxRequestsInFlight: number;
  /**
   * Key of a packet, for requests and responses alike, so that many can be under way. A received
   * packet whose key (or undefined) no request waits for goes to `onReceive`. Default: none,
   * responses come in the order of the requests.
   */
  readonly correlate: ((packet: Buffer) => unknown) | undefined;
  /** Heartbeats: probes of a silent peer, answers to the peer's own. Default: none. */
  readonly heartbeat: HeartbeatOptions | undefined;
  /**
   * What happens when a connection is given a `key` that another one has: `"replace"` (default) closes the other one, `"refuse"` this
   * one, both with `DUPLICATE_KEY`; with `"keep"` both go on, and this one gets no key.
   */
  readonly duplicateKey: DuplicateKey;
  /** Connections at a time. Default 10,000. */
  readonly maxConnections: number;
  /** Topics that one connection may be subscribed to. Default 1,024. */
  readonly maxTopics: number;
  /** Small pieces are sent at once (`TCP_NODELAY`). Default true. */
  readonly noDelay: boolean;
  /** The kernel's probes of a silent peer, or `false` for none. Default: 60 s of silence, 20 s between probes, 5 of them (HP §7.5). */
  readonly keepAlive: KeepAlive | false;
  /**
   * How long sent bytes may stay unacknowledged before the connection ends with `USER_TIMEOUT` (`TCP_USER_TIMEOUT`, RFC 5482), in
   * milliseconds. Default 0: as long as the system retransmits. `NOT_SUPPORTED` where the engine can't.
   */
  readonly userTimeoutMs: number;
  /** The kernel's buffer for what comes (`SO_RCVBUF`), in bytes. Default 0: the system's. `NOT_SUPPORTED` where the engine can't. */
  readonly receiveBufferBytes: number;
  /** The kernel's buffer for what is sent (`SO_SNDBUF`), in bytes. Default 0: the system's. `NOT_SUPPORTED` where the engine can't. */
  readonly sendBufferBytes: number;
}

/** What stands for `keepAlive` where it is left out. */
const KEEP_ALIVE: KeepAlive = { idleMs: 60_000, intervalMs: 20_000, count: 5 };

/** Default, range and check of each setting. */
export const CONNECTION_SETTINGS: OptionTable<ConnectionSettings> = {
  highWaterMarkBytes: bytes(1_048_576, { min: 1, max: GIB }),
  lowWaterMarkBytes: bytes(262_144, { max: GIB }),
  maxPendingBytes: bytes(16_777_216, { min: 1, max: 4 * GIB }),
  safeWindowBytes: bytes(65_536, { min: 1, max: GIB }),
  maxUnreadBytes: bytes(1_048_576, { min: 1, max: GIB }),
  idleTimeoutMs: milliseconds(0),
  handshakeTimeoutMs: milliseconds(10_000),
  maxHandshakes: count(1_000, "handshakes", { min: 1, max: 1_000_000 }),
  closeTimeoutMs: milliseconds(5_000, { min: 1 }),
  requestTimeoutMs: milliseconds(10_000),
  maxRequestsInFlight: count(1_024, "requests", { min: 1, max: 1_048_576 }),
  maxConnections: count(10_000, "connections", { min: 1, max: 5_000_000 }),
  maxTopics: count(1_024, "topics"),
  userTimeoutMs: milliseconds(0),
  receiveBufferBytes: bytes(0, { max: GIB }),
  sendBufferBytes: bytes(0, { max: GIB }),
  receive: checked<ReceiveModel>(push(), (_, value) => assertReceiveModel(value)),
  delivery: choice("copy", ["copy", "borrow"]),
  sendMode: choice("pack", ["pack", "safe", "direct"]),
  slowConsumer: choice("close", ["close", "drop", "pause"]),
  duplicateKey: choice("replace", ["replace", "refuse", "keep"]),
  halfOpen: flag(false),
  correlate: optional(assertFunction),
  heartbeat: optional((_, value) => assertHeartbeat(value as HeartbeatOptions, true)),
  noDelay: flag(true),
  keepAlive: checked<KeepAlive | false>(KEEP_ALIVE, (_, value) =>
    assertKeepAlive(value as KeepAlive | false),
  ),
};

/** Names of all connection settings. */
export const SETTING_NAMES: readonly (keyof ConnectionSettings)[] =
  optionNames<ConnectionSettings>(CONNECTION_SETTINGS);

/** The settings with every default filled in. Throws `INVALID_ARGUMENT` for an invalid value. */
export function connectionSettings(given: Given<ConnectionSettings>): ConnectionSettings {
  const settings = { ...readOptions(CONNECTION_SETTINGS, given), ...marks(given) };
  assertHeartbeat(settings.heartbeat, settings.receive.delivers === "packets");
  assertOrder(settings, "lowWaterMarkBytes", "highWaterMarkBytes");
  assertOrder(settings, "highWaterMarkBytes", "maxPendingBytes");
  return Object.freeze(settings);
}

/** The marks of the send queue: one that is left out follows the one that is given. */
function marks(
  given: Given<ConnectionSettings>,
): Pick<ConnectionSettings, "highWaterMarkBytes" | "lowWaterMarkBytes"> {
  const { maxPendingBytes, highWaterMarkBytes, lowWaterMarkBytes } = CONNECTION_SETTINGS;
  const pending = given.maxPendingBytes ?? maxPendingBytes.standard;
  // Who is told to wait must have room to have been told.
  const half = Math.max(1, Math.floor(pending / 2));
  const high = given.highWaterMarkBytes ?? Math.min(highWaterMarkBytes.standard, half);
  const low = given.lowWaterMarkBytes ?? Math.min(lowWaterMarkBytes.standard, Math.floor(high / 4));
  return { highWaterMarkBytes: high, lowWaterMarkBytes: low };
}

/** Throws `INVALID_ARGUMENT` unless `value` is a receive model. */
export function assertReceiveModel(value: unknown): void {
  if (typeof value === "object" && value !== null && "createDecoder" in value) return;
  throw invalidArgument(`receive must be a receive model such as pack(), not ${describe(value)}`);
}

/** Throws `INVALID_ARGUMENT` unless `value` is `false` or a keep-alive within its bounds. */
export function assertKeepAlive(value: KeepAlive | false): void {
  if (value === false) return;
  if (typeof value !== "object" || value === null) {
    throw invalidArgument(`keepAlive must be false or { idleMs, … }, not ${describe(value)}`);
  }
  assertKnownKeys("keepAlive", value, ["idleMs", "intervalMs", "count"]);
  assertInteger("keepAlive.idleMs", value.idleMs, 1_000, 32_767_000);
  if (value.intervalMs !== undefined) {
    assertInteger("keepAlive.intervalMs", value.intervalMs, 1_000, 32_767_000);
  }
  if (value.count !== undefined) assertInteger("keepAlive.count", value.count, 1, 127);
}

export { assertFunction } from "../errors.js";
