import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type UringOptions, uringSettings } from "#src/engine/uring/setup/uring-options.js";

describe("uring options", () => {
  it("have a default each", () => {
    assert.deepEqual(uringSettings({ debug: false }), {
      submissionEntries: 256,
      completionEntries: 4_096,
      receiveBufferCount: 64,
      receiveBufferBytes: 65_536,
      sendArenaBytes: 33_554_432,
      turnCompletions: 256,
      maxSockets: 0,
      spinMicroseconds: 0,
      ownership: "auto",
      debug: false,
    });
  });

  const misuses: readonly (readonly [options: object, message: RegExp])[] = [
    [{ submissionEntries: 3 }, /submissionEntries must be a power of two, not 3/],
    [{ submissionEntries: 0 }, /submissionEntries must be a whole number from 1 to 32768, not 0/],
    [{ completionEntries: 100 }, /completionEntries must be a power of two, not 100/],
    [
      { submissionEntries: 64, completionEntries: 32 },
      /submissionEntries \(64\) must not be above completionEntries \(32\)/,
    ],
    [{ receiveBufferCount: 65_536 }, /receiveBufferCount must be .* to 32768, not 65536/],
    [{ receiveBufferBytes: 1_000 }, /receiveBufferBytes must be .* from 1024/],
    [{ receiveBufferBytes: 1_025 }, /receiveBufferBytes must be a multiple of 64, not 1025/],
    [{ receiveBufferCount: 32_768 }, /receiveBufferCount × receiveBufferBytes/],
    [{ sendArenaBytes: 70_000 }, /sendArenaBytes must be a multiple of 65536, not 70000/],
    [{ turnCompletions: 0 }, /turnCompletions must be .* not 0/],
    [{ maxSockets: -1 }, /maxSockets must be .* not -1/],
    [{ spinMicroseconds: 0.5 }, /spinMicroseconds must be .* not 0.5/],
    [{ ownership: "mine" }, /ownership must be one of auto, process, not "mine"/],
    [{ debug: "yes" }, /debug must be true or false, not "yes"/],
    [{ bufferCount: 3 }, /the uring engine has no option "bufferCount"/],
  ];

  for (const [options, message] of misuses) {
    it(`throws for ${JSON.stringify(options)}`, () => {
      assert.throws(() => uringSettings(options as UringOptions), {
        code: "INVALID_ARGUMENT",
        message,
      });
    });
  }
});
