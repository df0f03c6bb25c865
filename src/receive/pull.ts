import { readAllOptions } from "../options.js";
import type { ReceiveModel } from "./receive-model.js";

/**
 * Pull: what comes is buffered, `onReceive` gets the number of unread bytes and fetches or peeks at
 * as many as it wants (HP §2.7). How much is buffered is a setting of the component, `maxUnreadBytes`.
 */
export function pull(): ReceiveModel<number>;
// It has no options: any name is refused.
export function pull(options: object = {}): ReceiveModel<number> {
  readAllOptions("pull", {}, options);
  return Object.freeze({
    name: "pull",
    delivers: "count",
    maxPacketBytes: undefined,
    encoder: undefined,
    createDecoder: () => undefined,
  });
}
