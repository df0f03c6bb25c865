import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { engineServiceOf } from "#src/connection/engine-service.js";
import type { Outbound } from "#src/connection/sending/outbound.js";
import type { Engine } from "#src/engine/engine.js";
import { FakeEngine, FakeHost } from "../../support/fake-stream.js";

/** Ways out that are kept for the next connection. */
const MAX_SPARES = 8_192;

describe("EngineService", () => {
  it("is one for each engine", () => {
    const [one, other] = [new FakeEngine(), new FakeEngine()] as unknown as [Engine, Engine];

    assert.equal(engineServiceOf(one), engineServiceOf(one));
    assert.notEqual(engineServiceOf(one), engineServiceOf(other));
  });

  it("keeps ways out for the next connection, MAX_SPARES at the most", () => {
    const host = new FakeHost();
    const busy = Array.from({ length: MAX_SPARES + 5 }, () => host.open());
    const used = new Set<Outbound>();
    for (const { connection } of busy) {
      connection.send("x");
      used.add(connection.outbound as Outbound);
    }
    host.engine.endTurn();
    for (const { stream } of busy) stream.complete();

    const again = Array.from({ length: MAX_SPARES + 5 }, () => host.open().connection);
    for (const connection of again) connection.send("x");
    const reused = again.filter(({ outbound }) => used.has(outbound as Outbound));

    assert.equal(used.size, MAX_SPARES + 5);
    assert.equal(reused.length, MAX_SPARES);
  });

  it("says when bytes came, though the turn was held up by another's handler", () => {
    const host = new FakeHost();
    const { connection } = host.open();
    connection.send("x");
    host.engine.clock.advance(5);
    const first = host.service.arrivalMs();
    host.engine.clock.advance(10_000);
    const second = host.service.arrivalMs();

    assert.deepEqual([first, second], [5, 10_005]);
  });
});
