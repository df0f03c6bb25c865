/** Where a relay goes to, and how it looks after that, out of what was typed. */
import { readFileSync } from "node:fs";
import { type ClientTls, parseHostPort } from "../../index.js";
import type { HealthCheckOptions, PoolBalance } from "../../pool/index.js";
import type { RelayNames } from "../../proxy/index.js";
import {
  choiceOption,
  listOption,
  type Option,
  quoted,
  secondsOption,
  switchOption,
  textOption,
  UsageError,
} from "../command-line.js";
import { escapedOption } from "./receive-choice.js";

/** What says where a relay goes to. */
export interface DestinationChoice {
  readonly to: readonly string[];
  readonly "to-file": string | undefined;
  readonly sni: readonly string[];
  readonly balance: PoolBalance | undefined;
  readonly check: number | undefined;
  readonly "check-send": Buffer | undefined;
  readonly "check-expect": Buffer | undefined;
  readonly "to-tls": boolean;
  readonly "to-ca": string | undefined;
  readonly "to-name": string | undefined;
}

/** Rows for the table of the command. */
export function destinationTable(): {
  readonly [Key in keyof DestinationChoice]: Option<DestinationChoice[Key]>;
} {
  return {
    to: listOption("HOST:PORT", "where to, repeatable: one for each client", () => {}),
    "to-file": textOption("FILE", "where to, one HOST:PORT a line; read again at SIGHUP"),
    sni: listOption(
      "NAME=HOST:PORT",
      "TLS for this name, which is passed on, repeatable",
      assertRoute,
    ),
    balance: choiceOption<PoolBalance, undefined>(
      ["leastUsed", "roundRobin", "randomOfTwo"],
      "which destination is first (default: leastUsed)",
      undefined,
    ),
    check: secondsOption(
      "look so often whether destinations are there",
      { min: 0.01, max: 86_400 },
      undefined,
    ),
    "check-send": escapedOption("TEXT", "check: what is sent, with \\n \\r \\t \\0 \\xHH"),
    "check-expect": escapedOption("TEXT", "check: what the answer has to have in it"),
    "to-tls": switchOption("TLS to the destinations, which are verified"),
    "to-ca": textOption("FILE", "to-tls: trusted authorities, PEM (default: those of Node)"),
    "to-name": textOption("NAME", "to-tls: name to send and to verify (default: HOST)"),
  };
}

function assertRoute(text: string, name: string): void {
  if (text.indexOf("=") < 1)
    throw new UsageError(`${name} must be NAME=HOST:PORT, not ${quoted(text)}`);
}

/** The destinations of `--to` and of the file. Throws `UsageError` where the file can't be read. */
export function destinationsOf(to: readonly string[], file: string | undefined): string[] {
  if (file === undefined) return [...to];
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError(`--to-file ${file} can't be read: ${(error as Error).message}`);
  }
  const lines = text.split("\n").map((line) => line.replace(/#.*/, "").trim());
  const found = lines.filter((line) => line !== "");
  const wrong = found.find((line) => parseHostPort(line) === undefined);
  if (wrong !== undefined) {
    throw new UsageError(`--to-file ${file} has ${quoted(wrong)}, which is no HOST:PORT`);
  }
  return [...to, ...found];
}

/** Destinations by name; those without one go to the others, where there are any. */
export function namesOf(routes: readonly string[], hasOthers: boolean): RelayNames | undefined {
  if (routes.length === 0) return undefined;
  const byName: Record<string, string[]> = {};
  for (const route of routes) {
    const equals = route.indexOf("=");
    const name = route.slice(0, equals);
    byName[name] = [...(byName[name] ?? []), route.slice(equals + 1)];
  }
  const others = hasOthers ? "to" : "refuse";
  return { routes: byName, unnamed: others, unknown: others };
}

/** What `--check` and its like ask for. */
export function checkOf(
  seconds: number | undefined,
  send: Buffer | undefined,
  expect: Buffer | undefined,
): HealthCheckOptions | undefined {
  if (seconds === undefined) {
    if (send === undefined && expect === undefined) return undefined;
    throw new UsageError("--check-send and --check-expect go with --check");
  }
  return {
    everyMs: Math.round(seconds * 1_000),
    ...(send !== undefined && { send }),
    ...(expect !== undefined && { expect }),
  };
}

/** The TLS to the destinations. */
export function toTlsOf(
  isWanted: boolean,
  ca: string | undefined,
  name: string | undefined,
): ClientTls | undefined {
  if (!isWanted) {
    if (ca === undefined && name === undefined) return undefined;
    throw new UsageError("--to-ca and --to-name go with --to-tls");
  }
  return {
    ...(ca !== undefined && { caFile: ca }),
    ...(name !== undefined && { serverName: name }),
  };
}
