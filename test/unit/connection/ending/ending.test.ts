import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FakeHost } from "../../../support/fake-stream.js";

/** A connection that closes with one write under way, of which the kernel has taken nothing. */
function closing() {
  const host = new FakeHost({ closeTimeoutMs: 1_000 });
  const { connection, stream } = host.open();
  connection.send(Buffer.alloc(100_000));
  host.engine.endTurn();
  connection.close();
  return { host, connection, stream, clock: host.engine.clock };
}

describe("Ending: a peer that takes what waits slowly", () => {
  it("has closeTimeoutMs again as long as it takes some of the write under way", () => {
    const { connection, stream, clock } = closing();

    for (const taken of [10, 20, 30]) {
      stream.taken = taken;
      clock.advance(1_004);
    }
    const before = connection.state;
    clock.advance(1_004);

    assert.equal(before, "closing");
    assert.equal(connection.closeReason?.code, "CLOSE_TIMEOUT");
    assert.match(
      String(connection.closeReason?.cause?.message),
      /99970 bytes wait .* none of them/,
    );
    assert.deepEqual(stream.calls, ["reset"]);
  });

  it("is not waited for beyond closeTimeoutMs when only its FIN is missing", () => {
    const { connection, stream, clock, host } = closing();

    stream.complete();
    clock.advance(1_004);
    stream.sink.streamClosed(undefined);

    assert.deepEqual(stream.calls, ["finish", "close"]);
    assert.equal(connection.state, "closed");
    assert.deepEqual(
      host.reasons.map(({ code }) => code),
      ["CLOSED"],
    );
  });
});

describe("Ending: the reason", () => {
  it("is fixed once, and told once, whatever comes later", () => {
    const { connection, stream, host } = closing();

    connection.abort();
    connection.abort();
    connection.close();
    stream.sink.streamEnded();
    stream.sink.streamClosed(undefined);
    stream.sink.streamClosed(undefined);

    assert.deepEqual(
      host.reasons.map(({ code }) => code),
      ["ABORTED"],
    );
    assert.deepEqual(stream.calls, ["reset"]);
  });

  it("is what finish began, once both sides have finished", async () => {
    const host = new FakeHost();
    const { connection, stream } = host.open();

    const hasFinished = connection.finish();
    stream.sink.streamEnded();
    await new Promise((resolve) => setImmediate(resolve));
    stream.sink.streamClosed(undefined);

    assert.equal(hasFinished, true);
    assert.equal(connection.finish(), false);
    assert.deepEqual(stream.calls, ["finish", "close"]);
    assert.equal(host.reasons[0]?.code, "CLOSED");
  });
});
