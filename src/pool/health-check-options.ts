/** What checks of destinations can be asked for, and the probe of streams: connect, send, expect. */
import { Buffer } from "node:buffer";
import type { Data } from "../connection/connection.js";
import { bytesOf } from "../connection/data.js";
import { assertKnownKeys, assertObject, NetError } from "../errors.js";
import { count, type Given, milliseconds, type OptionTable } from "../options.js";
import { TcpAgent, type TcpAgentOptions } from "../tcp/tcp-agent.js";
import type { HealthCheckNumbers } from "./health-checks.js";

/** Checks of destinations: each is connected to, sent something, and its answer looked at. */
export interface HealthCheckOptions extends Given<HealthCheckNumbers> {
  /** What it is sent. Left out, a connection that can be made is enough. */
  readonly send?: Data | undefined;
  /** Bytes that its answer has to have among its first 65,536. Left out, no answer is awaited. */
  readonly expect?: Data | undefined;
}

/** What is kept of the answer to a check. */
export const MAX_ANSWER_BYTES = 65_536;

/** Default and range of the numbers. */
export const HEALTH_CHECK_NUMBERS: OptionTable<HealthCheckNumbers> = {
  everyMs: milliseconds(5_000, { min: 10 }),
  timeoutMs: milliseconds(2_000, { min: 10 }),
  rise: count(2, "checks", { min: 1, max: 1_000 }),
  fall: count(3, "checks", { min: 1, max: 1_000 }),
};

/** The options, read. */
export interface HealthCheckSettings extends HealthCheckNumbers {
  readonly send: Buffer | undefined;
  readonly expect: Buffer | undefined;
}

/** Reads `healthCheck`. Throws `INVALID_ARGUMENT`. */
export function readHealthCheck(
  given: HealthCheckOptions | undefined,
): HealthCheckSettings | undefined {
  if (given === undefined) return undefined;
  assertObject("healthCheck", given);
  const names = Object.keys(HEALTH_CHECK_NUMBERS) as (keyof HealthCheckNumbers)[];
  assertKnownKeys("healthCheck", given, [...names, "send", "expect"]);
  const numberOf = (name: keyof HealthCheckNumbers): number => {
    const { [name]: value = HEALTH_CHECK_NUMBERS[name].standard } = given;
    HEALTH_CHECK_NUMBERS[name].assert(`healthCheck.${name}`, value);
    return value;
  };
  const { send, expect } = given;
  return {
    everyMs: numberOf("everyMs"),
    timeoutMs: numberOf("timeoutMs"),
    rise: numberOf("rise"),
    fall: numberOf("fall"),
    send: send === undefined ? undefined : Buffer.from(bytesOf(send)),
    expect: expect === undefined ? undefined : Buffer.from(bytesOf(expect)),
  };
}

/** What a probe connects with. */
export type ProbeTransport = Pick<
  TcpAgentOptions,
  "engine" | "tls" | "localHost" | "localPort" | "proxy"
>;

/** Checks destinations over streams. */
export class StreamProbe {
  private readonly agent: TcpAgent;
  private readonly settings: HealthCheckSettings;
  private readonly head: Buffer | undefined;
  /** TLS begins behind the head. */
  private readonly startsTls: boolean;

  /** `head`: sent before all else, TLS included. Throws `INVALID_ARGUMENT`, `ENGINE_UNAVAILABLE`. */
  constructor(settings: HealthCheckSettings, transport: ProbeTransport, head?: Buffer) {
    this.settings = settings;
    this.head = head;
    const { tls, ...others } = transport;
    this.startsTls = tls !== undefined && head !== undefined;
    this.agent = new TcpAgent({
      ...others,
      ...(tls !== undefined && { tls: { ...tls, start: head ? "manual" : "immediate" } }),
      maxUnreadBytes: MAX_ANSWER_BYTES,
      closeTimeoutMs: settings.timeoutMs,
    });
    // Checks don't keep the process alive.
    this.agent.unref();
  }

  /** Resolves where the destination is well. */
  async probe(
    end: { host?: string | undefined; port: number },
    signal: AbortSignal,
  ): Promise<void> {
    const { send, expect } = this.settings;
    const connection = await this.agent.connect({ ...end, signal, timeoutMs: 0 });
    try {
      if (this.head !== undefined) connection.send(this.head);
      if (this.startsTls) await connection.startTls({ signal, timeoutMs: 0 });
      if (send !== undefined) connection.send(send);
      if (expect !== undefined) await answered(expect, () => connection.read({ signal }));
      connection.close();
    } catch (error) {
      connection.abort();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.agent.stop({ drainMs: 0 });
  }
}

/** Reads until the answer has `expect` in it. Rejects when there is no more, or too much. */
async function answered(expect: Buffer, read: () => Promise<Buffer>): Promise<void> {
  let answer = Buffer.alloc(0);
  while (answer.length < MAX_ANSWER_BYTES) {
    answer = Buffer.concat([answer, await read()]);
    if (answer.includes(expect)) return;
  }
  throw unexpected();
}

/** The answer lacks what was expected. */
export function unexpected(): NetError {
  return new NetError("CHECK_FAILED", "the answer to a health check is not what was expected", {
    operation: "receive",
  });
}
