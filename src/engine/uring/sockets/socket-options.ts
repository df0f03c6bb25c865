/**
 * Socket options, on descriptors; those of TCP that the node engine sets, too, are in `tcp-options.ts`. Functions
 * answer 0 or a value, or the negative error number of the first call that failed.
 */
import type { ListenTarget, StreamOptions } from "../../engine.js";
import { type OptionList, SOL_SOCKET, setOptions } from "../../option-calls.js";
import { keepAliveOptions, noDelayOption, userTimeoutOption } from "../../tcp-options.js";
import type { ForeignFunctions } from "../ring/foreign-functions.js";

const SO_REUSEADDR = 2;
const SO_ERROR = 4;
const SO_BROADCAST = 6;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_LINGER = 13;
const SO_REUSEPORT = 15;
export const SO_RXQ_OVFL = 40;
const IPPROTO_IP = 0;
const IP_BIND_ADDRESS_NO_PORT = 24;
export const IPPROTO_UDP = 17;
export const UDP_SEGMENT = 103;
export const UDP_GRO = 104;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;

/** Options of a TCP stream. On a listener they are inherited by what it accepts. */
export function streamOptions(options: StreamOptions): OptionList {
  const list: OptionList = bufferOptions(options);
  if (options.noDelay) list.push(...noDelayOption(true));
  if (options.keepAlive !== false) list.push(...keepAliveOptions(options.keepAlive));
  if (options.userTimeoutMs !== undefined) list.push(...userTimeoutOption(options.userTimeoutMs));
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

/** Makes the close that follows a reset: nothing lingers, nothing more is sent. */
export function setReset(calls: ForeignFunctions, descriptor: number): number {
  return calls.setOption(descriptor, SOL_SOCKET, SO_LINGER, Int32Array.of(1, 0));
}
