/** The options of a request, and what they come to: its head, its body, and what it waits for. */
import { AsyncResource } from "node:async_hooks";
import { assertFunction } from "../../connection/settings.js";
import { throwIfAborted } from "../../connection/waiting/waiter.js";
import type { ProxyHop } from "../../dial/proxy-hop.js";
import type { ProxyChoice } from "../../dial/proxy-route.js";
import { assertInteger, assertKnownKeys, describe } from "../../errors.js";
import type { Given } from "../../options.js";
import { BODY } from "../../protocol/http1/head.js";
import type { ResponseHead } from "../../protocol/http1/response-head.js";
import type { FieldInput } from "../../protocol/http1/writing/field-writer.js";
import type { CookieStore } from "../cookie/cookie-store.js";
import type { Fields } from "../fields.js";
import { FieldList, fieldValues, hasField } from "../http-fields.js";
import { assertOptionsObject, invalid } from "../option-check.js";
import type { ExchangePlan } from "./client-exchange.js";
import {
  assertMethods,
  assertRequestTime,
  assertSwitch,
  type RequestTimes,
} from "./client-options.js";
import type { HttpTarget } from "./http-target.js";
import { type RequestBody, RequestContent } from "./request-content.js";

/** What is asked for. */
export interface HttpRequestOptions extends Given<RequestTimes> {
  /** The whole URL. Credentials in it become Authorization. */
  readonly url: string | URL;
  /** Default `GET`. Methods are case-sensitive. */
  readonly method?: string | undefined;
  /**
   * Fields of the head; those that are undefined are left out. Host, Content-Length, Transfer-Encoding
   * and Cookie are added.
   */
  readonly headers?: FieldInput | undefined;
  /** The body; see {@link RequestBody}. Default: none. */
  readonly body?: RequestBody | null | undefined;
  /** Bytes of a body that is given in chunks; left out, it is sent in chunks. */
  readonly bodyLength?: number | undefined;
  /** Fields behind a body that is sent in chunks. */
  readonly trailers?: (() => FieldInput) | undefined;
  /** What Host says, instead of the URL's host. It can be given in `headers` as well, not in both. */
  readonly host?: string | undefined;
  /** Request target instead of the URL's path: `*` for OPTIONS, `host:port` for CONNECT. */
  readonly target?: string | undefined;
  /** Asks to go on with another protocol: Upgrade and Connection say so. */
  readonly upgrade?: string | undefined;
  /** Sends the body when the server has asked for it (100), or after `continueTimeoutMs`. Default false. */
  readonly expectContinue?: boolean | undefined;
  /**
   * Whether it may be sent again when its connection broke before a response came. Default: what
   * RFC 9110 §9.2.2 says of the method. Bodies that can be read once are never sent again.
   */
  readonly idempotent?: boolean | undefined;
  /** Gives up when aborted: `ABORTED`. */
  readonly signal?: AbortSignal | undefined;
  /** Told of responses 1xx. */
  readonly onInterim?: ((status: number, headers: Fields) => void) | undefined;
  /** Whether cookies go with it and are taken from the response. Default: as with the client. */
  readonly useCookies?: boolean | undefined;
  /** Through which proxy, or `false` for none. Default: as with the agent. */
  readonly proxy?: ProxyChoice | undefined;
}

/** What a client adds to every request. */
export interface RequestDefaults extends RequestTimes {
  readonly continueTimeoutMs: number;
  readonly headers: FieldInput | undefined;
  readonly cookies: CookieStore | undefined;
  readonly useCookies: boolean;
}

/** How the request goes to its server. */
export interface RequestRoute {
  readonly target: HttpTarget;
  /** The proxy that is asked by the whole URL. */
  readonly forward: ProxyHop | undefined;
  /** Fields in lower case that are not added: credentials, after a redirect to another origin. */
  readonly omitted: readonly string[];
}

const OPTION_NAMES: readonly string[] = [
  "url",
  "method",
  "headers",
  "body",
  "bodyLength",
  "trailers",
  "host",
  "target",
  "upgrade",
  "expectContinue",
  "idempotent",
  "signal",
  "onInterim",
  "useCookies",
  "proxy",
  "connectTimeoutMs",
  "headTimeoutMs",
  "bodyTimeoutMs",
  "timeoutMs",
  "queueTimeoutMs",
];

const IDEMPOTENT_METHODS = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "QUERY"]);

/** Throws `INVALID_ARGUMENT` for invalid options, `ABORTED` when the signal was aborted already. */
export function assertRequestOptions(options: HttpRequestOptions): void {
  assertOptionsObject("a request { url, … }", options);
  assertKnownKeys("request", options, OPTION_NAMES);
  assertRequestTime("connectTimeoutMs", options.connectTimeoutMs);
  assertRequestTime("headTimeoutMs", options.headTimeoutMs);
  assertRequestTime("bodyTimeoutMs", options.bodyTimeoutMs);
  assertRequestTime("timeoutMs", options.timeoutMs);
  assertRequestTime("queueTimeoutMs", options.queueTimeoutMs);
  assertSwitch("expectContinue", options.expectContinue);
  assertSwitch("idempotent", options.idempotent);
  assertSwitch("useCookies", options.useCookies);
  assertText("host", options.host);
  assertText("target", options.target);
  assertText("upgrade", options.upgrade);
  assertOptionalFunction("trailers", options.trailers);
  assertOptionalFunction("onInterim", options.onInterim);
  const { bodyLength, headers, method, signal } = options;
  if (headers !== undefined) assertOptionsObject("headers", headers);
  assertMethods("signal", signal, ["addEventListener", "removeEventListener"]);
  if (bodyLength !== undefined) {
    assertInteger("bodyLength", bodyLength, 0, Number.MAX_SAFE_INTEGER);
  }
  if (method !== undefined && (typeof method !== "string" || method === "")) {
    throw invalid(`method must be text, not ${describe(method)}`);
  }
  throwIfAborted(options, "request");
}

function assertText(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== "string") {
    throw invalid(`${name} must be text, not ${describe(value)}`);
  }
}

function assertOptionalFunction(name: string, value: unknown): void {
  if (value !== undefined) assertFunction(name, value);
}

/** What the options of a request come to. They must have been checked. */
export function planRequest(
  options: HttpRequestOptions,
  route: RequestRoute,
  defaults: RequestDefaults,
): ExchangePlan {
  const { method = "GET", onInterim, trailers } = options;
  const content = RequestContent.of(options.body, method);
  const body = bodyLengthOf(options, content);
  const expectsContinue = options.expectContinue === true && body !== BODY.none && body !== 0;
  const useCookies = options.useCookies ?? defaults.useCookies;
  const cookies = useCookies ? defaults.cookies : undefined;
  const { target } = route;
  const given = fieldsOf(options, route, { defaults, content, expectsContinue, cookies });
  const [host, fields] = hostOf(options, target, given);
  const isIdempotent = options.idempotent ?? IDEMPOTENT_METHODS.has(method);
  return {
    target,
    head: {
      method,
      target: options.target ?? (route.forward === undefined ? target.path : target.absolute),
      host,
      fields,
      body,
    },
    content,
    scope: callsBack(options, content) ? new AsyncResource("HPSOCKET_REQUEST") : undefined,
    trailers,
    asksUpgrade: options.upgrade !== undefined,
    expectsContinue,
    keepsBody: true,
    mayRepeat: isIdempotent && content.canRepeat,
    continueTimeoutMs: defaults.continueTimeoutMs,
    headTimeoutMs: options.headTimeoutMs ?? defaults.headTimeoutMs,
    bodyTimeoutMs: options.bodyTimeoutMs ?? defaults.bodyTimeoutMs,
    timeoutMs: options.timeoutMs ?? defaults.timeoutMs,
    queueTimeoutMs: options.queueTimeoutMs ?? defaults.queueTimeoutMs,
    signal: options.signal,
    onInterim,
    onHead: cookies === undefined ? undefined : (head) => takeCookies(cookies, head, target),
  };
}

/** Whether functions of the application are called for the request, which is done from elsewhere. */
function callsBack({ onInterim, trailers }: HttpRequestOptions, content: RequestContent): boolean {
  return onInterim !== undefined || trailers !== undefined || content.open !== undefined;
}

/** What Host says, and the other fields. Host is sent first, wherever it was given (RFC 9110 §7.2). */
function hostOf(
  { host }: HttpRequestOptions,
  target: HttpTarget,
  fields: FieldInput,
): readonly [host: string, fields: FieldInput] {
  if (!hasField(fields, "host")) return [host ?? target.host, fields];
  const [first = "", ...others] = fieldValues(fields, "host");
  if (others.length > 0) {
    throw invalid(
      `headers has Host ${1 + others.length} times: give it once, or by the option host`,
    );
  }
  if (host !== undefined)
    throw invalid("Host is given by headers and by the option host: give one");
  const list = new FieldList();
  list.addAll(fields, ["host"]);
  return [first, list.pairs];
}

/** Without a length of its own a body goes in chunks, unless the fields say how long it is. */
function bodyLengthOf(options: HttpRequestOptions, content: RequestContent): number {
  const { bodyLength } = options;
  if (bodyLength !== undefined && content.byteCount >= 0 && bodyLength !== content.byteCount) {
    throw invalid(`bodyLength is ${bodyLength}, but the body has ${content.byteCount} bytes`);
  }
  if (content.byteCount !== BODY.chunked) return content.byteCount;
  if (options.bodyLength !== undefined) return options.bodyLength;
  return hasField(options.headers, "content-length") ? BODY.byFields : BODY.chunked;
}

interface FieldSources {
  readonly defaults: RequestDefaults;
  readonly content: RequestContent;
  readonly expectsContinue: boolean;
  readonly cookies: CookieStore | undefined;
}

const NO_FIELDS: FieldInput = {};

/** The fields as they were given where nothing is to be added, which is the usual case. */
function fieldsOf(
  options: HttpRequestOptions,
  route: RequestRoute,
  { defaults, content, expectsContinue, cookies }: FieldSources,
): FieldInput {
  const { headers = NO_FIELDS, upgrade } = options;
  const { target } = route;
  const proxyAuthorization = route.forward?.authorization;
  const { authorization } = target;
  const cookie = cookies?.cookieHeader(target.url);
  const isPlain =
    defaults.headers === undefined &&
    content.type === undefined &&
    authorization === undefined &&
    proxyAuthorization === undefined &&
    upgrade === undefined &&
    !expectsContinue &&
    cookie === undefined;
  if (isPlain) return headers;
  const list = new FieldList();
  list.addAll(headers);
  list.addAllMissing(defaults.headers, route.omitted);
  list.addMissing("Content-Type", content.type);
  list.addMissing("Authorization", authorization);
  list.addMissing("Proxy-Authorization", proxyAuthorization);
  if (upgrade !== undefined) {
    list.addMissing("Connection", "Upgrade");
    list.addMissing("Upgrade", upgrade);
  }
  if (expectsContinue) list.addMissing("Expect", "100-continue");
  list.addMissing("Cookie", cookie);
  return list.pairs;
}

/** A Set-Cookie that can't be taken is ignored (RFC 6265 §5.2). */
function takeCookies(cookies: CookieStore, head: ResponseHead, target: HttpTarget): void {
  if (!head.has("set-cookie")) return;
  for (const value of head.getAll("set-cookie")) cookies.setFromHeader(value, target.url);
}
