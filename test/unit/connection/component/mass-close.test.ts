import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type AgeingConnection,
  closeOldOnes,
  closeSilentOnes,
} from "#src/connection/component/mass-close.js";
import type { NetError } from "#src/errors.js";

const connection = (id: number, silentForMs: number, ageMs: number): AgeingConnection => ({
  id,
  isOpen: true,
  silentForMs,
  ageMs,
});

/** Notes what is closed, and why. */
function closer(): {
  readonly closed: [number, NetError][];
  readonly close: (one: AgeingConnection, error: NetError) => boolean;
} {
  const closed: [number, NetError][] = [];
  return { closed, close: ({ id }, error) => closed.push([id, error]) > 0 };
}

describe("mass close", () => {
  it("closes those that are silent for long enough, and says for how long", () => {
    const { closed, close } = closer();
    const all = [connection(1, 99, 500), connection(2, 100, 500), connection(3, 101, 500)];

    assert.equal(closeSilentOnes(all, 100, close), 2);

    assert.deepEqual(
      closed.map(([id, { code, connectionId }]) => [id, code, connectionId]),
      [
        [2, "IDLE_TIMEOUT", 2],
        [3, "IDLE_TIMEOUT", 3],
      ],
    );
    assert.match(String(closed[0]?.[1].message), /silentMs \(100\)/);
  });

  it("closes those that are old enough, silent or not", () => {
    const { closed, close } = closer();

    assert.equal(closeOldOnes([connection(1, 0, 99), connection(2, 0, 100)], 100, close), 1);

    assert.deepEqual(
      closed.map(([id, { code }]) => [id, code]),
      [[2, "AGE_LIMIT"]],
    );
  });

  it("counts those that it has closed, and leaves those that are on their way out", () => {
    const leaving = { ...connection(1, 500, 500), isOpen: false };
    const refused = closeSilentOnes([connection(2, 500, 500)], 100, () => false);

    assert.equal(refused, 0);
    assert.equal(
      closeSilentOnes([leaving], 100, () => assert.fail("closed")),
      0,
    );
  });

  it("chooses before it closes the first, whose handlers may change the others", () => {
    const second = { ...connection(2, 500, 0) };
    const closed: number[] = [];
    const count = closeSilentOnes([connection(1, 500, 0), second], 100, ({ id }) => {
      Object.assign(second, { silentForMs: 0 });
      return closed.push(id) > 0;
    });

    assert.deepEqual([count, closed], [2, [1, 2]]);
  });

  it("refuses what is no time", () => {
    for (const wrong of [-1, 1.5, Number.NaN]) {
      assert.throws(() => closeSilentOnes([], wrong, () => true), { code: "INVALID_ARGUMENT" });
      assert.throws(() => closeOldOnes([], wrong, () => true), { code: "INVALID_ARGUMENT" });
    }
  });
});
