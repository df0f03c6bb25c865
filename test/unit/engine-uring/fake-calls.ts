/**
 * Foreign calls for tests that need addresses and no kernel, and faults put in front of real ones.
 */
import type { ForeignFunctions } from "#src/engine/uring/ring/foreign-functions.js";

/** Where {@link withoutKernel} says that memory lies. */
export const FAKE_ADDRESS = 0x7f12_3400_0000;

/** Calls that fail the test, but for those that are given. */
export function withoutKernel(calls: Partial<ForeignFunctions> = {}): ForeignFunctions {
  const known: Partial<ForeignFunctions> = {
    addressOf: (view) => FAKE_ADDRESS + view.byteOffset,
    ...calls,
  };
  return new Proxy(known as ForeignFunctions, {
    get: (target, key): unknown => {
      const call: unknown = Reflect.get(target, key);
      if (call === undefined) throw new Error(`no foreign call was expected, but ${String(key)}`);
      return call;
    },
  });
}
