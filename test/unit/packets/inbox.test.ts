import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { NetError } from "#src/errors.js";
import { Inbox, PACKET_COST_BYTES } from "#src/packets/inbox.js";
import { ManualClock } from "#src/time/clock.js";
import { TimingWheel } from "#src/time/timing-wheel.js";

const bytes = (text: string): Buffer => Buffer.from(text);
const CHUNK = { kind: "chunk" } as const;

function inboxOf(joinsChunks: boolean): { readonly inbox: Inbox; readonly clock: ManualClock } {
  const clock = new ManualClock();
  return { inbox: new Inbox(new TimingWheel(clock), joinsChunks), clock };
}

describe("Inbox", () => {
  it("gives packet after packet, an empty one too", async () => {
    const { inbox } = inboxOf(false);
    for (const text of ["a", "", "b"]) inbox.append(bytes(text), false);

    const read = [];
    for (let count = 0; count < 3; count++) read.push(String(await inbox.read(CHUNK, {}, 1_000)));

    assert.deepEqual(read, ["a", "", "b"]);
  });

  it("gives all bytes there are where borders mean nothing", async () => {
    const { inbox } = inboxOf(true);
    for (const text of ["a", "b", "c"]) inbox.append(bytes(text), false);

    assert.equal(String(await inbox.read(CHUNK, {}, 1_000)), "abc");
  });

  it("counts PACKET_COST_BYTES for each packet, and nothing for joined bytes", () => {
    const packets = inboxOf(false).inbox;
    const joined = inboxOf(true).inbox;
    for (const inbox of [packets, joined]) {
      for (let count = 0; count < 10; count++) inbox.append(bytes("x"), false);
    }

    assert.deepEqual([packets.cost, joined.cost], [10 + 10 * PACKET_COST_BYTES, 10]);
  });

  it("copies what is lent", async () => {
    const { inbox } = inboxOf(false);
    const lent = bytes("lent");
    inbox.append(lent, true);
    lent.fill("x");

    assert.equal(String(await inbox.read(CHUNK, {}, 1_000)), "lent");
  });

  it("finds a mark across chunks, and takes it along", async () => {
    const { inbox } = inboxOf(true);
    const read = inbox.read({ kind: "until", mark: bytes("\r\n") }, {}, 10_000);

    for (const chunk of ["a".repeat(2_000), "b\r", "\nrest"]) inbox.append(bytes(chunk), false);

    assert.equal((await read).length, 2_003);
    assert.equal(String(inbox.takeAll()), "rest");
  });

  it("rejects with READ_LIMIT on entry, when so much waits that no more will come", () => {
    const { inbox } = inboxOf(true);
    inbox.append(Buffer.alloc(100), false);

    assert.throws(() => void inbox.read({ kind: "until", mark: bytes("\n") }, {}, 100), {
      code: "READ_LIMIT",
    });
    assert.throws(() => void inbox.read({ kind: "bytes", byteCount: 101 }, {}, 100), {
      code: "READ_LIMIT",
    });
  });

  it("has one reader at a time, and the next when that has given up", async () => {
    const { inbox, clock } = inboxOf(false);
    const first = inbox.read(CHUNK, { timeoutMs: 10 }, 1_000);
    const code = first.catch((error: NetError) => error.code);

    assert.throws(() => void inbox.read(CHUNK, {}, 1_000), { code: "INVALID_STATE" });
    clock.advance(20);
    const second = inbox.read(CHUNK, {}, 1_000);
    inbox.append(bytes("x"), false);

    assert.equal(await code, "READ_TIMEOUT");
    assert.equal(String(await second), "x");
  });

  it("gives what came before the end, and rejects what is more", async () => {
    const { inbox } = inboxOf(true);
    const over = new Error("over") as NetError;
    inbox.append(bytes("last"), false);

    const last = await inbox.readLast({ kind: "bytes", byteCount: 4 }, over);

    assert.equal(String(last), "last");
    await assert.rejects(inbox.readLast(CHUNK, over), /over/);
  });
});
