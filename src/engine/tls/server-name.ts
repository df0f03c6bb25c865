/**
 * Which entry of a table is for a server name (RFC 6125 §6.4): the exact name first, then the
 * wildcard for its first label. `*.example.com` is for `www.example.com`, not for `example.com` nor
 * for `a.b.example.com`. Names are compared without case and without a final dot, and names beyond
 * ASCII as what a client sends of them (RFC 6125 §6.4.2).
 */
import { isIP } from "node:net";
import { domainToASCII } from "node:url";
import { describe, NetError } from "../../errors.js";

const MAX_NAME_LENGTH = 253;
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

/** The name as it is compared. */
export function plainServerName(name: string): string {
  const lower = name.toLowerCase();
  return lower.endsWith(".") ? lower.slice(0, -1) : lower;
}

/** The name as it is sent, for one that may be written beyond ASCII; empty for one that can't be. */
export function sendableServerName(name: string): string {
  return plainServerName(domainToASCII(name));
}

/** Whether it can be the name of a host: what a client sends may be any bytes. */
export function isHostName(name: string): boolean {
  const host = sendableServerName(name);
  return host.length <= MAX_NAME_LENGTH && host.split(".").every((label) => LABEL.test(label));
}

/** Finds values by server name. */
export class ServerNameTable<Value> {
  private readonly entries: ReadonlyMap<string, Value>;

  /** Throws `INVALID_ARGUMENT`, with `option`, for what can't be a name, and for a name that is there twice. */
  constructor(entries: Iterable<readonly [string, Value]>, option = "tls.serverNames") {
    const plain = new Map<string, Value>();
    for (const [name, value] of entries) {
      const key = tableName(name, option);
      if (plain.has(key)) throw invalid(option, `${describe(name)} is there twice`);
      plain.set(key, value);
    }
    this.entries = plain;
  }

  /** Whether there is no entry. */
  get isEmpty(): boolean {
    return this.entries.size === 0;
  }

  /** The value for `name`, or undefined. */
  find(name: string): Value | undefined {
    const plain = plainServerName(name);
    if (plain.startsWith("*")) return undefined;
    const exact = this.entries.get(plain);
    if (exact !== undefined) return exact;
    const dot = plain.indexOf(".");
    return dot <= 0 ? undefined : this.entries.get(`*${plain.slice(dot)}`);
  }
}

/** A name of a table as it is compared: a wildcard stands for the whole first label, or nowhere. */
function tableName(name: string, option: string): string {
  const isWildcard = name.startsWith("*.");
  const host = sendableServerName(isWildcard ? name.slice(2) : name);
  if (!isHostName(host) || isIP(host) !== 0) {
    const form = "a host name, or *. and a host name";
    throw invalid(option, `${describe(name)} is no server name: it must be ${form}`);
  }
  return isWildcard ? `*.${host}` : host;
}

function invalid(option: string, text: string): NetError {
  return new NetError("INVALID_ARGUMENT", `${option}: ${text}`, { operation: "configure" });
}
