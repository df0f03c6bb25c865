/** What loads have to say at their end: a table for people, or JSON. */
import { countText, timeText } from "../choices/quantity.js";
import type { Paint } from "../terminal/paint.js";
import type { HistogramRow } from "./latency-histogram.js";
import type { LoadOutcome } from "./load-run.js";
import type { LoadTally } from "./load-tally.js";

/** What was loaded, and what came of it. */
export interface LoadResult<Tally extends LoadTally = LoadTally> {
  readonly target: string;
  readonly connectionCount: number;
  readonly tally: Tally;
  readonly outcome: LoadOutcome;
}

const PERCENTILES = [
  ["p50", 50],
  ["p90", 90],
  ["p99", 99],
  ["p99.9", 99.9],
] as const;

const BAR_WIDTH = 40;
const US_PER_MS = 1_000;

/** A line of the table. */
export type Row = readonly [left: string, right: string];

/** What a kind of load says beyond what all say. */
export interface LoadReport {
  /** What was loaded. */
  readonly subject: string;
  /** What was sent at a time. */
  readonly load: string;
  /** For JSON. */
  readonly figures: object;
  /** For the table, before latency and behind it. */
  readonly rows: readonly Row[];
  readonly lastRows?: readonly Row[];
}

/** The result as one JSON object. Rates are per second of the measured time. */
export function reportJson(result: LoadResult, { figures }: LoadReport): string {
  const { target, tally, outcome } = result;
  return JSON.stringify({
    target,
    engine: outcome.engineName,
    connections: connectionFigures(result),
    openMs: rounded(outcome.openMs),
    depth: tally.depth,
    measuredMs: rounded(outcome.measuredMs),
    ...figures,
    latencyUs: latencyFigures(tally),
    errors: errorFigures(tally),
  });
}

/** The result as a table. `unit`: what was counted. */
export function reportText(
  result: LoadResult,
  { subject, load, rows, lastRows = [] }: LoadReport,
  unit: string,
  paint: Paint,
): string {
  const { tally, outcome } = result;
  const count = `${countText(tally.latencies.count)} in ${timeText(outcome.measuredMs)}`;
  const all: Row[] = [
    ["target", `${subject}, engine ${outcome.engineName}`],
    connectionRow(result),
    ["load", `${load}, ${tally.depth} in flight on each connection`],
    [unit, `${countText(messageRate(result))}/s (${count})`],
    ...rows,
    ...latencyRows(tally),
    ...lastRows,
    ...errorRows(tally, paint),
  ];
  return all.map(([left, right]) => `${left.padEnd(13)}${right}`.trimEnd()).join("\n");
}

/** For JSON: connections. */
export function connectionFigures({ connectionCount, outcome }: LoadResult): object {
  const { openedCount, failedCount } = outcome;
  return { wanted: connectionCount, opened: openedCount, failed: failedCount };
}

/** For JSON: latency in microseconds. */
function latencyFigures({ latencies }: LoadTally): object {
  const percentiles = PERCENTILES.map(([name, percent]) => [
    name.replace(".", ""),
    microseconds(latencies.percentileMs(percent)),
  ]);
  return { ...Object.fromEntries(percentiles), max: microseconds(latencies.maxMs) };
}

/** For JSON: failures by code. */
function errorFigures({ failures }: LoadTally): object {
  return Object.fromEntries([...failures].map(([code, { count }]) => [code, count]));
}

/** How many connections were opened. */
function connectionRow({ connectionCount, outcome }: LoadResult): Row {
  const { openedCount, failedCount, replacedCount, openMs } = outcome;
  const replaced = replacedCount === 0 ? "" : `, ${countText(replacedCount)} replaced`;
  return [
    "connections",
    `${countText(openedCount)} of ${countText(connectionCount)} opened in ` +
      `${timeText(openMs)}, ${countText(failedCount)} failed${replaced}`,
  ];
}

/** Percentiles, and a histogram. */
function latencyRows({ latencies }: LoadTally): readonly Row[] {
  if (latencies.count === 0) return [["latency", "none measured"]];
  const figures = PERCENTILES.map(
    ([name, percent]) => `${name} ${timeText(latencies.percentileMs(percent))}`,
  );
  const first: Row = ["latency", [...figures, `max ${timeText(latencies.maxMs)}`].join("  ")];
  return [first, ...histogramRows(latencies.rows(), latencies.count)];
}

/** A bar for each power of two, the longest of full width. */
function histogramRows(rows: readonly HistogramRow[], total: number): readonly Row[] {
  const most = Math.max(...rows.map(({ count }) => count));
  return rows.map(({ toMs, count }) => {
    const bar = "#".repeat(Math.ceil((count / most) * BAR_WIDTH));
    const share = ((100 * count) / total).toFixed(count === total ? 0 : 2);
    return ["", `< ${timeText(toMs).padEnd(8)} ${share.padStart(6)} %  ${bar}`];
  });
}

/** Failures by code, each with what the first of them said. */
function errorRows({ failures }: LoadTally, paint: Paint): readonly Row[] {
  if (failures.size === 0) return [["errors", paint.green("none")]];
  return [...failures].map(([code, { count, text }], index) => [
    index === 0 ? "errors" : "",
    paint.red(`${code} ${count}: ${text}`),
  ]);
}

/** Messages per second of the measured time. */
export function messageRate({ tally, outcome }: LoadResult): number {
  return perSecond(tally.latencies.count, outcome);
}

/** An amount of the measured time, per second. */
export function perSecond(amount: number, { measuredMs }: LoadOutcome): number {
  return measuredMs === 0 ? 0 : (amount * 1_000) / measuredMs;
}

function microseconds(ms: number): number {
  return rounded(ms * US_PER_MS);
}

/** To one decimal, for JSON. */
export function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
