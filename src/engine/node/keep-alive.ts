/**
 * TCP keep-alive. Every Node sets the idle time; interval and probe count are parameters that later ones have added, and
 * earlier ones ignore in silence: there they are set by foreign calls, where these are.
 */
import { Socket } from "node:net";
import type { KeepAlive } from "../engine.js";
import { keepAliveInForce, setKeepAlive as setByCalls } from "../tcp-options.js";
import { askSocket } from "./socket-calls.js";

type SetKeepAlive = (
  this: Socket,
  enable: boolean,
  initialDelayMs: number,
  intervalMs?: number,
  count?: number,
) => unknown;

const setKeepAlive: SetKeepAlive = Socket.prototype.setKeepAlive;

/** Whether this Node takes interval and count: it then declares the two parameters. */
export const takesKeepAliveInterval: boolean = Socket.prototype.setKeepAlive.length >= 4;

// The kernel counts in whole seconds, and takes none for "as before".
const wholeSecondsMs = (ms: number): number => Math.max(1, Math.floor(ms / 1000)) * 1000;

/** Sets the probes of a socket and answers what is in force; what Node can't set is left out. */
export function applyKeepAlive(socket: Socket, keepAlive: KeepAlive | false): KeepAlive | false {
  if (keepAlive === false) {
    socket.setKeepAlive(false);
    return false;
  }
  const idleMs = wholeSecondsMs(keepAlive.idleMs);
  const { intervalMs, count } = keepAlive;
  if (!takesKeepAliveInterval) {
    socket.setKeepAlive(true, idleMs);
    if (intervalMs === undefined && count === undefined) return { idleMs };
    const set = askSocket(socket, (calls, descriptor) => setByCalls(calls, descriptor, keepAlive));
    return set === 0 ? keepAliveInForce(keepAlive) : { idleMs };
  }
  const wholeIntervalMs = intervalMs === undefined ? undefined : wholeSecondsMs(intervalMs);
  setKeepAlive.call(socket, true, idleMs, wholeIntervalMs, count);
  return {
    idleMs,
    ...(wholeIntervalMs !== undefined && { intervalMs: wholeIntervalMs }),
    ...(count !== undefined && { count }),
  };
}
