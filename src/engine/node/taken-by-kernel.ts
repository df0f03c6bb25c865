/**
 * How far a write under way is: node:net tells of it when all is written, libuv knows meanwhile what it still
 * has. TLS gives libuv one part after the other.
 */
import type { Socket } from "node:net";

interface Handle {
  readonly fd?: unknown;
  readonly getpeername?: unknown;
  /** What was given to libuv since the socket was made. */
  readonly bytesWritten?: unknown;
  /** What of that waits in libuv. */
  readonly writeQueueSize?: unknown;
}

/** What libuv has of a socket, as far as it is there: no document promises any of it. */
export function handleOf(socket: Socket): Handle {
  const handle: unknown = Reflect.get(socket, "_handle");
  return typeof handle === "object" && handle !== null ? handle : {};
}

/**
 * Bytes that wait for the kernel to take them: in libuv, or of a TLS socket as cipher text. Undefined where that is not
 * to be known.
 */
export function waitingBytes(socket: Socket): number | undefined {
  const { writeQueueSize } = handleOf(socket);
  return typeof writeQueueSize === "number" ? writeQueueSize : undefined;
}

/** Bytes that the kernel has taken since the socket was made; 0 where that is not to be known. */
export function takenBytes(socket: Socket): number {
  const { bytesWritten } = handleOf(socket);
  return typeof bytesWritten === "number" ? bytesWritten - (waitingBytes(socket) ?? 0) : 0;
}
