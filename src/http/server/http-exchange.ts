import type { Connection, Data, SendResult } from "../../connection/connection.js";
import type { FieldInput } from "../../protocol/http1/writing/field-writer.js";
import type { IncomingBody, WholeBodyOptions } from "../body/incoming-body.js";
import type { Fields } from "../fields.js";
import type { UpgradeReceiver } from "../upgrade/upgrade-receiver.js";
import type { ClearCookieOptions, SetCookieOptions } from "./cookies/set-cookie.js";
import type { FileResponseOptions } from "./files/file-response-options.js";
import type { HttpServerConnection } from "./http-server-connection.js";
import type { ResponseWriter } from "./response/body-output.js";
import type { ResponseSource } from "./response/response-pump.js";

/**
 * One request and the response to it, on a server. The response may be complete before the request is,
 * and the other way round.
 */
export interface HttpExchange<Context = unknown> {
  /** Whole number from 1; never given again by the server. */
  readonly id: number;
  /** The connection it came on. */
  readonly connection: HttpServerConnection<Context>;
  /** The application's own. The library does not look at it. */
  context: unknown;

  /** Method of the request, as it was sent: methods are case-sensitive. */
  readonly method: string;
  /** The target as it was sent: visible ASCII, nothing decoded. */
  readonly target: string;
  /** The path of the target as it was sent, without query; "*" and "" as the method has it. */
  readonly path: string;
  /** The query of the target, decoded. Made anew each time. */
  readonly query: URLSearchParams;
  /** Host and optional port that the request is for; "" where the peer names none. */
  readonly authority: string;
  /** `HTTP/1.1` or `HTTP/1.0`. */
  readonly version: "HTTP/1.1" | "HTTP/1.0";
  /** 1 for HTTP/1.1, 0 for HTTP/1.0. */
  readonly minorVersion: 0 | 1;
  /** The fields of the head. Like everything here that is read from the head: see {@link keep}. */
  readonly headers: Fields;
  /** Whether the peer lets the connection stay. */
  readonly keepAlive: boolean;
  /** Whether the request asks for another protocol, or for a tunnel: see {@link upgrade}. */
  readonly isUpgrade: boolean;
  /** Whether the request has a body. */
  readonly hasBody: boolean;
  /** Bytes that Content-Length announces; 0 without body; undefined where it comes in chunks. */
  readonly contentLength: number | undefined;
  /** The body. An empty one where the request has none. */
  readonly body: IncomingBody;
  /**
   * Cookies that the request brings, name → value, as they were sent: nothing is decoded. Of several with one
   * name the first. At most 300 are looked at. Made anew each time.
   */
  readonly cookies: ReadonlyMap<string, string>;
  /**
   * Resolves with the whole body. Rejects as `body.bytes()` does, and with `HTTP_CONTENT_UNSUPPORTED` for one
   * that has a Content-Encoding. A handler that passes the error on responds with 400, 413 or 415.
   */
  bytes(options?: WholeBodyOptions): Promise<Buffer>;
  /**
   * Resolves with the whole body as text in the charset of its Content-Type, default UTF-8. See
   * {@link bytes}; rejects with `HTTP_CONTENT_UNSUPPORTED` for a charset that is not known, and with
   * `HTTP_MALFORMED` for what is no text in it.
   */
  text(options?: WholeBodyOptions): Promise<string>;
  /**
   * Resolves with the value that the body has as JSON. See {@link bytes}; rejects with
   * `HTTP_CONTENT_UNSUPPORTED` unless Content-Type is `application/json` or ends in `+json`, and with
   * `HTTP_MALFORMED` for what is no JSON. `body.json()` takes any type.
   */
  json(options?: WholeBodyOptions): Promise<unknown>;
  /** Whether the request has come whole, or what is missing will not come. */
  readonly isComplete: boolean;
  /**
   * Aborted when the connection ends before the response is complete. A peer that has only finished
   * sending gets its response. That it has gone shows when bytes of the response are sent.
   */
  readonly signal: AbortSignal;
  /**
   * Keeps the head readable. It is by itself until there is a response and the handler has returned
   * (for a promise: until that is settled); then it is gone, unless this was called.
   */
  keep(): this;

  /** Whether a response was begun, by whomever, or can't be any more. */
  readonly isResponded: boolean;
  /** Status code of the response that was begun, by whomever; undefined before, and where there was none. */
  readonly status: number | undefined;
  /** Whether the response is complete, or there will be none. */
  readonly isDone: boolean;
  /** Whether the response can still be sent: the connection is open, and no deadline has passed. */
  readonly isSendable: boolean;
  /** Bytes of the response that wait to be sent. */
  readonly pendingBytes: number;

  /**
   * Whether the response may be compressed: the server's option `compression`, unless set here before the
   * response. Switch it off where a secret stands beside what the peer can choose (BREACH).
   */
  compression: boolean;
  /**
   * Reason phrase of the response to come, an upgrade included: Latin-1 text without control characters, which may be
   * empty. Undefined: the registered one of its status. Peers may ignore it (RFC 9112 §4).
   */
  statusText: string | undefined;
  /**
   * Responds with head and body as one. `headers`: an object, pairs, `Headers`, or fields that
   * `encodeFields` has made; Content-Length, Date, Connection and Keep-Alive are added where they have none of them. What
   * is not true of the connection is left out: `keep-alive` where it closes, Transfer-Encoding to HTTP/1.0. A response that
   * has no body (to HEAD, 304) gets the length of `body` and not its bytes; 204 and 205 get neither.
   * A CONNECT for which this is 2xx gets 501: a tunnel is made by {@link upgrade} alone.
   *
   * Returns as `connection.send` does: true when it was taken; `"slow"` when it was taken and much waits to be sent; false
   * when it is lost: the connection has ended, or the server has responded instead (a deadline). Throws `INVALID_STATE`
   * for a second response, `INVALID_ARGUMENT` for what can't be sent, and then nothing was.
   */
  respond(statusCode: number, headers?: FieldInput, body?: Data): SendResult;
  /**
   * Responds with a line of text: the status code, and `detail`, by default what the code means. `headers` are for what goes
   * with a code: Allow with 405, WWW-Authenticate with 401, Retry-After with 503. See {@link respond}.
   */
  respondError(statusCode: number, detail?: string, headers?: FieldInput): SendResult;
  /**
   * Responds with a value as JSON, with `Content-Type: application/json` unless `headers` have another. See
   * {@link respond}; throws `INVALID_ARGUMENT` for a value that JSON can't write.
   */
  respondJson(statusCode: number, value: unknown, headers?: FieldInput): SendResult;
  /** Responds with text, as `text/plain; charset=utf-8` unless `headers` have another type. See {@link respond}. */
  respondText(statusCode: number, text: string, headers?: FieldInput): SendResult;
  /**
   * Responds with a redirect: 301, 302, 303, 307 or 308. What of `location` is no visible ASCII is
   * percent-encoded. A place that a peer has named may be anybody's: check it first. See {@link respond}.
   */
  respondRedirect(statusCode: number, location: string | URL, headers?: FieldInput): SendResult;
  /**
   * Sets a cookie with the response to come, an upgrade included; the same name, domain and path again
   * replaces it. By default it goes to this host alone, with `HttpOnly`, `SameSite=Lax`, `Path=/`, and `Secure`
   * over TLS. A response that says that the handler has failed sets none.
   *
   * Throws `INVALID_ARGUMENT` for what browsers would not store: other characters than RFC 6265 §4.1.1
   * allows, more than 4,096 bytes, a broken promise of `__Host-`, `__Secure-`, `sameSite: "none"` or
   * `partitioned`; and for more than 64 cookies. `INVALID_STATE` when the response was begun.
   */
  setCookie(name: string, value: string, options?: SetCookieOptions): void;
  /** Has the browser remove a cookie: `domain` and `path` as it was set with. See {@link setCookie}. */
  clearCookie(name: string, options?: ClearCookieOptions): void;
  /**
   * Begins a response whose body follows piece by piece: with `Content-Length` among `headers` of that
   * length, else in chunks, or, to an HTTP/1.0 peer, until the connection closes. Throws as
   * {@link respond} does.
   */
  startResponse(statusCode: number, headers?: FieldInput): ResponseWriter;
  /**
   * Responds with what `source` yields, as fast as the peer takes it. Resolves true when all was given to
   * the connection, false when that ended before; then the source is told: by `return`, `destroy` or
   * `cancel`. What `source` throws ends the connection and rejects. `trailers` is called when the source has
   * ended: the fields that go behind a body in chunks, see {@link ResponseWriter.end}.
   */
  respondStream(
    statusCode: number,
    headers: FieldInput | undefined,
    source: ResponseSource,
    trailers?: () => FieldInput | undefined,
  ): Promise<boolean>;
  /**
   * Responds with a file: whole, a part of it (Range, If-Range), or that nothing has changed
   * (If-None-Match, If-Modified-Since), as RFC 9110 §13 and §14 have it. Resolves with the status code
   * when all was given to the connection, or that has ended; 404 where there is no such file. `path` is
   * taken as it is: what a peer may ask for is for the caller to decide. Rejects with `FILE_INVALID`
   * when the file can't be read, before anything was sent or with the connection ended; with
   * `CONNECTION_CLOSED` when that ends before the responses to earlier requests, for which it waits.
   */
  respondFile(path: string, options?: FileResponseOptions): Promise<number>;
  /**
   * Sends an interim response, 100 … 199 but 101: for example 103 with Link. Returns as {@link respond} does;
   * also false to HTTP/1.0, and behind the response.
   */
  interim(statusCode: number, headers?: FieldInput): SendResult;
  /**
   * Sends 100, so that a peer that waits for it sends the body; false where it does not wait. Done by itself when the body
   * is first read.
   */
  continue(): SendResult;
  /**
   * Responds with 101 (200 to a CONNECT) and hands the connection over: all that follows, and what came
   * behind the head, goes to `receiver`. Throws `INVALID_STATE` where the request did not ask for it,
   * its body has not come, or there is a response already; `CONNECTION_CLOSED` where the connection has ended.
   */
  upgrade(receiver: UpgradeReceiver, headers?: FieldInput): Connection;
}
