/** What heartbeats of packets can be asked for; `packet-heartbeat` does it. */
import { assertFunction, assertKnownKeys, assertObject, invalidArgument } from "../../errors.js";
import { count, milliseconds, type OptionTable } from "../../options.js";
import type { Connection, Data } from "../connection.js";
import { bytesOf } from "../data.js";
import type { HeartbeatRule } from "./heartbeat.js";

/** Heartbeats of a connection. At least `message`, or `isProbe` with `answer`, has to be given. */
export interface HeartbeatOptions {
  /** Silence before a heartbeat is sent, in milliseconds, 10 to 2,147,483,647. Default 30,000. */
  readonly everyMs?: number | undefined;
  /** Time that the peer has to be heard after it, in milliseconds. Default 10,000. */
  readonly timeoutMs?: number | undefined;
  /** Heartbeats in a row without an answer that end the connection with `HEARTBEAT_TIMEOUT`, 1 to 100. Default 2. */
  readonly maxMisses?: number | undefined;
  /** What is sent when nothing was received for `everyMs`. Left out, this side only answers. */
  readonly message?: Data | ((connection: Connection) => Data) | undefined;
  /**
   * Which packets answer a heartbeat: only these count, and they are delivered nowhere else. Left out, all that is
   * received counts, and goes its usual way.
   */
  readonly isAnswer?: ((packet: Buffer) => boolean) | undefined;
  /** Which packets are heartbeats of the peer: they get `answer`, and are delivered nowhere else. */
  readonly isProbe?: ((packet: Buffer) => boolean) | undefined;
  /** What such a packet gets. */
  readonly answer?: Data | ((packet: Buffer) => Data) | undefined;
}

/** Default and range of the numbers of {@link HeartbeatOptions}. */
export const HEARTBEAT_NUMBERS: OptionTable<HeartbeatRule> = {
  everyMs: milliseconds(30_000, { min: 10 }),
  timeoutMs: milliseconds(10_000, { min: 10 }),
  maxMisses: count(2, "heartbeats", { min: 1, max: 100 }),
};

/** The numbers with their defaults. */
export function heartbeatRule(options: HeartbeatOptions): HeartbeatRule {
  const { everyMs, timeoutMs, maxMisses } = options;
  return {
    everyMs: everyMs ?? HEARTBEAT_NUMBERS.everyMs.standard,
    timeoutMs: timeoutMs ?? HEARTBEAT_NUMBERS.timeoutMs.standard,
    maxMisses: maxMisses ?? HEARTBEAT_NUMBERS.maxMisses.standard,
  };
}

/** Throws `INVALID_ARGUMENT` for invalid heartbeats. `hasPackets`: what is received are packets. */
export function assertHeartbeat(given: HeartbeatOptions | undefined, hasPackets: boolean): void {
  if (given === undefined) return;
  assertObject("heartbeat", given);
  const names = ["everyMs", "timeoutMs", "maxMisses", "message", "isAnswer", "isProbe", "answer"];
  assertKnownKeys("heartbeat", given, names);
  const { everyMs, timeoutMs, maxMisses, message, isAnswer, isProbe, answer } = given;
  for (const [name, value] of Object.entries({ everyMs, timeoutMs, maxMisses })) {
    const rule = HEARTBEAT_NUMBERS[name as keyof HeartbeatRule];
    if (value !== undefined) rule.assert(`heartbeat.${name}`, value);
  }
  if (message !== undefined && typeof message !== "function") bytesOf(message);
  if (answer !== undefined && typeof answer !== "function") bytesOf(answer);
  if (isAnswer !== undefined) assertFunction("heartbeat.isAnswer", isAnswer);
  if (isProbe !== undefined) assertFunction("heartbeat.isProbe", isProbe);
  if ((isProbe === undefined) !== (answer === undefined)) {
    throw invalidArgument("heartbeat takes isProbe and answer together, or neither");
  }
  if (message === undefined && isProbe === undefined) {
    throw invalidArgument("heartbeat needs a message to send, or isProbe and answer");
  }
  if (message === undefined && isAnswer !== undefined) {
    throw invalidArgument("heartbeat.isAnswer needs a message that is answered");
  }
  if (!hasPackets && (isAnswer ?? isProbe) !== undefined) {
    throw invalidArgument("heartbeat.isAnswer and isProbe need a receive model that makes packets");
  }
}
