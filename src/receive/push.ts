import type { Buffer } from "node:buffer";
import { readAllOptions } from "../options.js";
import type { ReceiveModel } from "./receive-model.js";

/**
 * Push: `onReceive` gets bytes as they come. The borders of calls have no meaning. The default.
 */
export function push(): ReceiveModel<Buffer>;
// It has no options: any name is refused.
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
