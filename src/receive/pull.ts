import { readAllOptions } from "../options.js";
import type { ReceiveModel } from "./receive-model.js";

/** Pull has no options. How much is buffered is a setting of the component. */
export type PullOptions = Readonly<Record<string, never>>;

/**
 * Pull: what comes is buffered, `onReceive` gets the number of unread bytes and fetches or peeks at
 * as many as it wants (HP §2.7).
 */
export function pull(options: PullOptions = {}): ReceiveModel<number> {
  readAllOptions("pull", {}, options);
  return Object.freeze({
    name: "pull",
    delivers: "count",
    maxPacketBytes: undefined,
    encoder: undefined,
    createDecoder: () => undefined,
  });
}
