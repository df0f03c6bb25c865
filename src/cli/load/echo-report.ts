/** What a load of an echo server has to say at its end: a table for people, or JSON. */
import { byteText, countText, timeText } from "../choices/quantity.js";
import type { Paint } from "../terminal/paint.js";
import type { EchoTally } from "./echo-tally.js";
import {
  connectionFigures,
  connectionRow,
  errorFigures,
  errorRows,
  type LoadResult,
  latencyFigures,
  latencyRows,
  messageRate,
  rounded,
  tableText,
} from "./load-report.js";

/** What was loaded, and what came of it. */
export interface EchoResult extends LoadResult<EchoTally> {
  readonly receiveName: string;
}

/** The result as one JSON object. Rates are per second of the measured time. */
export function echoJson(result: EchoResult): string {
  const { target, receiveName, tally, outcome } = result;
  return JSON.stringify({
    target,
    engine: outcome.engineName,
    receive: receiveName,
    connections: connectionFigures(result),
    openMs: rounded(outcome.openMs),
    messageBytes: tally.pattern.messageBytes,
    depth: tally.depth,
    measuredMs: rounded(outcome.measuredMs),
    messages: tally.latencies.count,
    messagesPerSecond: rounded(messageRate(result)),
    bytesPerSecondEachWay: rounded(messageRate(result) * tally.pattern.messageBytes),
    verifiedBytes: tally.verifiedBytes,
    latencyUs: latencyFigures(tally),
    errors: errorFigures(tally),
  });
}

/** The result as a table. */
export function echoText(result: EchoResult, paint: Paint): string {
  const { target, receiveName, tally, outcome } = result;
  const { messageBytes } = tally.pattern;
  const rate = messageRate(result);
  return tableText([
    ["target", `${target}, ${receiveName}, engine ${outcome.engineName}`],
    connectionRow(result),
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
    ...errorRows(tally, paint),
  ]);
}
