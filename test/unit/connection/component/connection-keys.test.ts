import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CloseReason } from "#src/connection/close-reason.js";
import { ConnectionKeys } from "#src/connection/component/connection-keys.js";
import type { Member } from "#src/connection/member.js";
import type { DuplicateKey } from "#src/connection/settings.js";

/** What keys look at of a connection. */
interface Holder {
  readonly id: number;
  isOpen: boolean;
  readonly settings: { readonly duplicateKey: DuplicateKey };
  readonly reasons: CloseReason[];
  closeWith(reason: CloseReason): boolean;
}

let lastId = 0;

function holder(duplicateKey: DuplicateKey): Holder & Member {
  const reasons: CloseReason[] = [];
  const made: Holder = {
    id: ++lastId,
    isOpen: true,
    settings: { duplicateKey },
    reasons,
    closeWith: (reason) => reasons.push(reason) > 0,
  };
  return made as Holder & Member;
}

describe("ConnectionKeys", () => {
  it("finds the holder of a key, whatever a Map takes as one, until it is taken away", () => {
    const keys = new ConnectionKeys<Member>();
    const one = holder("replace");
    const object = {};
    for (const key of ["text", 0, Number.NaN, object, null]) {
      assert.equal(keys.give(one, key, undefined), key);
      assert.equal(keys.find(key), one);

      keys.take(one, key);

      assert.equal(keys.find(key), undefined);
    }
  });

  it("gives up the last key with the next, and without one by undefined", () => {
    const keys = new ConnectionKeys<Member>();
    const one = holder("replace");

    const first = keys.give(one, "a", undefined);
    const second = keys.give(one, "b", first);
    const found = [keys.find("a"), keys.find("b")];
    const none = keys.give(one, undefined, second);

    assert.deepEqual(found, [undefined, one]);
    assert.deepEqual([none, keys.find("b")], [undefined, undefined]);
  });

  it("is as it was where a connection is given the key that it has", () => {
    for (const rule of ["replace", "refuse", "keep"] as const) {
      const keys = new ConnectionKeys<Member>();
      const one = holder(rule);
      keys.give(one, "a", undefined);

      assert.equal(keys.give(one, "a", "a"), "a");
      assert.deepEqual([keys.find("a"), one.reasons], [one, []]);
    }
  });

  for (const [rule, winner, closed] of [
    ["replace", 1, [1, 0]],
    ["refuse", 0, [0, 1]],
    ["keep", 0, [0, 0]],
  ] as const) {
    it(`with ${rule}, of two that want one key, ${winner === 0 ? "the first" : "the second"} has it`, () => {
      const keys = new ConnectionKeys<Member>();
      const both = [holder(rule), holder(rule)] as const;
      keys.give(both[0], "a", undefined);
      keys.give(both[1], "own", undefined);

      const given = keys.give(both[1], "a", "own");

      assert.equal(keys.find("a"), both[winner]);
      assert.equal(given, winner === 1 ? "a" : "own");
      assert.equal(keys.find("own"), winner === 1 ? undefined : both[1]);
      assert.deepEqual(
        both.map(({ reasons }) => reasons.length),
        closed,
      );
      for (const { id, reasons } of both) {
        for (const { code, cause } of reasons) {
          assert.deepEqual([code, cause?.connectionId], ["DUPLICATE_KEY", id]);
        }
      }
    });
  }

  it("lets a connection have the key of one that closes, whatever the rule", () => {
    for (const rule of ["replace", "refuse", "keep"] as const) {
      const keys = new ConnectionKeys<Member>();
      const [closing, next] = [holder(rule), holder(rule)];
      keys.give(closing, "a", undefined);
      closing.isOpen = false;

      assert.equal(keys.give(next, "a", undefined), "a");
      keys.take(closing, "a");
      assert.deepEqual([keys.find("a"), next.reasons], [next, []]);
    }
  });
});
