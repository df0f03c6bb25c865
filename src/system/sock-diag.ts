/**
 * The kernel's table of TCP sockets by netlink (linux/inet_diag.h): one request for each family, and the
 * entries come in messages of up to 32 KiB.
 *
 *     request   nlmsghdr 16 · family, protocol, extensions, 0 · states u32 · socket id 48
 *     entry     nlmsghdr 16 · family, state, timer, retransmits · socket id 48 · expires u32
 *               · receive queue u32 · send queue u32 · user u32 · inode u32 · attributes
 *     socket id source port, destination port (big-endian) · source 16 · destination 16 · interface · cookie 8
 */
import { formatIp } from "../bytes/ip-bytes.js";
import type { ForeignCall, Koffi } from "../engine/koffi.js";
import { tcpState } from "../engine/tcp-states.js";
import { NetError } from "../errors.js";
import type { TcpEnd, TcpTableEntry } from "./tcp-table-entry.js";

const AF_NETLINK = 16;
const RAW_CLOSE_ON_EXEC = 3 | 0o2000000;
const NETLINK_SOCK_DIAG = 4;
const SOCK_DIAG_BY_FAMILY = 20;
const REQUEST_DUMP = 0x301;
const DUMP_INTERRUPTED = 0x10;
const DONE = 3;
const ERROR = 2;
const IPPROTO_TCP = 6;
const AF_INET = 2;
const AF_INET6 = 10;
const REQUEST_BYTES = 72;
const HEAD_BYTES = 16;
const ENTRY_BYTES = 72;
const BUFFER_BYTES = 65_536;
const EINTR = 4;
/** An answer is there as soon as it was asked for: what would wait, would wait for ever. */
const DONT_WAIT = 0x40;

/** A netlink socket. */
export interface Netlink {
  /** Sends a request. Throws `SYSTEM_ERROR`. */
  send(request: Buffer): void;
  /** Takes messages; returns how many bytes of `into` they are. Throws `SYSTEM_ERROR`. */
  receive(into: Buffer): number;
  close(): void;
}

/** What was read. */
export interface NetlinkTable {
  readonly connections: TcpTableEntry[];
  readonly isConsistent: boolean;
}

/** Opens a socket. Throws where a function of the C library is missing, or the system refuses. */
export function openNetlink(koffi: Koffi): Netlink {
  const library = koffi.load(null);
  const bound = (prototype: string): ForeignCall => library.func(prototype) as ForeignCall;
  const socket = bound("int socket(int domain, int type, int protocol)");
  const send = bound("intptr_t send(int descriptor, void* bytes, size_t count, int flags)");
  const receive = bound("intptr_t recv(int descriptor, void* into, size_t count, int flags)");
  const close = bound("int close(int descriptor)");
  const check = (result: unknown, call: string): number => {
    if (typeof result === "number" && result >= 0) return result;
    throw new NetError("SYSTEM_ERROR", `netlink: ${call} failed with errno ${koffi.errno()}`);
  };
  const descriptor = check(socket(AF_NETLINK, RAW_CLOSE_ON_EXEC, NETLINK_SOCK_DIAG), "socket");
  return {
    send: (request) => void check(send(descriptor, request, request.length, 0), "send"),
    receive: (into) => {
      for (;;) {
        const result = receive(descriptor, into, into.length, DONT_WAIT);
        if (result === -1 && koffi.errno() === EINTR) continue;
        return check(result, "recv");
      }
    },
    close: () => void close(descriptor),
  };
}

/** Reads all sockets in the states of `mask`, of both families. */
export function readByNetlink(netlink: Netlink, mask: number): NetlinkTable {
  const connections: TcpTableEntry[] = [];
  let isConsistent = true;
  for (const family of [AF_INET, AF_INET6]) {
    netlink.send(requestFor(family, mask));
    if (!readDump(netlink, connections)) isConsistent = false;
  }
  return { connections, isConsistent };
}

function requestFor(family: number, mask: number): Buffer {
  const request = Buffer.alloc(REQUEST_BYTES);
  request.writeUInt32LE(REQUEST_BYTES, 0);
  request.writeUInt16LE(SOCK_DIAG_BY_FAMILY, 4);
  request.writeUInt16LE(REQUEST_DUMP, 6);
  request[HEAD_BYTES] = family;
  request[HEAD_BYTES + 1] = IPPROTO_TCP;
  request.writeUInt32LE(mask, HEAD_BYTES + 4);
  return request;
}

/** Reads the answer to one request; returns whether it was all of one moment. */
function readDump(netlink: Netlink, into: TcpTableEntry[]): boolean {
  const bytes = Buffer.allocUnsafe(BUFFER_BYTES);
  let isConsistent = true;
  for (;;) {
    const end = netlink.receive(bytes);
    if (end === 0) throw new NetError("SYSTEM_ERROR", "netlink: the kernel closed the socket");
    for (let at = 0; at + HEAD_BYTES <= end; ) {
      const length = bytes.readUInt32LE(at);
      const type = bytes.readUInt16LE(at + 4);
      if ((bytes.readUInt16LE(at + 6) & DUMP_INTERRUPTED) !== 0) isConsistent = false;
      if (type === DONE) return isConsistent;
      if (type === ERROR) {
        const code = -bytes.readInt32LE(at + HEAD_BYTES);
        throw new NetError("SYSTEM_ERROR", `netlink: the kernel answered with errno ${code}`);
      }
      if (length < HEAD_BYTES || at + length > end) {
        throw new NetError("SYSTEM_ERROR", "netlink: a message that is cut off");
      }
      if (type === SOCK_DIAG_BY_FAMILY && length >= HEAD_BYTES + ENTRY_BYTES) {
        into.push(readEntry(bytes, at + HEAD_BYTES));
      }
      at += (length + 3) & ~3;
    }
  }
}

function readEntry(bytes: Buffer, at: number): TcpTableEntry {
  const isIpv4 = bytes[at] === AF_INET;
  const end = (portAt: number, hostAt: number): TcpEnd => ({
    host: formatIp(bytes.subarray(hostAt, hostAt + (isIpv4 ? 4 : 16))),
    port: bytes.readUInt16BE(portAt),
    family: isIpv4 ? "IPv4" : "IPv6",
  });
  return {
    state: tcpState(bytes[at + 1]!),
    local: end(at + 4, at + 8),
    remote: end(at + 6, at + 24),
    receiveQueue: bytes.readUInt32LE(at + 56),
    sendQueue: bytes.readUInt32LE(at + 60),
    userId: bytes.readUInt32LE(at + 64),
    inode: bytes.readUInt32LE(at + 68),
    processes: undefined,
  };
}
