/** What reconnecting can be asked for; `reconnect` does it. */
import { assertHost } from "../bytes/host-text.js";
import type { CloseReason } from "../connection/close-reason.js";
import type { Data } from "../connection/connection.js";
import { bytesOf } from "../connection/data.js";
import {
  assertBoolean,
  assertFunction,
  assertInteger,
  assertKnownKeys,
  assertObject,
  describe,
  invalidArgument,
} from "../errors.js";
import { assertOrder, count, type Given, milliseconds, type OptionTable } from "../options.js";

/** Another address of the same service. */
export interface ReconnectTarget {
  /** Default: the host that was given to `connect`. */
  readonly host?: string | undefined;
  /** Port of the peer. */
  readonly port: number;
}

/** The numbers of reconnecting. */
export interface ReconnectNumbers {
  /** Bound of the first wait, in milliseconds; each wait is a random time up to its bound. Default 250. */
  readonly firstDelayMs: number;
  /** Bound of all waits; the bound doubles from attempt to attempt. Default 30,000. */
  readonly maxDelayMs: number;
  /** A connection that lasted so long makes the next wait a first one. Default 10,000. */
  readonly stableMs: number;
  /** Attempts in a row that may fail; 0: no limit. Default 0. */
  readonly maxAttempts: number;
  /**
   * Bytes that `send` keeps while there is no connection, to be sent on the next one, at once: let
   * `maxPendingBytes` have room for them. Default 0: none, `send` answers false.
   */
  readonly maxKeptBytes: number;
}

/** How a lost connection is made anew. `Reason`: what is told of its end; `Target`: a further address. */
export interface ReconnectOptions<
  Reason extends CloseReason = CloseReason,
  Target = ReconnectTarget,
> extends Given<ReconnectNumbers> {
  /** Also the first attempt is repeated: `connect` rejects only when no further one follows. Default false. */
  readonly fromStart?: boolean | undefined;
  /** Further addresses, tried in turn with the one given to `connect`. */
  readonly targets?: readonly Target[] | undefined;
  /** What is sent on each connection before anything else: a login, for example. */
  readonly greeting?: Data | (() => Data) | undefined;
  /**
   * Whether another attempt is made after this end. Default: after all that this side did not ask for; not after
   * `close`, `abort`, `stop`, a refusal by a handler, a handler that failed, a certificate or credentials
   * that were not accepted. It is not asked after `close`, `abort` and `stop`. Anything but `true` means no.
   */
  readonly shouldReconnect?: ((reason: Reason, attempt: number) => boolean) | undefined;
}

/** The options with every number. */
export type ReadReconnectOptions<
  Reason extends CloseReason = CloseReason,
  Target = ReconnectTarget,
> = ReconnectOptions<Reason, Target> & ReconnectNumbers;

/** Default and range of each number. */
export const RECONNECT_NUMBERS: OptionTable<ReconnectNumbers> = {
  firstDelayMs: milliseconds(250, { min: 1 }),
  maxDelayMs: milliseconds(30_000, { min: 1 }),
  stableMs: milliseconds(10_000),
  maxAttempts: count(0, "attempts", { max: 1_000_000 }),
  maxKeptBytes: count(0, "bytes", { max: 2 ** 30 }),
};

/** Further addresses at most. */
export const MAX_RECONNECT_TARGETS = 64;

const OTHER_NAMES = ["fromStart", "targets", "greeting", "shouldReconnect"];

/**
 * The options with their defaults; undefined where there is no reconnecting. `assertTarget` checks one further
 * address. Throws `INVALID_ARGUMENT`.
 */
export function reconnectOptions<
  Reason extends CloseReason = CloseReason,
  Target = ReconnectTarget,
>(
  given: boolean | ReconnectOptions<Reason, Target> | undefined,
  assertTarget: (target: unknown) => void = assertAddress,
): ReadReconnectOptions<Reason, Target> | undefined {
  if (given === undefined || given === false) return undefined;
  const options = given === true ? {} : given;
  if (typeof options !== "object") {
    throw invalidArgument(`reconnect must be true, false or an object, not ${describe(options)}`);
  }
  assertObject("reconnect", options);
  assertKnownKeys("reconnect", options, [...Object.keys(RECONNECT_NUMBERS), ...OTHER_NAMES]);
  const { fromStart, targets = [], greeting, shouldReconnect } = options;
  const numbers = { ...options } as Record<string, unknown>;
  for (const [name, rule] of Object.entries(RECONNECT_NUMBERS)) {
    numbers[name] ??= rule.standard;
    assertInteger(`reconnect.${name}`, numbers[name], rule.min, rule.max);
  }
  const read = numbers as unknown as ReadReconnectOptions<Reason, Target>;
  if (options.maxDelayMs === undefined && read.maxDelayMs < read.firstDelayMs) {
    numbers["maxDelayMs"] = read.firstDelayMs;
  }
  assertOrder(read, "firstDelayMs", "maxDelayMs");
  if (fromStart !== undefined) assertBoolean("reconnect.fromStart", fromStart);
  if (shouldReconnect !== undefined) assertFunction("reconnect.shouldReconnect", shouldReconnect);
  if (greeting !== undefined && typeof greeting !== "function") bytesOf(greeting);
  if (!Array.isArray(targets) || targets.length > MAX_RECONNECT_TARGETS) {
    throw invalidArgument(
      `reconnect.targets must be a list of at most ${MAX_RECONNECT_TARGETS} addresses, not ${describe(targets)}`,
    );
  }
  for (const target of targets) assertTarget(target);
  return read;
}

function assertAddress(target: unknown): void {
  assertObject("reconnect.targets", target);
  assertKnownKeys("reconnect.targets", target, ["host", "port"]);
  const { host, port } = target as ReconnectTarget;
  if (host !== undefined) assertHost("reconnect.targets.host", host);
  assertInteger("reconnect.targets.port", port, 1, 65_535);
}
