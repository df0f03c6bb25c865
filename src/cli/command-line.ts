/**
 * Options of a command as a table: read with `util.parseArgs`, checked and shown by `--help` from
 * the same rows. Whatever is wrong with what was typed is a {@link UsageError}.
 */
import { type ParseArgsConfig, parseArgs } from "node:util";
import { closestWord } from "../closest-word.js";

/** What was typed can't be. The program says its message in one line and ends with exit code 2. */
export class UsageError extends Error {
  override readonly name: "UsageError" = "UsageError";
}

/** One option of a command. */
export interface Option<Value> {
  /** What stands for the value in the help; undefined: a switch, which takes none. */
  readonly placeholder: string | undefined;
  /** What it is for, its default included. */
  readonly help: string;
  /** The value where the option is left out. */
  readonly absent: Value;
  /** One letter that stands for the name, as in `-H`. */
  readonly short?: string;
  /** It may be given several times: its values, which are lists, become one. */
  readonly isList?: boolean;
  /** The value of what was typed behind `name`. Throws {@link UsageError}. */
  read(text: string, name: string): Value;
}

/** Options by their names without the dashes. */
export type OptionTable = Readonly<Record<string, Option<unknown>>>;

/** The values of the options of a table. */
export type OptionValues<Table extends OptionTable> = {
  readonly [Name in keyof Table]: Table[Name] extends Option<infer Value> ? Value : never;
};

/** What was typed behind the name of a command. */
export interface CommandLine<Table extends OptionTable> {
  readonly options: OptionValues<Table>;
  readonly positionals: readonly string[];
}

/** Bounds of a number. */
export interface NumberRange {
  readonly min: number;
  readonly max: number;
}

/** `--name`, without a value. */
export function switchOption(help: string): Option<boolean> {
  return { placeholder: undefined, help, absent: false, read: () => true };
}

/** `--name TEXT`, not empty. */
export function textOption(placeholder: string, help: string): Option<string | undefined> {
  return {
    placeholder,
    help,
    absent: undefined,
    read(text, name) {
      if (text === "") throw new UsageError(`${name} must not be empty`);
      return text;
    },
  };
}

/** `--name TEXT`, as often as wanted; each text goes through `check`, which throws {@link UsageError}. */
export function listOption(
  placeholder: string,
  help: string,
  check: (text: string, name: string) => void,
): Option<readonly string[]> {
  return {
    placeholder,
    help,
    absent: [],
    isList: true,
    read(text, name) {
      check(text, name);
      return [text];
    },
  };
}

/** The same option, which one letter stands for, too. */
export function withShort<Value>(short: string, option: Option<Value>): Option<Value> {
  return { ...option, short };
}

/** `--name N`, a whole number, decimal or with 0x in hexadecimal. */
export function integerOption<Absent extends number | undefined>(
  help: string,
  range: NumberRange,
  absent: Absent,
): Option<number | Absent> {
  return {
    placeholder: "N",
    help,
    absent,
    read: (text, name) => readNumber(text, name, range, WHOLE_NUMBER),
  };
}

/** `--name SECONDS`, with decimals. */
export function secondsOption<Absent extends number | undefined>(
  help: string,
  range: NumberRange,
  absent: Absent,
): Option<number | Absent> {
  return {
    placeholder: "SECONDS",
    help,
    absent,
    read: (text, name) => readNumber(text, name, range, SECONDS),
  };
}

/** `--name ONE`, one of several words. */
export function choiceOption<Choice extends string, Absent extends Choice | undefined>(
  choices: readonly Choice[],
  help: string,
  absent: Absent,
): Option<Choice | Absent> {
  return {
    placeholder: choices.join("|"),
    help,
    absent,
    read(text, name) {
      const choice = choices.find((one) => one === text);
      if (choice !== undefined) return choice;
      throw new UsageError(`${name} must be one of ${choices.join(", ")}, not ${quoted(text)}`);
    },
  };
}

/** Options that the command has for another purpose, and what to say to who gives one. */
export interface OtherOptions {
  readonly table: OptionTable;
  /** What stands behind the name of the option. */
  readonly text: string;
}

/** Reads what was typed behind the name of a command: at most `maxPositionals` words, and options. */
export function readCommandLine<Table extends OptionTable>(
  table: Table,
  argv: readonly string[],
  maxPositionals: number,
  ...others: readonly OtherOptions[]
): CommandLine<Table> {
  const { values, positionals } = parse(table, withValuesJoined(table, argv), others);
  const extra = positionals[maxPositionals];
  if (extra !== undefined) throw new UsageError(`what is ${quoted(extra)} for?`);
  const options: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(table)) {
    const typed = values[name];
    const read = (text: unknown): unknown => option.read(String(text), `--${name}`);
    if (typed === undefined) options[name] = option.absent;
    else options[name] = Array.isArray(typed) ? typed.flatMap(read) : read(typed);
  }
  return { options: options as OptionValues<Table>, positionals };
}

interface Parsed {
  readonly values: Readonly<Record<string, unknown>>;
  readonly positionals: readonly string[];
}

/** A value that begins with a dash would be taken for an option: `--port -1` is `--port=-1`. */
function withValuesJoined(table: OptionTable, argv: readonly string[]): readonly string[] {
  const takers = new Map<string, string>();
  for (const [name, { placeholder, short }] of Object.entries(table)) {
    if (placeholder === undefined) continue;
    takers.set(`--${name}`, `--${name}=`);
    if (short !== undefined) takers.set(`-${short}`, `-${short}`);
  }
  const words: string[] = [];
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index]!;
    const value = argv[index + 1];
    const taker = takers.get(word);
    if (word === "--") return [...words, ...argv.slice(index)];
    if (taker === undefined || value === undefined || !/^-\d/.test(value)) words.push(word);
    else {
      words.push(taker + value);
      index += 1;
    }
  }
  return words;
}

function parse(
  table: OptionTable,
  argv: readonly string[],
  others: readonly OtherOptions[],
): Parsed {
  const options: NonNullable<ParseArgsConfig["options"]> = {};
  for (const [name, { placeholder, short, isList = false }] of Object.entries(table)) {
    options[name] = {
      type: placeholder === undefined ? "boolean" : "string",
      multiple: isList,
      ...(short !== undefined && { short }),
    };
  }
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true, strict: true });
  } catch (error) {
    // Node explains at length, in several sentences: the first says what is wrong.
    if (!(error instanceof TypeError)) throw error;
    const [sentence = ""] = error.message.split(/\.\s|\n/);
    const [, typed = "", what] = SAID_BY_NODE.exec(sentence) ?? [];
    if (what !== undefined) throw new UsageError(valueFault(typed, what));
    const unknown = /^Unknown option '([^']+)'/.exec(sentence)?.[1];
    if (unknown === undefined)
      throw new UsageError(sentence.charAt(0).toLowerCase() + sentence.slice(1));
    throw new UsageError(unknownOption(unknown, table, others));
  }
}

/** `Option '-X, --method <value>' argument missing`, `Option '--json' does not take an argument`, … `is ambiguous`. */
const SAID_BY_NODE =
  /^Option '(?:-\w, )?(-[^ ']*)[^']*' (?:argument )?(missing|is ambiguous|does not take)/;

function valueFault(name: string, what: string): string {
  if (what === "does not take") return `${name} takes no value`;
  if (what === "missing") return `${name} needs a value`;
  const joined = name.startsWith("--") ? `${name}=VALUE` : `${name}VALUE`;
  return `${name} needs a value; one that begins with a dash is written ${joined}`;
}

function unknownOption(typed: string, table: OptionTable, others: readonly OtherOptions[]): string {
  const name = typed.replace(/^-+/, "");
  const other = others.find((one) => name in one.table);
  if (other !== undefined) return `--${name} ${other.text}`;
  const meant = name.length > 1 ? closestWord(name, Object.keys(table)) : undefined;
  const advice = meant === undefined ? "" : `; did you mean --${meant}?`;
  return `there is no option ${typed}${advice}`;
}

/** Whether `--help` or `-h` stands among the words before `--`. */
export function asksForHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  const words = end < 0 ? argv : argv.slice(0, end);
  return words.includes("--help") || words.includes("-h");
}

/** The rows of a help text for a table: `  --name VALUE   what it is for`. */
export function optionHelp(table: OptionTable): string {
  const rows = Object.entries(table).map(([name, { placeholder, help, short }]) => {
    const names = short === undefined ? `--${name}` : `-${short}, --${name}`;
    return [placeholder === undefined ? names : `${names} ${placeholder}`, help] as const;
  });
  return helpRows([...rows, ["--help", "show this"]]);
}

const LEFT_COLUMNS = 26;

/** Two columns; what is too wide for the left one gets a line of its own. */
export function helpRows(rows: readonly (readonly [left: string, right: string])[]): string {
  return rows
    .map(([left, right]) => {
      if (left.length < LEFT_COLUMNS) return `  ${left.padEnd(LEFT_COLUMNS)}${right}`;
      return `  ${left}\n${" ".repeat(LEFT_COLUMNS + 2)}${right}`;
    })
    .join("\n");
}

interface NumberKind {
  /** For messages. */
  readonly text: string;
  readonly form: RegExp;
}

const WHOLE_NUMBER: NumberKind = { text: "a whole number", form: /^(?:\d+|0[xX][0-9a-fA-F]+)$/ };
const SECONDS: NumberKind = { text: "a number of seconds", form: /^\d*\.?\d+$/ };

function readNumber(text: string, name: string, range: NumberRange, kind: NumberKind): number {
  const { min, max } = range;
  const number = Number(text);
  if (kind.form.test(text) && number >= min && number <= max) return number;
  throw new UsageError(`${name} must be ${kind.text} from ${min} to ${max}, not ${quoted(text)}`);
}

/** A word as it was typed, safe to print. */
export function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}
