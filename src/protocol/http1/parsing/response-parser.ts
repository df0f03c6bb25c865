import { DEFAULT_LIMITS, type Http1Limits } from "../limits.js";
import { FAULT } from "../parse-fault.js";
import { ResponseHead } from "../response-head.js";
import { MessageParser } from "./message-parser.js";
import type { ResponseSink } from "./message-sink.js";
import { REQUEST_TRAIT, settleResponse } from "./response-rules.js";
import { StatusLineScanner } from "./status-line-scanner.js";

/**
 * Reads the responses of one connection. Each belongs to the oldest request that was announced with
 * {@link expect} and has no final response yet; one without a request is a fault. `limits`:
 * as `createLimits` makes them.
 */
export class ResponseParser extends MessageParser<ResponseHead, ResponseSink> {
  protected readonly kind: string = "response";
  /** `REQUEST_TRAIT` bits of the requests that wait for a final response, the oldest first. */
  private readonly expected: number[] = [];
  private interimCount = 0;
  /** An interim response to the oldest request has said that the connection closes. */
  private saidClose = false;

  constructor(limits: Http1Limits = DEFAULT_LIMITS) {
    const head = new ResponseHead();
    super(limits, head, new StatusLineScanner(head), -1);
  }

  /** How many requests have no final response yet, whose head would settle them. */
  get expectedCount(): number {
    return this.expected.length;
  }

  /**
   * A request was sent, or is about to be. Its method decides whether the response has a body.
   * `asksUpgrade`: it has an Upgrade field, so that a 101 may come.
   */
  expect(method: string, asksUpgrade = false): void {
    const byMethod =
      method === "HEAD" ? REQUEST_TRAIT.head : method === "CONNECT" ? REQUEST_TRAIT.connect : 0;
    this.expected.push(byMethod | (asksUpgrade ? REQUEST_TRAIT.upgrade : 0));
  }

  protected createHead(): ResponseHead {
    return new ResponseHead();
  }

  protected takeOver(): void {
    // What a response means depends on its request, so heads are never reused from an earlier one.
  }

  protected begin(): number {
    return this.expected.length === 0 ? FAULT.unexpectedResponse : 0;
  }

  protected settle(head: ResponseHead): number {
    const fault = settleResponse(head, this.expected[0]!);
    if (!head.isInterim) {
      this.expected.shift();
      this.interimCount = 0;
      if (this.saidClose) head.keepAlive = false;
      this.saidClose = false;
      return fault;
    }
    // The final response still comes (RFC 9112 §9.6), and is the last then.
    if (!head.keepAlive) this.saidClose = true;
    head.keepAlive = true;
    this.interimCount++;
    return this.interimCount > this.limits.maxInterimResponses ? FAULT.tooManyInterim : fault;
  }

  protected mustUpgrade(head: ResponseHead): boolean {
    return head.isUpgrade;
  }

  protected tellStartLine(head: ResponseHead, sink: ResponseSink): void {
    sink.onStatusLine?.(head.statusCode, head.reason, head.version);
  }
}
