/** A part of a cookie file: a domain and a path, and the cookies that are under both. */
export interface CookieSection {
  /** Lower-case, without leading dots. */
  readonly domain: string;
  /** Begins with "/". */
  readonly path: string;
  readonly cookies: readonly CookieLine[];
}

/** One cookie of a cookie file. Text is Latin-1: one character for each octet of the file. */
export interface CookieLine {
  /** Not empty. */
  readonly name: string;
  readonly value: string;
  /** When it expires, in whole seconds since 1970 UTC; above 0. */
  readonly expiresSeconds: number;
  readonly httpOnly: boolean;
  readonly secure: boolean;
  /** `none` stands for no attribute as well: the file does not tell them apart. */
  readonly sameSite: FileSameSite;
}

/** The values of the last field, in the order of their numbers: 0, 1, 2. */
export const SAME_SITE_VALUES: readonly ["none", "strict", "lax"] = ["none", "strict", "lax"];

/** See {@link CookieLine.sameSite}. */
export type FileSameSite = (typeof SAME_SITE_VALUES)[number];

/** Most bytes of a line, its LF included: the original reads lines into 8,192 bytes with a NUL. */
export const MAX_LINE_BYTES: number = 8191;
