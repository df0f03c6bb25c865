/** Settings and handlers of sockets without sessions: casts and nodes. */
import type { CloseReason } from "../connection/close-reason.js";
import type { MayWait, Verdict } from "../connection/events/handlers.js";
import {
  DATAGRAM_SETTINGS,
  type DatagramSettings,
  datagramMarks,
} from "../datagram/datagram-settings.js";
import type { DatagramTarget, EngineChoice } from "../engine/engine.js";
import { assertFunction, assertKnownKeys, assertObject, type NetError } from "../errors.js";
import {
  assertOrder,
  count,
  flag,
  type Given,
  type OptionTable,
  optionNames,
  readOptions,
} from "../options.js";
import type { UdpPeerAddress } from "./udp-peer-address.js";

/** Settings of a cast or node. */
export interface CastSettings
  extends Pick<
    DatagramSettings,
    | "delivery"
    | "maxDatagramBytes"
    | "highWaterMarkBytes"
    | "lowWaterMarkBytes"
    | "receiveBufferBytes"
    | "sendBufferBytes"
  > {
  /** Bound of what waits to be sent; what is sent beyond is dropped, and `send` answers false. Default 64 MiB. */
  readonly maxPendingBytes: number;
  /** Routers that datagrams to a group may pass (HP §2.11). Default 1: they stay on this network. */
  readonly multicastTtl: number;
  /** Whether groups on this host hear what is sent from it (HP §2.11). Default false. */
  readonly multicastLoop: boolean;
}

const { maxDatagramBytes, highWaterMarkBytes, lowWaterMarkBytes, delivery } = DATAGRAM_SETTINGS;
const { maxSocketPendingBytes, receiveBufferBytes, sendBufferBytes } = DATAGRAM_SETTINGS;

/** Default, range and check of each setting. */
export const CAST_SETTINGS: OptionTable<CastSettings> = {
  maxDatagramBytes,
  highWaterMarkBytes,
  lowWaterMarkBytes,
  maxPendingBytes: maxSocketPendingBytes,
  multicastTtl: count(1, "routers", { max: 255 }),
  receiveBufferBytes,
  sendBufferBytes,
  delivery,
  multicastLoop: flag(false),
};

/** The handlers of a cast or node. `Handle` is what they are given. */
export interface CastHandlers<Handle> {
  /** The socket is about to be opened. `false` cancels: `open` rejects with `REFUSED`. */
  onPrepareListen?(target: DatagramTarget): Verdict;
  /** A datagram came, an empty one too. `from` can be kept, and sent to. */
  onReceive?(handle: Handle, datagram: Buffer, from: UdpPeerAddress): MayWait;
  /** The kernel has taken `byteCount` bytes for a peer. */
  onSend?(handle: Handle, byteCount: number, to: UdpPeerAddress): MayWait;
  /** So much was sent that `pendingBytes` is at `lowWaterMarkBytes` or below again. */
  onDrain?(handle: Handle): MayWait;
  /**
   * Something failed, and the socket goes on: datagrams could not be sent (`DATAGRAM_TOO_LONG`, `NO_BUFFERS`,
   * `HOST_UNREACHABLE`, …), one came that is above `maxDatagramBytes`, or a handler failed (`HANDLER_FAILED`). Left
   * out, failed handlers are told by a process warning.
   */
  onError?(handle: Handle, error: NetError, peer: UdpPeerAddress | undefined): MayWait;
  /** The socket is closed. Once for each opening, and last but for `onShutdown`. */
  onClose?(handle: Handle, reason: CloseReason): MayWait;
  /** The component has stopped. */
  onShutdown?(): void;
}

/** Options of a cast or node. */
export interface CastOptions<Handle> extends Given<CastSettings>, Given<CastHandlers<Handle>> {
  /** What moves the bytes: a name, an engine, or `auto` (default; `HP_SOCKET_ENGINE` overrides it). */
  readonly engine?: EngineChoice | undefined;
}

const HANDLERS: readonly (keyof CastHandlers<unknown>)[] = [
  "onPrepareListen",
  "onReceive",
  "onSend",
  "onDrain",
  "onError",
  "onClose",
  "onShutdown",
];

const NAMES = optionNames<CastSettings>(CAST_SETTINGS);

/** Throws `INVALID_ARGUMENT` for invalid options. */
export function assertCastOptions(options: object): void {
  assertObject("the options", options);
  assertKnownKeys("options", options, [...NAMES, ...HANDLERS, "engine"]);
  for (const name of HANDLERS) {
    const handler: unknown = (options as Record<string, unknown>)[name];
    if (handler !== undefined) assertFunction(name, handler);
  }
}

/** Throws `INVALID_ARGUMENT` for a name that is no setting. */
export function assertCastChanges(changes: object): void {
  assertObject("the changes", changes);
  assertKnownKeys("configure", changes, NAMES);
}

/** The settings with every default filled in. Throws `INVALID_ARGUMENT`. */
export function castSettings(given: Given<CastSettings>): CastSettings {
  const read = readOptions(CAST_SETTINGS, given);
  const marks = datagramMarks(given, CAST_SETTINGS.maxPendingBytes.standard);
  const settings = { ...read, ...marks };
  assertOrder(settings, "lowWaterMarkBytes", "highWaterMarkBytes");
  assertOrder(settings, "highWaterMarkBytes", "maxPendingBytes");
  return Object.freeze(settings);
}
