import type { Buffer } from "node:buffer";
import { readAllOptions } from "../options.js";
import type { ReceiveModel } from "./receive-model.js";

/**
 * Push: `onReceive` gets bytes as they come. Where one call's bytes end says nothing about where
 * the peer's did. The default.
 */
export function push(): ReceiveModel<Buffer>;
// It has no options: who gives one is told so.
export function push(options: object = {}): ReceiveModel<Buffer> {
  readAllOptions("push", {}, options);
  return Object.freeze({
    name: "push",
    delivers: "bytes",
    maxPacketBytes: undefined,
    encoder: undefined,
    createDecoder: () => undefined,
  });
}
