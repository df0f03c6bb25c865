import { parseHostPort } from "../../index.js";
import { byteText, countText, timeText } from "../choices/quantity.js";
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
import { boundLoad, countOption, loadTable, runLoad } from "./load-session.js";
import { udpLoadAgent } from "./udp-load-agent.js";

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
  const { engine, size, depth, connections: connectionCount } = options;
  const tally = new DatagramTally(size, depth);
  const plan = {
    createAgent: udpLoadAgent({ connect, engine, messageBytes: size, inFlightBytes: depth * size }),
    connectionCount,
    ...boundLoad(tally, options, options.messages, "--messages"),
    createLoad: () => new DatagramLoad(tally),
  };
  const byteCount = (): number => tally.verifiedBytes;
  const outcome = await runLoad({ terminal, plan, tally, unit: "datagrams", byteCount });
  const result: DatagramResult = { target, connectionCount, tally, outcome };
  terminal.print(options.json ? jsonOf(result) : textOf(result, terminal));
  return tally.failures.size === 0 ? 0 : 1;
}

type DatagramResult = LoadResult<DatagramTally>;

function jsonOf(result: DatagramResult): string {
  const { target, tally, outcome } = result;
  return JSON.stringify({
    target,
    engine: outcome.engineName,
    transport: "udp",
    connections: connectionFigures(result),
    openMs: rounded(outcome.openMs),
    messageBytes: tally.messageBytes,
    depth: tally.depth,
    measuredMs: rounded(outcome.measuredMs),
    messages: tally.latencies.count,
    messagesPerSecond: rounded(messageRate(result)),
    lost: tally.lostCount,
    verifiedBytes: tally.verifiedBytes,
    latencyUs: latencyFigures(tally),
    errors: errorFigures(tally),
  });
}

function textOf(result: DatagramResult, { paint }: Terminal): string {
  const { target, tally, outcome } = result;
  const { lostCount, latencies, messageBytes } = tally;
  const share = lostCount === 0 ? 0 : (100 * lostCount) / (lostCount + latencies.count);
  return tableText([
    ["target", `${target}, UDP, engine ${outcome.engineName}`],
    connectionRow(result),
    ["load", `${byteText(messageBytes)} a datagram, ${tally.depth} in flight on each connection`],
    [
      "datagrams",
      `${countText(messageRate(result))}/s (${countText(latencies.count)} in ${timeText(outcome.measuredMs)})`,
    ],
    ["lost", `${countText(lostCount)} (${share.toFixed(2)} %)`],
    ["bytes", `${byteText(tally.verifiedBytes)} verified`],
    ...latencyRows(tally),
    ...errorRows(tally, paint),
  ]);
}
