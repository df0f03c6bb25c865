/**
 * What Linux lets be set and asked of a TCP connection by its descriptor: keep-alive, the user time-out, TCP_INFO, and
 * why the kernel has given a peer up.
 */
import { readFileSync } from "node:fs";
import { NetError } from "../errors.js";
import type { KeepAlive, TcpInfo } from "./engine.js";
import { type OptionCalls, type OptionList, SOL_SOCKET, setOptions } from "./option-calls.js";
import { decodeTcpInfo, lastAcknowledgedMs, notSentBytes, TCP_INFO_BYTES } from "./tcp-info.js";

const SO_KEEPALIVE = 9;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const TCP_KEEPIDLE = 4;
const TCP_KEEPINTVL = 5;
const TCP_KEEPCNT = 6;
const TCP_INFO = 11;
const TCP_USER_TIMEOUT = 18;

/** The kernel's own limits: MAX_TCP_KEEPIDLE, MAX_TCP_KEEPINTVL and MAX_TCP_KEEPCNT. */
const MAX_KEEP_ALIVE_SECONDS = 32_767;
const MAX_KEEP_ALIVE_COUNT = 127;

const wholeSeconds = (ms: number): number =>
  Math.min(MAX_KEEP_ALIVE_SECONDS, Math.max(1, Math.floor(ms / 1000)));

const probeCount = (count: number): number =>
  Math.min(MAX_KEEP_ALIVE_COUNT, Math.max(1, Math.floor(count)));

/** `TCP_NODELAY`. */
export function noDelayOption(on: boolean): OptionList {
  return [[IPPROTO_TCP, TCP_NODELAY, on ? 1 : 0]];
}

/** Keep-alive; parts left out stay as they are. */
export function keepAliveOptions({ idleMs, intervalMs, count }: KeepAlive): OptionList {
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

function systemDefault(name: string, fallback: number): number {
  try {
    return Number(readFileSync(`/proc/sys/net/ipv4/${name}`, "latin1"));
  } catch {
    // Without /proc: Linux's default.
    return fallback;
  }
}

/** Sets or ends the probes of an open connection; parts left out get the system's default. */
export function setKeepAlive(
  calls: OptionCalls,
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

/** `TCP_USER_TIMEOUT` in milliseconds. */
export function userTimeoutOption(userTimeoutMs: number): OptionList {
  return [[IPPROTO_TCP, TCP_USER_TIMEOUT, userTimeoutMs]];
}

/** 0: the system's own, or not to be known. */
function userTimeoutOf(calls: OptionCalls, descriptor: number): number {
  const bytes = Buffer.alloc(4);
  const result = calls.getOption(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, bytes);
  return result < 0 ? 0 : bytes.readInt32LE(0);
}

/** `TCP_INFO`; undefined where the socket has none. */
export function tcpInfo(calls: OptionCalls, descriptor: number): TcpInfo | undefined {
  const bytes = Buffer.alloc(TCP_INFO_BYTES);
  return calls.getOption(descriptor, IPPROTO_TCP, TCP_INFO, bytes) < 0
    ? undefined
    : decodeTcpInfo(bytes);
}

/**
 * Why the kernel has given the peer of an open connection up, where more is to be known than `error` says. It has one
 * number for all (ETIMEDOUT): what it did last tells them apart. Probes that were not answered are those of keep-alive,
 * unless something waited to leave: then they asked for room (RFC 9293 §3.8.6.1), or there was no way out of this
 * machine. With that, and without any probe, what was sent stayed unacknowledged for too long.
 *
 * A large write of which a part had left takes ETIMEDOUT with it, unseen, and the next finds a broken pipe: then that
 * nothing was acknowledged for the whole user time-out tells it from a reset.
 */
export function timeoutError(calls: OptionCalls, descriptor: number, error: NetError): NetError {
  const isTold = error.systemCode === "ETIMEDOUT";
  if (!isTold && error.systemCode !== "EPIPE") return error;
  const bytes = Buffer.alloc(TCP_INFO_BYTES);
  if (calls.getOption(descriptor, IPPROTO_TCP, TCP_INFO, bytes) < 0) return error;
  const { probeCount } = decodeTcpInfo(bytes);
  const isKeepAlive = isTold && probeCount > 0 && notSentBytes(bytes) === 0;
  if (!isKeepAlive) {
    const userTimeoutMs = userTimeoutOf(calls, descriptor);
    if (userTimeoutMs <= 0 || !(isTold || lastAcknowledgedMs(bytes) >= userTimeoutMs)) return error;
  }
  return new NetError(isKeepAlive ? "KEEPALIVE_TIMEOUT" : "USER_TIMEOUT", undefined, {
    operation: "receive",
    systemCode: "ETIMEDOUT",
    cause: error,
  });
}
