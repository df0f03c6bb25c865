/** What a load has to say at its end: a table for people, or JSON. */

import type { HistogramRow } from "./latency-histogram.js";
import type { LoadOutcome } from "./load-run.js";
import type { LoadTally } from "./load-tally.js";
import { byteText, countText, timeText } from "./quantity.js";

/** What was loaded, and what came of it. */
export interface LoadResult {
  readonly target: string;
  readonly receiveName: string;
  readonly connectionCount: number;
  readonly tally: LoadTally;
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

/** The result as one JSON object. Rates are per second of the measured time. */
export function loadJson(result: LoadResult): string {
  const { target, receiveName, connectionCount, tally, outcome } = result;
  const latencyUs = Object.fromEntries(
    PERCENTILES.map(([name, percent]) => [
      name.replace(".", ""),
      microseconds(tally.latencies.percentileMs(percent)),
    ]),
  );
  const errors = Object.fromEntries([...tally.failures].map(([code, { count }]) => [code, count]));
  return JSON.stringify({
    target,
    engine: outcome.engineName,
    receive: receiveName,
    connections: {
      wanted: connectionCount,
      opened: outcome.openedCount,
      failed: outcome.failedCount,
    },
    openMs: rounded(outcome.openMs),
    messageBytes: tally.pattern.messageBytes,
    depth: tally.depth,
    measuredMs: rounded(outcome.measuredMs),
    messages: tally.latencies.count,
    messagesPerSecond: rounded(messageRate(result)),
    bytesPerSecondEachWay: rounded(messageRate(result) * tally.pattern.messageBytes),
    verifiedBytes: tally.verifiedBytes,
    latencyUs: { ...latencyUs, max: microseconds(tally.latencies.maxMs) },
    errors,
  });
}

/** The result as a table. */
export function loadText(result: LoadResult): string {
  const { target, receiveName, connectionCount, tally, outcome } = result;
  const { messageBytes } = tally.pattern;
  const rate = messageRate(result);
  const rows = [
    ["target", `${target}, ${receiveName}, engine ${outcome.engineName}`],
    [
      "connections",
      `${countText(outcome.openedCount)} of ${countText(connectionCount)} opened in ` +
        `${timeText(outcome.openMs)}, ${countText(outcome.failedCount)} failed`,
    ],
    ["load", `${byteText(messageBytes)} a message, ${tally.depth} in flight on each connection`],
    [
      "messages",
      `${countText(rate)}/s (${countText(tally.latencies.count)} in ${timeText(outcome.measuredMs)})`,
    ],
    [
      "bytes",
      `${byteText(rate * messageBytes)}/s each way, ${byteText(tally.verifiedBytes)} verified`,
    ],
    ...latencyRows(tally),
    ...errorRows(tally),
  ] as const;
  return rows.map(([left, right]) => `${left.padEnd(13)}${right}`.trimEnd()).join("\n");
}

type Row = readonly [left: string, right: string];

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

function errorRows({ failures }: LoadTally): readonly Row[] {
  if (failures.size === 0) return [["errors", "none"]];
  return [...failures].map(([code, { count, text }], index) => [
    index === 0 ? "errors" : "",
    `${code} ${count}: ${text}`,
  ]);
}

function messageRate({ tally, outcome }: LoadResult): number {
  const { measuredMs } = outcome;
  return measuredMs === 0 ? 0 : (tally.latencies.count * 1_000) / measuredMs;
}

function microseconds(ms: number): number {
  return rounded(ms * US_PER_MS);
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
