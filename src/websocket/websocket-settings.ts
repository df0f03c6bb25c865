/** What can be set on WebSockets of either role. `docs/limits.md` is compared with the table. */
import type { Delivery, DuplicateKey, SlowConsumer } from "../connection/settings.js";
import { assertFunction, assertObject } from "../errors.js";
import {
  assertOptions,
  bytes,
  type CallTable,
  choice,
  count,
  flag,
  GIB,
  type Given,
  milliseconds,
  type OptionTable,
  optional,
  optionNames,
  pickOptions,
  readOptions,
} from "../options.js";
import type { FrameDecoder } from "../protocol/websocket/frame-decoder.js";
import { createLimits, type WebSocketLimits } from "../protocol/websocket/limits.js";
import type {
  PublishOptions,
  SendOptions,
  WebSocketBroadcastOptions,
} from "./websocket-connection.js";

/** Settings of each socket. Times are in milliseconds, 0 switches one off. */
export interface WebSocketSettings {
  /** Silence of the peer after which it is sent a ping. Default 30 s. */
  readonly pingIntervalMs: number;
  /** Time that a peer has, after a ping, to send anything: else `WEBSOCKET_PONG_TIMEOUT`. Default 10 s. */
  readonly pongTimeoutMs: number;
  /**
   * Time that the peer has to reply to our Close frame, or to take some of what waits before that: else `CLOSE_TIMEOUT`.
   * Default 5 s.
   */
  readonly closeFrameTimeoutMs: number;
  /** Bound of what one socket has waiting to be sent; into an empty queue a message of any size goes. Default 16 MiB. */
  readonly maxPendingBytes: number;
  /** What happens at that bound: see `ConnectionSettings.slowConsumer`. Default `close`. */
  readonly slowConsumer: SlowConsumer;
  /**
   * Bound of messages that came and wait to be read; beyond it the peer is held back, or, when we have closed, what
   * comes is given up. Default 1 MiB.
   */
  readonly maxUnreadBytes: number;
  /** Topics that one socket may be subscribed to. Default 1,024. */
  readonly maxTopics: number;
  /**
   * What happens when a socket is given a `key` that another one has: see `ConnectionSettings.duplicateKey`. Who is
   * closed for it gets 1008. Default `replace`.
   */
  readonly duplicateKey: DuplicateKey;
  /** Whose received bytes are. Default `copy`: the application's own. */
  readonly delivery: Delivery;
}

/** Default, range and check of each setting. */
export const WEBSOCKET_SETTINGS: OptionTable<WebSocketSettings> = {
  pingIntervalMs: milliseconds(30_000),
  pongTimeoutMs: milliseconds(10_000, { min: 1 }),
  closeFrameTimeoutMs: milliseconds(5_000, { min: 1 }),
  maxPendingBytes: bytes(16_777_216, { min: 1, max: 4 * GIB }),
  slowConsumer: choice("close", ["close", "drop", "pause"]),
  maxUnreadBytes: bytes(1_048_576, { min: 1, max: GIB }),
  maxTopics: count(1_024, "topics"),
  duplicateKey: choice("replace", ["replace", "refuse", "keep"]),
  delivery: choice("copy", ["copy", "borrow"]),
};

const LIMIT_NAMES = [
  "maxFrameBytes",
  "maxMessageBytes",
  "maxTextBytes",
  "maxFragments",
  "maxControlFrames",
  "maxInflateRatio",
  "maxInflatedBytesPerTurn",
] as const satisfies readonly (keyof WebSocketLimits)[];

/** Names of all settings. */
export const WEBSOCKET_SETTING_NAMES: readonly (keyof WebSocketSettingsInput)[] = [
  ...optionNames<WebSocketSettings>(WEBSOCKET_SETTINGS),
  ...LIMIT_NAMES,
];

/** All that can be given: what is left out has its default. */
export type WebSocketSettingsInput = Given<WebSocketSettings & WebSocketLimits>;

/** What is in force. */
export interface WebSocketConfiguration {
  readonly settings: WebSocketSettings;
  readonly limits: WebSocketLimits;
  /** Decoders without an inflater that no socket is using. */
  readonly decoders: FrameDecoder[];
}

/** The settings among these options. Throws `INVALID_ARGUMENT`. */
export function webSocketConfiguration(given: WebSocketSettingsInput): WebSocketConfiguration {
  assertObject("the options", given);
  return {
    settings: readOptions<WebSocketSettings>(WEBSOCKET_SETTINGS, given),
    limits: createLimits(pickOptions(given, LIMIT_NAMES)),
    decoders: [],
  };
}

const PUBLISH_OPTIONS: CallTable<PublishOptions> = {
  compress: optional(flag(false)),
  isText: optional(flag(false)),
};

const SEND_OPTIONS: CallTable<SendOptions> = { ...PUBLISH_OPTIONS, isLast: optional(flag(true)) };

/** Throws `INVALID_ARGUMENT` for options of `call`, which sends a message, that can't be. */
export function assertSendOptions(call: string, options: SendOptions): void {
  assertOptions<SendOptions>(call, SEND_OPTIONS, options);
}

/** The same for messages that are published. */
export function assertPublishOptions(options: PublishOptions): void {
  assertOptions<PublishOptions>("publish", PUBLISH_OPTIONS, options);
}

/** The same for a message that goes to all. */
export function assertBroadcastOptions(options: WebSocketBroadcastOptions): void {
  assertObject("the options of broadcast", options);
  const { except: _, filter, ...how } = options;
  if (filter !== undefined) assertFunction("filter", filter);
  assertOptions<PublishOptions>("broadcast", PUBLISH_OPTIONS, how);
}
