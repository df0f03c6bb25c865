/** A request whose redirects are followed, and whose response's codings are taken off. */
import { throwIfAborted } from "../../connection/waiting/waiter.js";
import { assertInteger, assertOneOf, NetError } from "../../errors.js";
import type { TimingWheel } from "../../time/timing-wheel.js";
import { FieldList } from "../http-fields.js";
import { assertOptionsObject } from "../option-check.js";
import { requestTimedOut } from "./client-exchange.js";
import { type AgentNumbers, assertSwitch } from "./client-options.js";
import { assertRequestOptions, type HttpRequestOptions } from "./client-request.js";
import { ACCEPTED_CODINGS, decodeBody, decodersOf } from "./content-decoder.js";
import { CREDENTIAL_FIELDS, isRedirect, redirected } from "./http-redirect.js";
import type { HttpResponse } from "./http-response.js";

/** What is asked for, besides the URL. `timeoutMs` is for all redirects together. */
export interface HttpFollowOptions extends Omit<HttpRequestOptions, "url"> {
  /** `follow` (default), `manual`: the redirect is the response, `error`: `HTTP_REDIRECT_REFUSED`. */
  readonly redirect?: "follow" | "manual" | "error" | undefined;
  /** Default: the agent's. */
  readonly maxRedirects?: number | undefined;
  /** Asks for encoded content, and decodes it. Default true. */
  readonly decompress?: boolean | undefined;
  /** Default: the agent's. */
  readonly maxDecodedBytes?: number | undefined;
  /** Default: the agent's. */
  readonly maxDecodedRatio?: number | undefined;
}

/** What sends the requests. */
export interface FollowingAgent {
  readonly numbers: AgentNumbers;
  readonly wheel: TimingWheel;
  /** `omitted`: fields of the agent's own that are not sent. */
  send(options: HttpRequestOptions, omitted: readonly string[]): Promise<HttpResponse>;
}

/**
 * Asks for a URL. Rejects as `HttpAgent.request` does, and with `HTTP_REDIRECT_LIMIT`,
 * `HTTP_REDIRECT_REFUSED`; the body with `HTTP_CONTENT_MALFORMED`, `HTTP_CONTENT_TOO_LARGE`.
 */
export async function followWith(
  agent: FollowingAgent,
  url: string | URL,
  init: HttpFollowOptions,
): Promise<HttpResponse> {
  assertOptionsObject("the options", init);
  const {
    redirect = "follow",
    decompress,
    maxRedirects,
    maxDecodedBytes,
    maxDecodedRatio,
    ...rest
  } = init;
  assertOneOf("redirect", redirect, ["follow", "manual", "error"]);
  assertSwitch("decompress", decompress);
  const limits = readLimits(agent.numbers, { maxRedirects, maxDecodedBytes, maxDecodedRatio });
  const decodes = decompress !== false;
  const options: HttpRequestOptions = { ...rest, url, headers: acceptHeaders(rest, decodes) };
  assertRequestOptions(options);
  const response =
    redirect === "manual"
      ? await agent.send(options, [])
      : await follow(agent, options, redirect === "error" ? -1 : limits.maxRedirects);
  return decodes ? decoded(response, limits, agent.wheel) : response;
}

type FollowLimits = Pick<AgentNumbers, "maxRedirects" | "maxDecodedBytes" | "maxDecodedRatio">;

function readLimits(
  numbers: AgentNumbers,
  given: { readonly [Name in keyof FollowLimits]: number | undefined },
): FollowLimits {
  const limits = {
    maxRedirects: given.maxRedirects ?? numbers.maxRedirects,
    maxDecodedBytes: given.maxDecodedBytes ?? numbers.maxDecodedBytes,
    maxDecodedRatio: given.maxDecodedRatio ?? numbers.maxDecodedRatio,
  };
  assertInteger("maxRedirects", limits.maxRedirects, 0, 1_000);
  assertInteger("maxDecodedBytes", limits.maxDecodedBytes, 0, Number.MAX_SAFE_INTEGER);
  assertInteger("maxDecodedRatio", limits.maxDecodedRatio, 1, 1_000_000);
  return limits;
}

function acceptHeaders({ headers }: HttpFollowOptions, decodes: boolean): FieldList["pairs"] {
  const list = new FieldList();
  if (headers !== undefined) list.addAll(headers);
  list.addMissing("Accept", "*/*");
  if (decodes) list.addMissing("Accept-Encoding", ACCEPTED_CODINGS);
  return list.pairs;
}

/** `maxRedirects` −1: a redirect is an error. */
async function follow(
  agent: FollowingAgent,
  first: HttpRequestOptions,
  maxRedirects: number,
): Promise<HttpResponse> {
  const { clock } = agent.wheel;
  const timeoutMs = first.timeoutMs ?? agent.numbers.timeoutMs;
  const endMs = clock.now() + timeoutMs;
  let options = first;
  let omitted: readonly string[] = [];
  for (let count = 0; ; count++) {
    const response = await agent.send(options, omitted);
    const location = response.headers.get("location");
    if (!isRedirect(response.status) || location === undefined) {
      return count === 0 ? response : response.with({ redirected: true });
    }
    response.body.discard();
    if (count >= maxRedirects) throw limitReached(maxRedirects, response.url);
    const next = redirected(options, response.status, location);
    if (next.isForeign) omitted = CREDENTIAL_FIELDS;
    options = next.options;
    if (timeoutMs > 0) {
      const leftMs = Math.ceil(endMs - clock.now());
      if (leftMs <= 0) throw requestTimedOut(timeoutMs);
      options = { ...options, timeoutMs: leftMs };
    }
    throwIfAborted(options, "request");
  }
}

function limitReached(maxRedirects: number, url: string): NetError {
  return maxRedirects < 0
    ? new NetError("HTTP_REDIRECT_REFUSED", `${url} redirects, and redirect is "error"`, {
        operation: "request",
      })
    : new NetError("HTTP_REDIRECT_LIMIT", `more than maxRedirects (${maxRedirects}) redirects`, {
        operation: "request",
      });
}

function decoded(response: HttpResponse, limits: FollowLimits, wheel: TimingWheel): HttpResponse {
  const { body } = response;
  // HEAD, 204 and 304 tell of a coding and have no content.
  if (body.isComplete && body.receivedBytes === 0) return response;
  try {
    const codings = decodersOf(response.headers.getAll("content-encoding").join(","));
    if (codings === undefined) return response;
    return response.with({ body: decodeBody(body, codings, limits, wheel) });
  } catch (error) {
    body.discard();
    throw error;
  }
}
