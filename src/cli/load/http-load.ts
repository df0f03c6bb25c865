/**
 * One connection of a load of an HTTP server: keeps its requests in flight, reads the responses, and
 * takes the time of each. Hot: no object is made for a response.
 *
 * A server may end a connection behind any response, and says so in it: what was sent behind that
 * request is taken back, and another connection sends it anew.
 */
import type { NetError } from "../../index.js";
import {
  AFTER_HEAD,
  type AfterHead,
  type ResponseSink,
} from "../../protocol/http1/parsing/message-sink.js";
import { ResponseParser } from "../../protocol/http1/parsing/response-parser.js";
import type { ResponseHead } from "../../protocol/http1/response-head.js";
import type { ConnectionLoad } from "./connection-load.js";
import type { HttpTally } from "./http-tally.js";
import type { LoadedConnection } from "./load-agent.js";
import { SentTimes } from "./sent-times.js";

export class HttpLoad implements ConnectionLoad, ResponseSink {
  isOpen = false;
  hasAnswered = false;
  isOver = false;
  problemCode = "HTTP_MALFORMED";
  private readonly tally: HttpTally;
  private readonly parser: ResponseParser = new ResponseParser();
  private readonly sent: SentTimes;
  private problem: string | undefined = undefined;
  private nowMs = 0;
  private counts = false;
  private statusCode = 0;
  private isInterim = false;
  private isLast = false;
  private finishedCount = 0;

  constructor(tally: HttpTally) {
    this.tally = tally;
    this.sent = new SentTimes(tally.depth);
  }

  get inFlightCount(): number {
    return this.sent.count;
  }

  start(connection: LoadedConnection, nowMs: number): void {
    this.send(connection, this.tally.depth, nowMs);
  }

  received(connection: LoadedConnection, bytes: Buffer, nowMs: number): string | undefined {
    const { tally } = this;
    this.begin(nowMs);
    if (this.counts) tally.receivedBytes += bytes.length;
    this.parser.feed(bytes, this);
    if (this.problem !== undefined) return this.problem;
    if (!this.isOver && nowMs < tally.stopAtMs) this.send(connection, this.finishedCount, nowMs);
    return undefined;
  }

  /** A body may have no other end than this. */
  ended(nowMs: number): string | undefined {
    this.begin(nowMs);
    this.parser.end(this);
    if (this.inFlightCount === 0) this.isOver = true;
    return this.problem;
  }

  fail(): void {
    this.isOpen = false;
    const count = this.sent.clear();
    this.tally.inFlightCount -= count;
    this.tally.unsentCount += count;
  }

  private begin(nowMs: number): void {
    this.nowMs = nowMs;
    this.counts = this.tally.counts(nowMs);
    this.finishedCount = 0;
  }

  private send(connection: LoadedConnection, wanted: number, nowMs: number): void {
    const { tally, parser, sent } = this;
    const { request } = tally;
    const count = tally.take(wanted);
    sent.note(count, nowMs);
    for (let left = count; left > 0; ) {
      const run = Math.min(left, request.maxRun);
      for (let index = 0; index < run; index += 1) parser.expect(request.method);
      connection.send(request.run(run));
      left -= run;
    }
  }

  // — what the parser finds —

  onHeadersComplete(head: ResponseHead): AfterHead {
    this.statusCode = head.statusCode;
    this.isInterim = head.isInterim;
    this.isLast = !head.keepAlive;
    return AFTER_HEAD.goOn;
  }

  onBody(bytes: Buffer): boolean {
    if (this.counts) this.tally.bodyBytes += bytes.length;
    return true;
  }

  /** Returns whether to read on: behind the last response of a connection nothing counts. */
  onMessageComplete(): boolean {
    if (this.isInterim) return true;
    const { tally } = this;
    const sentMs = this.sent.take();
    if (this.counts) {
      tally.latencies.record(this.nowMs - sentMs);
      tally.statusCounts[this.statusCode]! += 1;
    }
    tally.messageCount += 1;
    tally.inFlightCount -= 1;
    this.finishedCount += 1;
    this.isOver = this.isLast;
    return !this.isLast;
  }

  onParseError({ code, message }: NetError): void {
    this.problemCode = code;
    this.problem = message;
  }
}
