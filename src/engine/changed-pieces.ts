import { NetError } from "../errors.js";

/** Why a write is not begun: memory of a piece was transferred or shrunk since it was given. */
export function changedPieces(byteCount: number, sumBytes: number): NetError {
  const text = `${byteCount} bytes were to be written, but the pieces have ${sumBytes} by now: memory was transferred or shrunk`;
  return new NetError("INVALID_ARGUMENT", text, { operation: "send" });
}
