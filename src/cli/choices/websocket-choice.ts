/** `--header`, `--protocol` and `--origin`: what a WebSocket asks for. */
import { listOption, type Option, textOption, UsageError } from "../command-line.js";
import { fieldsOf, requestTable } from "./request-choice.js";

/** The values of the options. */
export interface SocketOptions {
  readonly header: readonly string[];
  readonly user: string | undefined;
  readonly protocol: readonly string[];
  readonly origin: string | undefined;
}

/** Rows for the table of a command. */
export function socketTable(): {
  readonly [Key in keyof SocketOptions]: Option<SocketOptions[Key]>;
} {
  const { header, user } = requestTable("");
  return {
    header,
    user,
    protocol: listOption("NAME", "ws: a subprotocol, as often as wanted", (text, name) => {
      if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(text)) {
        throw new UsageError(`${name} must be a token of HTTP`);
      }
    }),
    origin: textOption("URL", "ws: the field Origin"),
  };
}

/** The fields that were typed; with the credentials of the URL, if it has some. */
export function socketFieldsOf(
  { header, user }: SocketOptions,
  { username, password }: URL,
): readonly (readonly [string, string])[] {
  const given =
    username === "" ? undefined : `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return fieldsOf({ header, user: user ?? given, data: undefined });
}
