/**
 * The memory of heads and trailer sections. A section that is whole inside the fed bytes is scanned
 * there and stays there: no copy. One that is cut by their end is copied, since they may be lent,
 * and gathered over the following calls; the scanner goes on where it stopped.
 *
 * Invariants: `gathered` holds the first `gatheredBytes` bytes of one unfinished section, or
 * nothing. It has at most twice as many as came, and never more than the longest section.
 */
import { Buffer } from "node:buffer";
import type { FieldSection } from "../field-section.js";

const MIN_GATHER_BYTES = 512;
const NO_BYTES: Buffer = Buffer.alloc(0);

/** Scans sections of one kind. */
export interface SectionScanner<Section extends FieldSection> {
  /** The longest section, in bytes. */
  readonly maxBytes: number;
  /** Begins with a section, whose fields go into `section`. */
  begin(section: Section): void;
  /**
   * Goes on in a section that begins at `start` in `bytes`. Returns the length of the section, 0
   * when its end has not come, or a fault.
   */
  scan(bytes: Uint8Array, start: number, end: number): number;
}

/** Reads one section after the other. */
export class SectionReader<Section extends FieldSection> {
  private readonly scanner: SectionScanner<Section>;
  private section: Section;
  private gathered: Buffer = NO_BYTES;
  private gatheredBytes = 0;
  /** Whether the section is whole; set by {@link read}. */
  isWhole = false;

  constructor(scanner: SectionScanner<Section>, section: Section) {
    this.scanner = scanner;
    this.section = section;
  }

  /** Capacity of the memory for the unfinished section, in bytes. */
  get heldBytes(): number {
    return this.gathered.length;
  }

  /** Begins with a section. */
  begin(section: Section): void {
    this.section = section;
    this.isWhole = false;
    section.clearFields();
    this.scanner.begin(section);
  }

  /** Reads on from `position` in `bytes`. Returns the position behind what it took, or a fault. */
  read(bytes: Buffer, position: number): number {
    if (this.gatheredBytes > 0) return this.readOn(bytes, position);
    const sectionBytes = this.scanner.scan(bytes, position, bytes.length);
    if (sectionBytes < 0) return sectionBytes;
    if (sectionBytes > 0) {
      this.section.settle(bytes, position, sectionBytes, false);
      this.isWhole = true;
      return position + sectionBytes;
    }
    this.gather(bytes, position, bytes.length);
    return bytes.length;
  }

  private readOn(bytes: Buffer, position: number): number {
    const { scanner, gatheredBytes } = this;
    const end = Math.min(bytes.length, position + scanner.maxBytes - gatheredBytes);
    this.gather(bytes, position, end);
    const sectionBytes = scanner.scan(this.gathered, 0, this.gatheredBytes);
    if (sectionBytes === 0) return end;
    if (sectionBytes < 0) {
      this.release();
      return sectionBytes;
    }
    this.section.settle(this.gathered, 0, sectionBytes, true);
    this.isWhole = true;
    this.release();
    return position + sectionBytes - gatheredBytes;
  }

  private gather(bytes: Buffer, start: number, end: number): void {
    const neededBytes = this.gatheredBytes + end - start;
    if (neededBytes > this.gathered.length) {
      const capacity = Math.max(2 * neededBytes, MIN_GATHER_BYTES);
      const larger = Buffer.allocUnsafe(Math.min(capacity, this.scanner.maxBytes));
      this.gathered.copy(larger, 0, 0, this.gatheredBytes);
      this.gathered = larger;
    }
    bytes.copy(this.gathered, this.gatheredBytes, start, end);
    this.gatheredBytes = neededBytes;
  }

  private release(): void {
    this.gathered = NO_BYTES;
    this.gatheredBytes = 0;
  }
}
