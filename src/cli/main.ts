import { NetError } from "../index.js";
import { cat } from "./cat.js";
import type { Command, ExitCode } from "./command.js";
import { asksForHelp, helpRows, optionHelp, quoted, UsageError } from "./command-line.js";
import { doctor } from "./doctor.js";
import { echo } from "./echo.js";
import { http } from "./http.js";
import { load } from "./load.js";
import { complain, print, toleratePipeEnd } from "./output.js";
import { packageVersion } from "./package-version.js";
import { serve } from "./serve.js";

const COMMANDS: readonly Command[] = [serve, echo, load, http, cat, doctor];

/** Runs the program with the words of its command line; answers its exit code. */
export async function main(argv: readonly string[]): Promise<ExitCode> {
  toleratePipeEnd();
  const [name, ...rest] = argv;
  if (name === undefined || name === "--help" || name === "-h") return show(overview());
  if (name === "--version") return show(packageVersion());
  const command = COMMANDS.find((one) => one.name === name);
  if (command === undefined) {
    complain(undefined, `${quoted(name)} is no command; \`hp-socket --help\` shows them`);
    return 2;
  }
  if (asksForHelp(rest)) return show(commandHelp(command));
  try {
    return await command.run(rest);
  } catch (error) {
    return explain(command, error);
  }
}

function show(text: string): ExitCode {
  print(text);
  return 0;
}

/** Says in one line what went wrong. What is no one's fault but ours is thrown on. */
function explain({ name }: Command, error: unknown): ExitCode {
  if (error instanceof UsageError) {
    complain(name, `${error.message} (see \`hp-socket ${name} --help\`)`);
    return 2;
  }
  if (!(error instanceof NetError)) throw error;
  complain(name, `${error.code}: ${error.message}`);
  return error.code === "INVALID_ARGUMENT" ? 2 : 1;
}

function overview(): string {
  return [
    "Usage: hp-socket COMMAND [options]",
    "",
    "Commands:",
    helpRows(COMMANDS.map(({ name, usage, summary }) => [`${name} ${usage}`, summary])),
    "",
    "Options:",
    helpRows([
      ["COMMAND --help", "what a command can do"],
      ["--help", "show this"],
      ["--version", "show the version"],
    ]),
  ].join("\n");
}

function commandHelp({ name, usage, summary, options, notes }: Command): string {
  const text = [
    `Usage: hp-socket ${name} ${usage}`,
    "",
    `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`,
    "",
    "Options:",
    optionHelp(options),
  ];
  if (notes !== undefined) text.push("", notes);
  return text.join("\n");
}
