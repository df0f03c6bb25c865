/** From whom a server wants PROXY headers: what can be asked for; `proxy-header-stage.ts` reads them. */
import type { CidrSet } from "../address/cidr-set.js";
import { assertKnownKeys, assertObject, invalidArgument } from "../errors.js";
import { bytes, milliseconds, type OptionTable } from "../options.js";
import { MAX_V2_BYTES } from "../protocol/proxy-header/proxy-header-reader.js";
import { type Networks, networksOf } from "./access-options.js";

/** The numbers of {@link ProxyHeaderOptions}, with their defaults filled in. */
export interface ProxyHeaderNumbers {
  readonly maxHeaderBytes: number;
  readonly timeoutMs: number;
}

/** From whom PROXY headers come (PROXY protocol, versions 1 and 2). */
export interface ProxyHeaderOptions {
  /**
   * The relays: who connects from these networks must send a header first, and its address is believed. From
   * all others none is read: what looks like one is data.
   */
  readonly from: Networks;
  /** Longest header of version 2 in bytes, 107 to 65,551. Default 4,096. */
  readonly maxHeaderBytes?: number | undefined;
  /** Time from accepting to the end of the header in milliseconds, 10 to 2,147,483,647. Default 5,000. */
  readonly timeoutMs?: number | undefined;
}

/** Default and range of the numbers. */
export const PROXY_HEADER_NUMBERS: OptionTable<ProxyHeaderNumbers> = {
  maxHeaderBytes: bytes(MAX_V2_BYTES, { min: 107, max: 65_551 }),
  timeoutMs: milliseconds(5_000, { min: 10 }),
};

/** What is asked for, read. */
export interface ProxyHeaderRules extends ProxyHeaderNumbers {
  readonly from: CidrSet;
}

/** Reads `proxyHeader`. Throws `INVALID_ARGUMENT`. */
export function readProxyHeader(
  given: ProxyHeaderOptions | undefined,
): ProxyHeaderRules | undefined {
  if (given === undefined) return undefined;
  assertObject("proxyHeader", given);
  assertKnownKeys("proxyHeader", given, ["from", "maxHeaderBytes", "timeoutMs"]);
  if (given.from === undefined) throw invalidArgument("proxyHeader needs from, a list of networks");
  const { maxHeaderBytes, timeoutMs } = PROXY_HEADER_NUMBERS;
  const numbers = {
    maxHeaderBytes: given.maxHeaderBytes ?? maxHeaderBytes.standard,
    timeoutMs: given.timeoutMs ?? timeoutMs.standard,
  };
  maxHeaderBytes.assert("proxyHeader.maxHeaderBytes", numbers.maxHeaderBytes);
  timeoutMs.assert("proxyHeader.timeoutMs", numbers.timeoutMs);
  return Object.freeze({ ...numbers, from: networksOf("proxyHeader.from", given.from) });
}
