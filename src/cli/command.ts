/** What a command of the program is, and what they have in common. */
import type { AccessLogFormat } from "../http/index.js";
import { type EngineName, engineReport } from "../index.js";
import { choiceOption, type Option, type OptionTable, switchOption } from "./command-line.js";
import type { Terminal } from "./terminal/terminal.js";

/** 0: done; 1: it failed; 2: what was typed can't be. */
export type ExitCode = 0 | 1 | 2;

/** A command. */
export interface Command {
  readonly name: string;
  /** One line for the overview. */
  readonly summary: string;
  /** What stands behind the name, for example `HOST:PORT [options]`. */
  readonly usage: string;
  readonly options: OptionTable;
  /** More for `--help`, behind the options. */
  readonly notes?: string;
  /** Runs with the words behind the name. Rejects with `UsageError` or `NetError`. */
  run(argv: readonly string[], terminal: Terminal): Promise<ExitCode>;
}

/** What can be given to `--engine`. */
export type EngineChoiceName = "auto" | EngineName;

/** `--engine`, with the engines that there are. Left out, `HP_SOCKET_ENGINE` or the best. */
export function engineOption(): Option<EngineChoiceName | undefined> {
  const names: EngineChoiceName[] = ["auto", ...engineReport().map(({ name }) => name)];
  return choiceOption<EngineChoiceName, undefined>(
    names,
    "what moves the bytes (default: HP_SOCKET_ENGINE, or auto: the best there is)",
    undefined,
  );
}

/** `--json`. */
export function jsonOption(): Option<boolean> {
  return switchOption("print JSON, one object a line");
}

/** `--access-log`: how a line is written for each of what the command serves. */
export function accessLogOption(what: string): Option<AccessLogFormat | undefined> {
  return choiceOption<AccessLogFormat, undefined>(
    ["combined", "json"],
    `print a line for ${what} (default: none)`,
    undefined,
  );
}
