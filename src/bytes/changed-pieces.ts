import { NetError } from "../errors.js";

/** Why a write is not begun: memory of a piece was transferred or shrunk since it was given. */
export function changedPieces(byteCount: number, sumBytes: number): NetError {
  const text = `data was changed before it was sent: its memory was transferred or resized (${sumBytes} bytes are left of ${byteCount})`;
  return new NetError("INVALID_ARGUMENT", text, { operation: "send" });
}

/**
 * Whether `piece` is empty because its memory was transferred or shrunk. An empty view of memory that can
 * shrink counts as one that has: nobody can tell, and nobody sends nothing.
 */
export function isEmptied(piece: Uint8Array): boolean {
  if (piece.byteLength > 0) return false;
  return Reflect.get(piece.buffer, "resizable") === true || isDetached(piece);
}

/** Node 20 can't say so itself, but a view of such memory can't be made. */
function isDetached({ buffer }: Uint8Array): boolean {
  try {
    return new Uint8Array(buffer).byteLength < 0;
  } catch {
    return true;
  }
}
