/** Which operations the kernel's io_uring has (REGISTER_PROBE). */
import type { ForeignFunctions } from "./foreign-functions.js";
import { REGISTER_PROBE } from "./kernel-interface.js";

const MAX_OPERATIONS = 128;
const HEAD_WORDS = 4;
const OPERATION_WORDS = 2;
/** In the first word of an operation: opcode u8, unused u8, flags u16. */
const IS_SUPPORTED = 1 << 16;

/** Opcodes that the kernel performs; empty when it can't be asked. */
export function supportedOperations(calls: ForeignFunctions, ring: number): ReadonlySet<number> {
  const probe = new Int32Array(HEAD_WORDS + MAX_OPERATIONS * OPERATION_WORDS);
  const supported = new Set<number>();
  if (calls.register(ring, REGISTER_PROBE, probe, MAX_OPERATIONS) < 0) return supported;
  for (let index = 0; index < MAX_OPERATIONS; index++) {
    const word = probe[HEAD_WORDS + index * OPERATION_WORDS]!;
    if ((word & IS_SUPPORTED) !== 0) supported.add(word & 0xff);
  }
  return supported;
}
