import { BytePattern } from "./byte-pattern.js";
import { type Command, type ExitCode, engineOption, jsonOption } from "./command.js";
import {
  integerOption,
  readCommandLine,
  secondsOption,
  textOption,
  UsageError,
} from "./command-line.js";
import { LiveLine } from "./live-line.js";
import { loadJson, loadText } from "./load-report.js";
import { LoadRun } from "./load-run.js";
import { LoadTally } from "./load-tally.js";
import { print } from "./output.js";
import { readPeerAddress } from "./peer-address.js";
import { byteText, connectionsText, countText } from "./quantity.js";
import {
  DATA_RECEIVE_NAMES,
  payloadAlphabet,
  receiveModelOf,
  receiveOptionTable,
} from "./receive-choice.js";
import { onStopSignal } from "./stop-signal.js";
import { clientTlsOf, clientTlsTable } from "./tls-choice.js";

/** Bytes that may be in flight on one connection. */
const MAX_IN_FLIGHT_BYTES = 2 ** 30;
const MS_PER_SECOND = 1_000;

const OPTIONS = {
  connections: integerOption("how many (default: 100)", { min: 1, max: 1_000_000 }, 100),
  size: integerOption("bytes of a message (default: 64)", { min: 1, max: 4_194_303 }, 64),
  depth: integerOption(
    "messages in flight on each connection (default: 1)",
    { min: 1, max: 65_536 },
    1,
  ),
  seconds: secondsOption("measured time (default: 5)", { min: 0.01, max: 86_400 }, 5),
  warmup: secondsOption("time before it (default: 0.5)", { min: 0, max: 3_600 }, 0.5),
  path: textOption("FILE", "Unix-domain socket instead of HOST:PORT"),
  ...receiveOptionTable(DATA_RECEIVE_NAMES, "push"),
  ...clientTlsTable(),
  engine: engineOption(),
  json: jsonOption(),
};

/** A load test of an echo server, every byte verified. */
export const load: Command = {
  name: "load",
  summary: "load an echo server: rate, latency, every byte verified",
  usage: "HOST:PORT [options]",
  options: OPTIONS,
  notes:
    "Every connection keeps --depth messages of --size bytes in flight. Ends with exit code 1 on\n" +
    "any error: a connection that could not be made or broke, a wrong byte, an answer that is\n" +
    "missing 2 s after the end. SIGINT ends the load early, with its figures.",
  run,
};

async function run(argv: readonly string[]): Promise<ExitCode> {
  const { options, positionals } = readCommandLine(OPTIONS, argv, 1);
  const peer = readPeerAddress(positionals, options.path);
  const receive = receiveModelOf(options);
  assertPossible(options, receive.maxPacketBytes);
  const tally = new LoadTally(
    new BytePattern(options.size, payloadAlphabet(options)),
    options.depth,
    receive.delivers === "packets",
  );
  const loadRun = new LoadRun(
    {
      connect: peer.connect,
      engine: options.engine,
      tls: clientTlsOf(options),
      receive,
      connectionCount: options.connections,
      warmupMs: options.warmup * MS_PER_SECOND,
      measuredMs: options.seconds * MS_PER_SECOND,
    },
    tally,
  );
  const releaseSignals = onStopSignal(() => loadRun.stop());
  const progress = liveProgress(loadRun, tally);
  progress.start();
  try {
    const outcome = await loadRun.run();
    progress.stop();
    const result = {
      target: peer.text,
      receiveName: options.receive,
      connectionCount: options.connections,
      tally,
      outcome,
    };
    print(options.json ? loadJson(result) : loadText(result));
  } finally {
    progress.stop();
    releaseSignals();
  }
  return tally.failures.size === 0 ? 0 : 1;
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

function liveProgress(loadRun: LoadRun, tally: LoadTally): LiveLine {
  let before = 0;
  return new LiveLine((seconds) => {
    const rate = (tally.messageCount - before) / seconds;
    before = tally.messageCount;
    return [
      connectionsText(loadRun.openCount),
      `${countText(rate)} messages/s`,
      `${byteText(rate * tally.pattern.messageBytes)}/s each way`,
      `${countText([...tally.failures.values()].reduce((sum, { count }) => sum + count, 0))} errors`,
    ].join(" · ");
  });
}
