import { assertInteger, assertKnownKeys, describe, NetError } from "../errors.js";

/** Largest `maxPacketBytes` of any model: 1 GiB. */
export const MAX_PACKET_BYTES: number = 1024 ** 3;

/** Throws `INVALID_ARGUMENT` unless `options` is an object that has only the keys in `known`. */
export function assertOptions(model: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new NetError(
      "INVALID_ARGUMENT",
      `the options of ${model} must be an object, not ${describe(options)}`,
      { operation: "configure" },
    );
  }
  assertKnownKeys(model, options, known);
}

/** Throws `INVALID_ARGUMENT` unless `value` is a limit a packet model can have. */
export function assertMaxPacketBytes(value: unknown): void {
  assertInteger("maxPacketBytes", value, 1, MAX_PACKET_BYTES);
}

/** Throws `INVALID_ARGUMENT` unless `value` is a boolean. */
export function assertBoolean(name: string, value: unknown): void {
  if (typeof value !== "boolean") {
    throw new NetError(
      "INVALID_ARGUMENT",
      `${name} must be true or false, not ${describe(value)}`,
      {
        operation: "configure",
      },
    );
  }
}
