import type { Socket } from "node:net";

/**
 * Resets `socket`, which is being shut down. libuv refuses a reset while a shutdown is under way, and
 * Node then leaves the socket open for good. The shutdown is over within a turn where the kernel takes
 * what is left to be written; a peer that reads nothing can keep it from that (TLS: from close_notify),
 * and the socket is closed without a reset.
 */
export function resetBehindShutdown(socket: Socket, reset: () => void): void {
  let isDone = false;
  const once = (end: () => void): void => {
    if (isDone) return;
    isDone = true;
    end();
  };
  socket.once("finish", () => once(reset));
  setImmediate(() => setImmediate(() => once(() => socket.destroy())));
}
