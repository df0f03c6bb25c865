/**
 * Finds out whether the head of a request can be sent before anybody connects for it: it is written into
 * scratch memory, by the same rules as later into the memory that is sent from.
 */
import { Buffer } from "node:buffer";
import { NetError } from "../../errors.js";
import { HeadWriter, type OutgoingRequest } from "../../protocol/http1/writing/head-writer.js";
import { NO_ROOM } from "../../protocol/http1/writing/text-writer.js";

/** Longest head that is sent, in bytes. */
export const MAX_HEAD_BYTES: number = 16 * 1024 * 1024;

const SCRATCH_BYTES = 16_384;

const writer = new HeadWriter();
/** Nothing in it is ever read, so that all checks can use the same. */
let scratch: Buffer | undefined;

/** Throws `INVALID_ARGUMENT` for a head that can't be sent. */
export function assertHead(head: OutgoingRequest): void {
  scratch ??= Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  let target = scratch;
  while (writer.writeRequest(target, 0, head) === NO_ROOM) {
    if (target.length >= MAX_HEAD_BYTES) throw headTooLong();
    target = Buffer.allocUnsafeSlow(2 * target.length);
  }
}

/** What is wrong with a head that can't be sent; undefined where it can. */
export function headProblem(head: OutgoingRequest): NetError | undefined {
  try {
    assertHead(head);
    return undefined;
  } catch (error) {
    return error as NetError;
  }
}

/** The error for a head that is longer than {@link MAX_HEAD_BYTES}. */
export function headTooLong(): NetError {
  const message = `the head of the request is longer than ${MAX_HEAD_BYTES} bytes`;
  return new NetError("INVALID_ARGUMENT", message, { operation: "send" });
}
