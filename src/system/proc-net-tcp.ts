/**
 * The kernel's table of TCP sockets as /proc/net/tcp and tcp6 have it: slower than netlink, and there
 * without the foreign function interface. Addresses are groups of four bytes in the machine's order.
 */
import { readFileSync } from "node:fs";
import { endianness } from "node:os";
import { formatIp } from "../bytes/ip-bytes.js";
import { tcpState } from "../engine/tcp-states.js";
import type { TcpEnd, TcpTableEntry } from "./tcp-table-entry.js";

const FILES = ["tcp", "tcp6"];
const IS_LITTLE = endianness() === "LE";

/** Reads all sockets in the states of `mask`; `folder`: `/proc/PID/net` for those of another network namespace. */
export function readByProc(mask: number, folder = "/proc/net"): TcpTableEntry[] {
  return FILES.flatMap((name) => parseProcTable(textOf(`${folder}/${name}`), mask));
}

/** A system without IPv6 has no second file. */
function textOf(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

/** The sockets of one file in the states of `mask`. */
export function parseProcTable(text: string, mask: number): TcpTableEntry[] {
  const entries: TcpTableEntry[] = [];
  for (const line of text.split("\n").slice(1)) {
    const [, local, remote, state, queues, , , user, , inode] = line.trim().split(/\s+/);
    if (local === undefined || remote === undefined || state === undefined) continue;
    const number = Number.parseInt(state, 16);
    if ((mask & (1 << number)) === 0) continue;
    const [sendQueue = "0", receiveQueue = "0"] = (queues ?? "").split(":");
    entries.push({
      state: tcpState(number),
      local: endOf(local),
      remote: endOf(remote),
      receiveQueue: Number.parseInt(receiveQueue, 16),
      sendQueue: Number.parseInt(sendQueue, 16),
      userId: Number(user),
      inode: Number(inode),
      processes: undefined,
    });
  }
  return entries;
}

function endOf(text: string): TcpEnd {
  const [address = "", port = "0"] = text.split(":");
  const bytes = Buffer.from(address, "hex");
  if (IS_LITTLE) bytes.swap32();
  return {
    host: formatIp(bytes),
    port: Number.parseInt(port, 16),
    family: bytes.length === 4 ? "IPv4" : "IPv6",
  };
}
