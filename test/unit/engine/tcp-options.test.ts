/** Why the kernel gave a peer up. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { OptionCalls } from "#src/engine/option-calls.js";
import { systemError } from "#src/engine/system-error.js";
import { TCP_INFO_BYTES } from "#src/engine/tcp-info.js";
import { timeoutError } from "#src/engine/tcp-options.js";

const TCP_INFO = 11;
const PROBES_AT = 3;
const ACKNOWLEDGED_AT = 56;
const NOT_SENT_AT = 144;
const given = systemError("ETIMEDOUT", "receive");

/** What a kernel answers that has sent so many probes, while so much waited to leave. */
function kernel(
  probeCount: number,
  notSentBytes: number,
  userTimeoutMs: number,
  infoBytes = TCP_INFO_BYTES,
  acknowledgedMs = 0,
): OptionCalls {
  return {
    setOption: () => 0,
    getOption(_descriptor, _level, name, value) {
      const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
      if (name !== TCP_INFO) {
        bytes.writeInt32LE(userTimeoutMs);
        return 4;
      }
      if (infoBytes < 0) return infoBytes;
      bytes[PROBES_AT] = probeCount;
      bytes.writeUInt32LE(acknowledgedMs, ACKNOWLEDGED_AT);
      bytes.writeUInt32LE(notSentBytes, NOT_SENT_AT);
      return infoBytes;
    },
  };
}

const codeOf = (...answers: Parameters<typeof kernel>): string =>
  timeoutError(kernel(...answers), 7, given).code;

describe("a connection that the kernel has given up", () => {
  it("was probed by keep-alive, or had a user time-out, or neither is known", () => {
    assert.equal(codeOf(3, 0, 0), "KEEPALIVE_TIMEOUT");
    assert.equal(codeOf(3, 0, 700), "KEEPALIVE_TIMEOUT");
    assert.equal(codeOf(0, 0, 700), "USER_TIMEOUT");
    assert.equal(codeOf(0, 0, 0), "SYSTEM_TIMEOUT");
  });

  it("was asked for room, or had no way to it, which is not keep-alive", () => {
    assert.equal(codeOf(3, 17, 700), "USER_TIMEOUT");
    assert.equal(codeOf(3, 17, 0), "SYSTEM_TIMEOUT");
  });

  it("is not judged without TCP_INFO", () => {
    assert.equal(timeoutError(kernel(3, 0, 700, -92), 7, given), given);
  });

  it("was given up where a write finds a broken pipe and nothing was acknowledged for the user time-out", () => {
    const pipe = systemError("EPIPE", "send");
    const code = (acknowledgedMs: number, userTimeoutMs: number): string =>
      timeoutError(kernel(0, 0, userTimeoutMs, TCP_INFO_BYTES, acknowledgedMs), 7, pipe).code;

    assert.equal(code(700, 700), "USER_TIMEOUT");
    assert.equal(code(699, 700), "CONNECTION_RESET");
    assert.equal(code(9_999, 0), "CONNECTION_RESET");
  });

  it("keeps what the system said", () => {
    const { systemCode, cause, operation } = timeoutError(kernel(0, 0, 700), 7, given);
    assert.deepEqual([systemCode, cause, operation], ["ETIMEDOUT", given, "receive"]);
  });
});
