/**
 * The cookies of a store: by domain, name and path, for requests; and in the order of their use,
 * for eviction. Each cookie is in both, or in none.
 */
import type { Cookie } from "./cookie.js";
import type { CookieLimits } from "./cookie-limits.js";

/** A cookie and its place in the order of creation. */
export interface CookieEntry {
  readonly cookie: Cookie;
  readonly creationIndex: number;
  /** Greater for those used later. */
  useIndex: number;
}

/** The cookies of one store. */
export class CookieIndex {
  private readonly domains = new Map<string, Map<string, CookieEntry>>();
  /** The one longest unused comes first. */
  private readonly byUse = new Set<CookieEntry>();
  private lastCreationIndex = 0;
  private lastUseIndex = 0;
  /** No cookie expires before this moment; may be too early, never too late. */
  private firstExpiryMs = Number.POSITIVE_INFINITY;

  get count(): number {
    return this.byUse.size;
  }

  find(domain: string, path: string, name: string): CookieEntry | undefined {
    return this.domains.get(domain)?.get(keyOf(path, name));
  }

  /** Cookies of exactly this domain. */
  inDomain(domain: string): Iterable<CookieEntry> {
    return this.domains.get(domain)?.values() ?? [];
  }

  /** Every cookie, the one longest unused first. */
  all(): Iterable<CookieEntry> {
    return this.byUse;
  }

  /** Takes a cookie in; one of the same domain, path and name gives it its place in the order. */
  put(cookie: Cookie): void {
    const former = this.find(cookie.domain, cookie.path, cookie.name);
    if (former !== undefined) this.byUse.delete(former);
    const creationIndex = former?.creationIndex ?? ++this.lastCreationIndex;
    const entry: CookieEntry = { cookie, creationIndex, useIndex: ++this.lastUseIndex };
    let inDomain = this.domains.get(cookie.domain);
    if (inDomain === undefined) {
      inDomain = new Map();
      this.domains.set(cookie.domain, inDomain);
    }
    inDomain.set(keyOf(cookie.path, cookie.name), entry);
    this.byUse.add(entry);
    if (cookie.expiresMs !== undefined && cookie.expiresMs < this.firstExpiryMs) {
      this.firstExpiryMs = cookie.expiresMs;
    }
  }

  /** Notes that a cookie is used now. */
  touch(entry: CookieEntry): void {
    entry.useIndex = ++this.lastUseIndex;
    this.byUse.delete(entry);
    this.byUse.add(entry);
  }

  remove(entry: CookieEntry): void {
    const { domain, path, name } = entry.cookie;
    const inDomain = this.domains.get(domain);
    inDomain?.delete(keyOf(path, name));
    if (inDomain?.size === 0) this.domains.delete(domain);
    this.byUse.delete(entry);
  }

  /**
   * Removes what has expired, or those of it that `applies` names; returns how many. Costs nothing when
   * nothing can have expired.
   */
  removeExpired(nowMs: number, applies?: (cookie: Cookie) => boolean): number {
    if (nowMs < this.firstExpiryMs) return 0;
    let removed = 0;
    let firstExpiryMs = Number.POSITIVE_INFINITY;
    for (const entry of this.byUse) {
      const { expiresMs = Number.POSITIVE_INFINITY } = entry.cookie;
      if (expiresMs <= nowMs && applies?.(entry.cookie) !== false) {
        this.remove(entry);
        removed++;
      } else if (expiresMs < firstExpiryMs) firstExpiryMs = expiresMs;
    }
    this.firstExpiryMs = firstExpiryMs;
    return removed;
  }

  /**
   * Removes cookies until a domain and the whole are within the limits; returns how many. In a
   * domain those that are not Secure go first, so that they can't drive out those that are
   * (RFC 6265bis §5.7).
   */
  evict(domain: string, limits: CookieLimits): number {
    const before = this.count;
    const inDomain = this.domains.get(domain);
    while (inDomain !== undefined && inDomain.size > limits.maxCookiesPerDomain) {
      this.remove(firstToGo(inDomain.values()));
    }
    for (const entry of this.byUse) {
      if (this.count <= limits.maxCookies) break;
      this.remove(entry);
    }
    return before - this.count;
  }
}

function firstToGo(entries: Iterable<CookieEntry>): CookieEntry {
  const [first, ...others] = entries;
  return others.reduce((chosen, entry) => {
    if (entry.cookie.secure !== chosen.cookie.secure) return entry.cookie.secure ? chosen : entry;
    return entry.useIndex < chosen.useIndex ? entry : chosen;
  }, first as CookieEntry);
}

/** A name has no ";", a path may have. */
function keyOf(path: string, name: string): string {
  return `${name};${path}`;
}
