import { assertBoolean, describe } from "../../errors.js";
import type { ResponseHead } from "../../protocol/http1/response-head.js";
import type { IncomingBody, WholeBodyOptions } from "../body/incoming-body.js";
import type { Fields } from "../fields.js";
import { assertOptionsObject, invalid } from "../option-check.js";
import type { UpgradedConnection } from "../upgrade/upgraded-connection.js";

/** How long the parts of a request took, in milliseconds. */
export interface HttpTiming {
  /** Until it had a connection, connecting included. */
  readonly waitMs: number;
  /** Name lookup of its connection; 0 where that was kept from before. */
  readonly lookupMs: number;
  /** Making that connection, tunnel included; 0 where it was kept. */
  readonly connectMs: number;
  /** TLS of that connection; 0 where it was kept, and without TLS. */
  readonly tlsMs: number;
  /** From the request to the first byte of the response. */
  readonly firstByteMs: number;
  /** From the call to the last byte; undefined while the body is on its way. */
  readonly totalMs: number | undefined;
  /** The connection had carried a request before. */
  readonly isReused: boolean;
}

/** What a response needs to know of its request. */
export interface ResponseSource {
  readonly url: string;
  readonly timing: HttpTiming;
  readonly upgraded: UpgradedConnection | undefined;
}

/** A response. Its head is complete; its body may be on its way. */
export class HttpResponse {
  /** The status code, 200…999, or 101. */
  readonly status: number;
  /** Fields of the head: `get`, `getAll`, `has`, `entries`. */
  readonly headers: Fields;
  /** Read it, or call `discard()`: the connection is free for others when its end has come. */
  readonly body: IncomingBody;
  /** Whether redirects were followed on the way. */
  readonly redirected: boolean;
  readonly #head: ResponseHead;
  readonly #source: ResponseSource;

  constructor(source: ResponseSource, head: ResponseHead, body: IncomingBody, redirected = false) {
    this.status = head.statusCode;
    this.headers = head;
    this.body = body;
    this.redirected = redirected;
    this.#head = head;
    this.#source = source;
  }

  /** URL of the request that this is the response to, without credentials and fragment. */
  get url(): string {
    return this.#source.url;
  }

  /** The reason phrase, which clients should ignore (RFC 9112 §4). */
  get statusText(): string {
    return this.#head.reason;
  }

  /** Whether the status is 200…299. */
  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  /** `HTTP/1.1` or `HTTP/1.0`. */
  get version(): "HTTP/1.1" | "HTTP/1.0" {
    return this.#head.version;
  }

  /** Fields behind the body; undefined before its end, and where none came. */
  get trailers(): Fields | undefined {
    return this.body.trailers;
  }

  /** How long its parts took. */
  get timing(): HttpTiming {
    return this.#source.timing;
  }

  /** The connection, handed over: after 101, or 2xx to CONNECT. Undefined for all others. */
  get upgraded(): UpgradedConnection | undefined {
    return this.#source.upgraded;
  }

  /** Resolves with the whole body. See {@link IncomingBody.bytes}. */
  bytes(options?: WholeBodyOptions): Promise<Buffer> {
    return this.body.bytes(options);
  }

  /** Resolves with the whole body as UTF-8 text. */
  text(options?: WholeBodyOptions): Promise<string> {
    return this.body.text(options);
  }

  /** Resolves with the value that the body has as JSON. */
  json(options?: WholeBodyOptions): Promise<unknown> {
    return this.body.json(options);
  }

  /** The same response with another body, or after redirects. Throws `INVALID_ARGUMENT`. */
  with(change: { readonly body?: IncomingBody; readonly redirected?: boolean }): HttpResponse {
    assertOptionsObject("the change of a response", change);
    if (change.body !== undefined) assertBody(change.body);
    if (change.redirected !== undefined) assertBoolean("redirected", change.redirected);
    const { body = this.body, redirected = this.redirected } = change;
    return new HttpResponse(this.#source, this.#head, body, redirected);
  }
}

function assertBody(body: unknown): void {
  const isBody = typeof body === "object" && body !== null && "read" in body && "discard" in body;
  if (!isBody) throw invalid(`body must be the body of a response, not ${describe(body)}`);
}
