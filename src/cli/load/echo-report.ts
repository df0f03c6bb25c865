import { byteText } from "../choices/quantity.js";
import type { EchoTally } from "./echo-tally.js";
import { type LoadReport, type LoadResult, messageRate, rounded } from "./load-report.js";

/** What a load of an echo server has to say at its end. `receive`: how its messages travel. */
export function echoReport(result: LoadResult<EchoTally>, receive: string): LoadReport {
  const { target, tally } = result;
  const { messageBytes } = tally.pattern;
  const rate = messageRate(result);
  return {
    subject: `${target}, ${receive}`,
    load: `${byteText(messageBytes)} a message`,
    figures: {
      receive,
      messageBytes,
      messages: tally.latencies.count,
      messagesPerSecond: rounded(rate),
      bytesPerSecondEachWay: rounded(rate * messageBytes),
      verifiedBytes: tally.verifiedBytes,
    },
    rows: [
      [
        "bytes",
        `${byteText(rate * messageBytes)}/s each way, ${byteText(tally.verifiedBytes)} verified`,
      ],
    ],
  };
}
