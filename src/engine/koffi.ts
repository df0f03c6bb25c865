/** The foreign function interface: koffi, which may be missing, since it is an optional dependency. */
import process from "node:process";
import { lookUpPlaces } from "../installed.js";

/** What a foreign function answers; 64-bit numbers come as such where a number holds them. */
export type ForeignResult = number | string | null;

/** What it takes: numbers, which addresses are too, memory, text. */
export type ForeignArgument = number | Uint8Array | string | null;

/** A foreign function. */
export type ForeignCall = (...args: readonly ForeignArgument[]) => ForeignResult;

/** What is used of koffi. Its own types stay out of ours, since it may be missing. */
export interface Koffi {
  load(path: null): { func(prototype: string): unknown; symbol(name: string): unknown };
  errno(): number;
  address(view: Uint8Array): bigint;
  view(address: bigint, byteCount: number): ArrayBuffer;
  proto(result: string, parameters: readonly string[]): unknown;
  pointer(type: unknown): unknown;
  /** Makes a pointer, by which C calls `call`, for as long as the thread lives. */
  register(call: (...args: number[]) => number, type: unknown): bigint;
}

/** Loads it; throws what `require` throws. */
export function loadKoffi(): Koffi {
  const { createRequire } = process.getBuiltinModule("node:module");
  let missing: unknown;
  for (const place of lookUpPlaces(import.meta.url)) {
    try {
      return createRequire(place)("koffi") as Koffi;
    } catch (error) {
      if (!isMissing(error)) throw error;
      missing ??= error;
    }
  }
  throw missing;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "MODULE_NOT_FOUND";
}
