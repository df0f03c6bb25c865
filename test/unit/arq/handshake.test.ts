/** The handshake of HP §3.4: packets byte by byte, states, repetitions. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { Handshake } from "#src/protocol/arq/handshake.js";
import {
  type HandshakePacket,
  parseHandshake,
  writeHandshake,
} from "#src/protocol/arq/handshake-packet.js";

const SETTINGS = { intervalMs: 60, timeoutMs: 5_000 };

function side(isInitiator: boolean, ownId: number, peerId = 0) {
  const sent: HandshakePacket[] = [];
  const handshake = new Handshake(SETTINGS, ownId, peerId, 0, {
    isInitiator,
    sendHandshake: (packet) => void sent.push(packet),
  });
  return { handshake, sent };
}

const packet = (ownId: number, peerId: number, isComplete = false): HandshakePacket => ({
  isComplete,
  ownId,
  peerId,
});

describe("handshake packet", () => {
  it("has the bytes of HP §3.4", () => {
    const bytes = writeHandshake(packet(0x11223344, 0));
    assert.equal(bytes.toString("hex"), "4fbb01004433221100000000");
    assert.equal(
      writeHandshake(packet(1, 0xfffefdfc, true)).toString("hex"),
      "4fbb010101000000fcfdfeff",
    );
    assert.deepEqual(parseHandshake(bytes), packet(0x11223344, 0));
  });

  it("is nothing else: magic, command, flag, id and length count", () => {
    const good = "4fbb01014433221100000000";
    assert.ok(parseHandshake(Buffer.from(good, "hex")));
    for (const bad of [
      "4ebb01004433221100000000",
      "4fba01004433221100000000",
      "4fbb02004433221100000000",
      "4fbb01024433221100000000",
      "4fbb01000000000000000000",
      "4fbb010044332211000000",
      "4fbb0100443322110000000000",
    ]) {
      assert.equal(parseHandshake(Buffer.from(bad, "hex")), undefined, bad);
    }
  });
});

describe("handshake", () => {
  it("of who begins: sends, is echoed, says so, hears it", () => {
    const { handshake, sent } = side(true, 7);

    handshake.due(0);
    assert.equal(handshake.received(packet(9, 7), 50), "established");
    assert.equal(handshake.dueMs, 50 + 60);
    assert.equal(handshake.received(packet(9, 7, true), 100), "taken");

    assert.deepEqual(sent, [packet(7, 0), packet(7, 9, true)]);
    assert.equal(handshake.dueMs, Number.POSITIVE_INFINITY);
    assert.equal(handshake.isLate(1e9), false);
  });

  it("with the original, which tells its own id first and does not echo with it", () => {
    const { handshake, sent } = side(true, 7);
    handshake.due(0);

    assert.equal(handshake.received(packet(9, 0), 10), "taken");
    assert.equal(handshake.received(packet(9, 7), 20), "established");
    assert.equal(handshake.received(packet(9, 7, true), 30), "taken");

    assert.deepEqual(sent, [packet(7, 0), packet(7, 9), packet(7, 9, true)]);
  });

  it("repeats after once, twice, three times the interval, and after 2 s at most", () => {
    const { handshake, sent } = side(true, 7);
    const times: number[] = [];
    for (let nowMs = 0; nowMs < 5_000; nowMs++) {
      const before = sent.length;
      if (handshake.dueMs <= nowMs) handshake.due(nowMs);
      if (sent.length > before) times.push(nowMs);
    }

    assert.deepEqual(times.slice(0, 5), [0, 60, 180, 360, 600]);
    assert.equal(times.length, 13);
    assert.equal(handshake.isLate(4_999), false);
    assert.equal(handshake.isLate(5_000), true);
  });

  it("who waits never sends by itself before it is echoed, and one packet for each that comes", () => {
    const { handshake, sent } = side(false, 9);

    for (let count = 1; count <= 20; count++) {
      handshake.received(packet(7, 0), count);
      handshake.due(count + 1_000);
      assert.equal(sent.length, count);
    }
  });

  it("ends nothing for packets of others, and knows who has replaced the peer", () => {
    const { handshake, sent } = side(true, 7);
    assert.equal(handshake.received(packet(9, 8), 0), "foreign");
    handshake.received(packet(9, 7, true), 0);
    sent.length = 0;

    assert.equal(handshake.received(packet(5, 0), 10), "foreign");
    assert.equal(handshake.received(packet(5, 1), 10), "foreign");
    assert.equal(handshake.received(packet(9, 1), 10), "foreign");
    assert.equal(handshake.received(packet(5, 7), 10), "foreign", "to an earlier packet of ours");
    assert.equal(handshake.received(packet(5, 7, true), 10), "replaced");

    assert.deepEqual(sent, []);
  });

  it("two of ours that are complete do not keep each other busy", () => {
    const queue: (() => void)[] = [];
    let count = 0;
    const make = (isInitiator: boolean, ownId: number, other: () => Handshake): Handshake =>
      new Handshake(SETTINGS, ownId, 0, 0, {
        isInitiator,
        sendHandshake: (sent) => {
          count++;
          queue.push(() => void other().received(sent, count * 100));
        },
      });
    const left: Handshake = make(true, 7, () => right);
    const right: Handshake = make(false, 9, () => left);
    left.due(0);
    for (let step = 0; step < 200; step++) queue.shift()?.();

    assert.ok(left.isComplete && right.isComplete);
    assert.ok(count < 40, `${count} packets`);
  });
});
