/** Finds and checks a whole head: the start line, then the field lines, each with its limit. */
import type { Head } from "../head.js";
import type { Http1Limits } from "../limits.js";
import { FAULT } from "../parse-fault.js";
import { FieldScanner } from "./field-scanner.js";
import type { SectionScanner } from "./section-reader.js";

const CRLF_BYTES = 2;

/** Scans start lines of one role. */
export interface StartLineScanner<SomeHead extends Head> {
  /** The fault of a line that is longer than allowed, by the part that it has reached. */
  readonly lengthFault: number;
  /** Begins with a start line, whose parts go into `head`. */
  begin(head: SomeHead): void;
  /**
   * Goes on in a line that begins at `start` in `bytes`, and looks at nothing from `stop` on.
   * Returns the length of the line with its CRLF, 0 when its end has not come, or a fault.
   */
  scan(bytes: Uint8Array, start: number, stop: number): number;
}

/** Scans one head after the other. */
export class HeadScanner<SomeHead extends Head> implements SectionScanner<SomeHead> {
  readonly maxBytes: number;
  private readonly maxLineBytes: number;
  private readonly line: StartLineScanner<SomeHead>;
  private readonly fields: FieldScanner;
  private section: SomeHead;
  private inFields = false;

  constructor(line: StartLineScanner<SomeHead>, head: SomeHead, limits: Http1Limits) {
    this.line = line;
    this.section = head;
    this.fields = new FieldScanner(
      {
        maxBytes: limits.maxHeadBytes,
        maxCount: limits.maxHeaderCount,
        tooLarge: FAULT.headTooLarge,
        tooMany: FAULT.tooManyHeaders,
      },
      head,
    );
    this.maxLineBytes = limits.maxStartLineBytes + CRLF_BYTES;
    this.maxBytes = Math.max(limits.maxHeadBytes, this.maxLineBytes);
  }

  /** See {@link SectionScanner.begin}. */
  begin(head: SomeHead): void {
    this.section = head;
    this.inFields = false;
    this.line.begin(head);
  }

  /** See {@link SectionScanner.scan}. */
  scan(bytes: Uint8Array, start: number, end: number): number {
    if (!this.inFields) {
      const lineBytes = this.line.scan(bytes, start, Math.min(end, start + this.maxLineBytes));
      if (lineBytes < 0) return lineBytes;
      if (lineBytes === 0) return end - start >= this.maxLineBytes ? this.line.lengthFault : 0;
      this.inFields = true;
      this.fields.begin(this.section, lineBytes);
    }
    return this.fields.scan(bytes, start, end);
  }
}
