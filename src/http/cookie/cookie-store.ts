/**
 * The cookies of HTTP clients: storage and retrieval of RFC 6265 §5.3 and §5.4, with what RFC
 * 6265bis adds (SameSite, prefixes, Secure cookies left alone). One store serves any number of
 * clients, agents and connections.
 *
 * Invariants: cookies do not change, they are replaced; no stored cookie was expired when it was
 * put in; none is above the limits; none has a text that could not be a line of a header or of a
 * cookie file. What a peer sends never throws. All but the files is synchronous: it is asked
 * between a request and its bytes.
 */
import process from "node:process";
import { assertText, describe, invalidArgument, NetError } from "../../errors.js";
import type { Clock } from "../../time/clock.js";
import type {
  Cookie,
  CookieContext,
  CookieFilter,
  CookieInit,
  CookieKey,
  CookieRefusal,
  CookieTarget,
  SetCookieOutcome,
} from "./cookie.js";
import { admitCookie, refusalByRules } from "./cookie-admission.js";
import { decodeCookies, encodeCookies, fileUnavailable, readCookieFile } from "./cookie-archive.js";
import { assertFlags, assertObject, buildCookie, buildFilter } from "./cookie-builder.js";
import { type CookieEntry, CookieIndex } from "./cookie-index.js";
import type { CookieLimits } from "./cookie-limits.js";
import { cookieRequest } from "./cookie-request.js";
import { selectCookies } from "./cookie-selection.js";
import {
  type CookieLoadOptions,
  type CookieSaveOptions,
  type CookieStats,
  type CookieStoreJson,
  type CookieStoreOptions,
  cookieSettings,
} from "./cookie-store-options.js";
import { replaceFile } from "./file-replacement.js";

/** Cookies of HTTP clients and agents, for those who share them. The guide on cookies has more. */
export class CookieStore {
  /** The limits in force. */
  readonly limits: CookieLimits;
  readonly #clock: Clock;
  readonly #secureOnLoopback: boolean;
  readonly #onIgnore: CookieStoreOptions["onIgnore"];
  readonly #index = new CookieIndex();
  readonly #ignoredCounts: Record<CookieRefusal, number> = {
    malformed: 0,
    "too-long": 0,
    "domain-mismatch": 0,
    "public-suffix": 0,
    insecure: 0,
    "http-only": 0,
    "cross-site": 0,
    prefix: 0,
  };
  #storedCount = 0;
  #evictedCount = 0;

  /** Throws `INVALID_ARGUMENT`. */
  constructor(options: CookieStoreOptions = {}) {
    const { limits, clock, secureOnLoopback, onIgnore } = cookieSettings(options);
    this.limits = limits;
    this.#clock = clock;
    this.#secureOnLoopback = secureOnLoopback;
    this.#onIgnore = onIgnore;
  }

  /** Number of cookies, expired ones left out. */
  get count(): number {
    this.#now();
    return this.#index.count;
  }

  /** Counts since the store was made. */
  get stats(): CookieStats {
    return {
      cookieCount: this.count,
      storedCount: this.#storedCount,
      evictedCount: this.#evictedCount,
      ignoredCounts: { ...this.#ignoredCounts },
    };
  }

  /**
   * Takes the value of one Set-Cookie field of a response to a request for `target`. Whatever the
   * peer has sent, it does not throw: what can't be taken is ignored, counted and told to
   * `onIgnore`. Throws `INVALID_ARGUMENT` when `target` is no URL.
   */
  setFromHeader(
    setCookie: string,
    target: string | CookieTarget,
    context: CookieContext = {},
  ): SetCookieOutcome {
    if (typeof setCookie !== "string") {
      throw invalidArgument(`a Set-Cookie must be text, not ${describe(setCookie)}`);
    }
    const request = cookieRequest(target, context, this.#secureOnLoopback);
    const state = { index: this.#index, limits: this.limits, nowMs: this.#now() };
    const cookie = admitCookie(setCookie, request, state);
    if (typeof cookie !== "string") return this.#put(cookie);
    this.#tell(cookie, setCookie, request.host);
    return cookie;
  }

  /**
   * Sets a cookie on behalf of the application, which may set any for any domain but public
   * suffixes. It replaces the one of the same domain, path and name. Returns the cookie; undefined
   * when it has expired, and is thereby removed. Throws `INVALID_ARGUMENT`.
   */
  set(init: CookieInit): Cookie | undefined {
    const cookie = buildCookie("cookie", init, this.#now());
    const refusal = refusalByRules(cookie, this.limits);
    if (refusal !== undefined) {
      const { maxCookieBytes } = this.limits;
      const why = `${refusal}, maxCookieBytes is ${maxCookieBytes}`;
      throw invalidArgument(`the cookie ${describe(cookie.name)} can't be set: ${why}`);
    }
    return this.#put(cookie) === "stored" ? this.get(cookie) : undefined;
  }

  /** The value of the Cookie field for a request; undefined when no cookie goes with it. */
  cookieHeader(target: string | CookieTarget, context: CookieContext = {}): string | undefined {
    const entries = this.#select(target, context);
    if (entries.length === 0) return undefined;
    return entries.map(({ cookie }) => `${cookie.name}=${cookie.value}`).join("; ");
  }

  /** The cookies that go with a request, in the order of the Cookie field (RFC 6265 §5.4). */
  cookiesFor(target: string | CookieTarget, context: CookieContext = {}): Cookie[] {
    return this.#select(target, context).map(({ cookie }) => cookie);
  }

  /** One cookie. */
  get(key: CookieKey): Cookie | undefined {
    return this.#find(key)?.cookie;
  }

  /** The cookies that a filter names, in the order of their creation; all without one. */
  list(filter: CookieFilter = {}): Cookie[] {
    return this.#entries(filter)
      .sort((one, other) => one.creationIndex - other.creationIndex)
      .map(({ cookie }) => cookie);
  }

  /** Removes one cookie; returns whether it was there. */
  delete(key: CookieKey): boolean {
    const entry = this.#find(key);
    if (entry !== undefined) this.#index.remove(entry);
    return entry !== undefined;
  }

  /** Removes the cookies that a filter names, all without one; returns how many. */
  clear(filter: CookieFilter = {}): number {
    const entries = this.#entries(filter);
    for (const entry of entries) this.#index.remove(entry);
    return entries.length;
  }

  /**
   * Removes expired cookies now, all or those that a filter names; returns how many. By themselves they
   * are removed with the next use of the store. Throws `INVALID_ARGUMENT`.
   */
  removeExpired(filter: CookieFilter = {}): number {
    const wanted = buildFilter("the filter", filter);
    return this.#index.removeExpired(this.#wallMs(), (cookie) => isNamedBy(wanted, cookie));
  }

  /** All cookies, for `JSON.stringify`. They are credentials: keep the result as such. */
  toJSON(): CookieStoreJson {
    this.#now();
    return { version: 1, cookies: [...this.#index.all()].map(({ cookie }) => cookie) };
  }

  /**
   * A store with the cookies that {@link CookieStore.toJSON} made, parsed. Throws
   * `INVALID_ARGUMENT` for anything else; what the rules or limits of now forbid is left out.
   */
  static fromJSON(json: unknown, options: CookieStoreOptions = {}): CookieStore {
    const store = new CookieStore(options);
    assertObject("the JSON of a cookie store", json);
    const { version, cookies } = json as { version?: unknown; cookies?: unknown };
    if (version !== 1 || !Array.isArray(cookies)) {
      throw invalidArgument("the JSON of a cookie store must have version 1 and a list of cookies");
    }
    const nowMs = store.#now();
    const built = cookies.map((one, index) => buildCookie(`cookies[${index}]`, one, nowMs));
    for (const cookie of built) store.#offer(cookie);
    return store;
  }

  /**
   * Takes the cookies of a file in HP-Socket's format (HP §3.6); returns how many. It does not
   * tell host-only cookies from others, and 0 for SameSite may mean that none was given: they go
   * to hosts below their domain unless `hostOnly` says otherwise, and count as without SameSite.
   *
   * Rejects with `COOKIE_FILE_UNAVAILABLE` or `COOKIE_FILE_MALFORMED`; then nothing has changed.
   */
  async loadFile(path: string, options: CookieLoadOptions = {}): Promise<number> {
    assertText("path", path);
    assertFlags("loadFile", options, ["keepExisting", "hostOnly", "mayBeMissing"]);
    const { keepExisting = true, hostOnly = false, mayBeMissing = false } = options;
    const bytes = await readCookieFile(path, mayBeMissing);
    const cookies = decodeCookies(bytes, this.#now(), hostOnly);
    if (!keepExisting) this.clear();
    const isNew = ({ domain, path, name }: Cookie): boolean =>
      this.#index.find(domain, path, name) === undefined;
    return cookies.filter((cookie) => isNew(cookie) && this.#offer(cookie)).length;
  }

  /**
   * Writes the cookies to a file in HP-Socket's format, session cookies left out. Whatever
   * happens, the file is the old or the new one, whole; saves of one file by this process go one
   * after the other. Rejects with `COOKIE_FILE_UNAVAILABLE`, and `COOKIE_FILE_MALFORMED` for the
   * file to keep.
   */
  async saveFile(path: string, options: CookieSaveOptions = {}): Promise<void> {
    assertText("path", path);
    assertFlags("saveFile", options, ["keepExisting"]);
    try {
      await replaceFile(path, async () => {
        if (options.keepExisting === true) await this.loadFile(path, { mayBeMissing: true });
        return encodeCookies(this.list());
      });
    } catch (error) {
      throw error instanceof NetError ? error : fileUnavailable("written", path, error);
    }
  }

  /** Takes a cookie from a file or from JSON; returns whether the rules let it in. */
  #offer(cookie: Cookie): boolean {
    const refusal = refusalByRules(cookie, this.limits);
    if (refusal !== undefined) this.#ignoredCounts[refusal]++;
    return refusal === undefined && this.#put(cookie) === "stored";
  }

  /** One that has expired only removes what it would have replaced (RFC 6265 §5.3 step 11). */
  #put(cookie: Cookie): "stored" | "expired" {
    const { domain, path, name, expiresMs } = cookie;
    const former = this.#index.find(domain, path, name);
    if (expiresMs !== undefined && expiresMs <= this.#wallMs()) {
      if (former !== undefined) this.#index.remove(former);
      return "expired";
    }
    const createdMs = former?.cookie.createdMs ?? cookie.createdMs;
    this.#index.put(Object.freeze({ ...cookie, createdMs }));
    this.#storedCount++;
    this.#evictedCount += this.#index.evict(domain, this.limits);
    return "stored";
  }

  #select(target: string | CookieTarget, context: CookieContext): CookieEntry[] {
    const request = cookieRequest(target, context, this.#secureOnLoopback);
    this.#now();
    const entries = selectCookies(this.#index, request);
    for (const entry of entries) this.#index.touch(entry);
    return entries;
  }

  #find(key: CookieKey): CookieEntry | undefined {
    assertObject("the key", key);
    const { domain, path, name } = key;
    const wanted = buildFilter("the key", { domain, path, name });
    this.#now();
    return this.#index.find(wanted.domain ?? "", wanted.path ?? "/", wanted.name ?? "");
  }

  #entries(filter: CookieFilter): CookieEntry[] {
    const wanted = buildFilter("the filter", filter);
    const { domain } = wanted;
    this.#now();
    const among = domain === undefined ? this.#index.all() : this.#index.inDomain(domain);
    return [...among].filter(({ cookie }) => isNamedBy(wanted, cookie));
  }

  #tell(refusal: CookieRefusal, setCookie: string, host: string): void {
    this.#ignoredCounts[refusal]++;
    try {
      this.#onIgnore?.(refusal, setCookie, host);
    } catch (cause) {
      // A failure of `onIgnore` must not fail the response.
      process.emitWarning(new NetError("HANDLER_FAILED", "onIgnore threw", { cause }));
    }
  }

  /** The present moment, with nothing in the store that has expired by then. */
  #now(): number {
    const nowMs = this.#wallMs();
    this.#index.removeExpired(nowMs);
    return nowMs;
  }

  #wallMs(): number {
    return this.#clock.originMs + this.#clock.now();
  }
}

function isNamedBy({ domain, path, name }: CookieFilter, cookie: Cookie): boolean {
  return (
    (domain === undefined || cookie.domain === domain) &&
    (path === undefined || cookie.path === path) &&
    (name === undefined || cookie.name === name)
  );
}
