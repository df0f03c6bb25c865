/**
 * Finds and checks field lines, up to the empty line behind them (RFC 9112 §5). Hot: one pass over
 * the bytes, one look-up a byte, no object made.
 *
 *     lineStart ── tchar ──► name ── ":" ──► beforeValue ── not SP/HTAB ──► value ── CR ──► valueLf
 *      │    ▲                                                                                 │ LF
 *      │ CR └─────────────────────────────────────────────────────────────────────────────────┘
 *      ▼
 *     endLf ── LF ──► whole
 *
 * It can stop at each byte and go on later, in the same bytes or in a copy of them, since all places
 * count from the beginning of the section. What it refuses depends on the bytes alone, never on how
 * they were cut.
 */
import { COLON, CR, FIELD_TEXT, HTAB, LF, SP, TOKEN } from "../character-table.js";
import { FIELD_KIND, fieldKind } from "../field-kind.js";
import type { FieldSection } from "../field-section.js";
import { FAULT } from "../parse-fault.js";
import type { SectionScanner } from "./section-reader.js";

const LINE_START = 0;
const NAME = 1;
const BEFORE_VALUE = 2;
const VALUE = 3;
const VALUE_LF = 4;
const END_LF = 5;

/** What a section may have at most, and the faults of having more. */
export interface SectionBounds {
  /** Bytes, counted from the beginning of the section to behind its empty line. */
  readonly maxBytes: number;
  /** Field lines. */
  readonly maxCount: number;
  readonly tooLarge: number;
  readonly tooMany: number;
}

/** Scans the field lines of one section after the other. */
export class FieldScanner implements SectionScanner<FieldSection> {
  readonly maxBytes: number;
  private readonly bounds: SectionBounds;
  private section: FieldSection;
  private state = LINE_START;
  private position = 0;
  private nameStart = 0;
  private nameEnd = 0;
  private valueStart = 0;

  constructor(bounds: SectionBounds, section: FieldSection) {
    this.bounds = bounds;
    this.maxBytes = bounds.maxBytes;
    this.section = section;
  }

  /** Begins with a section whose field lines begin at `position`, counted from its beginning. */
  begin(section: FieldSection, position = 0): void {
    this.section = section;
    this.state = LINE_START;
    this.position = position;
  }

  /** See {@link SectionScanner.scan}. */
  scan(bytes: Uint8Array, start: number, end: number): number {
    const { maxBytes, tooLarge } = this.bounds;
    const stop = Math.min(end, start + maxBytes);
    let { state } = this;
    let position = start + this.position;
    while (position < stop) {
      switch (state) {
        case LINE_START: {
          if (bytes[position] === CR) {
            state = END_LF;
          } else {
            const fault = this.beginLine(bytes[position]!, position - start);
            if (fault !== 0) return fault;
            state = NAME;
          }
          position++;
          break;
        }
        case NAME: {
          while (position < stop && TOKEN[bytes[position]!] === 1) position++;
          if (position === stop) break;
          if (bytes[position] !== COLON) return nameFault(bytes[position]!);
          this.nameEnd = position - start;
          position++;
          state = BEFORE_VALUE;
          break;
        }
        case BEFORE_VALUE: {
          while (position < stop && isBlank(bytes[position]!)) position++;
          if (position === stop) break;
          this.valueStart = position - start;
          state = VALUE;
          break;
        }
        case VALUE: {
          while (position < stop && FIELD_TEXT[bytes[position]!] === 1) position++;
          if (position === stop) break;
          if (bytes[position] !== CR) return valueFault(bytes[position]!);
          position++;
          state = VALUE_LF;
          break;
        }
        case VALUE_LF: {
          if (bytes[position] !== LF) return FAULT.bareCr;
          this.addField(bytes, start, position - 1);
          position++;
          state = LINE_START;
          break;
        }
        default: {
          if (bytes[position] !== LF) return FAULT.bareCr;
          return position + 1 - start;
        }
      }
    }
    this.state = state;
    this.position = position - start;
    return this.position >= maxBytes ? tooLarge : 0;
  }

  private beginLine(octet: number, nameStart: number): number {
    if (TOKEN[octet] !== 1) return lineStartFault(octet);
    this.nameStart = nameStart;
    return this.section.fieldCount === this.bounds.maxCount ? this.bounds.tooMany : 0;
  }

  private addField(bytes: Uint8Array, start: number, lineEnd: number): void {
    const { section, nameStart, nameEnd, valueStart } = this;
    let valueEnd = lineEnd;
    while (valueEnd > start + valueStart && isBlank(bytes[valueEnd - 1]!)) valueEnd--;
    section.addField(nameStart, nameEnd, valueStart, valueEnd - start);
    const kind = fieldKind(bytes, start + nameStart, start + nameEnd);
    if (kind !== FIELD_KIND.other) section.noteKind(kind);
  }
}

function isBlank(octet: number): boolean {
  return octet === SP || octet === HTAB;
}

function lineStartFault(octet: number): number {
  if (octet === COLON) return FAULT.fieldNameEmpty;
  if (isBlank(octet)) return FAULT.fieldFolded;
  return octet === LF ? FAULT.bareLf : FAULT.fieldName;
}

function nameFault(octet: number): number {
  return isBlank(octet) ? FAULT.fieldNameSpace : FAULT.fieldName;
}

function valueFault(octet: number): number {
  return octet === LF ? FAULT.bareLf : FAULT.fieldValue;
}
