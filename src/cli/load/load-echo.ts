import { readPeerAddress } from "../choices/peer-address.js";
import {
  DATA_RECEIVE_NAMES,
  payloadAlphabet,
  receiveModelOf,
  receiveOptionTable,
} from "../choices/receive-choice.js";
import { clientTlsOf, clientTlsTable } from "../choices/tls-choice.js";
import type { ExitCode } from "../command.js";
import {
  integerOption,
  type OptionTable,
  type OtherOptions,
  readCommandLine,
  switchOption,
  textOption,
  UsageError,
} from "../command-line.js";
import type { Terminal } from "../terminal/terminal.js";
import { BytePattern } from "./byte-pattern.js";
import { EchoLoad } from "./echo-load.js";
import { echoReport } from "./echo-report.js";
import { EchoTally } from "./echo-tally.js";
import type { LoadAgentFactory } from "./load-agent.js";
import { arqLoadAgent, tcpLoadAgent } from "./load-agents.js";
import { countOption, loadTable, runLoad } from "./load-session.js";

/** Bytes that may be in flight on one connection. */
const MAX_IN_FLIGHT_BYTES = 2 ** 30;
/** Room for head and tail of a packet. */
const FRAME_BYTES = 80;
/** 127 datagrams of 1,432 bytes, less their heads. */
const MAX_ARQ_BYTES = 178_816;

const OPTIONS = {
  ...loadTable(),
  size: integerOption("bytes of a message (default: 64)", { min: 1, max: 4_194_303 }, 64),
  messages: countOption(),
  arq: switchOption("reliable messages over UDP instead of TCP"),
  path: textOption("FILE", "Unix-domain socket instead of HOST:PORT"),
  ...receiveOptionTable(DATA_RECEIVE_NAMES, "push"),
  ...clientTlsTable(),
};

/** The options of a load of an echo server. */
export const ECHO_LOAD_OPTIONS: OptionTable = OPTIONS;

/** Loads an echo server. `argv`: what was typed behind `load`; `others`: options of
 * the other kind of load. */
export async function loadEcho(
  argv: readonly string[],
  terminal: Terminal,
  others: readonly OtherOptions[],
): Promise<ExitCode> {
  const { options, positionals } = readCommandLine(OPTIONS, argv, 1, ...others);
  const peer = readPeerAddress(positionals, options.path);
  const receive = receiveModelOf(options);
  assertPossible(options, receive.maxPacketBytes);
  const pattern = new BytePattern(options.size, payloadAlphabet(options));
  const isPacked = options.arq || receive.delivers === "packets";
  const tally = new EchoTally(pattern, options.depth, isPacked);
  let index = 0;
  const createAgent = (): LoadAgentFactory => {
    const { engine, depth, size } = options;
    const inFlightBytes = depth * (size + FRAME_BYTES);
    const tls = clientTlsOf(options);
    if (!options.arq)
      return tcpLoadAgent({ connect: peer.connect, engine, tls, receive, inFlightBytes });
    const { port } = peer.connect;
    if (tls !== undefined || options.receive !== "push" || port === undefined) {
      throw new UsageError("--path, --receive and --tls don't go with --arq");
    }
    if (size > MAX_ARQ_BYTES)
      throw new UsageError(`--size of --arq must be at most ${MAX_ARQ_BYTES}`);
    const connect = { ...(peer.connect.host !== undefined && { host: peer.connect.host }), port };
    return arqLoadAgent({ connect, engine, messageBytes: size, inFlightBytes });
  };
  return await runLoad({
    terminal,
    target: peer.text,
    options,
    tally,
    unit: "messages",
    count: options.messages,
    createAgent: createAgent(),
    createLoad: () => new EchoLoad(tally, index++),
    byteCount: () => tally.verifiedBytes,
    report: (result) => echoReport(result, options.arq ? "arq" : options.receive),
  });
}

interface Amounts {
  readonly size: number;
  readonly depth: number;
}

function assertPossible({ size, depth }: Amounts, maxPacketBytes: number | undefined): void {
  if (maxPacketBytes !== undefined && size > maxPacketBytes) {
    throw new UsageError(`--size ${size} is above the largest packet, ${maxPacketBytes} bytes`);
  }
  if (size * depth > MAX_IN_FLIGHT_BYTES) {
    throw new UsageError(`--size × --depth must be at most ${MAX_IN_FLIGHT_BYTES} bytes`);
  }
}
