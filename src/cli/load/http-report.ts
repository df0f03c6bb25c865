/** What a load of an HTTP server has to say at its end: a table for people, or JSON. */
import { byteText, countText, timeText } from "../choices/quantity.js";
import type { Paint } from "../terminal/paint.js";
import type { HttpTally } from "./http-tally.js";
import {
  connectionFigures,
  connectionRow,
  errorFigures,
  errorRows,
  type LoadResult,
  latencyFigures,
  latencyRows,
  messageRate,
  perSecond,
  rounded,
  tableText,
} from "./load-report.js";

/** What was loaded, and what came of it. */
export type HttpResult = LoadResult<HttpTally>;

/** The result as one JSON object. Rates are per second of the measured time. */
export function httpJson(result: HttpResult): string {
  const { target, tally, outcome } = result;
  const { request } = tally;
  return JSON.stringify({
    target,
    engine: outcome.engineName,
    method: request.method,
    connections: { ...connectionFigures(result), replaced: outcome.replacedCount },
    openMs: rounded(outcome.openMs),
    requestBytes: request.byteCount,
    depth: tally.depth,
    measuredMs: rounded(outcome.measuredMs),
    requests: tally.latencies.count,
    requestsPerSecond: rounded(messageRate(result)),
    receivedBytesPerSecond: rounded(perSecond(tally.receivedBytes, outcome)),
    bodyBytes: tally.bodyBytes,
    latencyUs: latencyFigures(tally),
    statuses: Object.fromEntries(tally.statuses()),
    errors: errorFigures(tally),
  });
}

/** The result as a table. */
export function httpText(result: HttpResult, paint: Paint): string {
  const { target, tally, outcome } = result;
  const { request, depth } = tally;
  const count = tally.latencies.count;
  const statuses = tally.statuses().map(([status, times]) => `${status} × ${countText(times)}`);
  return tableText([
    ["target", `${request.method} ${target}, engine ${outcome.engineName}`],
    connectionRow(result),
    ["load", `${byteText(request.byteCount)} a request, ${depth} in flight on each connection`],
    [
      "requests",
      `${countText(messageRate(result))}/s (${countText(count)} in ${timeText(outcome.measuredMs)})`,
    ],
    [
      "bytes",
      `${byteText(perSecond(tally.receivedBytes, outcome))}/s received, ` +
        `${byteText(tally.bodyBytes)} of bodies`,
    ],
    ...latencyRows(tally),
    ["statuses", statuses.length === 0 ? "none" : statuses.join(" · ")],
    ...errorRows(tally, paint),
  ]);
}
