/**
 * Socket options by foreign calls, for engines alike. Functions answer 0 or a value, or the negative error number of
 * the first call that failed.
 */
import type { Koffi } from "./koffi.js";

/** The two calls. */
export interface OptionCalls {
  setOption(
    descriptor: number,
    level: number,
    name: number,
    value: Int32Array | Uint8Array,
  ): number;
  /** Writes the value into `value`; returns its length. */
  getOption(descriptor: number, level: number, name: number, value: Uint8Array): number;
}

/** Where the numbers of socket options are those that are written here: Linux on these processors. */
export const OPTION_PROCESSORS: readonly string[] = ["x64", "arm64", "riscv64", "loong64"];

export const SOL_SOCKET = 1;

/** Options to set, in order: level, name, value. */
export type OptionList = (readonly [level: number, name: number, value: number])[];

/** Binds the calls. Throws when one is missing in the C library. */
export function bindOptionCalls(koffi: Koffi): OptionCalls {
  const library = koffi.load(null);
  const bound = (prototype: string): ((...args: unknown[]) => number) =>
    library.func(prototype) as (...args: unknown[]) => number;
  const setsockopt = bound(
    "int setsockopt(int descriptor, int level, int name, void* value, uint32_t length)",
  );
  const getsockopt = bound(
    "int getsockopt(int descriptor, int level, int name, void* value, void* length)",
  );
  const length = new Uint32Array(1);
  return {
    setOption: (descriptor, level, name, value) =>
      setsockopt(descriptor, level, name, value, value.byteLength) < 0 ? -koffi.errno() : 0,
    getOption: (descriptor, level, name, value) => {
      length[0] = value.byteLength;
      return getsockopt(descriptor, level, name, value, length) < 0 ? -koffi.errno() : length[0]!;
    },
  };
}

/** Sets options until one fails. */
export function setOptions(calls: OptionCalls, descriptor: number, options: OptionList): number {
  for (const [level, name, value] of options) {
    const result = calls.setOption(descriptor, level, name, Int32Array.of(value));
    if (result < 0) return result;
  }
  return 0;
}
