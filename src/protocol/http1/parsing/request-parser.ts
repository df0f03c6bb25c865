import type { Http1Limits } from "../limits.js";
import { DEFAULT_LIMITS } from "../limits.js";
import { RequestHead } from "../request-head.js";
import { MessageParser } from "./message-parser.js";
import type { RequestSink } from "./message-sink.js";
import { RepeatedHead } from "./repeated-head.js";
import { RequestLineScanner } from "./request-line-scanner.js";
import { settleRequest } from "./request-rules.js";

/** Reads the requests of one connection. `limits`: as `createLimits` makes them. */
export class RequestParser extends MessageParser<RequestHead, RequestSink> {
  protected readonly kind: string = "request";

  constructor(limits: Http1Limits = DEFAULT_LIMITS) {
    const head = new RequestHead();
    super(
      limits,
      head,
      new RequestLineScanner(head),
      limits.maxLeadingEmptyLines,
      new RepeatedHead(),
    );
  }

  protected createHead(): RequestHead {
    return new RequestHead();
  }

  protected takeOver(head: RequestHead, last: RequestHead): void {
    head.takeOver(last);
  }

  protected begin(): number {
    return 0;
  }

  protected settle(head: RequestHead): number {
    return settleRequest(head);
  }

  protected mustUpgrade(): boolean {
    return false;
  }

  protected tellStartLine(head: RequestHead, sink: RequestSink): void {
    sink.onRequestLine?.(head.method, head.target, head.version);
  }
}
