/**
 * Socket options, on descriptors. Functions answer 0 or a value, or the negative error number of
 * the first call that failed. Numbers are those of Linux on x64, arm64, riscv64 and loong64.
 */
import { readFileSync } from "node:fs";
import type { KeepAlive, ListenTarget, StreamOptions, TcpInfo } from "../../engine.js";
import type { ForeignFunctions } from "../ring/foreign-functions.js";
import { decodeTcpInfo, TCP_INFO_BYTES } from "./tcp-info.js";

export const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_ERROR = 4;
const SO_RCVTIMEO = 20;
const SO_SNDTIMEO = 21;
const SO_MEMINFO = 55;
const SO_BROADCAST = 6;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_KEEPALIVE = 9;
const SO_LINGER = 13;
const SO_REUSEPORT = 15;
export const SO_RXQ_OVFL = 40;
const IPPROTO_IP = 0;
const IP_BIND_ADDRESS_NO_PORT = 24;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const TCP_KEEPIDLE = 4;
const TCP_KEEPINTVL = 5;
const TCP_KEEPCNT = 6;
const TCP_INFO = 11;
const TCP_USER_TIMEOUT = 18;
export const IPPROTO_UDP = 17;
export const UDP_SEGMENT = 103;
export const UDP_GRO = 104;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;

/** The kernel's own limits: MAX_TCP_KEEPIDLE, MAX_TCP_KEEPINTVL and MAX_TCP_KEEPCNT. */
const MAX_KEEP_ALIVE_SECONDS = 32_767;
const MAX_KEEP_ALIVE_COUNT = 127;

/** Options to set, in order: level, name, value. */
export type OptionList = (readonly [level: number, name: number, value: number])[];

/** Sets options until one fails. */
export function setOptions(
  calls: ForeignFunctions,
  descriptor: number,
  options: OptionList,
): number {
  for (const [level, name, value] of options) {
    const result = calls.setOption(descriptor, level, name, Int32Array.of(value));
    if (result < 0) return result;
  }
  return 0;
}

const wholeSeconds = (ms: number): number =>
  Math.min(MAX_KEEP_ALIVE_SECONDS, Math.max(1, Math.floor(ms / 1000)));

const probeCount = (count: number): number =>
  Math.min(MAX_KEEP_ALIVE_COUNT, Math.max(1, Math.floor(count)));

function keepAliveOptions(keepAlive: KeepAlive): OptionList {
  const { idleMs, intervalMs, count } = keepAlive;
  const options: OptionList = [
    [SOL_SOCKET, SO_KEEPALIVE, 1],
    [IPPROTO_TCP, TCP_KEEPIDLE, wholeSeconds(idleMs)],
  ];
  if (intervalMs !== undefined) {
    options.push([IPPROTO_TCP, TCP_KEEPINTVL, wholeSeconds(intervalMs)]);
  }
  if (count !== undefined) options.push([IPPROTO_TCP, TCP_KEEPCNT, probeCount(count)]);
  return options;
}

/** Options of a TCP stream. On a listener they are inherited by what it accepts. */
export function streamOptions(options: StreamOptions): OptionList {
  const list: OptionList = bufferOptions(options);
  if (options.noDelay) list.push([IPPROTO_TCP, TCP_NODELAY, 1]);
  if (options.keepAlive !== false) list.push(...keepAliveOptions(options.keepAlive));
  if (options.userTimeoutMs !== undefined) {
    list.push([IPPROTO_TCP, TCP_USER_TIMEOUT, options.userTimeoutMs]);
  }
  return list;
}

/** Sizes of the kernel's buffers, which every kind of socket has. */
export function bufferOptions(options: {
  readonly receiveBufferBytes?: number | undefined;
  readonly sendBufferBytes?: number | undefined;
}): OptionList {
  const list: OptionList = [];
  const { receiveBufferBytes, sendBufferBytes } = options;
  if (receiveBufferBytes !== undefined) list.push([SOL_SOCKET, SO_RCVBUF, receiveBufferBytes]);
  if (sendBufferBytes !== undefined) list.push([SOL_SOCKET, SO_SNDBUF, sendBufferBytes]);
  return list;
}

/** Options of a TCP listener, those of its streams apart. */
export function listenerOptions(target: ListenTarget, isIpv6: boolean): OptionList {
  const list: OptionList = [[SOL_SOCKET, SO_REUSEADDR, 1]];
  if (target.reusePort) list.push([SOL_SOCKET, SO_REUSEPORT, 1]);
  if (isIpv6) list.push([IPPROTO_IPV6, IPV6_V6ONLY, target.dualStack ? 0 : 1]);
  return list;
}

/** Options before binding the local side of an outgoing connection. */
export function localOptions(localPort: number): OptionList {
  // Without a port of our own the kernel picks one when it knows the peer: ports last longer so.
  return localPort === 0
    ? [[IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1]]
    : [[SOL_SOCKET, SO_REUSEADDR, 1]];
}

/** What a datagram socket is to have before it is bound. */
export interface DatagramFlags {
  readonly reuseAddress: boolean;
  readonly reusePort: boolean;
  readonly broadcast: boolean;
  /** IPv6 alone; undefined for an IPv4 socket. */
  readonly onlyIpv6: boolean | undefined;
}

/** Options of a datagram socket, buffer sizes apart. */
export function datagramOptions(flags: DatagramFlags): OptionList {
  const list: OptionList = [];
  if (flags.reuseAddress) list.push([SOL_SOCKET, SO_REUSEADDR, 1]);
  if (flags.reusePort) list.push([SOL_SOCKET, SO_REUSEPORT, 1]);
  if (flags.broadcast) list.push([SOL_SOCKET, SO_BROADCAST, 1]);
  if (flags.onlyIpv6 !== undefined) {
    list.push([IPPROTO_IPV6, IPV6_V6ONLY, flags.onlyIpv6 ? 1 : 0]);
  }
  return list;
}

/** Has the kernel tell what it drops, and hand datagrams of one peer over as trains; not every kernel can. */
export function wishDatagramOptions(
  calls: ForeignFunctions,
  descriptor: number,
  takesTrains: boolean,
): void {
  setOptions(calls, descriptor, [[SOL_SOCKET, SO_RXQ_OVFL, 1]]);
  if (takesTrains) setOptions(calls, descriptor, [[IPPROTO_UDP, UDP_GRO, 1]]);
}

/** The error that broke a connection, as a positive number; 0: none. */
export function pendingError(calls: ForeignFunctions, descriptor: number): number {
  const bytes = Buffer.alloc(4);
  const result = calls.getOption(descriptor, SOL_SOCKET, SO_ERROR, bytes);
  return result < 0 ? result : bytes.readInt32LE(0);
}

/** `TCP_USER_TIMEOUT` in milliseconds; 0: the system's own. */
export function userTimeout(calls: ForeignFunctions, descriptor: number): number {
  const bytes = Buffer.alloc(4);
  const result = calls.getOption(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, bytes);
  return result < 0 ? 0 : bytes.readInt32LE(0);
}

/** `TCP_NODELAY`. */
export function noDelayOption(on: boolean): OptionList {
  return [[IPPROTO_TCP, TCP_NODELAY, on ? 1 : 0]];
}

/** Makes the close that follows a reset: nothing lingers, nothing more is sent. */
export function setReset(calls: ForeignFunctions, descriptor: number): number {
  return calls.setOption(descriptor, SOL_SOCKET, SO_LINGER, Int32Array.of(1, 0));
}

/**
 * Keeps calls outside the ring from waiting for longer than a tick of the kernel (1 to 10 ms), whatever happens: nothing
 * else does for a socket of which the ring wants to wait.
 */
export function setBriefWaits(calls: ForeignFunctions, descriptor: number): number {
  // A `timeval` of one microsecond.
  const value = Int32Array.of(0, 0, 1, 0);
  const result = calls.setOption(descriptor, SOL_SOCKET, SO_RCVTIMEO, value);
  return result < 0 ? result : calls.setOption(descriptor, SOL_SOCKET, SO_SNDTIMEO, value);
}

/** Words of SO_MEMINFO: the size of the send buffer, and what is used of it. */
const MEMINFO_WORDS = 9;
const MEMINFO_SEND_BUFFER = 3;
const MEMINFO_SEND_QUEUED = 5;
const memoryInfo = new Int32Array(MEMINFO_WORDS);
const memoryInfoBytes: Uint8Array = new Uint8Array(memoryInfo.buffer);

/** Bytes that can be sent without waiting, with a part left for what the kernel notes of each; 0: none. */
export function sendRoom(calls: ForeignFunctions, descriptor: number): number {
  if (calls.getOption(descriptor, SOL_SOCKET, SO_MEMINFO, memoryInfoBytes) < 0) return 0;
  const free = memoryInfo[MEMINFO_SEND_BUFFER]! - memoryInfo[MEMINFO_SEND_QUEUED]!;
  return Math.max(0, free - (free >> 3));
}

function systemDefault(name: string, fallback: number): number {
  try {
    return Number(readFileSync(`/proc/sys/net/ipv4/${name}`, "latin1"));
  } catch {
    // No /proc here: what Linux has when nobody changed it.
    return fallback;
  }
}

/** Sets or ends the probes of an open connection; parts left out get the system's default. */
export function setKeepAlive(
  calls: ForeignFunctions,
  descriptor: number,
  keepAlive: KeepAlive | false,
): number {
  if (keepAlive === false) return setOptions(calls, descriptor, [[SOL_SOCKET, SO_KEEPALIVE, 0]]);
  const intervalMs = keepAlive.intervalMs ?? systemDefault("tcp_keepalive_intvl", 75) * 1000;
  const count = keepAlive.count ?? systemDefault("tcp_keepalive_probes", 9);
  const { idleMs } = keepAlive;
  return setOptions(calls, descriptor, keepAliveOptions({ idleMs, intervalMs, count }));
}

/** What the kernel makes of `keepAlive`: whole seconds, within its limits. */
export function keepAliveInForce(keepAlive: KeepAlive): KeepAlive {
  const { idleMs, intervalMs, count } = keepAlive;
  return {
    idleMs: wholeSeconds(idleMs) * 1000,
    ...(intervalMs !== undefined && { intervalMs: wholeSeconds(intervalMs) * 1000 }),
    ...(count !== undefined && { count: probeCount(count) }),
  };
}

/** `TCP_INFO`; undefined where the socket has none. */
export function tcpInfo(calls: ForeignFunctions, descriptor: number): TcpInfo | undefined {
  const bytes = Buffer.alloc(TCP_INFO_BYTES);
  return calls.getOption(descriptor, IPPROTO_TCP, TCP_INFO, bytes) < 0
    ? undefined
    : decodeTcpInfo(bytes);
}
