/** Parsers that no connection uses: idle connections have none. */
import type { Http1Limits } from "../../protocol/http1/limits.js";
import { ResponseParser } from "../../protocol/http1/parsing/response-parser.js";

/** Parsers that are kept for the next exchange. */
const MAX_SPARES = 64;

/** The parsers of one client. */
export class SpareParsers {
  private readonly limits: Http1Limits;
  private readonly spares: ResponseParser[] = [];

  constructor(limits: Http1Limits) {
    this.limits = limits;
  }

  /** A parser that has read nothing, or whole messages only. */
  take(): ResponseParser {
    return this.spares.pop() ?? new ResponseParser(this.limits);
  }

  /** Takes one back whose last message was whole, and not the last of its connection. */
  giveBack(parser: ResponseParser): void {
    if (this.spares.length < MAX_SPARES) this.spares.push(parser);
  }
}
