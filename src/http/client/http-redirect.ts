/**
 * What a redirect asks for (RFC 9110 §15.4), with the rules of the Fetch standard (HTTP-redirect
 * fetch) where the RFC leaves a choice. Pure.
 */
import { Buffer, isUtf8 } from "node:buffer";
import { describe, NetError } from "../../errors.js";
import type { FieldInput } from "../../protocol/http1/field-writer.js";
import { FieldList } from "../http-fields.js";
import type { HttpRequestOptions } from "./client-request.js";

const REDIRECT_STATUSES = new Set([301, 302, 303, 307, 308]);

/** Fields that say what the body is: they go with it. */
const CONTENT_FIELDS: readonly string[] = [
  "content-encoding",
  "content-language",
  "content-length",
  "content-location",
  "content-type",
  "expect",
  "transfer-encoding",
];

/** Fields that only the origin they were given for may see. */
export const CREDENTIAL_FIELDS: readonly string[] = [
  "authorization",
  "cookie",
  "proxy-authorization",
  "host",
];

/** Whether a response with this status says to ask elsewhere, if it says where. */
export function isRedirect(status: number): boolean {
  return REDIRECT_STATUSES.has(status);
}

/** The next request, and whether it goes to another origin. */
export interface Redirection {
  readonly options: HttpRequestOptions;
  readonly isForeign: boolean;
}

/**
 * What to ask next. `location`: as the response has it. Throws `HTTP_REDIRECT_REFUSED` when it is no
 * URL of HTTP, or when a body would have to be sent again that can't be.
 */
export function redirected(
  options: HttpRequestOptions,
  status: number,
  location: string,
): Redirection {
  const { method = "GET", body } = options;
  const from = new URL(options.url);
  const url = resolve(location, from);
  const isForeign = url.origin !== from.origin;
  const becomesGet =
    (status === 303 && method !== "GET" && method !== "HEAD") ||
    ((status === 301 || status === 302) && method === "POST");
  if (!isForeign) takeCredentials(url, from);
  const { host, target, ...rest } = options;
  const kept = isForeign || host === undefined ? rest : { ...rest, host };
  const omitted = [...(becomesGet ? CONTENT_FIELDS : []), ...(isForeign ? CREDENTIAL_FIELDS : [])];
  const headers = options.headers === undefined ? undefined : without(options.headers, omitted);
  const next = { ...kept, url, ...(headers !== undefined && { headers }) };
  if (becomesGet) {
    const { body: _body, bodyLength: _length, trailers: _trailers, ...bodyless } = next;
    return { options: { ...bodyless, method: "GET" }, isForeign };
  }
  if (!canRepeat(body)) throw refused("the body can't be sent again", location);
  return { options: next, isForeign };
}

/** A server that names itself in Location leaves out what the request's URL had before its name. */
function takeCredentials(url: URL, from: URL): void {
  if (url.username !== "" || url.password !== "") return;
  url.username = from.username;
  url.password = from.password;
}

function resolve(value: string, base: URL): URL {
  const location = ofUtf8(value);
  if (!URL.canParse(location, base.href)) throw refused("Location is no URL", location);
  const url = new URL(location, base);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw refused("Location is no URL of HTTP", location);
  }
  if (url.hash === "") url.hash = base.hash;
  return url;
}

/** Fields are Latin-1 to HTTP, but servers that don't escape a path mean UTF-8. */
function ofUtf8(value: string): string {
  const octets = Buffer.from(value, "latin1");
  return isUtf8(octets) ? octets.toString("utf8") : value;
}

function without(fields: FieldInput, omitted: readonly string[]): FieldInput {
  if (omitted.length === 0) return fields;
  const list = new FieldList();
  list.addAll(fields, omitted);
  return list.pairs;
}

/** Streams and iterators can be read once, everything else again. */
function canRepeat(body: HttpRequestOptions["body"]): boolean {
  if (body === undefined || body === null) return true;
  if (typeof body === "string" || typeof body === "function") return true;
  return (
    body instanceof Uint8Array ||
    body instanceof ArrayBuffer ||
    body instanceof URLSearchParams ||
    body instanceof FormData ||
    body instanceof Blob
  );
}

function refused(why: string, location: string): NetError {
  return new NetError("HTTP_REDIRECT_REFUSED", `${why}: ${describe(location)}`, {
    operation: "request",
  });
}
