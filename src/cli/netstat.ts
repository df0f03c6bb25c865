import { TCP_STATES, type TcpState } from "../engine/tcp-states.js";
import {
  type TcpTable,
  type TcpTableEntry,
  type TcpTableOptions,
  tcpConnections,
} from "../index.js";
import { systemClock, type Timer } from "../time/clock.js";
import { type Command, type ExitCode, jsonOption } from "./command.js";
import {
  integerOption,
  listOption,
  quoted,
  readCommandLine,
  switchOption,
  UsageError,
} from "./command-line.js";
import type { Terminal } from "./terminal.js";

const PERIOD_MS = 1_000;
const CLEAR_SCREEN = "\u001b[H\u001b[2J";
const STATE_NAMES: readonly string[] = [...new Set<string>(TCP_STATES)];

const OPTIONS = {
  state: listOption("STATE", "only these: ESTABLISHED, LISTEN, TIME-WAIT, …", checkState),
  pid: integerOption(
    "only those of this process, in its network namespace",
    { min: 1, max: 2 ** 31 - 1 },
    undefined,
  ),
  processes: switchOption("tell whose they are (those of other users to root alone)"),
  watch: switchOption("show it anew each second, and how many there are of each state"),
  json: jsonOption(),
};

/** The machine's TCP connections. */
export const netstat: Command = {
  name: "netstat",
  summary: "the TCP connections of this machine (Linux)",
  usage: "[PORT] [options]",
  options: OPTIONS,
  run,
};

function checkState(text: string, name: string): void {
  if (STATE_NAMES.includes(text.toUpperCase())) return;
  throw new UsageError(`${name} must be one of ${STATE_NAMES.join(", ")}, not ${quoted(text)}`);
}

async function run(argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const { options, positionals } = readCommandLine(OPTIONS, argv, 1);
  const { state, pid, processes, watch, json } = options;
  const port = positionals[0] === undefined ? undefined : portOf(positionals[0]);
  const asked: TcpTableOptions = {
    ...(port !== undefined && { port }),
    ...(state.length > 0 && { states: state.map((name) => name.toUpperCase() as TcpState) }),
    ...(pid !== undefined && { pid }),
    ...(processes && { processes }),
  };
  const show = json ? showJson : showText;
  if (!watch) {
    show(tcpConnections(asked), terminal);
    return 0;
  }
  await untilStopped(terminal, () => {
    // Who reads more slowly gets fewer tables.
    if (terminal.output.writableNeedDrain === true) return;
    if (!json && terminal.output.isTTY === true) terminal.write(CLEAR_SCREEN);
    show(tcpConnections(asked), terminal);
  });
  return 0;
}

function portOf(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535) return Number(text);
  throw new UsageError(`PORT must be a whole number from 1 to 65535, not ${quoted(text)}`);
}

/** Calls `show` now and each second, until a signal comes or nobody reads on. */
function untilStopped(terminal: Terminal, show: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    let timer: Timer | undefined;
    const end = (settle: () => void): void => {
      timer?.cancel();
      release();
      settle();
    };
    const again = (): void => {
      try {
        show();
        timer = systemClock.setTimer(PERIOD_MS, again, true);
      } catch (error) {
        end(() => reject(error));
      }
    };
    const release = terminal.onStopSignal(() => end(resolve));
    terminal.onOutputGone(() => end(resolve));
    again();
  });
}

function showJson({ connections, isConsistent, source }: TcpTable, terminal: Terminal): void {
  for (const entry of connections) terminal.print(JSON.stringify(entry));
  terminal.print(JSON.stringify({ count: connections.length, isConsistent, source }));
}

const HEADS = ["state", "receive", "send", "local", "remote"] as const;

function showText({ connections, isConsistent }: TcpTable, terminal: Terminal): void {
  const rows = connections.map(rowOf);
  const widths = HEADS.map((head, column) =>
    rows.reduce((width, row) => Math.max(width, row[column]?.length ?? 0), head.length),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  const hasOwners = connections.some((entry) => entry.processes !== undefined);
  terminal.print(terminal.paint.bold(line(hasOwners ? [...HEADS, "process"] : HEADS)));
  for (const row of rows) terminal.print(line(row));
  terminal.print(summaryOf(connections, isConsistent));
}

function rowOf({
  state,
  receiveQueue,
  sendQueue,
  local,
  remote,
  processes,
}: TcpTableEntry): string[] {
  const row = [state, `${receiveQueue}`, `${sendQueue}`, textOf(local), textOf(remote)];
  if (processes !== undefined)
    row.push(processes.map(({ pid, name }) => `${name} ${pid}`).join(", "));
  return row;
}

function textOf({ host, port, family }: TcpTableEntry["local"]): string {
  return `${family === "IPv6" ? `[${host}]` : host}:${port === 0 ? "*" : port}`;
}

function summaryOf(connections: readonly TcpTableEntry[], isConsistent: boolean): string {
  const counts = new Map<string, number>();
  for (const { state } of connections) counts.set(state, (counts.get(state) ?? 0) + 1);
  const parts = [...counts].map(([state, count]) => `${count} ${state}`);
  const text = `${connections.length} sockets${parts.length > 0 ? `: ${parts.join(", ")}` : ""}`;
  return isConsistent ? text : `${text} (the table changed while it was read)`;
}
