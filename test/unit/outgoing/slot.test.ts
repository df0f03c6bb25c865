import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { reconnectOptions } from "#src/outgoing/reconnect-options.js";
import { Slot, type SlotConnection, type SlotOwner } from "#src/outgoing/slot.js";
import { ManualClock } from "#src/time/clock.js";

const OWNER = { clock: new ManualClock() } as unknown as SlotOwner<never, unknown>;

describe("a slot", () => {
  it("fails where the greeting is lost, so that nothing else is the first that the peer hears", () => {
    const slot = new Slot<SlotConnection, never>(
      OWNER,
      reconnectOptions<never, unknown>({ greeting: "login" }),
    );
    const sent: unknown[] = [];
    const connection: SlotConnection = {
      context: undefined,
      isOpen: true,
      send: (data) => sent.push(data) > 1,
      close: () => true,
      abort: () => true,
    } as SlotConnection;
    slot.entered(connection);

    assert.throws(() => slot.greet(connection), { code: "SEND_QUEUE_FULL" });
    assert.deepEqual(sent, ["login"]);
  });
});
