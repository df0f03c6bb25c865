/** What the options of receive models have in common. */
import { bytes, GIB, type NumberRule } from "../options.js";

/** The limit of a packet; no model has a greater one than 1 GiB. */
export function maxPacketBytes(standard: number): NumberRule {
  return bytes(standard, { min: 1, max: GIB });
}
