/** `--receive` and the options that go with it: which receive model to use. */
import { Buffer } from "node:buffer";
import {
  delimiter,
  type LengthPrefixOptions,
  lengthPrefix,
  NetError,
  pack,
  pull,
  push,
  type ReceiveModel,
} from "../../index.js";
import {
  choiceOption,
  integerOption,
  type Option,
  quoted,
  textOption,
  UsageError,
} from "../command-line.js";

/** Names of the models on the command line. */
export type ReceiveName = "push" | "pull" | "pack" | "line" | "length";

/** All of them. */
export const RECEIVE_NAMES: readonly ReceiveName[] = ["push", "pull", "pack", "line", "length"];

/** Those that give bytes or packets. To the peer `pull` is the same as `push`. */
export const DATA_RECEIVE_NAMES: readonly DataReceiveName[] = ["push", "pack", "line", "length"];

/** See {@link DATA_RECEIVE_NAMES}. */
export type DataReceiveName = Exclude<ReceiveName, "pull">;

const LENGTH_FORMATS = ["uint-be", "uint-le", "ascii", "bcd", "ebcdic", "varint"] as const;

/** The values of the options. */
export interface ReceiveOptions<Name extends ReceiveName = ReceiveName> {
  readonly receive: Name;
  readonly flag: number | undefined;
  readonly delimiter: Buffer | undefined;
  readonly "length-bytes": number | undefined;
  readonly "length-format": (typeof LENGTH_FORMATS)[number] | undefined;
  readonly "max-packet": number | undefined;
}

/** The options themselves, rows for the table of a command that takes one of `names`. */
export function receiveOptionTable<Name extends ReceiveName>(
  names: readonly Name[],
  absent: Name,
): { readonly [Key in keyof ReceiveOptions<Name>]: Option<ReceiveOptions<Name>[Key]> } {
  return {
    receive: choiceOption(names, `how bytes become packets (default: ${absent})`, absent),
    flag: integerOption(
      "pack: mark of the packets, as 361 or 0x169 (default: 0)",
      { min: 0, max: 1_023 },
      undefined,
    ),
    delimiter: escapedOption(
      "TEXT",
      "line: what ends a packet, with \\n \\r \\t \\0 \\xHH (default: \\n)",
    ),
    "length-bytes": integerOption(
      "length: bytes of the length (default: 4)",
      { min: 1, max: 15 },
      undefined,
    ),
    "length-format": choiceOption(
      LENGTH_FORMATS,
      "length: how it is written (default: uint-be)",
      undefined,
    ),
    "max-packet": integerOption(
      "pack, line, length: largest packet in bytes (default: the model's)",
      { min: 1, max: 2 ** 30 },
      undefined,
    ),
  };
}

/** Which models each of the options belongs to. */
const OWNERS: Readonly<Record<keyof Omit<ReceiveOptions, "receive">, readonly ReceiveName[]>> = {
  flag: ["pack"],
  delimiter: ["line"],
  "length-bytes": ["length"],
  "length-format": ["length"],
  "max-packet": ["pack", "line", "length"],
};

/**
 * The model that the options describe. Throws `UsageError` for an option that the model does not
 * have, and `INVALID_ARGUMENT` for a value that it refuses.
 */
export function receiveModelOf(options: ReceiveOptions<DataReceiveName>): ReceiveModel<Buffer>;
export function receiveModelOf(options: ReceiveOptions): ReceiveModel;
export function receiveModelOf(options: ReceiveOptions): ReceiveModel {
  assertOwners(options);
  try {
    return modelOf(options);
  } catch (error) {
    throw namedAsTyped(error);
  }
}

/** The names that the models have for what was typed. */
const TYPED_NAMES: Readonly<Record<string, string>> = {
  bytes: "--length-bytes",
  delimiter: "--delimiter",
  flag: "--flag",
  format: "--length-format",
  maxPacketBytes: "--max-packet",
};

function namedAsTyped(error: unknown): unknown {
  if (!(error instanceof NetError) || error.code !== "INVALID_ARGUMENT") return error;
  const [word = "", ...rest] = error.message.split(" ");
  const name = TYPED_NAMES[word];
  return name === undefined ? error : new UsageError([name, ...rest].join(" "));
}

function modelOf(options: ReceiveOptions): ReceiveModel {
  const { receive, flag, delimiter: mark } = options;
  const maxPacketBytes = options["max-packet"];
  const limit = maxPacketBytes === undefined ? {} : { maxPacketBytes };
  switch (receive) {
    case "push":
      return push();
    case "pull":
      return pull();
    case "pack":
      return pack({ ...limit, ...(flag !== undefined && { flag }) });
    case "line":
      return delimiter({ ...limit, ...(mark !== undefined && { delimiter: mark }) });
    case "length":
      return lengthPrefix({ ...limit, ...lengthField(options) });
  }
}

function lengthField(options: ReceiveOptions): LengthPrefixOptions {
  const format = options["length-format"] ?? "uint-be";
  const bytes = options["length-bytes"];
  if (format !== "varint") return { format, bytes: bytes ?? 4 };
  if (bytes === undefined) return { format };
  throw new UsageError("--length-bytes does not go with --length-format varint");
}

function assertOwners(options: ReceiveOptions): void {
  for (const [name, owners] of Object.entries(OWNERS)) {
    if (options[name as keyof typeof OWNERS] === undefined) continue;
    if (owners.includes(options.receive)) continue;
    const models = owners.join(" or ");
    throw new UsageError(`--${name} goes with --receive ${models}, not with ${options.receive}`);
  }
}

/** Bytes that may occur in a packet of the model, whatever their order. */
export function payloadAlphabet(options: ReceiveOptions): Uint8Array {
  if (options.receive !== "line") return Uint8Array.from({ length: 256 }, (_, byte) => byte);
  // What does not have its first byte can't have the delimiter; and a carriage return may be trimmed.
  const first = options.delimiter?.[0];
  const printable = Uint8Array.from({ length: 94 }, (_, index) => 0x21 + index);
  return printable.filter((byte) => byte !== first);
}

/** `--name TEXT`, not empty, with escapes that stand for bytes. */
export function escapedOption(placeholder: string, help: string): Option<Buffer | undefined> {
  const option = textOption(placeholder, help);
  return {
    ...option,
    absent: undefined,
    read: (text, name) => unescaped(option.read(text, name) ?? "", name),
  };
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  "0": "\0",
  "\\": "\\",
};

function unescaped(text: string, name: string): Buffer {
  const parts: Buffer[] = [];
  for (const [part] of text.matchAll(/\\x[0-9a-fA-F]{2}|\\.|[^\\]+|\\/gsu)) {
    if (/^\\x../.test(part)) {
      parts.push(Buffer.from(part.slice(2), "hex"));
    } else if (part.startsWith("\\")) {
      const character = ESCAPES[part.slice(1)];
      if (character === undefined) throw new UsageError(`${name} has ${quoted(part)}, no escape`);
      parts.push(Buffer.from(character));
    } else {
      parts.push(Buffer.from(part));
    }
  }
  return Buffer.concat(parts);
}
