import type { CloseReason } from "../../index.js";

/** How a conversation ended. A peer that closes because we have finished was not the one who ended it. */
export function endText({ code, initiator, cause }: CloseReason, hasFinished: boolean): string {
  if (cause !== undefined) return `${code}: ${cause.message}`;
  if (hasFinished) return "closed after the end of the input";
  return initiator === "remote" ? "the peer closed the connection" : "closed";
}
