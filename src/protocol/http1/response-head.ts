import { Head } from "./head.js";

/**
 * The head of a response. Valid during the call that hands it out; `keep()` makes it last. Strings
 * are made when they are asked for.
 */
export class ResponseHead extends Head {
  /** The status code, 100…999. */
  statusCode = 0;
  /** The parser's: where the reason phrase begins and ends, counted from the beginning. */
  reasonStart = 0;
  reasonEnd = 0;

  /** The reason phrase as Latin-1; empty where there is none. It has no meaning (RFC 9112 §4). */
  get reason(): string {
    const { bytes, start } = this;
    return bytes.toString("latin1", start + this.reasonStart, start + this.reasonEnd);
  }

  /** Whether another response to the same request follows: 1xx but 101 (RFC 9110 §15.2). */
  get isInterim(): boolean {
    return this.statusCode < 200 && this.statusCode !== 101;
  }
}
