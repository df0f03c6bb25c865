/**
 * Decides who may connect: by lists of networks, by the connections that an address has, and by those that
 * it has begun of late, for which each address has a bucket of permits.
 *
 * Invariants: addresses with connections are remembered while they have any, so there are at most as many as
 * connections. Of the others those seen last are, at most `maxAddresses` of them, and only where a rate is set.
 */
import { type Ip, parseIp } from "../../address/ip.js";
import type { Address } from "../../engine/engine.js";
import { NetError } from "../../errors.js";
import type { AccessRules } from "./access-options.js";

/** An address: of IPv4 as a number, of IPv6 the first bits, as text with a character for each byte. */
type AddressKey = number | string;

/** What is known of an address. */
interface AddressEntry {
  readonly key: AddressKey;
  connectionCount: number;
  permits: number;
  atMs: number;
}

/** Why a peer may not connect. */
export type AccessCode = "ACCESS_REFUSED" | "ADDRESS_LIMIT" | "ADDRESS_RATE_LIMIT";

/** A connection that is there, as far as its address counts. */
interface Counted {
  readonly id: number;
  readonly remoteAddress: Address | undefined;
}

/**
 * The control that goes by `rules`: `present` where it can, else a new one, which counts the connections there are.
 * Undefined where nothing is restricted.
 */
export function accessBy(
  rules: AccessRules | undefined,
  present: AccessControl | undefined,
  connections: readonly Counted[],
  nowMs: number,
): AccessControl | undefined {
  if (rules === undefined) return undefined;
  if (present?.canTake(rules) === true) {
    present.take(rules);
    return present;
  }
  const access = new AccessControl(rules);
  for (const { id, remoteAddress } of connections) {
    access.entered(id, remoteAddress?.host, nowMs, false);
  }
  return access;
}

/** Of so many addresses one is forgotten when there are too many. */
const FORGOTTEN_SHARE = 64;

/** Decides who may connect, and counts who has. */
export class AccessControl {
  private rules: AccessRules;
  /** Those that have connections. */
  private readonly busy: Map<AddressKey, AddressEntry> = new Map();
  /** Those that have none, the least recently seen first. */
  private readonly idle: Map<AddressKey, AddressEntry> = new Map();
  /** By id of the connection. */
  private readonly entries: Map<number, AddressEntry> = new Map();

  constructor(rules: AccessRules) {
    this.rules = rules;
  }

  /** Whether what was counted holds under other rules too; else the connections have to be counted anew. */
  canTake(rules: AccessRules): boolean {
    const { maxConnectionsPerAddress, newConnectionsPerSecond, ipv6PrefixLength } = this.rules;
    if (ipv6PrefixLength !== rules.ipv6PrefixLength) return false;
    // Without a rate nobody has counted what connections have taken of it.
    if (newConnectionsPerSecond === 0) {
      return maxConnectionsPerAddress > 0 && rules.newConnectionsPerSecond === 0;
    }
    return true;
  }

  /** Goes by other rules from now on. */
  take(rules: AccessRules): void {
    this.rules = rules;
    if (rules.newConnectionsPerSecond === 0) this.idle.clear();
  }

  /** Addresses that are remembered. */
  get addressCount(): number {
    return this.busy.size + this.idle.size;
  }

  /** Why a peer at `host` may not connect now; undefined where it may. */
  refusal(host: string | undefined, nowMs: number): AccessCode | undefined {
    const { allow, deny, maxConnectionsPerAddress, newConnectionsPerSecond } = this.rules;
    const ip = host === undefined ? undefined : parseIp(host);
    // Nothing is known of a peer that has gone already.
    if (host === undefined || ip === undefined) return "ACCESS_REFUSED";
    if (deny?.has(host) === true || allow?.has(host) === false) return "ACCESS_REFUSED";
    if (maxConnectionsPerAddress === 0 && newConnectionsPerSecond === 0) return undefined;
    const key = keyOf(ip, this.rules.ipv6PrefixLength);
    const entry = this.busy.get(key) ?? this.idle.get(key);
    if (entry === undefined) return undefined;
    if (entry.connectionCount === 0) this.rememberIdle(entry);
    if (maxConnectionsPerAddress > 0 && entry.connectionCount >= maxConnectionsPerAddress) {
      return "ADDRESS_LIMIT";
    }
    if (newConnectionsPerSecond === 0) return undefined;
    this.gainPermits(entry, nowMs);
    return entry.permits < 1 ? "ADDRESS_RATE_LIMIT" : undefined;
  }

  /** The error of a refusal, for whoever is told. */
  errorOf(code: AccessCode): NetError {
    const { maxConnectionsPerAddress, newConnectionsPerSecond } = this.rules;
    const texts: Readonly<Record<AccessCode, string>> = {
      ACCESS_REFUSED: "allow or deny of access keeps the peer's address out",
      ADDRESS_LIMIT: `the peer's address has as many connections as maxConnectionsPerAddress (${maxConnectionsPerAddress})`,
      ADDRESS_RATE_LIMIT: `the peer's address begins more connections a second than newConnectionsPerSecond (${newConnectionsPerSecond})`,
    };
    return new NetError(code, texts[code], { operation: "accept" });
  }

  /** A connection of `host` is made; `isNew` takes a permit. */
  entered(id: number, host: string | undefined, nowMs: number, isNew = true): void {
    const { maxConnectionsPerAddress, newConnectionsPerSecond, newConnectionBurst } = this.rules;
    if (maxConnectionsPerAddress === 0 && newConnectionsPerSecond === 0) return;
    const ip = host === undefined ? undefined : parseIp(host);
    if (ip === undefined) return;
    const key = keyOf(ip, this.rules.ipv6PrefixLength);
    const entry = this.busy.get(key) ??
      this.idle.get(key) ?? {
        key,
        connectionCount: 0,
        permits: newConnectionBurst,
        atMs: nowMs,
      };
    entry.connectionCount++;
    if (isNew) entry.permits--;
    this.idle.delete(key);
    this.busy.set(key, entry);
    this.entries.set(id, entry);
  }

  /** The connection has ended. */
  gone(id: number): void {
    const entry = this.entries.get(id);
    if (entry === undefined) return;
    this.entries.delete(id);
    if (--entry.connectionCount > 0) return;
    this.busy.delete(entry.key);
    if (this.rules.newConnectionsPerSecond > 0) this.rememberIdle(entry);
  }

  /** An address without connections was seen: the last of those that are remembered. */
  private rememberIdle(entry: AddressEntry): void {
    this.idle.delete(entry.key);
    this.idle.set(entry.key, entry);
    const { maxAddresses } = this.rules;
    if (this.idle.size <= maxAddresses) return;
    // Several go at once: to find the oldest entry of a Map takes as long as there are deleted ones before it.
    const kept = maxAddresses - Math.floor(maxAddresses / FORGOTTEN_SHARE);
    for (const oldest of this.idle.keys()) {
      if (this.idle.size <= kept) return;
      this.idle.delete(oldest);
    }
  }

  private gainPermits(entry: AddressEntry, nowMs: number): void {
    const { newConnectionsPerSecond, newConnectionBurst } = this.rules;
    const gained = (Math.max(0, nowMs - entry.atMs) * newConnectionsPerSecond) / 1_000;
    entry.permits = Math.min(newConnectionBurst, entry.permits + gained);
    entry.atMs = Math.max(entry.atMs, nowMs);
  }
}

function keyOf({ bytes }: Ip, prefixLength: number): AddressKey {
  if (bytes.length === 4) {
    const [a = 0, b = 0, c = 0, d = 0] = bytes;
    return a * 0x1000000 + b * 0x10000 + c * 0x100 + d;
  }
  const whole = prefixLength >> 3;
  const rest = prefixLength & 7;
  let key = "";
  for (let index = 0; index < whole; index++) key += String.fromCharCode(bytes[index] ?? 0);
  return rest === 0 ? key : key + String.fromCharCode((bytes[whole] ?? 0) >> (8 - rest));
}
