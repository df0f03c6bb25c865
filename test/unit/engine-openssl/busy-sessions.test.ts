/** Which sessions keep their buffers. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type BusySession,
  BusySessions,
  MAX_BUSY,
  NO_PLACE,
} from "#src/engine/openssl/busy-sessions.js";

class FakeSession implements BusySession {
  place: number = NO_PLACE;
  wasBusy = true;
  isKeeping = false;

  keepBuffers(): void {
    this.isKeeping = true;
  }

  releaseBuffers(): void {
    this.isKeeping = false;
  }
}

function fakes(count: number): FakeSession[] {
  return Array.from({ length: count }, () => new FakeSession());
}

const keepers = (sessions: readonly FakeSession[]): number =>
  sessions.filter(({ isKeeping }) => isKeeping).length;

describe("sessions that keep their buffers", () => {
  it("are at most MAX_BUSY, however many are busy", () => {
    const busy = new BusySessions();
    const sessions = fakes(10 * MAX_BUSY);

    for (const session of sessions) busy.add(session);

    assert.equal(keepers(sessions), MAX_BUSY);
  });

  it("keep their places while they are busy", () => {
    const busy = new BusySessions();
    const old = fakes(MAX_BUSY);
    for (const session of old) busy.add(session);

    const answers = fakes(MAX_BUSY).map((session) => {
      for (const one of old) one.wasBusy = true;
      return busy.add(session);
    });

    assert.ok(answers.every((answer) => !answer));
    assert.equal(keepers(old), MAX_BUSY);
  });

  it("give their places to others when they have read nothing for a while", () => {
    const busy = new BusySessions();
    const old = fakes(MAX_BUSY);
    for (const session of old) busy.add(session);
    for (const session of old) session.wasBusy = false;
    const young = fakes(MAX_BUSY);

    for (const session of young) assert.ok(busy.add(session));

    assert.equal(keepers(old), 0);
    assert.ok(old.every(({ place }) => place === NO_PLACE));
    assert.equal(keepers(young), MAX_BUSY);
  });

  it("leave their places when they are gone", () => {
    const busy = new BusySessions();
    const sessions = fakes(MAX_BUSY);
    for (const session of sessions) busy.add(session);
    const late = new FakeSession();

    for (const session of sessions) busy.remove(session);

    assert.ok(sessions.every(({ place }) => place === NO_PLACE));
    assert.ok(busy.add(late));
    busy.remove(new FakeSession());
    assert.equal(late.place, 0);
  });
});
