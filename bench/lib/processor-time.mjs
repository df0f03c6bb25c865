// Processor time of another process, as Linux counts it: on a busy machine it says more than a rate.
import { readFileSync } from "node:fs";

const TICKS_PER_SECOND = 100;

/** Seconds, user and system, all threads. */
export function processorSeconds(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name in parentheses may have spaces in it.
  const words = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(words[11]) + Number(words[12])) / TICKS_PER_SECOND;
}
