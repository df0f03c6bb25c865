/**
 * Finds and checks a request line: `method SP request-target SP HTTP-version CRLF`, with exactly
 * these spaces (RFC 9112 §3). Hot. Can stop at each byte, as the field scanner can.
 */
import { CR, LF, SP, TARGET, TOKEN } from "../character-table.js";
import { FAULT } from "../parse-fault.js";
import type { RequestHead } from "../request-head.js";
import { minorVersionAt, VERSION_BYTES, versionFault } from "../version.js";
import type { StartLineScanner } from "./head-scanner.js";

const IN_METHOD = 0;
const IN_TARGET = 1;
const IN_VERSION = 2;
const LINE_CR = 3;
const LINE_LF = 4;

/** Scans the request line of one request after the other. */
export class RequestLineScanner implements StartLineScanner<RequestHead> {
  private head: RequestHead;
  private state = IN_METHOD;
  private position = 0;

  constructor(head: RequestHead) {
    this.head = head;
  }

  /** A server does not implement a method that long (RFC 9112 §3). */
  get lengthFault(): number {
    return this.state === IN_METHOD ? FAULT.methodTooLong : FAULT.lineTooLong;
  }

  /** See {@link StartLineScanner.begin}. */
  begin(head: RequestHead): void {
    this.head = head;
    this.state = IN_METHOD;
    this.position = 0;
  }

  /** See {@link StartLineScanner.scan}. */
  scan(bytes: Uint8Array, start: number, stop: number): number {
    const { head } = this;
    let { state } = this;
    let position = start + this.position;
    while (position < stop) {
      switch (state) {
        case IN_METHOD: {
          while (position < stop && TOKEN[bytes[position]!] === 1) position++;
          if (position === stop) break;
          if (bytes[position] !== SP || position === start) return FAULT.method;
          head.methodEnd = position - start;
          position++;
          state = IN_TARGET;
          break;
        }
        case IN_TARGET: {
          while (position < stop && TARGET[bytes[position]!] === 1) position++;
          if (position === stop) break;
          const targetEnd = position - start;
          if (bytes[position] !== SP || targetEnd === head.methodEnd + 1) {
            return FAULT.targetCharacter;
          }
          head.targetEnd = targetEnd;
          position++;
          state = IN_VERSION;
          break;
        }
        case IN_VERSION: {
          const versionStart = start + head.targetEnd + 1;
          const fault = versionFault(bytes, versionStart, position - versionStart);
          if (fault !== 0) return fault;
          position++;
          if (position - versionStart < VERSION_BYTES) break;
          head.minorVersion = minorVersionAt(bytes, versionStart);
          state = LINE_CR;
          break;
        }
        case LINE_CR: {
          const octet = bytes[position];
          if (octet !== CR) return octet === LF ? FAULT.bareLf : FAULT.versionSyntax;
          position++;
          state = LINE_LF;
          break;
        }
        default: {
          return bytes[position] === LF ? position + 1 - start : FAULT.bareCr;
        }
      }
    }
    this.state = state;
    this.position = position - start;
    return 0;
  }
}
