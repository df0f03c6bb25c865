import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CloseReason } from "#src/connection/close-reason.js";
import type { ConnectionState } from "#src/connection/connection-state.js";
import {
  assertDeadline,
  assertIdleTimeout,
  OwnRules,
  type RuledConnection,
} from "#src/connection/own-rules.js";
import { DUE } from "#src/connection/receiver.js";
import type { NetError } from "#src/errors.js";
import { ManualClock } from "#src/time/clock.js";
import { Deadlines } from "#src/time/deadlines.js";
import { TimingWheel } from "#src/time/timing-wheel.js";

/** A connection that notes how its rules end it. */
class NotedConnection implements RuledConnection {
  readonly id = 3;
  state: ConnectionState = "open";
  readonly rules: OwnRules = new OwnRules();
  readonly clock: ManualClock = new ManualClock();
  readonly deadlines: Deadlines = new Deadlines(new TimingWheel(this.clock), {
    deadlinePassed: (purpose) => {
      if (purpose === DUE.application) this.rules.deadlinePassed(this);
    },
  });
  readonly ends: [string, NetError | undefined][] = [];

  closeWith({ cause }: CloseReason): boolean {
    this.ends.push(["closed", cause]);
    return true;
  }

  fail(error: NetError): boolean {
    this.ends.push(["failed", error]);
    return true;
  }
}

describe("OwnRules", () => {
  it("closes the connection at its deadline, and says which that was", () => {
    const connection = new NotedConnection();

    connection.rules.setDeadline(connection, 100, undefined);
    connection.clock.advance(90);
    const before = connection.ends.length;
    connection.clock.advance(20);

    const [how, error] = connection.ends[0] ?? [];
    assert.equal(before, 0);
    assert.deepEqual([how, error?.code, error?.connectionId], ["closed", "DEADLINE_PASSED", 3]);
    assert.equal(error?.message, "the deadline of the connection (100 ms) has passed");
  });

  it("ends it with the application's reason, and at once while it is being made", () => {
    const connection = new NotedConnection();
    connection.state = "connecting";

    connection.rules.setDeadline(connection, 100, "no login");
    connection.clock.advance(200);

    assert.deepEqual(
      connection.ends.map(([how, error]) => [how, error?.message]),
      [["failed", "no login"]],
    );
  });

  it("takes the deadline back with 0, and replaces it by another", () => {
    const [none, later] = [new NotedConnection(), new NotedConnection()];

    none.rules.setDeadline(none, 100, undefined);
    none.rules.setDeadline(none, 0, undefined);
    later.rules.setDeadline(later, 100, "first");
    later.rules.setDeadline(later, 300, "second");
    none.clock.advance(500);
    later.clock.advance(200);
    const before = later.ends.length;
    later.clock.advance(200);

    assert.deepEqual([none.ends.length, before], [0, 0]);
    assert.deepEqual(
      later.ends.map(([, error]) => error?.message),
      ["second"],
    );
  });

  it("refuses times that a timer can't take, and reasons that are no text", () => {
    for (const wrong of [-1, 1.5, 2 ** 31, Number.NaN, "5" as never]) {
      assert.throws(() => assertIdleTimeout(wrong), { code: "INVALID_ARGUMENT" });
      assert.throws(() => assertDeadline(wrong, undefined), { code: "INVALID_ARGUMENT" });
    }
    assert.throws(() => assertDeadline(5, 5 as never), { code: "INVALID_ARGUMENT" });
    assertIdleTimeout(2 ** 31 - 1);
    assertDeadline(0, "why");
  });
});
