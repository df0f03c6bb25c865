/** Addresses of a host name by the system's resolver, for the engines that move bytes by the system. */
import { closeSync, openSync } from "node:fs";
import { isIP } from "node:net";
import { devNull } from "node:os";
import process from "node:process";
import type { NetError } from "../errors.js";
import { inRootContext } from "../time/root-context.js";
import { dnsModule } from "./built-in.js";
import { canDetach, detachedLookup } from "./detached-lookup.js";
import type { ResolvedHost } from "./engine.js";
import { HostResolver, type SystemQuestion } from "./host-resolver.js";
import { errnoNameOf, noAddress, systemError } from "./system-error.js";

/** The longest name, with a dot behind it (RFC 1035 §2.3.4). */
const MAX_NAME_LENGTH = 254;

/** RFC 6761 §6.3: such names are the loopback's, whatever a resolver says. */
const LOCALHOST = /^(?:.*\.)?localhost\.?$/i;

/** Resolvers end a name at NUL, and leave other control characters out: the host would be another than the one that was named. */
const NO_NAME = /[\p{Cc} ]/u;

const LOOPBACK: readonly ResolvedHost[] = [
  { host: "127.0.0.1", family: "IPv4" },
  { host: "::1", family: "IPv6" },
];

/** Threads of libuv's pool where nothing else is said. */
const POOL_THREADS = 4;

/** Look-ups at once on threads of the C library, which makes no more than 20. */
const DETACHED_MAX = 16;

/** libuv has half of its threads at most look names up: more would only wait there, and be held. */
function runningMax(): number {
  if (canDetach()) return DETACHED_MAX;
  const threads = Number(process.env["UV_THREADPOOL_SIZE"]);
  const count = Number.isInteger(threads) && threads > 0 ? threads : POOL_THREADS;
  return Math.ceil(count / 2);
}

let resolver: HostResolver | undefined;

/** See `Engine.resolve`. */
export async function resolveHost(
  host: string,
  signal?: AbortSignal,
): Promise<readonly ResolvedHost[]> {
  const literal = isIP(host);
  if (literal !== 0) return [resolvedHost(host, literal)];
  if (host.length > MAX_NAME_LENGTH) throw noAddress(`${host.slice(0, MAX_NAME_LENGTH)}…`);
  if (NO_NAME.test(host)) throw noAddress(host);
  if (LOCALHOST.test(host)) return LOOPBACK;
  resolver ??= new HostResolver((name) => inRootContext(() => askSystem(name)), runningMax());
  return resolver.resolve(host, signal);
}

function askSystem(host: string): SystemQuestion {
  try {
    const detached = detachedLookup(host);
    if (detached !== undefined) {
      return {
        hosts: foundOf(host, detached.hosts),
        hold: (isWanted) => detached.hold(isWanted),
      };
    }
  } catch (cause) {
    return { hosts: foundOf(host, Promise.reject(cause)), hold: () => {} };
  }
  return { hosts: foundOf(host, askNode(host)), hold: () => {} };
}

async function askNode(host: string): Promise<readonly ResolvedHost[]> {
  const found = await dnsModule().lookup(host, { all: true, order: "verbatim" });
  return found.map(({ address, family }) => resolvedHost(address, family));
}

async function foundOf(
  host: string,
  asked: Promise<readonly ResolvedHost[]>,
): Promise<readonly ResolvedHost[]> {
  let found: readonly ResolvedHost[];
  try {
    found = await asked;
  } catch (cause) {
    throw (
      exhausted(cause) ?? systemError(errnoNameOf(cause), "resolve", cause, JSON.stringify(host))
    );
  }
  if (found.length === 0) throw noAddress(host);
  return found;
}

/** A resolver that gets no descriptor says that there is no such name. Whether that was it. */
function exhausted(cause: unknown): NetError | undefined {
  try {
    closeSync(openSync(devNull, "r"));
    return undefined;
  } catch (error) {
    const name = errnoNameOf(error);
    const isShort = name === "EMFILE" || name === "ENFILE";
    return isShort ? systemError(name, "resolve", cause) : undefined;
  }
}

function resolvedHost(host: string, family: number): ResolvedHost {
  return { host, family: family === 6 ? "IPv6" : "IPv4" };
}
