/**
 * A child process that listens until its file descriptors are used up: `ENGINE` is its argument. It
 * sends its state after each event, and its processor time when it is asked to measure.
 */
import process from "node:process";
import { chooseEngine } from "#src/engine/choose-engine.js";
import type { EngineName, StreamSink, StreamSocket } from "#src/engine/engine.js";
import { noStreamSink } from "#src/engine/no-sink.js";
import { loopback, PLAIN_STREAM } from "./engine-world.js";

/** What the child sends. */
export interface ExhaustionState {
  readonly port: number;
  readonly openCount: number;
  readonly acceptedCount: number;
  readonly failedCount: number;
  /** Share of the processor in the time measured, 0 to 1; undefined when it was not asked for. */
  readonly busyShare: number | undefined;
}

const MEASURED_MS = 500;

const engine = chooseEngine(process.argv[2] as EngineName);
let [port, openCount, acceptedCount, failedCount] = [0, 0, 0, 0];

function tell(busyShare?: number): void {
  const state: ExhaustionState = { port, openCount, acceptedCount, failedCount, busyShare };
  process.send!(state);
}

function echo(stream: StreamSocket): StreamSink {
  return {
    ...noStreamSink,
    streamReceived(bytes) {
      stream.write(Buffer.from(bytes));
    },
    streamEnded() {
      stream.close();
    },
    streamClosed() {
      openCount--;
      tell();
    },
  };
}

engine.listen(
  {
    address: loopback(),
    backlog: 128,
    reusePort: false,
    dualStack: false,
    stream: PLAIN_STREAM,
  },
  {
    listenerOpened(address) {
      port = address.port ?? 0;
      tell();
    },
    listenerAccepted(stream) {
      openCount++;
      acceptedCount++;
      tell();
      return echo(stream);
    },
    listenerAcceptFailed() {
      failedCount++;
      tell();
    },
    listenerClosed() {
      process.exit(1);
    },
  },
);

process.on("message", () => {
  const before = process.cpuUsage();
  setTimeout(() => {
    const { user, system } = process.cpuUsage(before);
    tell((user + system) / 1_000 / MEASURED_MS);
  }, MEASURED_MS);
});
