/**
 * Whether an end that node:net tells is the peer's, or a reset behind the last bytes. libuv takes a
 * connection that hangs up behind a read that was not full for one that has ended, and never asks the
 * kernel, which would say ECONNRESET.
 *
 *     getpeername answers          the peer has finished: our side is still there
 *     it says ENOTCONN             both sides have finished, or a reset: one more read tells which
 *
 * A Unix-domain socket has its peer's name in any case, so it is read at once. Nothing more can come on
 * either by then. It needs the handle of the socket, which no document promises: without it, and where
 * descriptors are none (Windows, where libuv tells resets itself), an end is an end.
 */
import { readSync } from "node:fs";
import type { Socket } from "node:net";
import { errnoNameOf } from "../system-error.js";

/** Errors of a read from a connection that was cut. */
const CUT_NAMES: ReadonlySet<string> = new Set([
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ECONNABORTED",
]);

const oneByte = Buffer.alloc(1);

interface Handle {
  readonly fd?: unknown;
  readonly getpeername?: unknown;
}

/** The system's name of what has cut `socket`, which has just ended; undefined when nothing has. */
export function cutBehindEnd(socket: Socket, isPath: boolean): string | undefined {
  const handle: unknown = Reflect.get(socket, "_handle");
  if (typeof handle !== "object" || handle === null) return undefined;
  const { fd, getpeername }: Handle = handle;
  if (typeof fd !== "number" || fd < 0) return undefined;
  if (!isPath && (typeof getpeername !== "function" || getpeername.call(handle, {}) === 0)) {
    return undefined;
  }
  try {
    readSync(fd, oneByte, 0, 1, null);
    return undefined;
  } catch (error) {
    const name = errnoNameOf(error);
    return CUT_NAMES.has(name) ? name : undefined;
  }
}
