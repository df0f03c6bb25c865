/** What splicing asks of a socket: not to wait for long, and how much it takes. */
import { SOL_SOCKET } from "../../option-calls.js";
import type { ForeignFunctions } from "../ring/foreign-functions.js";

const SO_RCVTIMEO = 20;
const SO_SNDTIMEO = 21;
const SO_MEMINFO = 55;

/** Words of SO_MEMINFO: the size of the send buffer, and what is used of it. */
const MEMINFO_WORDS = 9;
const MEMINFO_SEND_BUFFER = 3;
const MEMINFO_SEND_QUEUED = 5;
const memoryInfo = new Int32Array(MEMINFO_WORDS);
const memoryInfoBytes: Uint8Array = new Uint8Array(memoryInfo.buffer);

/**
 * Keeps calls outside the ring from waiting for longer than a tick of the kernel (1 to 10 ms), whatever happens: nothing
 * else does for a socket of which the ring wants to wait.
 */
export function setBriefWaits(calls: ForeignFunctions, descriptor: number): number {
  // A `timeval` of one microsecond.
  const value = Int32Array.of(0, 0, 1, 0);
  const result = calls.setOption(descriptor, SOL_SOCKET, SO_RCVTIMEO, value);
  return result < 0 ? result : calls.setOption(descriptor, SOL_SOCKET, SO_SNDTIMEO, value);
}

/** Bytes that can be sent without waiting, with a part left for what the kernel notes of each; 0: none. */
export function sendRoom(calls: ForeignFunctions, descriptor: number): number {
  if (calls.getOption(descriptor, SOL_SOCKET, SO_MEMINFO, memoryInfoBytes) < 0) return 0;
  const free = memoryInfo[MEMINFO_SEND_BUFFER]! - memoryInfo[MEMINFO_SEND_QUEUED]!;
  return Math.max(0, free - (free >> 3));
}
