/**
 * How many random cases a test tries. The seeds are fixed, so that each run of the tests tries the same
 * ones: a twentieth of them by default, as many as are named times `HP_SOCKET_FUZZ` where that is set.
 */
import process from "node:process";

const SHARE = Number(process.env["HP_SOCKET_FUZZ"] ?? 0.05);

/** The part of `count` that is to be tried. */
export function fuzzRuns(count: number): number {
  return Math.ceil(count * SHARE);
}

/** Of many cases, those that are to be tried: all over the list. */
export function fuzzCases<Case>(cases: readonly Case[]): readonly Case[] {
  // Places by the golden ratio lie apart, in the rows and in the columns of a table too.
  return cases.filter((_, index) => (Math.imul(index, 2_654_435_761) >>> 0) / 2 ** 32 < SHARE);
}
