/**
 * Fields of a received message that are sent on as they came, byte for byte: what a proxy does with those that are
 * not of the hop. Names and values were held to the rules of a writer when they were read. Hot: no string is made.
 */
import type { FieldNames } from "../field-names.js";
import type { FieldSection } from "../field-section.js";
import type { EncodedFields } from "./encoded-fields.js";

/** The fields of a section but for some, and what is added behind them. Valid for as long as the section is. */
export class PassedFields implements Iterable<readonly [name: string, value: string]> {
  readonly section: FieldSection;
  /** What is added behind; undefined: nothing. */
  readonly added: EncodedFields | undefined;
  private readonly left: FieldNames;
  private readonly alsoLeft: FieldNames | undefined;

  /** `left`, `alsoLeft`: what is not sent on. */
  constructor(
    section: FieldSection,
    left: FieldNames,
    alsoLeft: FieldNames | undefined,
    added: EncodedFields | undefined,
  ) {
    this.section = section;
    this.left = left;
    this.alsoLeft = alsoLeft;
    this.added = added;
  }

  /** Whether the field at `index` is sent on. */
  passes(index: number): boolean {
    const { section, left, alsoLeft } = this;
    if (section.isOneOf(index, left)) return false;
    return alsoLeft === undefined || !section.isOneOf(index, alsoLeft);
  }

  /** All that are sent, in their order. */
  *[Symbol.iterator](): IterableIterator<readonly [name: string, value: string]> {
    const { section, added } = this;
    for (let index = 0; index < section.fieldCount; index++) {
      if (this.passes(index)) yield [section.nameAt(index)!, section.valueAt(index)!];
    }
    if (added !== undefined) yield* added.pairs();
  }
}
