/** Settings of reliable sessions: names, defaults, limits. `docs/limits.md` is compared with the table. */
import { DATAGRAM_SETTINGS, MAX_DATAGRAM_BYTES } from "../datagram/datagram-settings.js";
import { assertInteger, describe, invalidArgument } from "../errors.js";
import {
  bytes,
  checked,
  choice,
  count,
  flag,
  type Given,
  milliseconds,
  type OptionTable,
  optional,
  optionNames,
  readOptions,
} from "../options.js";
import { HEAD_BYTES, MAX_FRAGMENTS, MAX_WINDOW } from "../protocol/kcp/segment.js";

/** How much of a session may be on its way at once. */
export type CongestionControl =
  /** By delay and by what arrives: fills the link without filling its queue, and minds no loss. */
  | "paced"
  /** As KCP does by default, like TCP's Reno: a loss halves it. */
  | "stock"
  /** As much as both windows allow. For private links: it floods shared ones. */
  | "none";

/** Settings of reliable sessions (HP §2.13). They hold for the life of the component. */
export interface ArqSettings {
  /** Time-outs grow by half and not twofold, and wait an eighth shorter. Default true (original: false). */
  readonly noDelay: boolean;
  /** Default `"paced"` (original: `"stock"`, or `"none"` with `TurnoffCongestCtrl`). */
  readonly congestion: CongestionControl;
  /**
   * Time between looks at what has to be sent again, and part of every time-out. What is sent and acknowledged
   * leaves at the end of the turn in any case. Default 10 ms (original: 60).
   */
  readonly flushIntervalMs: number;
  /**
   * A segment is sent again when so many later ones were acknowledged; 0: only after its time-out. Default 2
   * (original: 0).
   */
  readonly resendByAcks: number;
  /** How often a segment is sent again in that way; 0: always. Default 5. */
  readonly fastLimit: number;
  /**
   * Sends every segment again after this time, unless it is acknowledged by then: what is lost is late by so much,
   * and not by a round trip. Costs up to `repeatCount` times the bytes; short segments share a datagram with the next
   * ones. The peer passes over what it has. Default 0: not so.
   */
  readonly repeatAfterMs: number;
  /** How often, with `repeatAfterMs`. Default 1. */
  readonly repeatCount: number;
  /** Segments that may be on their way. Default 512 (original: 128). */
  readonly sendWindow: number;
  /** Segments that are kept until they are delivered. Default 512. */
  readonly receiveWindow: number;
  /** Least time-out. Default 30 ms. */
  readonly minRtoMs: number;
  /** Longest datagram that is sent; 0 (default): `maxDatagramBytes`. At least 72, and at most `maxDatagramBytes`. */
  readonly maxTransmitBytes: number;
  /**
   * Longest message, sent or received. Default 65,536, and less where 127 datagrams hold less (original: 4,096, and
   * its peers end the connection for a longer one).
   */
  readonly maxMessageBytes: number;
  /** Time for the handshake. Default 5 s. */
  readonly handshakeTimeoutMs: number;
  /** Ends a session that waits for the peer, and has heard nothing of it for so long; 0: never. Default 10 s. */
  readonly deadLinkMs: number;
  /** Ends a session when one segment was sent so often; 0: never. Default 40. */
  readonly deadLinkCount: number;
  /** Borders of messages are not kept, so that segments are full. Both sides must agree. Default false. */
  readonly isStream: boolean;
  /**
   * Talks to a stock KCP, without a handshake: the conversation id, the same on both sides. `"any"`: a server takes
   * the one of
   * the first datagram, who connects draws one. Default: none, the handshake of HP-Socket.
   */
  readonly conversation: number | "any" | undefined;
}

/** Most segments of a window. */
const MAX_SEGMENTS = MAX_WINDOW;

/** Default, range and check of each setting. */
export const ARQ_SETTINGS: OptionTable<ArqSettings> = {
  flushIntervalMs: milliseconds(10, { min: 10, max: 5_000 }),
  resendByAcks: count(2, "acknowledgements", { max: 1_000 }),
  fastLimit: count(5, "times", { max: 1_000 }),
  repeatAfterMs: milliseconds(0, { max: 60_000 }),
  repeatCount: count(1, "times", { max: 5 }),
  sendWindow: count(512, "segments", { min: 1, max: MAX_SEGMENTS }),
  receiveWindow: count(512, "segments", { min: 128, max: MAX_SEGMENTS }),
  minRtoMs: milliseconds(30, { min: 1, max: 60_000 }),
  maxTransmitBytes: bytes(0, { max: MAX_DATAGRAM_BYTES }),
  maxMessageBytes: bytes(65_536, { min: 1, max: MAX_FRAGMENTS * MAX_DATAGRAM_BYTES }),
  handshakeTimeoutMs: milliseconds(5_000, { min: 1 }),
  deadLinkMs: milliseconds(10_000),
  deadLinkCount: count(40, "times", { max: 1_000_000 }),
  noDelay: flag(true),
  isStream: flag(false),
  congestion: choice("paced", ["paced", "stock", "none"]),
  conversation: optional(checked(undefined, assertConversation)) as never,
};

function assertConversation(name: string, value: unknown): void {
  if (value === "any") return;
  if (typeof value !== "number") {
    throw invalidArgument(`${name} must be a number or "any", not ${describe(value)}`);
  }
  assertInteger(name, value, 0, 2 ** 32 - 1);
}

/** Names of all settings of reliable sessions. */
export const ARQ_SETTING_NAMES: readonly (keyof ArqSettings)[] =
  optionNames<ArqSettings>(ARQ_SETTINGS);

/** Least `maxTransmitBytes`: three heads (HP §2.13). */
const MIN_TRANSMIT_BYTES = 3 * HEAD_BYTES;

/** The settings with every default filled in. Throws `INVALID_ARGUMENT` for an invalid value. */
export function arqSettings(
  given: Given<ArqSettings> & { readonly maxDatagramBytes?: number | undefined },
): ArqSettings {
  const settings = readOptions(ARQ_SETTINGS, given);
  const rule = DATAGRAM_SETTINGS.maxDatagramBytes;
  const { maxDatagramBytes = rule.standard } = given;
  rule.assert("maxDatagramBytes", maxDatagramBytes);
  const maxTransmitBytes = settings.maxTransmitBytes || maxDatagramBytes;
  if (maxTransmitBytes < MIN_TRANSMIT_BYTES || maxTransmitBytes > maxDatagramBytes) {
    throw invalidArgument(
      `maxTransmitBytes must be from ${MIN_TRANSMIT_BYTES} to maxDatagramBytes (${maxDatagramBytes}), not ${maxTransmitBytes}`,
    );
  }
  const { handshakeTimeoutMs, minRtoMs } = settings;
  if (handshakeTimeoutMs <= 2 * minRtoMs) {
    throw invalidArgument(
      `handshakeTimeoutMs (${handshakeTimeoutMs}) must be above twice minRtoMs (${minRtoMs})`,
    );
  }
  const maxMessageBytes = longestMessage(settings, given.maxMessageBytes, maxTransmitBytes);
  return Object.freeze({ ...settings, maxTransmitBytes, maxMessageBytes });
}

function longestMessage(
  settings: ArqSettings,
  given: number | undefined,
  maxTransmitBytes: number,
): number {
  const { isStream, maxMessageBytes } = settings;
  const most = MAX_FRAGMENTS * (maxTransmitBytes - HEAD_BYTES);
  if (isStream || maxMessageBytes <= most) return maxMessageBytes;
  if (given === undefined) return most;
  throw invalidArgument(
    `maxMessageBytes (${given}) must be at most ${most}: ${MAX_FRAGMENTS} datagrams of maxTransmitBytes (${maxTransmitBytes})`,
  );
}
