/**
 * The one mechanism of options. Each component has one table, with a rule for each of its options:
 * the default, the check, and for numbers the range and the unit. What an option means stands at the
 * public interface; the table is tied to it by its type, so that neither has a name or a type that
 * the other lacks. `docs/limits.md` is compared with the tables by a test (ADR 0010).
 */
import {
  assertBoolean,
  assertInteger,
  assertKnownKeys,
  assertObject,
  assertOneOf,
  invalidArgument,
} from "./errors.js";

/** What one option can be. */
export interface OptionRule<Value> {
  /** What holds where the option is left out. */
  readonly standard: Value;
  /** Throws `INVALID_ARGUMENT`, with the name of the option, what it can be, and the value. */
  readonly assert: (name: string, value: unknown) => void;
}

/** What a whole-number option can be. */
export interface NumberRule extends OptionRule<number> {
  readonly min: number;
  readonly max: number;
  /** What is counted: `bytes`, `ms`, `connections` … */
  readonly unit: string;
}

/** Options as they are given: each can be left out, or be `undefined`, which is the same. */
export type Given<Options> = {
  readonly [Name in keyof Options]?: Options[Name] | undefined;
};

/** Options as they are read: what can be left out has its default. */
export type Settled<Options> = {
  readonly [Name in keyof Options]-?: Exclude<Options[Name], undefined>;
};

/** A rule for each option; the numbers among them have a range. */
export type OptionTable<Options> = {
  readonly [Name in keyof Options]-?: Options[Name] extends number
    ? NumberRule
    : OptionRule<Options[Name]>;
};

/** Names of the whole-number options. */
export type NumberName<Options> = {
  [Name in keyof Options]: Options[Name] extends number ? Name : never;
}[keyof Options];

/** A rule for each option of a call, where what is left out stays so. */
export type CallTable<Options> = { readonly [Name in keyof Options]-?: OptionRule<undefined> };

/** Least and greatest value; what is left out is the least or greatest that makes sense. */
export interface Range {
  readonly min?: number;
  readonly max?: number;
}

/** Longest time: what a timer of Node takes. */
export const MAX_MS: number = 2 ** 31 - 1;

/** The bound of most sizes. */
export const GIB: number = 2 ** 30;

/** A number of things, which are called `unit`. */
export function count(standard: number, unit: string, range: Range = {}): NumberRule {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = range;
  const assert = (name: string, value: unknown): void => assertInteger(name, value, min, max);
  return { standard, min, max, unit, assert };
}

/** A size. */
export function bytes(standard: number, range: Range = {}): NumberRule {
  return count(standard, "bytes", range);
}

/** A time, 0 to {@link MAX_MS}; for most of them 0 is none. */
export function milliseconds(standard: number, range: Range = {}): NumberRule {
  return count(standard, "ms", { max: MAX_MS, ...range });
}

/** The same number, which must be a power of two. */
export function powerOfTwo(rule: NumberRule): NumberRule {
  return {
    ...rule,
    assert(name, value) {
      rule.assert(name, value);
      if (Number.isInteger(Math.log2(value as number))) return;
      throw invalidArgument(`${name} must be a power of two, not ${value}`);
    },
  };
}

/** The same number, which must be a multiple of `divisor`. */
export function multipleOf(divisor: number, rule: NumberRule): NumberRule {
  return {
    ...rule,
    assert(name, value) {
      rule.assert(name, value);
      if ((value as number) % divisor === 0) return;
      throw invalidArgument(`${name} must be a multiple of ${divisor}, not ${value}`);
    },
  };
}

/** True or false. */
export function flag(standard: boolean): OptionRule<boolean> {
  return { standard, assert: assertBoolean };
}

/** One of some words. */
export function choice<Word extends string>(
  standard: NoInfer<Word>,
  words: readonly Word[],
): OptionRule<Word> {
  return { standard, assert: (name, value) => assertOneOf(name, value, words) };
}

/** Anything that has a check of its own. */
export function checked<Value>(
  standard: Value,
  assert: (name: string, value: unknown) => void,
): OptionRule<Value> {
  return { standard, assert };
}

/** An option that has no default: where it is left out, it is undefined. */
export function optional(
  rule: OptionRule<unknown> | OptionRule<unknown>["assert"],
): OptionRule<undefined> {
  return { standard: undefined, assert: typeof rule === "function" ? rule : rule.assert };
}

/** Names of the options of a table, in its order. */
export function optionNames<Options>(
  table: OptionTable<Options> | CallTable<Options>,
): readonly (keyof Options & string)[] {
  return Object.keys(table) as (keyof Options & string)[];
}

/**
 * All options of a table: those given, and the defaults. Only what is undefined is left out; `null`
 * is a value. Options of other tables are passed over. Throws `INVALID_ARGUMENT`.
 */
export function readOptions<Options>(table: OptionTable<Options>, given: Given<Options>): Options {
  const options = {} as { -readonly [Name in keyof Options]: Options[Name] };
  for (const name of optionNames(table)) {
    const value = given[name];
    if (value === undefined) options[name] = table[name].standard as Options[typeof name];
    else {
      table[name].assert(name, value);
      options[name] = value;
    }
  }
  return options;
}

/** The same of what must be an object that has options of the table alone. */
export function readAllOptions<Options>(
  what: string,
  table: OptionTable<Options>,
  given: Given<Options>,
): Options {
  assertObject(`the options of ${what}`, given);
  assertKnownKeys(what, given, Object.keys(table));
  return readOptions(table, given);
}

/** Throws `INVALID_ARGUMENT` for what is no object, for unknown options, and for wrong values. */
export function assertOptions<Options>(
  what: string,
  table: CallTable<Options>,
  given: unknown,
): asserts given is Options {
  assertObject(`the options of ${what}`, given);
  assertKnownKeys(what, given, Object.keys(table));
  for (const name of optionNames(table)) {
    const value = (given as Options)[name];
    if (value !== undefined) table[name].assert(name, value);
  }
}

/** The options of these names that are not left out. */
export function pickOptions<Source extends object, Name extends keyof Source>(
  source: Source,
  names: readonly Name[],
): { [Key in Name]?: Exclude<Source[Key], undefined> } {
  const picked: { [Key in Name]?: Source[Key] } = {};
  for (const name of names) if (source[name] !== undefined) picked[name] = source[name];
  return picked as { [Key in Name]?: Exclude<Source[Key], undefined> };
}

/** Throws `INVALID_ARGUMENT`, with both names and values, unless the first number is at most the second. */
export function assertOrder<Options>(
  options: Options,
  smaller: NumberName<Options> & string,
  larger: NumberName<Options> & string,
): void {
  if (options[smaller] <= options[larger]) return;
  throw invalidArgument(
    `${smaller} (${options[smaller]}) must not be above ${larger} (${options[larger]})`,
  );
}
