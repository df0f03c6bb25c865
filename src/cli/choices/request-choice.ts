/** `--header`, `--data` and the method: what to ask for, for commands that speak HTTP. */
import { Buffer } from "node:buffer";
import {
  listOption,
  type Option,
  quoted,
  textOption,
  UsageError,
  withShort,
} from "../command-line.js";

/** The values of the options. */
export interface RequestOptions {
  readonly header: readonly string[];
  readonly user: string | undefined;
  readonly data: string | undefined;
}

/** Rows for the table of a command. `dataHelp`: in which forms the body can be given. */
export function requestTable(dataHelp: string): {
  readonly [Key in keyof RequestOptions]: Option<RequestOptions[Key]>;
} {
  return {
    header: withShort("H", listOption("'NAME: VALUE'", "a field; as often as wanted", readField)),
    user: withShort("u", textOption("NAME:PASSWORD", "log in with these (Basic)")),
    data: withShort("d", dataOption(dataHelp)),
  };
}

/** Text that may be empty: an empty body is a body. */
function dataOption(help: string): Option<string | undefined> {
  return { ...textOption("DATA", help), read: (text) => text };
}

type Field = readonly [name: string, value: string];

/** The fields that were typed, in their order. */
export function fieldsOf({ header, user }: RequestOptions): Field[] {
  const fields = header.map((text) => readField(text));
  return user === undefined ? fields : [...fields, ["Authorization", basicCredentials(user)]];
}

/** RFC 7617 §2. */
function basicCredentials(user: string): string {
  return `Basic ${Buffer.from(user.includes(":") ? user : `${user}:`, "utf8").toString("base64")}`;
}

function readField(text: string): Field {
  const match = /^([^\s:]+):[ \t]*([^\r\n\0]*?)[ \t]*$/.exec(text);
  if (match === null) throw new UsageError(`--header must be 'NAME: VALUE', not ${quoted(text)}`);
  return [match[1] ?? "", match[2] ?? ""];
}

/** Methods that are taken for these in whatever capitals they are typed; of others case counts. */
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];

/** Whether a word can only be meant as a method: no host is called so. */
export function isMethod(word: string | undefined): word is string {
  return word !== undefined && METHODS.includes(word);
}

/** The method that was typed, or the one that goes with a body, or without. */
export function methodOf(typed: string | undefined, hasBody: boolean): string {
  const word = typed ?? (hasBody ? "POST" : "GET");
  const method = METHODS.find((known) => known === word.toUpperCase()) ?? word;
  if (!/^[!#$%&'*+.^_`|~\w-]+$/.test(method)) {
    throw new UsageError(`${quoted(method)} is no method of HTTP`);
  }
  if (method === "CONNECT")
    throw new UsageError("CONNECT makes tunnels, and no response to be shown");
  return method;
}
