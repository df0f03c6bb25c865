/** The fields of a message that a proxy sends on: those of the hop are taken out (RFC 9110 §7.6.1), Via is added. */
import type { Fields } from "../http/fields.js";

/** A field: name and value. */
export type FieldPair = [name: string, value: string];

/** Of one hop, whether or not Connection says so. Framing is made anew on each side. */
const HOP_FIELDS: ReadonlySet<string> = new Set([
  "connection",
  "proxy-connection",
  "keep-alive",
  "te",
  "transfer-encoding",
  "upgrade",
  "proxy-authorization",
  "proxy-authenticate",
  "proxy-authentication-info",
  "http2-settings",
]);

/** Connection can't take these away: the message would become another one. */
const NEVER_OF_THE_HOP: ReadonlySet<string> = new Set(["content-length", "host", "via"]);

/** The fields without those of the hop, with our Via behind the others'. `skipped`: names in small letters. */
export function endToEndFields(
  fields: Fields,
  via: string | undefined,
  skipped: readonly string[],
): FieldPair[] {
  const named = new Set(
    fields
      .getAll("connection")
      .flatMap((value) => value.split(","))
      .map((name) => name.trim().toLowerCase())
      .filter((name) => !NEVER_OF_THE_HOP.has(name)),
  );
  const kept: FieldPair[] = [];
  for (const [name, value] of fields) {
    const key = name.toLowerCase();
    if (!HOP_FIELDS.has(key) && !named.has(key) && !skipped.includes(key)) kept.push([name, value]);
  }
  if (via !== undefined) kept.push(["Via", via]);
  return kept;
}

/** Whether a message has come through the proxy of this pseudonym before. */
export function hasComeThrough(fields: Fields, pseudonym: string): boolean {
  return fields
    .getAll("via")
    .flatMap((value) => value.split(","))
    .some((one) => one.trim().split(/[ \t]+/)[1] === pseudonym);
}
