import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Admission, MAX_NETWORKS } from "#src/datagram/admission.js";
import { RecentMap } from "#src/datagram/recent-map.js";
import { PORT_SPAN } from "#src/engine/peer-key.js";

describe("a map of what was asked for last", () => {
  it("keeps what is asked for, whatever comes between", () => {
    const map = new RecentMap<number, string>(8);
    map.set(-1, "asked for");
    for (let key = 0; key < 100; key++) {
      map.set(key, "one of many");
      assert.equal(map.get(-1), "asked for");
      assert.ok(map.size <= 8, `${map.size} entries`);
    }
    assert.equal(map.get(0), undefined);
  });

  it("keeps the half that came last, and each key once", () => {
    const map = new RecentMap<number, number>(8);
    for (let key = 0; key < 50; key++) {
      map.set(key, key);
      map.set(key, -key);
    }

    for (let key = 46; key < 50; key++) assert.equal(map.get(key), -key);
    map.clear();
    assert.deepEqual([map.size, map.get(49)], [0, undefined]);
  });

  it("keeps no more than it was told to, be it one, or odd", () => {
    for (const maxSize of [1, 2, 3, 7]) {
      const map = new RecentMap<number, number>(maxSize);
      for (let key = 0; key < 20; key++) {
        map.set(key, key);
        assert.ok(map.size <= maxSize, `${map.size} of ${maxSize}`);
        assert.equal(map.get(key), key);
      }
    }
  });
});

describe("admission of sessions", () => {
  it("remembers so many networks, and those that come again", () => {
    const admission = new Admission();
    const ours = 42 * PORT_SPAN + 1;
    assert.equal(admission.admits(ours, 1, 0), true);
    for (let network = 1_000; network < 1_000 + 3 * MAX_NETWORKS; network++) {
      admission.admits(network * PORT_SPAN + 1, 1, 0);
      if (network % 1_000 === 0) assert.equal(admission.admits(ours, 1, 0), false);
    }

    assert.equal(admission.admits(ours, 1, 0), false);
    assert.ok(admission.networkCount <= MAX_NETWORKS, `${admission.networkCount} networks`);
  });
});
