/**
 * Finds and checks a status line: `HTTP-version SP 3DIGIT [ SP [ reason-phrase ] ] CRLF` (RFC 9112
 * §4). The space before a reason phrase that is not there may be missing too: some servers leave it
 * out, and it frames nothing. Can stop at each byte, as the field scanner can.
 */
import { CR, FIELD_TEXT, LF, SP } from "../character-table.js";
import { FAULT } from "../parse-fault.js";
import type { ResponseHead } from "../response-head.js";
import { minorVersionAt, VERSION_BYTES, versionFault } from "../version.js";
import type { StartLineScanner } from "./head-scanner.js";

const IN_VERSION = 0;
const AFTER_VERSION = 1;
const IN_STATUS = 2;
const AFTER_STATUS = 3;
const IN_REASON = 4;
const LINE_LF = 5;

const STATUS_START = VERSION_BYTES + 1;
const STATUS_END = STATUS_START + 3;
const ZERO = 0x30;

/** Scans the status line of one response after the other. */
export class StatusLineScanner implements StartLineScanner<ResponseHead> {
  readonly lengthFault: number = FAULT.lineTooLong;
  private head: ResponseHead;
  private state = IN_VERSION;
  private position = 0;

  constructor(head: ResponseHead) {
    this.head = head;
  }

  /** See {@link StartLineScanner.begin}. */
  begin(head: ResponseHead): void {
    this.head = head;
    this.state = IN_VERSION;
    this.position = 0;
    head.statusCode = 0;
  }

  /** See {@link StartLineScanner.scan}. */
  scan(bytes: Uint8Array, start: number, stop: number): number {
    const { head } = this;
    let { state } = this;
    let position = start + this.position;
    while (position < stop) {
      switch (state) {
        case IN_VERSION: {
          const fault = versionFault(bytes, start, position - start);
          if (fault !== 0) return fault;
          position++;
          if (position - start < VERSION_BYTES) break;
          head.minorVersion = minorVersionAt(bytes, start);
          state = AFTER_VERSION;
          break;
        }
        case AFTER_VERSION: {
          if (bytes[position] !== SP) return FAULT.versionSyntax;
          position++;
          state = IN_STATUS;
          break;
        }
        case IN_STATUS: {
          const digit = bytes[position]! - ZERO;
          const isFirst = position - start === STATUS_START;
          if (digit < (isFirst ? 1 : 0) || digit > 9) return FAULT.statusCode;
          head.statusCode = head.statusCode * 10 + digit;
          position++;
          if (position - start === STATUS_END) state = AFTER_STATUS;
          break;
        }
        case AFTER_STATUS: {
          if (bytes[position] !== SP && bytes[position] !== CR) return FAULT.statusCode;
          head.reasonStart = position - start + (bytes[position] === SP ? 1 : 0);
          head.reasonEnd = head.reasonStart;
          state = bytes[position] === SP ? IN_REASON : LINE_LF;
          position++;
          break;
        }
        case IN_REASON: {
          while (position < stop && FIELD_TEXT[bytes[position]!] === 1) position++;
          if (position === stop) break;
          if (bytes[position] !== CR) {
            return bytes[position] === LF ? FAULT.bareLf : FAULT.reason;
          }
          head.reasonEnd = position - start;
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
