/**
 * One request that is sent on, and the response to it. What comes from the origin is written to the client in the
 * same call: the fields as bytes, the body as the engine has lent it. A slow client holds its origin back. A handler
 * of responses stands between the two where there is one.
 *
 *     asked ── head ──► responding ── end ──► over
 *       └── fail ──────────┴── fail, the client leaves ──► over
 */
import type { Buffer } from "node:buffer";
import { isLent } from "../bytes/lending.js";
import { NetError, type NetErrorCode } from "../errors.js";
import { BodyIntake, type BodyOwner } from "../http/body/body-intake.js";
import type {
  ClientExchange,
  ExchangePlan,
  ResponseFollower,
} from "../http/client/client-exchange.js";
import { type HttpAgent, sendPlanned } from "../http/client/http-agent.js";
import type { DialRoute } from "../http/client/http-proxy.js";
import type { BodyOutput } from "../http/server/response/body-output.js";
import type { ServerExchange } from "../http/server/server-exchange.js";
import type { Given } from "../options.js";
import type { FieldSection } from "../protocol/http1/field-section.js";
import type { ResponseHead } from "../protocol/http1/response-head.js";
import type { TimingWheel } from "../time/timing-wheel.js";
import type { HandlerWaits } from "./handler-waits.js";
import { type AddedFields, endToEndFields, endToEndTrailers, LEFT } from "./hop-fields.js";
import type { ProxyHandlers, ProxyRequest, ProxyResponse } from "./proxy-handlers.js";
import { asNetError } from "./tunnel-maker.js";

/** The status for each error; 502 for any other. */
const STATUS: Partial<Record<NetErrorCode, number>> = {
  INVALID_ARGUMENT: 400,
  ADDRESS_REFUSED: 403,
  REFUSED: 403,
  CONNECTION_LIMIT: 503,
  HTTP_QUEUE_FULL: 503,
  HTTP_QUEUE_TIMEOUT: 503,
  DESCRIPTORS_EXHAUSTED: 503,
  STOPPED: 503,
  CONNECT_TIMEOUT: 504,
  SYSTEM_TIMEOUT: 504,
  HTTP_HEAD_TIMEOUT: 504,
  REQUEST_TIMEOUT: 504,
};

/** What the requests of a proxy share. */
export interface ForwardingShare {
  agent: HttpAgent;
  readonly added: AddedFields;
  readonly handlers: Given<ProxyHandlers>;
  readonly waits: HandlerWaits;
  /** Requests that went over a connection that had carried another one. */
  reusedCount: number;
}

/** One request, and what is told of it when its response is complete. */
export class Forwarding implements ResponseFollower, BodyOwner {
  user: string | undefined = undefined;
  error: NetError | undefined = undefined;
  /** Whether the request went over a connection that had carried another one. */
  isReused = false;
  /** Whether a tunnel was asked for: its end is logged by the tunnel. */
  isTunnel = false;
  /** What the handler of requests was shown, where there is one for responses as well. */
  request: ProxyRequest | undefined = undefined;
  private readonly shared: ForwardingShare;
  private readonly exchange: ServerExchange;
  private upstream: ClientExchange | undefined = undefined;
  private writer: BodyOutput | undefined = undefined;
  /** The body, where a handler may look at it. */
  private intake: BodyIntake | undefined = undefined;
  private isOver = false;

  constructor(shared: ForwardingShare, exchange: ServerExchange) {
    this.shared = shared;
    this.exchange = exchange;
  }

  /** Sends the request on. Throws `STOPPED`. */
  start(route: DialRoute, plan: Omit<ExchangePlan, "follower">): void {
    this.exchange.onEnded = () => this.clientLeft();
    this.upstream = sendPlanned(this.shared.agent, route, { ...plan, follower: this });
  }

  // — the response —

  /** See {@link ResponseFollower}. One that can't be sent on is dropped: the final one follows. */
  interim(head: ResponseHead): void {
    if (head.statusCode === 100 || this.isOver) return;
    try {
      this.exchange.interim(head.statusCode, endToEndFields(head, LEFT.empty, undefined));
    } catch (error) {
      if (asNetError(error).code !== "INVALID_ARGUMENT") this.fail(error);
    }
  }

  /** See {@link ResponseFollower}. */
  responded(head: ResponseHead): void {
    if (this.isOver) return;
    this.isReused = this.upstream?.isReused === true;
    if (this.isReused) this.shared.reusedCount++;
    if (this.shared.handlers.onResponse !== undefined) {
      void this.ask(head.keep());
      return;
    }
    try {
      const left = isWithoutContent(head.statusCode) ? LEFT.empty : LEFT.response;
      const fields = endToEndFields(head, left, this.shared.added.ofResponse(head));
      this.exchange.statusText = head.reason;
      this.writer = this.exchange.startResponse(head.statusCode, fields);
    } catch (error) {
      this.fail(asOriginFault(error));
    }
  }

  /** See {@link ResponseFollower}. */
  received(bytes: Buffer): void {
    const { writer, intake } = this;
    if (intake !== undefined) {
      intake.push(bytes, isLent(bytes));
      return;
    }
    if (writer === undefined || this.isOver) return;
    const status = this.exchange.statusCode;
    if (isWithoutContent(status) || writer.write(bytes) === true) return;
    if (!this.exchange.isSendable) return;
    this.holdBody(true);
    writer.drained().then(
      () => this.holdBody(false),
      () => undefined,
    );
  }

  /** See {@link ResponseFollower}. */
  ended(trailers: FieldSection | undefined): void {
    if (this.intake !== undefined) {
      this.intake.end(trailers?.keep());
      return;
    }
    if (this.isOver) return;
    this.isOver = true;
    try {
      this.writer?.end(endToEndTrailers(trailers));
    } catch (error) {
      this.respondFailure(asOriginFault(error));
    }
  }

  /** See {@link ResponseFollower}. */
  failed(error: NetError): void {
    if (this.intake !== undefined) this.intake.fail(error);
    else if (!this.isOver) this.respondFailure(error);
  }

  // — a handler of responses —

  private async ask(head: ResponseHead): Promise<void> {
    const { exchange, shared } = this;
    const intake = new BodyIntake(this, head.contentLength);
    this.intake = intake;
    try {
      const fields = endToEndFields(head, LEFT.response, shared.added.ofResponse(head));
      const outgoing: ProxyResponse = {
        request: this.request as ProxyRequest,
        status: head.statusCode,
        headers: pairsOf(fields),
        body: intake,
      };
      const { signal } = exchange;
      await shared.waits.call("onResponse", () => shared.handlers.onResponse?.(outgoing), signal);
      const { status, headers, body } = outgoing;
      if (status === head.statusCode) exchange.statusText = head.reason;
      const isEmpty = isWithoutContent(status);
      const isUnchanged = body === intake && !isEmpty;
      await exchange.respondStream(
        status,
        isUnchanged ? headers : withoutLength(headers),
        isEmpty ? [] : body,
        () => (isUnchanged ? endToEndTrailers(intake.trailers) : undefined),
      );
      this.isOver = true;
      if (!intake.isComplete) this.leave();
    } catch (error) {
      this.fail(error instanceof NetError ? asOriginFault(error) : error, "onResponse");
    }
  }

  /** See {@link BodyOwner}. */
  get wheel(): TimingWheel {
    return this.exchange.wheel;
  }

  /** See {@link BodyOwner}. */
  bodyWanted(): void {
    // A response comes whether its body is asked for or not.
  }

  /** See {@link BodyOwner}. */
  holdBody(isHeld: boolean): void {
    this.upstream?.holdBody(isHeld);
  }

  // — the end —

  private clientLeft(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.leave();
  }

  /** The client needs no more of the response. */
  private leave(): void {
    this.intake?.discard();
    const text = "the client has left, or has its response";
    this.upstream?.giveUp(new NetError("ABORTED", text, { operation: "request" }));
  }

  /** The exchange fails. `name`: the handler to blame, unless `cause` is an error of ours. */
  fail(cause: unknown, name: "onRequest" | "onResponse" = "onRequest"): void {
    const { waits } = this.shared;
    this.respondFailure(cause instanceof NetError ? cause : waits.fail(name, cause));
    this.leave();
  }

  private respondFailure(error: NetError): void {
    const { exchange } = this;
    this.isOver = true;
    this.error = error;
    if (!exchange.isResponded && exchange.isSendable) {
      exchange.statusText = undefined;
      exchange.respondError(STATUS[error.code] ?? 502, error.code);
    } else exchange.cutShort(error);
  }
}

/** The pairs that handlers are shown. */
export function pairsOf(
  fields: Iterable<readonly [name: string, value: string]>,
): ProxyRequest["headers"] {
  return Array.from(fields, ([name, value]) => [name, value]);
}

/** The fields without Content-Length. */
export function withoutLength(fields: ProxyRequest["headers"]): ProxyRequest["headers"] {
  return fields.filter(([name]) => name.toLowerCase() !== "content-length");
}

/** The error for a response that can't be sent on: the origin is to blame, not the client. */
function asOriginFault(cause: unknown): NetError {
  const error = asNetError(cause);
  if (error.code !== "INVALID_ARGUMENT") return error;
  const text = `the response can't be sent on: ${error.message}`;
  return new NetError("HTTP_MALFORMED", text, { operation: "request", cause: error });
}

/** Whether a status has no content and no Content-Length (RFC 9110 §8.6, §15.3.6), whatever the origin has sent. */
function isWithoutContent(status: number): boolean {
  return status === 204 || status === 205;
}
