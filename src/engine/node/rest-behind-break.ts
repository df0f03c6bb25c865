/**
 * What a peer sent before it reset the connection: a server that responds in the middle of an upload and closes,
 * for example. node:net destroys a socket as soon as a write fails, and what it has not read yet is lost. It
 * still lies in the kernel, which hands it out before it tells the reset. Needs the handle of the socket, which
 * no document promises: without it, and where descriptors are none (Windows), the rest is lost.
 */
import { Buffer } from "node:buffer";
import { readSync } from "node:fs";
import type { Socket } from "node:net";
import { errnoNameOf } from "../system-error.js";

const PIECE_BYTES = 65_536;
/** More than a receive buffer of the kernel has: a peer that goes on sending does not hold the thread. */
const MAX_PIECES = 256;

/** Whether a write has failed because the peer has reset the connection. */
export function isPeerGone(error: Error): boolean {
  const name = errnoNameOf(error);
  return name === "EPIPE" || name === "ECONNRESET";
}

/** Gives what lies in the kernel to `receive`, which answers whether it wants more. The bytes are its own. */
export function readRest(socket: Socket, receive: (bytes: Buffer) => boolean): void {
  const handle: unknown = Reflect.get(socket, "_handle");
  if (typeof handle !== "object" || handle === null || !("fd" in handle)) return;
  const { fd } = handle;
  if (typeof fd !== "number" || fd < 0) return;
  for (let count = 0; count < MAX_PIECES; count++) {
    const bytes = readPiece(fd);
    if (bytes === undefined || !receive(bytes)) return;
  }
}

/** Undefined: there is nothing more. */
function readPiece(descriptor: number): Buffer | undefined {
  const piece = Buffer.allocUnsafeSlow(PIECE_BYTES);
  try {
    const byteCount = readSync(descriptor, piece, 0, PIECE_BYTES, null);
    if (byteCount === 0) return undefined;
    // A small piece is copied, so that it does not keep a large one.
    return byteCount < PIECE_BYTES / 2
      ? Buffer.from(piece.subarray(0, byteCount))
      : piece.subarray(0, byteCount);
  } catch {
    // The reason of the end is known already.
    return undefined;
  }
}
