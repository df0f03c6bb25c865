import { invalidArgument, NetError, type NetErrorCode } from "../errors.js";
import {
  AFTER_HEAD,
  type AfterHead,
  type ResponseSink,
} from "../protocol/http1/parsing/message-sink.js";
import { ResponseParser } from "../protocol/http1/parsing/response-parser.js";
import type { ResponseHead } from "../protocol/http1/response-head.js";
import { HeadWriter } from "../protocol/http1/writing/head-writer.js";
import type { TunnelHandshake, TunnelSink } from "./tunnel-handshake.js";

/**
 * What the status of a refusal means; any other: the proxy did not want to. 401 stands for 407 with some proxies; a
 * destination can't have said it, since nothing was asked of one.
 */
const CODES: Readonly<Record<number, NetErrorCode>> = {
  401: "PROXY_AUTHENTICATION",
  407: "PROXY_AUTHENTICATION",
  502: "PROXY_DESTINATION",
  503: "PROXY_DESTINATION",
  504: "PROXY_DESTINATION",
};

const MAX_REQUEST_BYTES = 65_536;

/** Where requests are written before their length is known. */
let scratch: Buffer | undefined;

/** The client's part of CONNECT (RFC 9110 §9.3.6): one request, and the head of its response. */
export class HttpConnect implements TunnelHandshake, ResponseSink {
  private readonly parser: ResponseParser = new ResponseParser();
  private readonly request: Buffer;
  private sink: TunnelSink | undefined;

  /** `authority`: `host:port`, with brackets round an IPv6 address. Throws `INVALID_ARGUMENT`. */
  constructor(authority: string, authorization: string | undefined) {
    const fields = authorization === undefined ? {} : { "Proxy-Authorization": authorization };
    scratch ??= Buffer.allocUnsafeSlow(MAX_REQUEST_BYTES);
    const head = { method: "CONNECT", target: authority, host: authority, fields };
    const end = new HeadWriter().writeRequest(scratch, 0, head);
    if (end < 0) throw invalidArgument(`a CONNECT request has at most ${MAX_REQUEST_BYTES} bytes`);
    // Not out of Node's pool, of which each request would keep the whole.
    this.request = Buffer.allocUnsafeSlow(end);
    scratch.copy(this.request, 0, 0, end);
    this.parser.expect("CONNECT");
  }

  begin(): Buffer {
    return this.request;
  }

  feed(bytes: Buffer, sink: TunnelSink): number {
    this.sink = sink;
    return this.parser.feed(bytes, this);
  }

  /** See {@link ResponseSink}. */
  onHeadersComplete(head: ResponseHead): AfterHead {
    const { statusCode } = head;
    if (head.isInterim || (statusCode >= 200 && statusCode < 300)) return AFTER_HEAD.goOn;
    const text = `it responded with ${statusCode} to CONNECT`;
    this.fail(CODES[statusCode] ?? "PROXY_REFUSED", text);
    return AFTER_HEAD.stop;
  }

  onBody(): boolean {
    return false;
  }

  onMessageComplete(): boolean {
    return true;
  }

  /** The head of a 2xx is complete: what follows is the tunnel. */
  onUpgrade(): void {
    this.sink?.handshakeDone();
  }

  onParseError(error: NetError): void {
    this.fail("PROXY_MALFORMED", error.message, error);
  }

  private fail(code: NetErrorCode, text: string, cause?: NetError): void {
    this.sink?.handshakeFailed(new NetError(code, text, { operation: "connect", cause }));
    this.sink = undefined;
  }
}
