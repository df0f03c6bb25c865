/**
 * What can be set on an HTTP server besides its handlers: names, defaults and ranges of what it adds
 * to connections. `docs/limits.md` is compared with the table.
 */
import type { ChangeableSettings } from "../../connection/component/component-options.js";
import { type ConnectionSettings, connectionSettings } from "../../connection/settings.js";
import { assertKnownKeys, NetError } from "../../errors.js";
import {
  bytes,
  count,
  type Given,
  milliseconds,
  type OptionTable,
  optionNames,
  pickOptions,
  readOptions,
} from "../../options.js";
import { createLimits, HTTP1_LIMITS, type Http1Limits } from "../../protocol/http1/limits.js";

/** Deadlines in milliseconds, 0 switches one off; and limits of connections. */
export interface HttpServerLimits {
  /** From the first byte of a head (of the first one: from accept) to its end: 408. Default 10 s. */
  readonly headTimeoutMs: number;
  /** Longest silence in the middle of a body that is wanted: 408. Default 30 s. */
  readonly bodyTimeoutMs: number;
  /** From the end of a head to the end of its body, however it trickles: 408. Default 300 s. */
  readonly requestTimeoutMs: number;
  /**
   * From the end of a request to the beginning of the response: 503. While nobody reads the body, from
   * the end of the head. Default 120 s.
   */
  readonly responseTimeoutMs: number;
  /** How long a peer may take nothing of what waits to be sent, which shows by the MiB. Default 120 s. */
  readonly sendTimeoutMs: number;
  /**
   * How long a connection may be without a request, as announced to the peer; it is kept for a second
   * longer, so that a request which is on its way then is not lost. Default 5 s.
   */
  readonly keepAliveTimeoutMs: number;
  /** Requests on one connection; 0: any number. Announced to the peer. Default 0. */
  readonly maxRequestsPerConnection: number;
  /** Requests of one connection that are under way at a time; then reading stops. Default 64. */
  readonly maxPipelined: number;
  /** Bytes of an unread body that are discarded to keep the connection. Default 256 KiB. */
  readonly maxDiscardBytes: number;
}

/** What a request parser takes at most: the limits of the parser, but for those of responses. */
export type RequestLimits = Omit<Http1Limits, "maxInterimResponses">;

/** Names of the settings of the TCP connections below that mean something for HTTP. */
export const TRANSPORT_NAMES = [
  "highWaterMarkBytes",
  "lowWaterMarkBytes",
  "maxPendingBytes",
  "handshakeTimeoutMs",
  "maxHandshakes",
  "closeTimeoutMs",
  "maxConnections",
  "noDelay",
  "keepAlive",
  "userTimeoutMs",
  "receiveBufferBytes",
  "sendBufferBytes",
] as const;

/** Settings of connections that mean something for HTTP. */
export type HttpTransportSettings = Pick<ConnectionSettings, (typeof TRANSPORT_NAMES)[number]>;

/** Settings of an HTTP server. */
export interface HttpServerSettings extends HttpServerLimits, RequestLimits {}

/** Default and range of each limit. */
export const HTTP_SERVER_LIMITS: OptionTable<HttpServerLimits> = {
  headTimeoutMs: milliseconds(10_000),
  bodyTimeoutMs: milliseconds(30_000),
  requestTimeoutMs: milliseconds(300_000),
  responseTimeoutMs: milliseconds(120_000),
  sendTimeoutMs: milliseconds(120_000),
  keepAliveTimeoutMs: milliseconds(5_000),
  maxRequestsPerConnection: count(0, "requests"),
  maxPipelined: count(64, "requests", { min: 1, max: 100_000 }),
  maxDiscardBytes: bytes(262_144),
};

const LIMIT_NAMES = optionNames<HttpServerLimits>(HTTP_SERVER_LIMITS);

const REQUEST_LIMIT_NAMES = optionNames<Http1Limits>(HTTP1_LIMITS).filter(
  (name) => name !== "maxInterimResponses",
) as (keyof RequestLimits)[];

/** Names of all settings of an HTTP server. */
export const HTTP_SETTING_NAMES: readonly (keyof HttpSettingsInput)[] = [
  ...LIMIT_NAMES,
  ...REQUEST_LIMIT_NAMES,
  ...TRANSPORT_NAMES,
];

/** All that can be given: what is left out has its default. */
export type HttpSettingsInput = Given<HttpServerLimits & RequestLimits & HttpTransportSettings>;

/** What is given to the kernel at a time, so that the progress of a slow peer can be seen. */
const WINDOW_BYTES = 1_048_576;

/** How much longer a connection is kept than was announced. */
const KEEP_ALIVE_GRACE_MS = 1000;

/** The greatest bound of the send queue: the exchanges bound it instead. */
const QUEUE_BYTES = 2 ** 32;

/** The settings in force, and what follows from them. */
export class HttpServerConfiguration {
  readonly limits: HttpServerLimits;
  readonly parserLimits: Http1Limits;
  /** Bound of what one connection may have waiting to be sent. */
  readonly maxPendingBytes: number;
  /** How long a connection is kept without a request; 0: for any time. */
  readonly idleMs: number;
  readonly given: HttpSettingsInput;

  /** Throws `INVALID_ARGUMENT`. */
  constructor(given: HttpSettingsInput) {
    this.given = given;
    const limits = readOptions<HttpServerLimits>(HTTP_SERVER_LIMITS, given);
    this.limits = limits;
    this.parserLimits = createLimits(pickOptions(given, REQUEST_LIMIT_NAMES));
    this.maxPendingBytes = connectionSettings(pickOptions(given, TRANSPORT_NAMES)).maxPendingBytes;
    this.idleMs = idleMsOf(limits.keepAliveTimeoutMs);
  }

  /** The settings of the connections below. */
  transport(): Given<Omit<ConnectionSettings, "receive">> {
    return {
      ...pickOptions(this.given, TRANSPORT_NAMES),
      highWaterMarkBytes:
        this.given.highWaterMarkBytes ?? Math.min(1_048_576, this.maxPendingBytes),
      maxPendingBytes: QUEUE_BYTES,
      sendMode: "safe",
      safeWindowBytes: WINDOW_BYTES,
      delivery: "borrow",
      halfOpen: true,
    };
  }

  /** The same with changes. Throws `SETTING_FIXED` for a setting that can't be changed. */
  with(changes: HttpSettingsInput & Pick<ChangeableSettings, "tls">): HttpServerConfiguration {
    const { tls: _, ...settings } = changes;
    for (const name of Object.keys(settings)) {
      if ((HTTP_SETTING_NAMES as readonly string[]).includes(name)) continue;
      throw new NetError("SETTING_FIXED", `${name} can't be changed once the component is made`, {
        operation: "configure",
      });
    }
    return new HttpServerConfiguration({ ...this.given, ...settings });
  }
}

/** What is announced is in whole seconds, and a request may be on its way when they have passed. */
function idleMsOf(keepAliveTimeoutMs: number): number {
  return keepAliveTimeoutMs < 1000 ? keepAliveTimeoutMs : keepAliveTimeoutMs + KEEP_ALIVE_GRACE_MS;
}

/** The settings among `options`. Throws `INVALID_ARGUMENT` for a name that is not in `others` either. */
export function settingsAmong(
  options: HttpSettingsInput & object,
  others: readonly string[],
): HttpSettingsInput {
  assertKnownKeys("options", options, [...HTTP_SETTING_NAMES, ...others]);
  return pickOptions<HttpSettingsInput, keyof HttpSettingsInput>(options, HTTP_SETTING_NAMES);
}
