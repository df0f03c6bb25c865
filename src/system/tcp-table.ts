/**
 * The TCP connections of this machine, of all processes, as the kernel has them: by netlink where there is
 * the foreign function interface, else by the files of /proc. Linux only.
 */
import { existsSync, readlinkSync } from "node:fs";
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
import { type Netlink, type NetlinkTable, openNetlink, readByNetlink } from "./sock-diag.js";
import { processesOfSockets } from "./socket-owners.js";
import type { TcpTableEntry } from "./tcp-table-entry.js";

/** What is asked for. */
export interface TcpTableOptions {
  /** Only those with this port at either end. */
  readonly port?: number | undefined;
  /** Only those in these states. */
  readonly states?: readonly TcpState[] | undefined;
  /** Only those of this process, which may be in another network namespace, that of a container for example. */
  readonly pid?: number | undefined;
  /** Finds out which processes have the sockets: walks /proc, which costs more than the table. Default false, true with `pid`. */
  readonly processes?: boolean | undefined;
}

/** The table at one moment. */
export interface TcpTable {
  /** The connections. */
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
  const table = read(states, pid);
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

function read(states: readonly TcpState[] | undefined, pid: number | undefined): TcpTable {
  if (process.platform !== "linux") {
    const text = `the table of TCP connections is read on Linux only, not on ${process.platform}`;
    throw new NetError("NOT_SUPPORTED", text, { operation: "configure" });
  }
  const mask = maskOf(states);
  // Netlink answers for the namespace of this process alone.
  if (pid !== undefined && isElsewhere(pid)) return byProc(mask, `/proc/${pid}/net`);
  const found = byNetlink(mask);
  if (found !== undefined) return { ...found, source: "netlink" };
  if (existsSync("/proc/net/tcp")) return byProc(mask, "/proc/net");
  const text = "neither netlink nor /proc/net/tcp can be read here";
  throw new NetError("NOT_SUPPORTED", text, { operation: "configure" });
}

/** Whether a process has another network namespace; no where it is gone, or another user's. */
function isElsewhere(pid: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`) !== readlinkSync("/proc/self/ns/net");
  } catch {
    return false;
  }
}

function byProc(mask: number, folder: string): TcpTable {
  return { connections: readByProc(mask, folder), isConsistent: true, source: "proc" };
}

/** Undefined where the system refuses: koffi is missing, or the kernel has no sock_diag for TCP. */
function byNetlink(mask: number): NetlinkTable | undefined {
  let netlink: Netlink | undefined;
  try {
    netlink = openNetlink(loadKoffi());
    for (let tries = 1; ; tries++) {
      const found = readByNetlink(netlink, mask);
      if (found.isConsistent || tries === MAX_TRIES) return found;
    }
  } catch {
    return undefined;
  } finally {
    netlink?.close();
  }
}

function withProcesses(connections: readonly TcpTableEntry[]): TcpTableEntry[] {
  const owners = processesOfSockets();
  return connections.map((entry) => ({ ...entry, processes: owners.get(entry.inode) ?? [] }));
}
