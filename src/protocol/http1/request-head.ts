import { Head } from "./head.js";
import { methodText, sameText } from "./known-text.js";
import { authorityEnd, findAuthority, type TargetForm } from "./request-target.js";

/**
 * The head of a request. Valid during the call that hands it out; `keep()` makes it last. Strings
 * are made when they are asked for.
 */
export class RequestHead extends Head {
  /** The parser's: where the method ends, counted from the beginning of the head. */
  methodEnd = 0;
  /** The parser's: where the target ends. */
  targetEnd = 0;
  private lastTarget = "";
  /** Form of {@link target}. */
  targetForm: TargetForm = "origin";
  /**
   * What the Expect field asks for (RFC 9110 §10.1.1). `continue`: an interim response 100 before the
   * body is sent. `unknown`: something that 417 is the response to.
   */
  expectation: "none" | "continue" | "unknown" = "none";

  /** The parser's: the same request, of bytes that `settle` tells. */
  takeOver(last: RequestHead): void {
    this.takePlaces(last);
    this.minorVersion = last.minorVersion;
    this.bodyLength = last.bodyLength;
    this.keepAlive = last.keepAlive;
    this.isUpgrade = last.isUpgrade;
    this.methodEnd = last.methodEnd;
    this.targetEnd = last.targetEnd;
    this.targetForm = last.targetForm;
    this.expectation = last.expectation;
    this.lastTarget = last.lastTarget;
  }

  /** The method, a token, as it was sent: methods are case-sensitive. */
  get method(): string {
    return methodText(this.bytes, this.start, this.start + this.methodEnd);
  }

  /** The request target, visible ASCII, as it was sent. */
  get target(): string {
    const { bytes, start, targetStart, lastTarget } = this;
    this.lastTarget = sameText(bytes, targetStart, start + this.targetEnd, lastTarget);
    return this.lastTarget;
  }

  /** The parser's: where the target begins in the bytes of the head. */
  get targetStart(): number {
    return this.start + this.methodEnd + 1;
  }

  /**
   * Host and optional port that the request is for (RFC 9112 §3.3): out of the target where that
   * has them, else out of Host. Empty where neither names one.
   */
  get authority(): string {
    const { bytes, start } = this;
    const end = start + this.targetEnd;
    if (this.targetForm === "authority") return this.target;
    if (this.targetForm !== "absolute") return this.get("host") ?? "";
    const hostStart = findAuthority(bytes, this.targetStart, end);
    return bytes.toString("latin1", hostStart, authorityEnd(bytes, hostStart, end));
  }
}
