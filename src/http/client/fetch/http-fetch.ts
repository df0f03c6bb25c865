/** The web's `fetch` over the connections of an agent. */
import { types } from "node:util";
import { NetError } from "../../../errors.js";
import type { FieldInput } from "../../../protocol/http1/writing/field-writer.js";
import { FieldList } from "../../http-fields.js";
import { assertOptionsObject } from "../../option-check.js";
import type { HttpFollowOptions } from "../http-follow.js";
import type { HttpResponse } from "../http-response.js";
import type { RequestBody } from "../request-content.js";
import { bodyOf, RestOfBody } from "./fetch-body.js";
import { fetchFailure } from "./fetch-failure.js";
import { isIntact } from "./integrity.js";
import { webResponse } from "./web-response.js";

/** Members of the web's that the platform looks at. */
export interface WebInit {
  readonly method?: string | undefined;
  readonly headers?: FieldInput | Headers | undefined;
  readonly redirect?: "follow" | "manual" | "error" | undefined;
  /** `omit`: no cookies of the agent's store are sent or taken. Default: they are. */
  readonly credentials?: "omit" | "same-origin" | "include" | undefined;
  /** There is no cache here; `no-cache`, `no-store` and `reload` set fields for caches on the way. */
  readonly cache?:
    | "default"
    | "force-cache"
    | "no-cache"
    | "no-store"
    | "only-if-cached"
    | "reload"
    | undefined;
  /** Hashes of which the content must have one: `HTTP_CONTENT_MALFORMED` where it has none. */
  readonly integrity?: string | undefined;
  /** Without effect, as all that follow. */
  readonly mode?: "cors" | "no-cors" | "same-origin" | "navigate" | undefined;
  readonly referrer?: string | undefined;
  readonly referrerPolicy?: string | undefined;
  readonly keepalive?: boolean | undefined;
  readonly window?: null | undefined;
  readonly duplex?: string | undefined;
  readonly priority?: string | undefined;
}

/** What is asked for: the members of the web's `RequestInit`, and those of {@link HttpFollowOptions}. */
export interface HttpFetchInit
  extends WebInit,
    Omit<HttpFollowOptions, keyof WebInit | OwnMembers> {
  /** The body, as the web's `fetch` takes it. */
  readonly body?: RequestBody | ArrayBufferView | null | undefined;
  /** Calls it off. */
  readonly signal?: AbortSignal | null | undefined;
}

type OwnMembers = "body" | "signal" | "upgrade";

/** A function like `fetch`. */
export type HttpFetch = (input: Request | string | URL, init?: HttpFetchInit) => Promise<Response>;

/** What sends the request. */
export interface FetchingAgent {
  follow(url: string | URL, options: HttpFollowOptions): Promise<HttpResponse>;
}

/** Members that a `Request` is made with. */
const WEB_MEMBERS = [
  "method",
  "headers",
  "referrer",
  "referrerPolicy",
  "mode",
  "credentials",
  "cache",
  "redirect",
  "integrity",
  "keepalive",
  "window",
] as const;

/** Members that are passed to the agent. Unknown members, which libraries add, are ignored. */
const AGENT_MEMBERS = [
  "bodyLength",
  "trailers",
  "host",
  "target",
  "expectContinue",
  "idempotent",
  "onInterim",
  "useCookies",
  "proxy",
  "queueTimeoutMs",
  "connectTimeoutMs",
  "headTimeoutMs",
  "bodyTimeoutMs",
  "timeoutMs",
  "maxRedirects",
  "decompress",
  "maxDecodedBytes",
  "maxDecodedRatio",
] as const;

const MAX_WHOLE_BYTES = 2 ** 32;
/**
 * The Request of a signal that is waited on. A Request follows the signal that it was made with only as long as it
 * is there itself; the program may keep no more of it than the promise, or the response.
 */
const requestOfSignal: WeakMap<AbortSignal, Request> = new WeakMap();
const NO_BYTES = new Uint8Array(0);

/** See {@link HttpFetch}. */
export async function fetchWith(
  agent: FetchingAgent,
  input: Request | string | URL,
  init: HttpFetchInit = {},
): Promise<Response> {
  const signal = signalOf(input, init);
  let body: RequestBody | undefined;
  try {
    assertOptionsObject("init", init);
    const request = requestOf(input, init);
    if (signal?.aborted === true) {
      // Fetch standard, "abort a fetch() call".
      await request.body?.cancel(signal.reason).catch(ignored);
      throw signal.reason;
    }
    body = wholeView(init.body) ?? (await bodyOf(request));
    const response = await agent.follow(
      input instanceof Request ? input.url : input,
      optionsOf(request, body, init, signal),
    );
    const asked = { method: request.method, signal };
    if (request.integrity === "") return webResponse(response, asked);
    return webResponse(response, asked, await intactContent(response, request.integrity));
  } catch (error) {
    const failure = fetchFailure(error, signal);
    // A Request that was taken can't be sent again.
    if (body instanceof RestOfBody) await body.return(failure);
    throw failure;
  }
}

/** Any view of memory is bytes to the web; to an agent those of a Uint8Array are. */
function wholeView(body: HttpFetchInit["body"]): RequestBody | null | undefined {
  if (!ArrayBuffer.isView(body) || types.isUint8Array(body)) return body;
  const { buffer, byteOffset, byteLength }: ArrayBufferView = body;
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Null: no signal, even where the Request has one. */
function signalOf(input: Request | string | URL, init: HttpFetchInit): AbortSignal | undefined {
  if (init?.signal !== undefined) return init.signal ?? undefined;
  if (!(input instanceof Request)) return undefined;
  requestOfSignal.set(input.signal, input);
  return input.signal;
}

/** Validates what is given by making a Request of the platform. */
function requestOf(input: Request | string | URL, init: HttpFetchInit): Request {
  const hasBody = init.body !== undefined && init.body !== null;
  // The body is sent as it was given: it may be what the platform does not know, and be sent again.
  // Here is only seen to its type, and that the method has one.
  const body = typeof init.body === "string" ? "" : NO_BYTES;
  const web = { ...among(init, WEB_MEMBERS), ...(hasBody && { body }) };
  return new Request(
    input instanceof Request ? input : withoutCredentials(input),
    web as RequestInit,
  );
}

/** A `Request` can have none in its URL; here they become Authorization. */
function withoutCredentials(input: string | URL): string {
  const text = String(input);
  if (!URL.canParse(text)) return text;
  const url = new URL(text);
  url.username = "";
  url.password = "";
  return url.href;
}

function optionsOf(
  request: Request,
  body: RequestBody | undefined,
  init: HttpFetchInit,
  signal: AbortSignal | undefined,
): HttpFollowOptions {
  return {
    ...(request.credentials === "omit" && { useCookies: false }),
    ...among(init, AGENT_MEMBERS),
    method: request.method,
    headers: fieldsOf(request),
    redirect: request.redirect,
    ...(body !== undefined && { body }),
    ...(signal !== undefined && { signal }),
  };
}

function among<Name extends keyof HttpFetchInit>(
  init: HttpFetchInit,
  names: readonly Name[],
): Pick<HttpFetchInit, Name> {
  const given = names.filter((name) => init[name] !== undefined);
  return Object.fromEntries(given.map((name) => [name, init[name]])) as Pick<HttpFetchInit, Name>;
}

/** With what the Fetch standard adds for its cache (HTTP-network-or-cache fetch, step 8). */
function fieldsOf({ headers, cache }: Request): FieldInput {
  const list = new FieldList();
  list.addAll(headers);
  if (cache === "no-cache") list.addMissing("Cache-Control", "max-age=0");
  if (cache === "no-store" || cache === "reload") {
    list.addMissing("Pragma", "no-cache");
    list.addMissing("Cache-Control", "no-cache");
  }
  return list.pairs;
}

async function intactContent(response: HttpResponse, integrity: string): Promise<Uint8Array> {
  const content = await response.bytes({ maxBytes: MAX_WHOLE_BYTES });
  if (isIntact(content, integrity)) return content;
  const message = `the content is not what integrity ("${integrity}") names`;
  throw new NetError("HTTP_CONTENT_MALFORMED", message, { operation: "receive" });
}

function ignored(): void {
  // The stream has failed already.
}
