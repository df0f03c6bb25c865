/** The ring with real and with faulty calls: full queues, interrupted and refused enters. */
import assert from "node:assert/strict";
import { constants } from "node:os";
import { describe } from "node:test";
import { SharedMemory } from "#src/engine/uring/memory/shared-memory.js";
import {
  type ForeignFunctions,
  loadForeignFunctions,
} from "#src/engine/uring/ring/foreign-functions.js";
import { OP_NOP } from "#src/engine/uring/ring/kernel-interface.js";
import { OperationSlots, SEND_KIND } from "#src/engine/uring/ring/operation-slots.js";
import { Ring } from "#src/engine/uring/ring/ring.js";
import { ringMemoryBytes, setUpMappedRing, setUpRing } from "#src/engine/uring/ring/ring-setup.js";
import { uringSettings } from "#src/engine/uring/setup/uring-options.js";
import { uringTest } from "./uring-case.js";

const { EAGAIN, EBUSY, EINTR, EIO } = constants.errno;

interface Bench {
  readonly ring: Ring;
  readonly slots: OperationSlots;
  /** Results that came, in order. */
  readonly results: number[];
  /** Claims an empty operation. */
  nop(): void;
}

/** A ring of `entries` submissions and `completions`, and a slot that writes down what comes. */
function withRing(
  entries: number,
  completions: number,
  body: (bench: Bench) => void,
  changes: Partial<ForeignFunctions> = {},
): void {
  const calls = { ...loadForeignFunctions(), ...changes };
  const settings = uringSettings({ submissionEntries: entries, completionEntries: completions });
  const parts = setUpRing(calls, settings, new SharedMemory(calls, ringMemoryBytes(settings)));
  assert.ok(typeof parts === "object", `a ring, not the error ${parts}`);
  const ring = new Ring(calls, parts);
  const slots = new OperationSlots();
  const results: number[] = [];
  const slot = slots.take({ completed: (_kind, result) => results.push(result) });
  const nop = (): void => {
    ring.claim(OP_NOP, -1, SEND_KIND | slot, slots.generation(slot));
  };
  try {
    body({ ring, slots, results, nop });
  } finally {
    calls.close(parts.descriptor);
  }
}

describe("ring", () => {
  uringTest("submits what was claimed and dispatches what comes back", () => {
    withRing(8, 16, ({ ring, slots, results, nop }) => {
      for (let count = 0; count < 5; count++) nop();
      const claimed = ring.claimedCount;
      const isTaken = ring.enter();
      const dispatched = ring.dispatch(slots, 100);

      assert.deepEqual([claimed, isTaken, dispatched], [5, true, 5]);
      assert.deepEqual(results, [0, 0, 0, 0, 0]);
      assert.equal(ring.hasWork, false);
    });
  });

  uringTest("submits by itself when the submission queue is full", () => {
    withRing(2, 64, ({ ring, slots, results, nop }) => {
      for (let count = 0; count < 50; count++) nop();
      ring.enter();
      ring.dispatch(slots, 100);

      assert.equal(results.length, 50);
      assert.ok(ring.enterCount >= 25, `${ring.enterCount} enters`);
    });
  });

  uringTest("loses no completion when the completion queue overflows", () => {
    withRing(4, 4, ({ ring, slots, results, nop }) => {
      for (let count = 0; count < 40; count++) nop();
      let rounds = 0;
      while (ring.hasWork && rounds < 100) {
        rounds++;
        ring.enter();
        ring.dispatch(slots, 100);
      }

      assert.equal(results.length, 40);
      assert.ok(rounds >= 10, `${rounds} rounds`);
    });
  });

  uringTest("answers an operation at once, though the completion queue is full", () => {
    withRing(4, 4, ({ ring, slots, results, nop }) => {
      for (let count = 0; count < 12; count++) nop();
      const answers = [1, 2, 3].map(() => ring.perform(OP_NOP, -1, () => {}));
      while (ring.hasWork) {
        ring.enter();
        ring.dispatch(slots, 3);
      }

      assert.deepEqual(answers, [0, 0, 0]);
      assert.equal(results.length, 12, "each of the others came once");
    });
  });

  uringTest("answers an operation from inside a dispatch", () => {
    withRing(4, 8, ({ ring, slots }) => {
      const answers: number[] = [];
      const slot = slots.take({
        completed: () => answers.push(ring.perform(OP_NOP, -1, () => {})),
      });
      for (let count = 0; count < 6; count++) {
        ring.claim(OP_NOP, -1, SEND_KIND | slot, slots.generation(slot));
      }
      while (ring.hasWork) {
        ring.enter();
        ring.dispatch(slots, 100);
      }

      assert.deepEqual(answers, [0, 0, 0, 0, 0, 0]);
    });
  });

  uringTest("dispatches no more than the limit, and the rest later", () => {
    withRing(16, 16, ({ ring, slots, results, nop }) => {
      for (let count = 0; count < 10; count++) nop();
      ring.enter();

      const first = ring.dispatch(slots, 4);
      const countThen = results.length;
      const second = ring.dispatch(slots, 100);

      assert.deepEqual([first, countThen, second], [4, 4, 6]);
    });
  });

  uringTest("enters again when a signal interrupts", () => {
    const calls = loadForeignFunctions();
    let interruptions = 3;
    const enter: ForeignFunctions["enter"] = (...args) =>
      interruptions-- > 0 ? -EINTR : calls.enter(...args);

    withRing(
      4,
      8,
      ({ ring, slots, results, nop }) => {
        nop();
        const isTaken = ring.enter();
        ring.dispatch(slots, 100);

        assert.equal(isTaken, true);
        assert.deepEqual(results, [0]);
        assert.equal(ring.enterCount, 4);
      },
      { enter },
    );
  });

  for (const [name, error] of [
    ["EAGAIN", EAGAIN],
    ["EBUSY", EBUSY],
  ] as const) {
    uringTest(`keeps what was claimed when the kernel answers ${name}`, () => {
      const calls = loadForeignFunctions();
      let refusals = 1;
      const enter: ForeignFunctions["enter"] = (...args) =>
        refusals-- > 0 ? -error : calls.enter(...args);

      withRing(
        4,
        8,
        ({ ring, slots, results, nop }) => {
          nop();
          const first = ring.enter();
          const kept = ring.claimedCount;
          const second = ring.enter();
          ring.dispatch(slots, 100);

          assert.deepEqual([first, kept, second], [false, 1, true]);
          assert.deepEqual(results, [0]);
        },
        { enter },
      );
    });
  }

  uringTest("throws NO_BUFFERS when a full submission queue is never taken", () => {
    withRing(
      2,
      4,
      ({ nop }) => {
        nop();
        nop();

        assert.throws(nop, { code: "NO_BUFFERS" });
      },
      { enter: () => -EAGAIN },
    );
  });

  uringTest("throws what the kernel says of a broken ring", () => {
    withRing(
      2,
      4,
      ({ ring, nop }) => {
        nop();

        assert.throws(() => ring.enter(), { code: "SYSTEM_ERROR", systemCode: "EIO" });
      },
      { enter: () => -EIO },
    );
  });

  uringTest("goes round for longer than its queues are", () => {
    withRing(4, 8, ({ ring, slots, results, nop }) => {
      for (let round = 0; round < 5_000; round++) {
        for (let count = 0; count <= round % 3; count++) nop();
        ring.enter();
        ring.dispatch(slots, 100);
      }

      assert.equal(results.length, 9_999);
      assert.ok(results.every((result) => result === 0));
    });
  });

  uringTest("runs in memory of the kernel's as well", () => {
    const calls = loadForeignFunctions();
    const parts = setUpMappedRing(calls, uringSettings({ submissionEntries: 8 }));
    assert.ok(typeof parts === "object");

    const answer = new Ring(calls, parts).perform(OP_NOP, -1, () => {});
    calls.close(parts.descriptor);
    parts.unmap();

    assert.equal(answer, 0);
    assert.equal(parts.isOurMemory, false);
  });
});
