/** Settings of sessions over datagrams: names, defaults, limits. `docs/limits.md` is compared with the table. */
import type { ConnectionSettings, SlowConsumer } from "../connection/settings.js";
import { assertFunction, invalidArgument } from "../errors.js";
import {
  assertOrder,
  bytes,
  choice,
  count,
  GIB,
  type Given,
  milliseconds,
  type OptionTable,
  optional,
  optionNames,
  readOptions,
} from "../options.js";

/** Largest datagram of IPv4: 65,535 less 20 bytes of IP and 8 of UDP. */
export const MAX_DATAGRAM_BYTES = 65_507;

/** Settings that sessions share with streams. */
type SharedSettings = Pick<
  ConnectionSettings,
  | "delivery"
  | "highWaterMarkBytes"
  | "lowWaterMarkBytes"
  | "maxPendingBytes"
  | "maxUnreadBytes"
  | "idleTimeoutMs"
  | "closeTimeoutMs"
  | "requestTimeoutMs"
  | "maxRequestsInFlight"
  | "correlate"
  | "duplicateKey"
  | "maxConnections"
  | "maxTopics"
  | "receiveBufferBytes"
  | "sendBufferBytes"
>;

/** Settings of sessions over datagrams. Times are in milliseconds, 0 switches a deadline off. */
export interface DatagramSettings extends SharedSettings {
  /** Longest datagram that is sent or taken (HP §2.9). Default 1,432. */
  readonly maxDatagramBytes: number;
  /**
   * What happens at `maxPendingBytes`: `"drop"` (default) drops what is sent and counts it, `"close"` ends the
   * session with `SEND_QUEUE_FULL`, `"pause"` does as well, and stops receiving from the peer from
   * `highWaterMarkBytes` on.
   */
  readonly slowConsumer: SlowConsumer;
  /** Bound of what waits to be sent on one socket, of all its sessions. Default 64 MiB. */
  readonly maxSocketPendingBytes: number;
  /** Probes that may stay unanswered; 0: nobody is probed, and nobody missed (HP §3.3). Default 3. */
  readonly detectAttempts: number;
  /** Time between probes; 0: none, else at least 1 s (HP §3.3). Default 60 s. */
  readonly detectIntervalMs: number;
  /** New sessions that a server takes from one network (IPv4 address, IPv6 /64) in a second; 0: any number. Default 50. */
  readonly maxNewPerSecond: number;
}

const shared = { max: GIB };

/** Default, range and check of each setting. */
export const DATAGRAM_SETTINGS: OptionTable<DatagramSettings> = {
  maxDatagramBytes: bytes(1_432, { min: 1, max: MAX_DATAGRAM_BYTES }),
  highWaterMarkBytes: bytes(262_144, { min: 1, ...shared }),
  lowWaterMarkBytes: bytes(65_536, shared),
  maxPendingBytes: bytes(1_048_576, { min: 1, ...shared }),
  maxSocketPendingBytes: bytes(67_108_864, { min: 1, max: 4 * GIB }),
  maxUnreadBytes: bytes(262_144, { min: 1, ...shared }),
  idleTimeoutMs: milliseconds(0),
  closeTimeoutMs: milliseconds(5_000, { min: 1 }),
  requestTimeoutMs: milliseconds(10_000),
  maxRequestsInFlight: count(1_024, "requests", { min: 1, max: 1_048_576 }),
  maxConnections: count(10_000, "sessions", { min: 1, max: 5_000_000 }),
  maxNewPerSecond: count(50, "sessions", { max: 1_000_000 }),
  maxTopics: count(1_024, "topics"),
  detectAttempts: count(3, "probes", { max: 1_000 }),
  detectIntervalMs: milliseconds(60_000),
  receiveBufferBytes: bytes(0, shared),
  sendBufferBytes: bytes(0, shared),
  delivery: choice("copy", ["copy", "borrow"]),
  slowConsumer: choice("drop", ["close", "drop", "pause"]),
  duplicateKey: choice("replace", ["replace", "refuse", "keep"]),
  correlate: optional(assertFunction),
};

/** Names of all settings of sessions. */
export const DATAGRAM_SETTING_NAMES: readonly (keyof DatagramSettings)[] =
  optionNames<DatagramSettings>(DATAGRAM_SETTINGS);

/** The settings with every default filled in. Throws `INVALID_ARGUMENT` for an invalid value. */
export function datagramSettings(given: Given<DatagramSettings>): DatagramSettings {
  const settings = {
    ...readOptions(DATAGRAM_SETTINGS, given),
    ...datagramMarks(given, DATAGRAM_SETTINGS.maxPendingBytes.standard),
  };
  assertOrder(settings, "lowWaterMarkBytes", "highWaterMarkBytes");
  assertOrder(settings, "highWaterMarkBytes", "maxPendingBytes");
  const { detectIntervalMs } = settings;
  if (detectIntervalMs > 0 && detectIntervalMs < 1_000) {
    throw invalidArgument(
      `detectIntervalMs must be 0, or at least 1000 ms, not ${detectIntervalMs}`,
    );
  }
  return Object.freeze(settings);
}

type Marks = Pick<DatagramSettings, "highWaterMarkBytes" | "lowWaterMarkBytes">;

/** The marks of what waits: one that is left out follows the one that is given. `mostBytes`: default of `maxPendingBytes`. */
export function datagramMarks(
  given: Given<Marks & Pick<DatagramSettings, "maxPendingBytes">>,
  mostBytes: number,
): Marks {
  const { highWaterMarkBytes, lowWaterMarkBytes } = DATAGRAM_SETTINGS;
  const pending = given.maxPendingBytes ?? mostBytes;
  const high = given.highWaterMarkBytes ?? Math.min(highWaterMarkBytes.standard, pending);
  const low = given.lowWaterMarkBytes ?? Math.min(lowWaterMarkBytes.standard, Math.floor(high / 4));
  return { highWaterMarkBytes: high, lowWaterMarkBytes: low };
}
