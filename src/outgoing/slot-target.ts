import type { Data, SendResult } from "../connection/connection.js";
import type { AgentTarget } from "./agent-target.js";
import type { Slot, SlotConnection } from "./slot.js";

/** A slot, as handlers see it. */
export abstract class SlotTarget<Held extends SlotConnection, Destination, SendWish>
  implements AgentTarget<Held, Destination, SendWish>
{
  abstract readonly slot: Pick<
    Slot<Held>,
    "current" | "isOpen" | "isReconnecting" | "send" | "close" | "abort"
  >;
  abstract readonly destination: Destination;

  get connection(): Held | undefined {
    return this.slot.current;
  }

  get context(): unknown {
    return this.slot.current?.context;
  }

  set context(context: unknown) {
    if (this.slot.current !== undefined) this.slot.current.context = context;
  }

  get isOpen(): boolean {
    return this.slot.isOpen;
  }

  get isReconnecting(): boolean {
    return this.slot.isReconnecting;
  }

  send(data: Data, options?: SendWish): SendResult {
    return this.slot.send(data, options);
  }

  close(): boolean {
    return this.slot.close();
  }

  abort(): boolean {
    return this.slot.abort();
  }
}
