/**
 * The TCP connections of this machine, of all processes, as the kernel has them: by netlink where there is
 * the foreign function interface, else by the files of /proc. Linux only.
 */
import { existsSync } from "node:fs";
import process from "node:process";
import { loadKoffi } from "../engine/koffi.js";
import { TCP_STATES, type TcpState } from "../engine/tcp-states.js";
import {
  assertBoolean,
  assertInteger,
  assertKnownKeys,
  assertObject,
  assertOneOf,
  NetError,
} from "../errors.js";
import { readByProc } from "./proc-net-tcp.js";
import { type Netlink, openNetlink, readByNetlink } from "./sock-diag.js";
import { processesOfSockets } from "./socket-owners.js";
import type { TcpTableEntry } from "./tcp-table-entry.js";

/** What is asked for. */
export interface TcpTableOptions {
  /** Only those with this port at either end. */
  readonly port?: number | undefined;
  /** Only those in these states. */
  readonly states?: readonly TcpState[] | undefined;
  /** Only those of this process. */
  readonly pid?: number | undefined;
  /** Finds out which processes have the sockets: walks /proc, which costs more than the table. Default false, true with `pid`. */
  readonly processes?: boolean | undefined;
}

/** The table at one moment. */
export interface TcpTable {
  readonly connections: readonly TcpTableEntry[];
  /** False where the kernel's table changed so much while it was read that entries may be missing or twice. */
  readonly isConsistent: boolean;
  /** How it was read. */
  readonly source: "netlink" | "proc";
}

/** The kernel could not give the table as it was at one moment: read again, so many times. */
const MAX_TRIES = 3;

const STATE_NAMES: readonly string[] = [...new Set<string>(TCP_STATES)];

/**
 * The TCP connections of this machine at this moment, in no order; sockets of other users too, while
 * their processes are known to root alone. Throws `NOT_SUPPORTED` on other systems than Linux, and
 * `INVALID_ARGUMENT`.
 */
export function tcpConnections(options: TcpTableOptions = {}): TcpTable {
  assertObject("the options", options);
  assertKnownKeys("tcpConnections", options, ["port", "states", "pid", "processes"]);
  const { port, states, pid } = options;
  if (port !== undefined) assertInteger("port", port, 1, 65_535);
  if (pid !== undefined) assertInteger("pid", pid, 1, 2 ** 31 - 1);
  for (const state of states ?? []) assertOneOf("states", state, STATE_NAMES);
  const { processes = pid !== undefined } = options;
  assertBoolean("processes", processes);
  const table = read(states);
  let { connections } = table;
  if (port !== undefined) {
    connections = connections.filter(
      ({ local, remote }) => local.port === port || remote.port === port,
    );
  }
  if (processes) connections = withProcesses(connections);
  if (pid !== undefined) {
    connections = connections.filter((entry) => entry.processes?.some((one) => one.pid === pid));
  }
  return { ...table, connections };
}

/** The bits of these states, as the kernel wants them; without any, of all. */
function maskOf(states: readonly TcpState[] | undefined): number {
  let mask = 0;
  for (const [number, name] of TCP_STATES.entries()) {
    if (number > 0 && (states === undefined || states.includes(name))) mask |= 1 << number;
  }
  return mask;
}

function read(states: readonly TcpState[] | undefined): TcpTable {
  if (process.platform !== "linux") {
    const text = `the table of TCP connections is read on Linux only, not on ${process.platform}`;
    throw new NetError("NOT_SUPPORTED", text, { operation: "configure" });
  }
  const mask = maskOf(states);
  const netlink = open();
  if (netlink === undefined) {
    if (!existsSync("/proc/net/tcp")) {
      const text = "neither netlink nor /proc/net/tcp can be read here";
      throw new NetError("NOT_SUPPORTED", text, { operation: "configure" });
    }
    return { connections: readByProc(mask), isConsistent: true, source: "proc" };
  }
  try {
    for (let tries = 1; ; tries++) {
      const { connections, isConsistent } = readByNetlink(netlink, mask);
      if (isConsistent || tries === MAX_TRIES)
        return { connections, isConsistent, source: "netlink" };
    }
  } finally {
    netlink.close();
  }
}

/** Undefined where koffi is missing, or the system refuses. */
function open(): Netlink | undefined {
  try {
    return openNetlink(loadKoffi());
  } catch {
    return undefined;
  }
}

function withProcesses(connections: readonly TcpTableEntry[]): TcpTableEntry[] {
  const owners = processesOfSockets();
  return connections.map((entry) => ({ ...entry, processes: owners.get(entry.inode) ?? [] }));
}
