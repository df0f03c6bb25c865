/** How a load runs on the command line, and the options that all loads have. */
import { byteText, connectionsText, countText } from "../choices/quantity.js";
import { type EngineChoiceName, type ExitCode, engineOption, jsonOption } from "../command.js";
import { integerOption, type Option, secondsOption, UsageError } from "../command-line.js";
import { LiveLine } from "../terminal/live-line.js";
import type { Terminal } from "../terminal/terminal.js";
import type { ConnectionLoad } from "./connection-load.js";
import type { LoadAgentFactory } from "./load-agent.js";
import { type LoadReport, type LoadResult, reportJson, reportText } from "./load-report.js";
import { LoadRun } from "./load-run.js";
import type { LoadTally } from "./load-tally.js";

const DAY_MS = 86_400_000;
const MS_PER_SECOND = 1_000;
const DEFAULT_SECONDS = 5;
const DEFAULT_WARMUP = 0.5;

/** Options that all loads have. */
export interface LoadOptions {
  readonly connections: number;
  readonly depth: number;
  readonly engine: EngineChoiceName | undefined;
  readonly json: boolean;
  readonly seconds: number | undefined;
  readonly warmup: number | undefined;
}

/** Rows for the table of a load. */
export function loadTable(): { readonly [Key in keyof LoadOptions]: Option<LoadOptions[Key]> } {
  return {
    connections: integerOption("how many (default: 100)", { min: 1, max: 1_000_000 }, 100),
    depth: integerOption(
      "messages in flight on each connection (default: 1)",
      { min: 1, max: 65_536 },
      1,
    ),
    engine: engineOption(),
    json: jsonOption(),
    seconds: secondsOption("measured time (default: 5)", { min: 0.01, max: 86_400 }, undefined),
    warmup: secondsOption("time before it (default: 0.5)", { min: 0, max: 3_600 }, undefined),
  };
}

/** A number of messages or requests after which a load ends. */
export function countOption(of = ""): Option<number | undefined> {
  const text = `${of}end after so many, instead of --seconds`;
  return integerOption(text, { min: 1, max: Number.MAX_SAFE_INTEGER }, undefined);
}

/** A load that is to be run. */
export interface LoadSession<Tally extends LoadTally> {
  readonly terminal: Terminal;
  readonly target: string;
  readonly options: LoadOptions;
  readonly tally: Tally;
  /** What is counted. */
  readonly unit: "messages" | "datagrams" | "requests";
  /** So many end it, and are all measured; undefined: it ends by time. */
  readonly count: number | undefined;
  /** Makes the connections. */
  readonly createAgent: LoadAgentFactory;
  /** What the next connection does. */
  readonly createLoad: () => ConnectionLoad;
  /** Bytes that have come, or gone, so far. */
  byteCount(): number;
  report(result: LoadResult<Tally>): LoadReport;
}

/** Runs it, with live figures, and prints what came of it; the first signal ends it early. */
export async function runLoad<Tally extends LoadTally>(
  session: LoadSession<Tally>,
): Promise<ExitCode> {
  const { terminal, target, options, tally, unit, createAgent, createLoad } = session;
  const connectionCount = options.connections;
  const plan = { createAgent, createLoad, connectionCount, ...boundsOf(session) };
  const loadRun = new LoadRun(plan, tally);
  const releaseSignals = terminal.onStopSignal(() => loadRun.stop());
  const progress = liveProgress(loadRun, session);
  progress.start();
  try {
    const outcome = await loadRun.run();
    progress.stop();
    const result = { target, connectionCount, tally, outcome };
    const report = session.report(result);
    const { paint } = terminal;
    terminal.print(
      options.json ? reportJson(result, report) : reportText(result, report, unit, paint),
    );
    return tally.hasFailed ? 1 : 0;
  } finally {
    progress.stop();
    releaseSignals();
  }
}

function boundsOf({ tally, options, unit, count }: LoadSession<LoadTally>): LoadBounds {
  const { seconds, warmup } = options;
  if (count === undefined) {
    return {
      warmupMs: (warmup ?? DEFAULT_WARMUP) * MS_PER_SECOND,
      measuredMs: (seconds ?? DEFAULT_SECONDS) * MS_PER_SECOND,
    };
  }
  const name = unit === "requests" ? "--requests" : "--messages";
  if (seconds !== undefined) throw new UsageError(`${name} and --seconds exclude each other`);
  if (warmup !== undefined) throw new UsageError(`${name} and --warmup exclude each other`);
  tally.unsentCount = count;
  return { warmupMs: 0, measuredMs: DAY_MS };
}

interface LoadBounds {
  readonly warmupMs: number;
  readonly measuredMs: number;
}

function liveProgress(loadRun: LoadRun, session: LoadSession<LoadTally>): LiveLine {
  const { tally, unit, byteCount, terminal } = session;
  let countBefore = 0;
  let bytesBefore = 0;
  return new LiveLine(terminal, (seconds) => {
    const rate = (tally.messageCount - countBefore) / seconds;
    const bytes = byteCount();
    const byteRate = (bytes - bytesBefore) / seconds;
    countBefore = tally.messageCount;
    bytesBefore = bytes;
    return [
      connectionsText(loadRun.openCount),
      `${countText(rate)} ${unit}/s`,
      `${byteText(byteRate)}/s in`,
      `${countText(tally.failureCount)} errors`,
    ].join(" · ");
  });
}
