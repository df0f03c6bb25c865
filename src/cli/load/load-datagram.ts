import { parseHostPort } from "../../index.js";
import { byteText, countText } from "../choices/quantity.js";
import type { ExitCode } from "../command.js";
import {
  integerOption,
  type OptionTable,
  type OtherOptions,
  quoted,
  readCommandLine,
  switchOption,
  UsageError,
} from "../command-line.js";
import type { Terminal } from "../terminal/terminal.js";
import { DatagramLoad } from "./datagram-load.js";
import { DatagramTally, HEAD_BYTES } from "./datagram-tally.js";
import { udpLoadAgent } from "./load-agents.js";
import { type LoadReport, type LoadResult, messageRate, rounded } from "./load-report.js";
import { countOption, loadTable, runLoad } from "./load-session.js";

const OPTIONS = {
  ...loadTable(),
  size: integerOption("bytes of a datagram (default: 64)", { min: HEAD_BYTES, max: 65_507 }, 64),
  messages: countOption(),
  udp: switchOption("datagrams, of an echo server over UDP; what gets lost is counted"),
};

/** The options of a load of a UDP echo server. */
export const DATAGRAM_LOAD_OPTIONS: OptionTable = OPTIONS;

/** Loads a UDP echo server. `argv`: what was typed behind `load`; `others`: options of the other kinds of load. */
export async function loadDatagrams(
  argv: readonly string[],
  terminal: Terminal,
  others: readonly OtherOptions[],
): Promise<ExitCode> {
  const { options, positionals } = readCommandLine(OPTIONS, argv, 1, ...others);
  const target = positionals[0] ?? "";
  const connect = parseHostPort(target);
  if (connect === undefined || connect.port === 0) {
    throw new UsageError(`${quoted(target)} is not HOST:PORT, such as 127.0.0.1:5555`);
  }
  const { engine, size, depth } = options;
  const tally = new DatagramTally(size, depth);
  return await runLoad({
    terminal,
    target,
    options,
    tally,
    unit: "datagrams",
    count: options.messages,
    createAgent: udpLoadAgent({ connect, engine, messageBytes: size, inFlightBytes: depth * size }),
    createLoad: () => new DatagramLoad(tally),
    byteCount: () => tally.verifiedBytes,
    report,
  });
}

function report(result: LoadResult<DatagramTally>): LoadReport {
  const { target, tally } = result;
  const { lostCount, latencies, messageBytes, verifiedBytes } = tally;
  const share = lostCount === 0 ? 0 : (100 * lostCount) / (lostCount + latencies.count);
  return {
    subject: `${target}, UDP`,
    load: `${byteText(messageBytes)} a datagram`,
    figures: {
      transport: "udp",
      messageBytes,
      messages: latencies.count,
      messagesPerSecond: rounded(messageRate(result)),
      lost: lostCount,
      verifiedBytes,
    },
    rows: [
      ["lost", `${countText(lostCount)} (${share.toFixed(2)} %)`],
      ["bytes", `${byteText(verifiedBytes)} verified`],
    ],
  };
}
