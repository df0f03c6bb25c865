/**
 * Answers that TLS gives by itself (to renewed keys, to refused renegotiations), and that the peer does not read. Both
 * engines bound them alike.
 */
import { NetError } from "../../errors.js";

/** Answers that wait because the peer does not read; one that makes us write more of them is ended. */
export const MAX_ANSWER_BYTES: number = 262_144;

/** Why a connection ends on which more of them wait. */
export function tooManyAnswers(): NetError {
  const text = `the peer asks for more answers than it reads: ${MAX_ANSWER_BYTES} bytes of them wait`;
  return new NetError("TLS_FAILED", text, { operation: "receive" });
}
