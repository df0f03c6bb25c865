/**
 * TCP keep-alive through node:net. Every Node sets the idle time; interval and probe count are
 * parameters that later ones have added, and earlier ones ignore in silence.
 */
import { Socket } from "node:net";
import type { KeepAlive } from "../engine.js";

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
  if (!takesKeepAliveInterval) {
    socket.setKeepAlive(true, idleMs);
    return { idleMs };
  }
  const { intervalMs, count } = keepAlive;
  const wholeIntervalMs = intervalMs === undefined ? undefined : wholeSecondsMs(intervalMs);
  setKeepAlive.call(socket, true, idleMs, wholeIntervalMs, count);
  return {
    idleMs,
    ...(wholeIntervalMs !== undefined && { intervalMs: wholeIntervalMs }),
    ...(count !== undefined && { count }),
  };
}
