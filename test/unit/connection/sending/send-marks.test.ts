/** What waits to be sent, beside its marks. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HOLD } from "#src/connection/receiver.js";
import { type MarkedConnection, SendMarks } from "#src/connection/sending/send-marks.js";

type Policy = MarkedConnection["settings"]["slowConsumer"];

function connection(slowConsumer: Policy) {
  const calls: string[] = [];
  const settings = { maxPendingBytes: 100, slowConsumer };
  const marked: MarkedConnection = {
    id: 7,
    settings,
    hold: (owners) => void calls.push(`hold ${owners}`),
    release: (owners) => void calls.push(`release ${owners}`),
    fail: (error) => calls.push(`${error.code} ${error.connectionId}: ${error.message}`) > 0,
    queueDrained: () => void calls.push("drained"),
  };
  return { marked, settings, calls };
}

describe("send marks", () => {
  it("tell once of room, after they were reached", () => {
    const { marked, calls } = connection("drop");
    const marks = new SendMarks();

    marks.fell(marked);
    assert.equal(marks.isQuiet, true);
    marks.reached(marked);
    marks.reached(marked);
    assert.equal(marks.isQuiet, false);
    marks.fell(marked);
    marks.fell(marked);

    assert.deepEqual(calls, [`release ${HOLD.slow}`, "drained"]);
  });

  it("hold who is slow where the policy says so, and let it go though the policy was changed", () => {
    const { marked, settings, calls } = connection("pause");
    const marks = new SendMarks();

    marks.reached(marked);
    settings.slowConsumer = "drop";
    marks.fell(marked);

    assert.deepEqual(calls, [`hold ${HOLD.slow}`, `release ${HOLD.slow}`, "drained"]);
  });

  it("drop and count, or end the connection, what there is no room for", () => {
    const dropping = connection("drop");
    const closing = connection("close");
    const marks = new SendMarks();

    marks.overflowed(dropping.marked, 90, 20);
    assert.equal(marks.droppedCount, 1);
    assert.equal(marks.isQuiet, false, "its end will tell of room");
    new SendMarks().overflowed(closing.marked, 90, 20);

    assert.deepEqual(dropping.calls, []);
    assert.deepEqual(closing.calls, [
      "SEND_QUEUE_FULL 7: 90 bytes wait to be sent and 20 more would pass maxPendingBytes (100)",
    ]);
  });
});
