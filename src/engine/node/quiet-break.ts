/**
 * Finds connections that broke while they are not read: libuv notices a reset when it reads or writes, which it does
 * neither on a paused connection nor on one whose peer has finished. So these are looked at in turn
 * (`stream-rounds.ts`).
 *
 *     getpeername answers     the connection stands
 *     it says ENOTCONN        it is over. A write of nothing tells why: by a reset (ECONNRESET; EPIPE behind the peer's
 *                             end), by silence (ETIMEDOUT, …), or (EPIPE behind our own end) because both have finished
 *
 * Neither takes any of the bytes that are unread. It needs Linux, and the handles of sockets, which are not
 * documented; otherwise breaks are not found, as `capabilities` says.
 */
import { writeSync } from "node:fs";
import { Socket } from "node:net";
import { constants } from "node:os";
import process from "node:process";
import { errnoNameOf } from "../system-error.js";
import { handleOf } from "./taken-by-kernel.js";

const NOTHING = Buffer.alloc(0);
const NOT_CONNECTED = -constants.errno.ENOTCONN;

let isFound: true | string | undefined;

/** `true`, or why a reset is not found out while nothing is read. Tried once, when it is asked for. */
export function findsBreaks(): true | string {
  isFound ??= canFindBreaks();
  return isFound;
}

function canFindBreaks(): true | string {
  if (process.platform !== "linux") return "node:net hears of a reset when it reads or writes";
  const socket = new Socket();
  // A socket has its handle from `connect` on, which asks the kernel in a later turn.
  socket.on("error", () => {});
  socket.connect({ host: "127.0.0.1", port: 9, lookup: () => {} });
  const { getpeername } = handleOf(socket);
  socket.destroy();
  return typeof getpeername === "function" || "this Node shows no handles of its sockets";
}

/**
 * The system's name of what has broken `socket`, a TCP connection; undefined while it stands, or has ended in good
 * order.
 */
export function breakOf(socket: Socket, hasFinished: boolean): string | undefined {
  const handle = handleOf(socket);
  const { fd, getpeername } = handle;
  if (typeof fd !== "number" || fd < 0 || typeof getpeername !== "function") return undefined;
  if (getpeername.call(handle, {}) !== NOT_CONNECTED) return undefined;
  try {
    writeSync(fd, NOTHING);
    return undefined;
  } catch (error) {
    const name = errnoNameOf(error);
    return name === "EPIPE" && hasFinished ? undefined : name;
  }
}
