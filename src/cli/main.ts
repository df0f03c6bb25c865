import process from "node:process";
import { closestWord } from "../closest-word.js";
import { NetError } from "../errors.js";
import type { Command, ExitCode } from "./command.js";
import {
  asksForHelp,
  helpRows,
  type OptionTable,
  optionHelp,
  quoted,
  UsageError,
} from "./command-line.js";
import { COMMAND_NAMES, loadCommand, loadCommands } from "./commands.js";
import { packageVersion } from "./own-package.js";
import { Terminal } from "./terminal/terminal.js";
import { withTypedNames } from "./typed-names.js";

/** Runs the program with the words of its command line; returns its exit code. */
export async function main(
  argv: readonly string[],
  terminal: Terminal = new Terminal(process),
): Promise<ExitCode> {
  const [name, ...rest] = argv;
  if (name === undefined || name === "--help" || name === "-h") return help([], terminal);
  if (name === "help") return help(rest, terminal);
  if (name === "--version" || name === "-v") return show(packageVersion(), terminal);
  const command = await loadCommand(name);
  if (command === undefined) return refuse(name, terminal);
  if (asksForHelp(rest)) return help([name], terminal);
  try {
    const exitCode = await command.run(rest, terminal);
    return terminal.hasFailed ? 1 : exitCode;
  } catch (error) {
    return explain(command, error, terminal);
  }
}

/** Help of the command whose name was typed, or of all. */
async function help([name]: readonly string[], terminal: Terminal): Promise<ExitCode> {
  if (name === undefined) return show(overview(await loadCommands(), terminal), terminal);
  const command = await loadCommand(name);
  if (command === undefined) return refuse(name, terminal);
  return show(commandHelp(command, terminal), terminal);
}

function show(text: string, terminal: Terminal): ExitCode {
  terminal.print(text);
  return 0;
}

function refuse(name: string, terminal: Terminal): ExitCode {
  const meant = closestWord(name, [...COMMAND_NAMES, "help", "--help", "--version"]);
  const advice =
    meant === undefined ? "`hp-socket help` shows them" : `did you mean ${quoted(meant)}?`;
  terminal.complain(undefined, `${quoted(name)} is no command; ${advice}`);
  return 2;
}

/** Says in one line what went wrong. What is no one's fault but ours is thrown on. */
function explain({ name, options }: Command, error: unknown, terminal: Terminal): ExitCode {
  const wrong = wrongArgument(error, options);
  if (wrong !== undefined) {
    terminal.complain(name, `${wrong} (see \`hp-socket help ${name}\`)`);
    return 2;
  }
  if (!(error instanceof NetError)) throw error;
  terminal.complain(name, `${error.code}: ${error.message}`);
  return 1;
}

/** What is wrong with what was typed; undefined where something else went wrong. */
function wrongArgument(error: unknown, options: OptionTable): string | undefined {
  if (error instanceof UsageError) return error.message;
  if (!(error instanceof NetError) || error.code !== "INVALID_ARGUMENT") return undefined;
  return withTypedNames(error.message, options);
}

function overview(commands: readonly Command[], { paint }: Terminal): string {
  return [
    `${paint.bold("Usage:")} hp-socket COMMAND [options]`,
    "",
    paint.bold("Commands:"),
    helpRows(commands.map(({ name, usage, summary }) => [`${name} ${usage}`, summary])),
    "",
    paint.bold("Options:"),
    helpRows([
      ["help COMMAND", "what a command can do; COMMAND --help as well"],
      ["-h, --help", "show this"],
      ["-v, --version", "show the version"],
    ]),
  ].join("\n");
}

function commandHelp(
  { name, usage, summary, options, notes }: Command,
  terminal: Terminal,
): string {
  const { paint } = terminal;
  const text = [
    `${paint.bold("Usage:")} hp-socket ${name} ${usage}`,
    "",
    `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`,
    "",
    paint.bold("Options:"),
    optionHelp(options),
  ];
  if (notes !== undefined) text.push("", notes);
  return text.join("\n");
}
