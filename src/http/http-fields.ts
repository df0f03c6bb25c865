/** Looks into fields that are to be sent, and brings several lots of them together. */
import { describe } from "../errors.js";
import { EncodedFields } from "../protocol/http1/writing/encoded-fields.js";
import type { FieldInput, FieldValue } from "../protocol/http1/writing/field-writer.js";
import { assertOptionsObject, invalid } from "./option-check.js";

/** A field: its name, and one value or several. */
export type FieldPair = readonly [name: string, value: FieldValue];

/** A field whose value may be left out. */
type GivenPair = readonly [name: string, value: FieldValue | undefined];

/** Throws `INVALID_ARGUMENT` for a value that is not a set of fields. */
export function assertFields(fields: FieldInput): void {
  assertOptionsObject("headers", fields);
  if (ArrayBuffer.isView(fields))
    throw invalid(`headers must yield pairs, not ${describe(fields)}`);
}

/** The fields that have a value, one after the other. Throws `INVALID_ARGUMENT` for what is no field. */
export function* fieldPairs(fields: FieldInput): Generator<FieldPair, void, undefined> {
  assertFields(fields);
  if (fields instanceof EncodedFields) yield* fields.pairs();
  else if (Symbol.iterator in fields) yield* givenPairs(fields);
  else yield* givenPairs(Object.entries(fields));
}

function* givenPairs(fields: Iterable<GivenPair>): Generator<FieldPair, void, undefined> {
  for (const pair of fields) {
    if (!Array.isArray(pair)) throw invalid(`headers must yield pairs, not ${describe(pair)}`);
    const [name, value] = pair as GivenPair;
    if (value !== undefined) yield [name, value];
  }
}

/** Whether there is a field of this name; `name` in lower case. */
export function hasField(fields: FieldInput | undefined, name: string): boolean {
  if (fields === undefined) return false;
  assertFields(fields);
  if (!(fields instanceof EncodedFields) && !(Symbol.iterator in fields)) {
    return hasKey(fields, name);
  }
  for (const [one] of fieldPairs(fields)) if (isName(one, name)) return true;
  return false;
}

/** The usual case, without an allocation. */
function hasKey(fields: Readonly<Record<string, FieldValue | undefined>>, name: string): boolean {
  for (const key in fields) {
    if (isName(key, name) && Object.hasOwn(fields, key) && fields[key] !== undefined) return true;
  }
  return false;
}

/** All values of a field, one for each line; `name` in lower case. */
export function fieldValues(fields: FieldInput, name: string): string[] {
  const values: string[] = [];
  for (const [one, value] of fieldPairs(fields)) {
    if (isName(one, name)) values.push(...[value].flat().map(String));
  }
  return values;
}

function isName(given: unknown, name: string): boolean {
  return typeof given === "string" && given.length === name.length && given.toLowerCase() === name;
}

/** Gathers fields: what was there first stays, and what comes later is added where its name is new. */
export class FieldList {
  readonly pairs: FieldPair[] = [];
  private readonly names: Set<string> = new Set();

  /** Whether there is a field of this name; `name` in lower case. */
  has(name: string): boolean {
    return this.names.has(name);
  }

  /** Adds one field. */
  add(name: string, value: FieldValue): void {
    this.pairs.push([name, value]);
    this.names.add(String(name).toLowerCase());
  }

  /** Adds one field unless there is one of its name, or there is nothing to add. */
  addMissing(name: string, value: FieldValue | undefined): void {
    if (value !== undefined && !this.has(name.toLowerCase())) this.add(name, value);
  }

  /** Adds all of them, but for those whose names, in lower case, are among `omitted`. */
  addAll(fields: FieldInput, omitted: readonly string[] = []): void {
    for (const [name, value] of fieldPairs(fields)) {
      if (!omitted.includes(String(name).toLowerCase())) this.add(name, value);
    }
  }

  /** Adds those whose names were not there before, and are not among `omitted`. */
  addAllMissing(fields: FieldInput | undefined, omitted: readonly string[]): void {
    if (fields !== undefined) this.addAll(fields, [...this.names, ...omitted]);
  }
}
